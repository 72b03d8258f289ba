"""Analysis of variance of a full factorial design: main effects and interactions, seeds as blocks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.core.errors import DataError, ShapeError
from pullback.prob.holm import holm


@dataclass(frozen=True)
class Effect:
    """One line of the table.

    Attributes
    ----------
    factors : one for a main effect, two for an interaction.
    degrees_of_freedom : of the effect.
    sum_of_squares : of the effect.
    share : of the variation of all scores about their mean.
    statistic : F.
    p_value, adjusted : of the F test, alone and by Holm's method among all lines.
    """

    factors: tuple[str, ...]
    degrees_of_freedom: int
    sum_of_squares: float
    share: float
    statistic: float
    p_value: float
    adjusted: float


@dataclass(frozen=True)
class FactorialAnalysis:
    """What `factorial_analysis` returns: the effects, the variance within, its degrees of freedom."""

    effects: tuple[Effect, ...]
    residual_variance: float
    residual_degrees_of_freedom: int

    def __str__(self) -> str:
        lines = [f"{'effect':30s} {'df':>3s} {'share':>7s} {'F':>9s} {'p':>9s} {'p (Holm)':>9s}"]
        for effect in self.effects:
            name = " x ".join(effect.factors)
            lines.append(
                f"{name:30s} {effect.degrees_of_freedom:3d} {effect.share:7.1%} {effect.statistic:9.3f} "
                f"{effect.p_value:9.2g} {effect.adjusted:9.2g}"
            )
        return "\n".join(lines)


def factorial_analysis(scores: Float[np.ndarray, "*levels seeds"], factors: Sequence[str]) -> FactorialAnalysis:
    r"""Main effects and interactions of two factors in a full factorial design whose last axis are blocks.

    $$ y_{a b \dots s} = \mu + \alpha_a + \beta_b + (\alpha\beta)_{ab} + \dots + \pi_s + \varepsilon, \qquad
       F = \frac{\mathrm{SS}_{\text{effect}} / \mathrm{df}_{\text{effect}}}{\mathrm{SS}_{\text{rest}} / \mathrm{df}_{\text{rest}}} $$

    The design is balanced, so the effects are orthogonal and their sums of squares are those of the means over the
    other axes. What is left after blocks $\pi$, main effects and interactions of two is the rest.

    Parameters
    ----------
    scores : one axis a factor, in the order of `factors`, and a last one of seeds, that is blocks.
    factors : their names.

    Raises
    ------
    ShapeError, DataError
        for axes that are not those of the factors, a factor of one level, scores that are not finite, or where nothing
        is left to estimate the noise from.

    Examples
    --------
    >>> scores = np.array([[[1.0, 1.2], [2.0, 2.1]], [[3.0, 3.3], [4.1, 4.0]]])
    >>> print(factorial_analysis(scores, ["width", "rate"]))
    effect                          df   share         F         p  p (Holm)
    width                            1   82.1%   562.371   0.00016   0.00049
    rate                             1   17.1%   117.343    0.0017    0.0034
    width x rate                     1    0.0%     0.086      0.79      0.79

    References
    ----------
    Montgomery, "Design and Analysis of Experiments", 8th edition, Wiley (2012), chapter 5.
    """  # noqa: E501
    values = np.asarray(scores, float)
    _check(values, factors)
    total = float(((values - values.mean()) ** 2).sum())
    axes = range(len(factors))
    found: list[tuple[tuple[int, ...], int, float]] = []
    main = {axis: _between(values, (axis,)) for axis in (*axes, len(factors))}
    for axis in axes:
        found.append(((axis,), values.shape[axis] - 1, main[axis]))
    for pair in itertools.combinations(axes, 2):
        freedom = (values.shape[pair[0]] - 1) * (values.shape[pair[1]] - 1)
        found.append((pair, freedom, max(_between(values, pair) - main[pair[0]] - main[pair[1]], 0.0)))
    explained = sum(squares for _, _, squares in found) + main[len(factors)]
    rest = values.size - 1 - sum(freedom for _, freedom, _ in found) - (values.shape[-1] - 1)
    if rest < 1:
        raise DataError(
            "nothing is left to estimate the noise from", expected="two seeds or more", got="1", fix="use more seeds"
        )
    variance = max(total - explained, 0.0) / rest
    ratios = [squares / freedom / variance if variance > 0 else np.inf for _, freedom, squares in found]
    p_values = np.array(
        [stats.f.sf(ratio, freedom, rest) for ratio, (_, freedom, _) in zip(ratios, found, strict=True)]
    )
    effects = tuple(
        Effect(
            tuple(factors[axis] for axis in which), freedom, squares, squares / total, float(ratio), float(p), float(q)
        )
        for (which, freedom, squares), ratio, p, q in zip(found, ratios, p_values, holm(p_values), strict=True)
    )
    return FactorialAnalysis(effects, variance, rest)


def _between(values: np.ndarray, axes: tuple[int, ...]) -> float:
    """The sum of squares between the means over all other axes."""
    others = tuple(axis for axis in range(values.ndim) if axis not in axes)
    means = values.mean(axis=others)
    return float(((means - values.mean()) ** 2).sum() * values.size / means.size)


def _check(values: np.ndarray, factors: Sequence[str]) -> None:
    if values.ndim != len(factors) + 1 or not factors:
        raise ShapeError(
            "the scores are not those of these factors",
            expected=f"{len(factors)} axes of levels and one of seeds",
            got=f"shape {values.shape}",
            fix="put the scores in an array with an axis a factor, and the seeds last",
        )
    if min(values.shape[:-1]) < 2:
        raise DataError(
            "a factor does not vary", expected="two levels or more", got=str(values.shape), fix="leave it out"
        )
    if not np.isfinite(values).all() or not np.ptp(values) > 0:
        raise DataError(
            "these scores cannot be analysed",
            expected="finite scores that vary",
            got=f"{int((~np.isfinite(values)).sum())} not finite of {values.size}",
            fix="leave out the levels at which training diverges",
        )
