"""A learning rate to begin with, found by trials on copies, with the interval in which others do as well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import ConfigurationError, DataError
from pullback.train.evaluate import evaluate_arrays, split_model
from pullback.train.experiment import Experiment, Prepared, prepare
from pullback.train.gradient_statistics import GradientNoise, LossCurvature, loss_curvature, noise_at_start
from pullback.train.learning_rate_choice import AS_GOOD, CLIFF, Choice, choose, heights_of, near
from pullback.train.program import Programs
from pullback.train.sweeps import sweep
from pullback.train.sweeps.members import Source, build_members

# Neighbours of the first pass, and of the second, differ by these factors.
COARSE, FINE = 4.0, math.sqrt(2)
# Heights of the first pass are of one seed: what is higher than the best by less is looked at again.
UNSURE = 2 * CLIFF
# A rate is suggested at most this part of the smallest that diverged.
SAFE = 0.5
# The part of the loss at the start that some rate has to gain.
LEAST_GAIN = 0.01
# Of logarithms of the suggestion over seeds drawn anew: twenty suggestions then lie within a factor of 1.5 or so.
SETTLED = 0.1
# Rates beside those near the best that get more seeds too.
MARGIN = 2


@dataclass(frozen=True)
class LearningRateSuggestion:
    r"""What `suggest_learning_rate` returns.

    Attributes
    ----------
    learning_rate : to begin with.
    lower, upper : rates in between did as well, as far as the seeds can tell.
    reason : why, in sentences.
    rates : those that were tried, rising, shape (k,).
    scores : loss at the end for each rate and seed, shape (k, seeds); infinite where it diverged, and NaN where the
        rate was given up before this seed.
    start : loss before the first update.
    curvature : of the loss at the start, or None if it was not computed.
    noise : of the gradient at the start, or None.
    """

    learning_rate: float
    lower: float
    upper: float
    reason: str
    rates: Float[np.ndarray, " k"]
    scores: Float[np.ndarray, "k seeds"]
    start: float
    curvature: LossCurvature | None
    noise: GradientNoise | None

    @property
    def diverged(self) -> Bool[np.ndarray, " k"]:
        """Whether some seed diverged at each rate."""
        return np.asarray(np.isinf(self.scores).any(1))

    @property
    def means(self) -> Float[np.ndarray, " k"]:
        """The mean loss at each rate, of the seeds that were tried; infinite where one diverged."""
        return np.asarray(np.nanmean(self.scores, axis=1))

    def __str__(self) -> str:
        return f"learning rate {self.learning_rate:.3g} (as good: {self.lower:.3g} to {self.upper:.3g}): {self.reason}"


def suggest_learning_rate(
    source: Source,
    *,
    seeds: int = 8,
    most_seeds: int = 32,
    first_seed: int = 0,
    epochs: int | None = None,
    smallest: float = 1e-5,
    largest: float = 10.0,
    progress: bool = False,
) -> LearningRateSuggestion:
    r"""The learning rate at which training ends lowest, by trials of the whole training at many rates and seeds.

    Passes of `sweep` on copies: rates a factor of 4 apart with one seed; rates a factor of $\sqrt 2$ apart around those
    that end near the best with some seeds; then, where other seeds might lead to another rate, twice as many seeds for
    the rates near the best, and so on. What counts is the loss at the end, of the validation data where there are any.
    Suggested is a mean of the rates, weighted by how close each comes to the lowest loss (`learning_rate_choice`), and
    at most half of a rate that diverged. For plain gradient descent on a quadratic with all rows in a batch it is
    $2 / (\mu + L)$, from the curvature alone.

    Parameters
    ----------
    source : an `Experiment`, or a function of `seed` (and `learning_rate`) that returns one, so that seeds are other
        starts as well; it is not changed, and nothing is written.
    seeds, most_seeds : with how many to begin, at least two, and with how many to end, even if the suggestion still
        depends on them; they are `first_seed`, `first_seed` + 1, ...
    epochs : of each trial; by default those of the experiment.
    smallest, largest : of the rates that are tried.

    Raises
    ------
    ConfigurationError
        where the loss hardly depends on the rate, or every rate diverges; and for an optimizer with a rate of its own.

    Examples
    --------
    >>> import jax
    >>> from pullback import data, nn
    >>> model = nn.Linear(4, 3, key=jax.random.key(0))
    >>> iris = data.load("iris")
    >>> experiment = Experiment(model, iris, "categorical_cross_entropy", optimizer="adam", epochs=10)
    >>> found = suggest_learning_rate(experiment, seeds=2, most_seeds=2, largest=1.0)
    >>> found.lower <= found.learning_rate <= found.upper
    True

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017, is the range test that this replaces:
    one run with a rising rate, which mixes rate and time.
    """
    _check_seeds(seeds, most_seeds)
    if not positive("smallest", smallest) < positive("largest", largest):
        raise ConfigurationError(
            "there is no rate between the limits",
            expected="smallest < largest",
            got=f"{smallest} and {largest}",
            fix="exchange them",
        )
    trials = _Trials(source, epochs, progress, first_seed)
    curvature, noise = trials.statistics()
    every = list(range(first_seed, first_seed + seeds))
    if trials.is_plain_descent and curvature is not None and curvature.quadratic and curvature.largest > 0:
        return _of_quadratic(trials, curvature, noise, every)
    coarse = _grid(smallest, largest, COARSE)
    first = trials.losses(coarse, every[:1])
    _check_depends(coarse, first, trials.start)
    heights = heights_of(first, trials.start)[:, 0]
    low, high = near(heights, int(np.argmin(heights)), UNSURE)
    rates = _grid(max(smallest, coarse[low] / COARSE), min(largest, coarse[high] * COARSE), FINE)
    scores, kept, choice = _settled(trials, rates, every, most_seeds)
    return _suggestion(rates, scores, kept, choice, (coarse, first), trials.start, curvature, noise)


def _check_seeds(seeds: int, most_seeds: int) -> None:
    positive_integer("seeds", seeds)
    if seeds < 2:
        raise ConfigurationError("one seed has no noise", expected="seeds >= 2", got=f"{seeds}", fix="use seeds=8")
    if positive_integer("most_seeds", most_seeds) < seeds:
        raise ConfigurationError(
            "there are more seeds to begin with than to end with",
            expected=f"most_seeds >= {seeds}",
            got=f"{most_seeds}",
            fix=f"pass most_seeds={seeds} for no more seeds than that",
        )


def _settled(trials: _Trials, rates: np.ndarray, seeds: list[int], most: int) -> tuple[np.ndarray, np.ndarray, Choice]:
    """Scores at the rates, the places of those that have every seed, and the choice among these."""
    scores, kept = trials.losses(rates, seeds), np.arange(len(rates))
    while True:
        heights = heights_of(scores[kept], trials.start)
        choice = choose(rates[kept], heights)
        count = scores.shape[1]
        if choice.spread <= SETTLED or count >= most:
            return scores, kept, choice
        low, high = near(heights.mean(1), choice.best, CLIFF)
        kept = kept[max(0, low - MARGIN) : high + MARGIN + 1]
        more = list(range(seeds[0] + count, seeds[0] + min(2 * count, most)))
        added = np.full((len(rates), len(more)), np.nan)
        added[kept] = trials.losses(rates[kept], more)
        scores = np.hstack([scores, added])


class _Trials:
    """Training at many rates, on copies without what a trial does not need."""

    def __init__(self, source: Source, epochs: int | None, progress: bool, seed: int) -> None:
        self._source, self._epochs, self._progress = source, epochs, progress
        first = build_members(self._trial(source), {"learning_rate": [1e-3], "seed": [seed]})[0].experiment
        if not isinstance(first.optimizer, str):
            raise ConfigurationError(
                "the optimizer has a learning rate of its own",
                expected="an optimizer by name, such as 'adam'",
                got=type(first.optimizer).__name__,
                fix="name the optimizer, and give its settings as optimizer_arguments",
            )
        self._prepared: Prepared = prepare(first)
        data = self._prepared.validation_data or self._prepared.train_data
        self.start = self._loss(data)

    @property
    def is_plain_descent(self) -> bool:
        """Whether every update is minus a constant times the gradient of the whole loss."""
        experiment = self._prepared.experiment
        plain = experiment.optimizer == "sgd" and not any(experiment.optimizer_arguments.values())
        return plain and self._prepared.batch_size >= len(self._prepared.train_data)

    def statistics(self) -> tuple[LossCurvature | None, GradientNoise | None]:
        """Curvature and noise at the start; None for a loss that has no second derivative here."""
        try:
            return loss_curvature(self._prepared), noise_at_start(self._prepared)
        except (DataError, TypeError, NotImplementedError):
            return None, None

    def losses(self, rates: Sequence[float] | np.ndarray, seeds: list[int]) -> np.ndarray:
        """The loss at the end, shape (rates, seeds)."""
        axes = {"learning_rate": [float(rate) for rate in rates], "seed": seeds}
        found = sweep(self._trial(self._source), axes, progress=self._progress)
        return np.array(found.scores()).reshape(len(rates), len(seeds))

    def _trial(self, source: Source) -> Source:
        if isinstance(source, Experiment):
            return self._bare(source)

        def make(**settings: Any) -> Experiment:
            found = build_members(source, {name: [value] for name, value in settings.items()})[0].experiment
            return self._bare(found)

        return make

    def _bare(self, experiment: Experiment) -> Experiment:
        epochs = experiment.epochs if self._epochs is None else self._epochs
        bare = replace(experiment, epochs=epochs, test_data=None, calibration_data=None, patience=None, notes=())
        return replace(bare, on_non_finite="stop", watch_learning_rate=False)

    def _loss(self, data: Any) -> float:
        prepared = self._prepared
        params, static = split_model(prepared.experiment.model)
        size = min(256, len(data))
        found = evaluate_arrays(
            Programs(), static, prepared.loss, (), params, prepared.memory, data.inputs, data.targets, size
        )
        return float(np.mean(found.losses, dtype=np.float64))


def _grid(smallest: float, largest: float, factor: float) -> np.ndarray:
    count = max(2, math.ceil(math.log(largest / smallest) / math.log(factor) - 1e-9) + 1)
    return np.geomspace(smallest, largest, count)


def _check_depends(rates: np.ndarray, scores: np.ndarray, start: float) -> None:
    finite = scores[np.isfinite(scores)]
    if not finite.size:
        raise ConfigurationError(
            "every learning rate diverges",
            expected=f"a finite loss at some rate from {rates[0]:.1g} to {rates[-1]:.1g}",
            got="numbers that are not finite",
            fix="scale the inputs, or try smaller rates",
        )
    if start - finite.min() <= LEAST_GAIN * abs(start):
        raise ConfigurationError(
            "no learning rate is to be told from another",
            expected=f"a loss that some rate lowers by {LEAST_GAIN:.0%} of {start:.4g}",
            got=f"{finite.min():.4g} at best, at every rate from {rates[0]:.1g} to {rates[-1]:.1g}",
            fix="train for more epochs, or look for a mistake in data, loss or model: the curve is flat",
        )


def _suggestion(
    rates: np.ndarray,
    scores: np.ndarray,
    kept: np.ndarray,
    choice: Choice,
    coarse: tuple[np.ndarray, np.ndarray],
    start: float,
    curvature: LossCurvature | None,
    noise: GradientNoise | None,
) -> LearningRateSuggestion:
    best, low, high = kept[[choice.best, choice.low, choice.high]]
    chosen = choice.learning_rate
    reasons = [
        f"of {len(rates)} rates {rates[best]:.3g} ends lowest, at {scores[best].mean():.4g} after {start:.4g} at the "
        f"start; from {rates[low]:.3g} to {rates[high]:.3g} it is within {AS_GOOD:.0%} of that, by the mean of "
        f"{scores.shape[1]} seeds, and this is their mean weighted by the loss",
        f"with other seeds it would be {_times(choice.spread)} as large or as small",
    ]
    seen, worst = np.concatenate([rates, coarse[0]]), np.concatenate([np.nanmax(scores, 1), coarse[1].max(1)])
    above = seen[~np.isfinite(worst) & (seen > rates[best])]
    if above.size:
        reasons.append(f"training diverges at {above.min():.3g}")
    if above.size and chosen > SAFE * above.min():
        chosen = SAFE * above.min()
        reasons.append("not more than half of that")
    if best in (0, len(rates) - 1) and rates[best] in (coarse[0][0], coarse[0][-1]):
        reasons.append("that is the last rate that was tried: others beyond it may do better")
    reasons += _remarks(curvature, noise)
    lower, upper = min(float(rates[low]), float(chosen)), float(rates[high])
    return LearningRateSuggestion(
        float(chosen), lower, upper, "; ".join(reasons), rates, scores, start, curvature, noise
    )


def _times(spread: float) -> str:
    """Two standard deviations of a logarithm, in words."""
    return f"up to {math.exp(2 * spread):.2g} times"


def _of_quadratic(
    trials: _Trials, curvature: LossCurvature, noise: GradientNoise | None, seeds: list[int]
) -> LearningRateSuggestion:
    """The rate whose slowest direction is quickest, and the limit above which the steepest direction grows."""
    least, most = max(curvature.smallest, 0.0), curvature.largest
    rate = 2 / (least + most)
    rates = np.array([rate / 4, rate / 2, rate])
    scores = trials.losses(rates, seeds)
    reason = (
        f"the loss is a quadratic with curvature from {least:.4g} to {most:.4g}, and plain gradient descent on it is "
        f"quickest at 2/(mu + L) = {rate:.4g}; above 2/L = {2 / most:.4g} it diverges"
    )
    return LearningRateSuggestion(rate, 1 / most, 2 / most, reason, rates, scores, trials.start, curvature, noise)


def _remarks(curvature: LossCurvature | None, noise: GradientNoise | None) -> list[str]:
    found = []
    if curvature is not None and curvature.largest > 0:
        found.append(f"at the start plain gradient descent would overshoot above 2/L = {2 / curvature.largest:.3g}")
    if noise is not None and np.isfinite(noise.scale):
        found.append(f"the gradient is drowned by noise in batches below {noise.scale:.0f} rows")
    return found
