"""Optimizers compared, each at its own rate, on the same seeds, and none called better inside the noise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.core.checks import fraction, positive_integer
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.table import OPTIMIZERS
from pullback.prob.holm import holm
from pullback.prob.interval import Interval
from pullback.train.comparisons.profiles import performance_profile
from pullback.train.experiment import Experiment
from pullback.train.sweeps import Sweep, SweepMember, sweep
from pullback.train.sweeps.members import Source, build_members

# Rates that are tried: neighbours differ by a factor of about 3.
RATES = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-5, 10, 13))
# Seeds by which the rates are chosen; those of the comparison are others, so that no luck is carried over.
TUNING_SEED = 2**20
# The part of the rates, on a logarithmic scale, at which a method ends within so much of its best, is its tolerance.
AS_GOOD = 0.1


@dataclass(frozen=True)
class Tuned:
    """A method at its own rate.

    Attributes
    ----------
    name : of the method.
    learning_rate : at which it ended lowest on the tuning seeds.
    rates, tuning : those tried, and the loss at the end for each problem, rate and tuning seed.
    tolerance : over what factor of rates it ends within a tenth of its best, the smallest over the problems.
    at_edge : whether the chosen rate is the first or last that was tried.
    """

    name: str
    learning_rate: tuple[float, ...]
    rates: tuple[float, ...]
    tuning: Float[np.ndarray, "problems rates seeds"]
    tolerance: float
    at_edge: bool


@dataclass(frozen=True)
class Difference:
    r"""Two methods on one problem.

    Attributes
    ----------
    problem, first, second : their names.
    interval : of the mean difference of the losses, first minus second, simultaneous over all pairs.
    p_value, adjusted : of Student's paired test, alone and by Holm's method over all pairs and problems.
    named : whether the difference is told from noise.
    """

    problem: str
    first: str
    second: str
    interval: Interval
    p_value: float
    adjusted: float
    named: bool


@dataclass(frozen=True)
class OptimizerComparison:
    """What `compare_optimizers` returns.

    Attributes
    ----------
    problems : their names.
    methods : tuned, in the order given.
    scores : loss at the end, shape (problems, methods, seeds); infinite where it diverged.
    targets : loss to be reached on each problem.
    updates : to reach the target, same shape; infinite where it was not.
    differences : every pair on every problem.
    winner : a method that is better than all others on every problem, beyond the noise; else None.
    seeds : of the comparison.
    """

    problems: tuple[str, ...]
    methods: tuple[Tuned, ...]
    scores: Float[np.ndarray, "problems methods seeds"]
    targets: tuple[float, ...]
    updates: Float[np.ndarray, "problems methods seeds"]
    differences: tuple[Difference, ...]
    winner: str | None
    seeds: tuple[int, ...]

    def profile(self, factors: Sequence[float]) -> Float[np.ndarray, "k methods"]:
        """The performance profile of the updates to the target, over problems and seeds."""
        costs = np.moveaxis(self.updates, 1, 2).reshape(-1, len(self.methods))
        return performance_profile(costs, np.asarray(factors, float))

    def __str__(self) -> str:
        lines = []
        for place, problem in enumerate(self.problems):
            lines.append(f"{problem}, {len(self.seeds)} seeds; target loss {self.targets[place]:.4g}")
            head = f"  {'method':12s} {'rate':>9s} {'loss':>10s} {'sd':>9s} {'updates':>9s} {'tolerates':>10s}"
            lines.append(head)
            for number, method in enumerate(self.methods):
                scores, updates = self.scores[place, number], self.updates[place, number]
                lines.append(
                    f"  {method.name:12s} {method.learning_rate[place]:9.3g} {scores.mean():10.4g} "
                    f"{_spread(scores):9.2g} {np.median(updates):9.0f} {method.tolerance:9.3g}x"
                )
        named = [each for each in self.differences if each.named]
        lines += [
            f"{each.problem}: {each.first} ends {'lower' if each.interval.value < 0 else 'higher'} than {each.second} "
            f"by {abs(each.interval.value):.3g} [{each.interval.lower:.3g}, {each.interval.upper:.3g}], "
            f"p = {each.adjusted:.2g} corrected for {len(self.differences)} comparisons"
            for each in named
        ]
        if not named:
            lines.append("no difference is larger than the noise of the seeds")
        lines.append(
            f"winner: {self.winner}" if self.winner else "no winner: none is better than all others beyond noise"
        )
        lines += [
            f"{method.name}: its best rate is at the edge of those tried; try more"
            for method in self.methods
            if method.at_edge
        ]
        return "\n".join(lines)


def compare_optimizers(
    problems: Source | Mapping[str, Source],
    methods: Iterable[str],
    *,
    seeds: int = 8,
    tuning_seeds: int = 3,
    rates: Sequence[float] = RATES,
    epochs: int | None = None,
    targets: Mapping[str, float] | None = None,
    level: float = 0.95,
    progress: bool = False,
) -> OptimizerComparison:
    r"""Compare optimizers, each at its own tuned rate, on the same fresh seeds, with intervals for the differences.

    The rate of a method is the one whose mean loss over the tuning seeds is the lowest. On seeds $s$ that had no part
    in that, the differences $d_s$ of the losses of two methods are paired, and

    $$ \bar d \pm t_{1 - \alpha / (2 m),\, S - 1} \frac{s_d}{\sqrt S} $$

    are intervals for all $m$ pairs and problems at once. A difference is named where Holm's adjusted p-value is below
    $\alpha$, a winner where a method is better than every other on every problem by a named difference.

    Parameters
    ----------
    problems : an `Experiment`, or a function of `seed` that returns one, or several by name. The budget is theirs:
        every method makes equally many updates.
    methods : names of optimizers, at least two, such as "sgd", "momentum", "adam".
    seeds, tuning_seeds : $S \ge 3$, and how many seeds the rates are chosen by.
    rates : that are tried, positive.
    epochs : instead of the problems' own.
    targets : loss to be reached, by problem; by default the median of the losses at the end.
    level : $1 - \alpha$.

    Raises
    ------
    ConfigurationError
        for fewer than two methods, a name that is none, fewer than three seeds, or a method that always diverges.

    Examples
    --------
    >>> import jax
    >>> from pullback import data, nn
    >>> def softmax(seed):
    ...     model = nn.Linear(4, 3, key=jax.random.key(seed))
    ...     return Experiment(model, data.load("iris"), "categorical_cross_entropy", epochs=3, seed=seed)
    >>> found = compare_optimizers(softmax, ["sgd", "adam"], seeds=4, tuning_seeds=2, rates=[0.01, 0.1])
    >>> [method.name for method in found.methods], found.scores.shape
    (['sgd', 'adam'], (1, 2, 4))

    References
    ----------
    Choi, Shallue, Nado, et al., "On empirical comparisons of optimizers for deep learning", arXiv:1910.05446 (2019).
    """
    names = _methods(methods)
    fraction("level", level)
    if positive_integer("seeds", seeds) < 3:
        raise ConfigurationError("two seeds tell no noise", expected="seeds >= 3", got=f"{seeds}", fix="use seeds=8")
    positive_integer("tuning_seeds", tuning_seeds)
    sources = dict(problems) if isinstance(problems, Mapping) else {"problem": problems}
    tuned = [_tune(name, sources, rates, tuning_seeds, epochs, progress) for name in names]
    every = tuple(range(seeds))
    runs = [
        [_train(source, method, place, every, epochs, progress) for method in tuned]
        for place, source in enumerate(sources.values())
    ]
    scores = np.array([[found.scores() for found in row] for row in runs])
    chosen = tuple((targets or {}).get(name, _target(scores[place])) for place, name in enumerate(sources))
    updates = np.array(
        [[[_reached(m, goal) for m in found.members] for found in row] for row, goal in zip(runs, chosen, strict=True)]
    )
    differences = paired_differences(scores, tuple(sources), names, level)
    return OptimizerComparison(
        tuple(sources), tuple(tuned), scores, chosen, updates, differences, _winner(differences, names, sources), every
    )


def paired_differences(
    scores: Float[np.ndarray, "problems methods seeds"],
    problems: Sequence[str],
    methods: Sequence[str],
    level: float = 0.95,
) -> tuple[Difference, ...]:
    """Every pair of methods on every problem, with intervals and p-values corrected for their number.

    A seed at which one of the two diverged is left out of their mean difference; where fewer than two seeds are left,
    nothing is said of the pair.

    Examples
    --------
    >>> scores = np.array([[[1.0, 1.1, 0.9, 1.0], [2.0, 2.2, 1.9, 2.1]]])
    >>> (found,) = paired_differences(scores, ["digits"], ["adam", "sgd"])
    >>> round(found.interval.value, 3), found.named
    (-1.05, True)
    """
    pairs = [(p, a, b) for p in range(len(problems)) for a, b in itertools.combinations(range(len(methods)), 2)]
    values = [_paired(scores[p, a], scores[p, b]) for p, a, b in pairs]
    p_values = np.array([_paired_p(each) for each in values])
    adjusted = holm(p_values)
    found = []
    for (p, a, b), each, p_value, q in zip(pairs, values, p_values, adjusted, strict=True):
        interval = _interval(each, 1 - (1 - level) / len(pairs), level)
        named = bool(q < 1 - level)
        found.append(Difference(problems[p], methods[a], methods[b], interval, float(p_value), float(q), named))
    return tuple(found)


def _paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Differences at the seeds at which both ended with a number."""
    both = np.isfinite(first) & np.isfinite(second)
    return first[both] - second[both]


