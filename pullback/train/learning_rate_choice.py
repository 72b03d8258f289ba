r"""The choice of a learning rate from losses at the end of training, at many rates with several seeds each.

With losses $C_{\alpha, s}$, that of the start $C_0$ and $S$ seeds,

$$ h_{\alpha, s} = \log\Big(C_{\alpha, s} + \frac{C_0}{100}\Big), \qquad
   u_\alpha = \bar h_\alpha + \frac{e_\alpha}{2} + \frac{\sigma_\alpha}{5}, \quad
   e_\alpha = \frac{\sigma_\alpha}{\sqrt S}, \qquad
   \log \hat\alpha = \frac{\sum_\alpha w_\alpha \log \alpha}{\sum_\alpha w_\alpha}, \quad
   w_\alpha = \exp\Big({-\frac{u_\alpha - u_{\alpha^*}}{\tau + e_{\alpha^*} / 2}}\Big), $$

where the mean $\bar h$ is smoothed over neighbours, the spread $\sigma$ pooled over five rates, and $\alpha^*$ lowest
in $u$. At rates that are a little too large the losses scatter. What scatters looks best now and then, so a part of
the standard error $e$ is added; and a run is one draw of it, so a part of the spread is. The error also widens the
weights, because heights that close are not told apart.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Rates whose mean score is this close to the best are as good.
AS_GOOD = 0.05
# Differences of logarithms: a neighbour that is higher by more says nothing of the noise; what diverged is above all.
CLIFF, DIVERGED = 0.25, 1.0
# What is below this part of the start is as good as nothing.
FLOOR = 0.01
# The scale on which weights fall with the height: tau, and the part of the standard error that is added to it.
WEIGHTS, WIDENED = 0.03, 0.5
# The parts of standard error and spread that are added to the heights.
DOUBT, RISK = 0.5, 0.2
# Rates whose spreads are pooled, and how often the seeds are drawn anew to see how firmly the choice stands.
POOLED, DRAWS = 5, 100


class Choice(NamedTuple):
    """A rate and how it stands.

    Parameters
    ----------
    learning_rate : the suggestion.
    best : place of the rate that is lowest.
    low, high : places of the first and the last rate that are as good.
    spread : standard deviation of the logarithm of the suggestion, over seeds drawn anew with replacement.
    """

    learning_rate: float
    best: int
    low: int
    high: int
    spread: float


def choose(rates: Float[np.ndarray, " k"], heights: Float[np.ndarray, "k seeds"]) -> Choice:
    """The suggestion by heights of at least two seeds at rising rates."""
    rate, best, low, high = _weighted(rates, heights)
    random, seeds = np.random.default_rng(0), heights.shape[1]
    drawn = [_weighted(rates, heights[:, random.integers(0, seeds, seeds)])[0] for _ in range(DRAWS)]
    return Choice(rate, best, low, high, float(np.std(np.log(drawn))))


def heights_of(scores: Float[np.ndarray, "k seeds"], start: float) -> Float[np.ndarray, "k seeds"]:
    """Logarithms, since a rate that is too large scatters the losses by factors; diverged is high above all."""
    finite = scores[np.isfinite(scores)]
    # A loss below zero is measured from the lowest.
    floor = FLOOR * abs(start) - min(float(finite.min()), 0.0)
    found = np.log(np.where(np.isfinite(scores), scores, finite.max()) + max(floor, 1e-300))
    return np.where(np.isfinite(scores), found, found.max() + DIVERGED)


def near(heights: Float[np.ndarray, " k"], best: int, margin: float) -> tuple[int, int]:
    """The ends of the run of places, around the best, that are higher by at most this margin.

    Examples
    --------
    >>> near(np.array([5.0, 1.2, 1.0, 1.1, 3.0, 1.0]), best=2, margin=0.3)
    (1, 3)
    """
    low = high = best
    while low > 0 and heights[low - 1] <= heights[best] + margin:
        low -= 1
    while high < len(heights) - 1 and heights[high + 1] <= heights[best] + margin:
        high += 1
    return low, high


def _weighted(rates: np.ndarray, heights: np.ndarray) -> tuple[float, int, int, int]:
    """The weighted mean of the rates, kept among those that are as good; and the places of the best and of these."""
    spreads = _spreads(heights)
    errors = spreads / math.sqrt(heights.shape[1])
    bounds = _smoothed(heights.mean(1)) + DOUBT * errors + RISK * spreads
    best = int(np.argmin(bounds))
    low, high = near(bounds, best, math.log1p(AS_GOOD))
    weights = np.exp(-(bounds - bounds[best]) / (WEIGHTS + WIDENED * errors[best]))
    mean = math.exp(float(weights @ np.log(rates)) / float(weights.sum()))
    return float(np.clip(mean, rates[low], rates[high])), best, low, high


def _spreads(heights: np.ndarray) -> np.ndarray:
    variances = np.pad(heights.var(1, ddof=1), POOLED // 2, mode="edge")
    pooled = np.convolve(variances, np.full(POOLED, 1 / POOLED), "valid")
    return np.sqrt(pooled)


def _smoothed(means: np.ndarray) -> np.ndarray:
    """The mean of each height and its neighbours', without those that lie up a cliff."""
    padded = np.concatenate([means[:1], means, means[-1:]])
    sides = np.stack([padded[:-2], padded[2:]])
    return (means + np.where(sides - means > CLIFF, means, sides).sum(0)) / 3