def _paired_p(difference: np.ndarray) -> float:
    if len(difference) < 2:
        return math.nan
    spread = difference.std(ddof=1)
    if spread == 0:
        # The same to the last bit is no difference; a constant one would need a reason other than chance.
        return 1.0 if difference.mean() == 0 else 0.0
    return float(2 * stats.t.sf(abs(difference.mean()) / (spread / math.sqrt(len(difference))), len(difference) - 1))


def _interval(difference: np.ndarray, corrected: float, level: float) -> Interval:
    n = len(difference)
    if n < 2:
        return Interval(math.nan, -math.inf, math.inf, level, n, "paired t")
    half = stats.t.ppf((1 + corrected) / 2, n - 1) * difference.std(ddof=1) / math.sqrt(n)
    mean = float(difference.mean())
    return Interval(mean, mean - float(half), mean + float(half), level, n, "paired t, simultaneous")


def _winner(differences: Sequence[Difference], methods: Sequence[str], problems: Mapping[str, Any]) -> str | None:
    better: dict[str, int] = dict.fromkeys(methods, 0)
    for each in differences:
        if each.named:
            better[each.first if each.interval.value < 0 else each.second] += 1
    needed = (len(methods) - 1) * len(problems)
    return next((name for name, count in better.items() if count == needed), None)


def _methods(methods: Iterable[str]) -> tuple[str, ...]:
    names = tuple(methods)
    for name in names:
        if name not in OPTIMIZERS:
            raise unknown_name("optimizer", name, OPTIMIZERS)
    if len(names) < 2:
        raise ConfigurationError(
            "there is nothing to compare", expected="two methods or more", got=str(list(names)), fix="name another"
        )
    return names


def _with_method(source: Source, method: str, epochs: int | None) -> Source:
    def change(experiment: Experiment) -> Experiment:
        arguments = experiment.optimizer_arguments if experiment.optimizer == method else {}
        return replace(
            experiment,
            optimizer=method,
            optimizer_arguments=arguments,
            epochs=experiment.epochs if epochs is None else epochs,
            test_data=None,
            calibration_data=None,
            patience=None,
            notes=(),
        )

    if isinstance(source, Experiment):
        return change(source)

    def make(seed: int, learning_rate: float) -> Experiment:
        # A function of the seed alone has a rate of its own, which is replaced.
        settings = {"seed": [seed], "learning_rate": [learning_rate]}
        return change(build_members(source, settings)[0].experiment)

    return make


def _tune(
    name: str, sources: Mapping[str, Source], rates: Sequence[float], seeds: int, epochs: int | None, progress: bool
) -> Tuned:
    axes = {"learning_rate": list(rates), "seed": list(range(TUNING_SEED, TUNING_SEED + seeds))}
    tables = []
    for source in sources.values():
        found = sweep(_with_method(source, name, epochs), axes, progress=progress)
        tables.append(np.array(found.scores()).reshape(len(rates), seeds))
    tuning = np.array(tables)
    means = tuning.mean(2)
    if not np.isfinite(means).any(1).all():
        raise ConfigurationError(
            f"{name} diverges at every rate",
            expected="a rate at which every tuning seed ends with a finite loss",
            got=f"none of {len(rates)} rates from {min(rates):.3g} to {max(rates):.3g}",
            fix="pass smaller rates",
        )
    best = means.argmin(1)
    order = np.argsort(rates)
    ends = {int(order[0]), int(order[-1])}
    tolerance = min(_tolerance(np.asarray(rates)[order], row[order]) for row in means)
    return Tuned(
        name,
        tuple(float(rates[place]) for place in best),
        tuple(map(float, rates)),
        tuning,
        tolerance,
        bool(ends & set(best.tolist())) and len(rates) > 2,
    )


def _tolerance(rates: np.ndarray, means: np.ndarray) -> float:
    """The factor between the ends of the run of rates, around the best, that end within a tenth of it."""
    best = low = high = int(np.argmin(means))
    limit = means[best] + AS_GOOD * abs(means[best])
    while low > 0 and means[low - 1] <= limit:
        low -= 1
    while high < len(means) - 1 and means[high + 1] <= limit:
        high += 1
    return float(rates[high] / rates[low])


def _train(
    source: Source, method: Tuned, place: int, seeds: Sequence[int], epochs: int | None, progress: bool
) -> Sweep:
    axes = {"learning_rate": [method.learning_rate[place]], "seed": list(seeds)}
    return sweep(_with_method(source, method.name, epochs), axes, progress=progress)


def _target(scores: np.ndarray) -> float:
    finite = scores[np.isfinite(scores)]
    return float(np.median(finite)) if finite.size else math.inf


def _reached(member: SweepMember, target: float) -> float:
    """Updates after which the loss was at the target for the first time, or infinity."""
    for record in member.run.history:
        loss = record.get("validation", record["train"])["loss"]
        if loss is not None and loss <= target:
            return float(record["step"])
    return math.inf


def _spread(scores: np.ndarray) -> float:
    return float(scores.std(ddof=1)) if np.isfinite(scores).all() else math.inf
