"""Any settings of an experiment compared in a full factorial design."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pullback.core.checks import fraction, positive_integer
from pullback.core.errors import ConfigurationError
from pullback.prob.factorial import FactorialAnalysis, factorial_analysis
from pullback.train.comparisons.contrasts import JOINED, contrasts
from pullback.train.comparisons.differences import Difference, better_than_all, paired_differences
from pullback.train.comparisons.trainings import Trainings, begin, listed, unlisted
from pullback.train.comparisons.tuning import RATES, at_edge, check_tuning, tuning_axes
from pullback.train.describe import RecipeRecord
from pullback.train.experiment import Experiment
from pullback.train.sweeps import Sweep
from pullback.train.sweeps.members import Source

OF = "settings"
# Of a folder, in characters.
LONGEST_NAME = 60


@dataclass(frozen=True)
class FactorTuning:
    """The rate of every combination.

    Attributes
    ----------
    rates, scores : those tried, and the score at the end for each combination, rate and tuning seed.
    learning_rate : with the best mean.
    at_edge : whether that is the first or last that was tried.
    """

    rates: tuple[float, ...]
    scores: Float[np.ndarray, "*levels rates seeds"]
    learning_rate: Float[np.ndarray, "*levels"]
    at_edge: Bool[np.ndarray, "*levels"]


@dataclass(frozen=True)
class FactorComparison:
    """What `compare` returns.

    Attributes
    ----------
    factors : the levels of each, by name.
    scores : at every combination and seed, an axis a factor and the seeds last; infinitely bad where it diverged.
    score, split, higher_is_better : what is compared.
    tuning : the rate of each combination, or None where all have that of the experiment.
    analysis : main effects and interactions, or None where a combination diverged.
    contrasts : differences between levels, and of these differences; named only where their effect is.
    winner : the combination that is better than all others beyond the noise; else None.
    level : of the intervals.
    sweeps : with every run.
    """

    factors: dict[str, list[Any]]
    scores: Float[np.ndarray, "*levels seeds"]
    score: str
    split: str
    higher_is_better: bool
    tuning: FactorTuning | None
    analysis: FactorialAnalysis | None
    contrasts: tuple[Difference, ...]
    winner: dict[str, Any] | None
    level: float
    sweeps: tuple[Sweep, ...] = ()

    def means(self, *names: str) -> Float[np.ndarray, ...]:
        """The mean score at each level of these factors, over all others and the seeds."""
        axes = tuple(place for place, name in enumerate(self.factors) if name not in names)
        return self.scores.mean(axis=(*axes, self.scores.ndim - 1))

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """In the order of `scores`."""
        return [dict(zip(self.factors, chosen, strict=True)) for chosen in itertools.product(*self.factors.values())]

    def __str__(self) -> str:
        lines = []
        for name, levels in self.factors.items():
            means = zip(levels, self.means(name), strict=True)
            shown = ", ".join(f"{level_name(level)}: {mean:.4g}" for level, mean in means)
            lines.append(f"{name}: mean {self.split} {self.score} {shown}")
        if self.tuning is not None:
            lines.append(_rates_line(self.tuning))
        if self.analysis is None:
            lines.append("some combination diverged, so effects are not separated; leave out that level")
        else:
            lines.append(str(self.analysis))
            lines += [_sentence(each, len(self.contrasts)) for each in self.contrasts if each.named]
            if not any(effect.adjusted < 1 - self.level for effect in self.analysis.effects):
                lines.append("no effect is larger than the noise of the seeds")
        best = "no winner: no combination is better than all others beyond noise"
        lines.append(best if self.winner is None else f"winner: {settings_name(self.winner)}")
        return "\n".join(lines)


def _rates_line(tuning: FactorTuning) -> str:
    low, high = tuning.learning_rate.min(), tuning.learning_rate.max()
    line = f"learning rates: {low:.3g} to {high:.3g}, each combination at its own"
    edges = int(tuning.at_edge.sum())
    return line + (f"; {edges} at the edge of those tried, so try more" if edges else "")


def _sentence(each: Difference, count: int) -> str:
    limits = f"[{each.interval.lower:.3g}, {each.interval.upper:.3g}]"
    less = "" if JOINED in each.problem else "less "
    return (
        f"{each.problem}: {each.first} {less}{each.second} {each.interval.value:.3g} {limits}, "
        f"p = {each.adjusted:.2g} corrected for {count} differences"
    )


def level_name(value: Any) -> str:
    """A level as it is written."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value))
    return str(getattr(value, "__name__", value))


def settings_name(settings: Mapping[str, Any]) -> str:
    """A combination as it is written."""
    return ", ".join(f"{name} {level_name(value)}" for name, value in settings.items())


def compare(
    source: Source,
    factors: Mapping[str, Iterable[Any]],
    *,
    seeds: int = 4,
    score: str = "loss",
    split: str | None = None,
    tune: bool | None = None,
    tuning_seeds: int = 3,
    rates: Sequence[float] = RATES,
    level: float = 0.95,
    run_dir: str | Path | None = None,
    route: str = "auto",
    memory: float | None = None,
    progress: bool = False,
    recipe: RecipeRecord | None = None,
    command: list[str] | None = None,
) -> FactorComparison:
    r"""Train every combination of the levels of some settings on the same seeds, and separate their effects.

    $$ y_{ab s} = \mu + \alpha_a + \beta_b + (\alpha\beta)_{ab} + \pi_s + \varepsilon_{ab s} $$

    with seeds $s$ as blocks; see `prob.factorial.factorial_analysis`. An interaction says that the effect of one
    setting depends on another: the effect of the width on the activation, say. A learning rate that suits one
    setting is no measure of another, so that each combination gets its own, chosen on seeds that are not looked at
    again, unless the rate is a factor itself. Effects, differences of levels and a winner are named only where
    Holm's adjusted p-values are below $\alpha$, the latter two only within effects that are.

    Parameters
    ----------
    source : an `Experiment`, or a function of the settings (and `seed`) that returns one, such as a recipe's.
    factors : the levels of each setting by name: activation, width, batch size, initializer, learning rate.
    seeds : at least two.
    score, split : what is compared: "loss" or a metric of the experiment, of "validation" or "train"; by default
        of the validation data where there are any.
    tune : whether each combination is trained at its own rate; by default where the learning rate is no factor.
    tuning_seeds, rates : how many other seeds the rates are chosen by, and which are tried.
    level : $1 - \alpha$.
    run_dir : folder of the comparison, with its sweeps as folders; without it nothing is written.
    route, memory : of the sweeps.

    Raises
    ------
    ConfigurationError
        for one seed, a factor named "seed", one that the source does not have, or none with two levels.
    Interrupted
        (a SystemExit with code 75) after SIGINT or SIGTERM, with the state saved; see `resume_comparison`.

    Examples
    --------
    >>> import jax
    >>> from pullback import data, nn
    >>> from pullback.train import Experiment
    >>> def network(seed, activation, width):
    ...     keys = jax.random.split(jax.random.key(seed))
    ...     model = nn.Sequential([nn.Linear(4, width, key=keys[0]), activation, nn.Linear(width, 3, key=keys[1])])
    ...     return Experiment(model, data.load("iris"), "categorical_cross_entropy", learning_rate=0.01, epochs=2)
    >>> found = compare(network, {"activation": [nn.relu, nn.tanh], "width": [4, 32]}, seeds=2, tune=False)
    >>> found.scores.shape, [effect.factors for effect in found.analysis.effects]
    ((2, 2, 2), [('activation',), ('width',), ('activation', 'width')])
    """
    levels = {name: list(values) for name, values in factors.items()}
    if positive_integer("seeds", seeds) < 2 or "seed" in levels or all(len(each) < 2 for each in levels.values()):
        raise ConfigurationError(
            "this is no factorial design with seeds as blocks",
            expected="a factor of two levels or more, none named seed, and seeds >= 2",
            got=f"{ {name: len(each) for name, each in levels.items()} } levels, seeds={seeds}",
            fix="name the settings to compare with several values each, and let seeds say how many seeds",
        )
    fraction("level", level)
    check_tuning(rates, tuning_seeds)
    tune = "learning_rate" not in levels if tune is None else tune
    if tune and "learning_rate" in levels:
        raise ConfigurationError(
            "the learning rate is a factor, and cannot be tuned as well",
            expected="tune, or a factor learning_rate",
            got="both",
            fix="leave one of them out",
        )
    design = FactorDesign(levels, seeds, score, split, tune, tuning_seeds, tuple(rates), level)
    trainings = begin(
        run_dir, design.record(), design.sweeps, route=route, memory=memory, progress=progress, recipe=recipe,
        command=command,
    )  # fmt: skip
    with trainings:
        return design.train(source, trainings)


@dataclass(frozen=True)
class FactorDesign:
    """What a factorial comparison asks for; its attributes are arguments of `compare`."""

    factors: dict[str, list[Any]]
    seeds: int
    score: str
    split: str | None
    tune: bool
    tuning_seeds: int
    rates: Sequence[float]
    level: float

    @property
    def shape(self) -> tuple[int, ...]:
        """How many levels each factor has."""
        return tuple(map(len, self.factors.values()))

    @property
    def sweeps(self) -> int:
        """How many sweeps are trained."""
        return 1 + math.prod(self.shape) if self.tune else 1

    def record(self) -> dict[str, Any]:
        """In plain JSON."""
        plain = {name: [_plain(value) for value in levels] for name, levels in self.factors.items()}
        return {"of": OF} | dataclasses.asdict(dataclasses.replace(self, factors=plain))

    def train(self, source: Source, trainings: Trainings) -> FactorComparison:
        """Choose the rates where wanted, train every combination, and write what was found."""
        seeds = list(range(self.seeds))
        tuning = self._tune(source, trainings) if self.tune else None
        if tuning is None:
            swept = [trainings.sweep("combinations", source, {**self.factors, "seed": seeds})]
        else:
            # Of combinations that have rates of their own there is no product, so that each is a sweep.
            places = itertools.product(*(enumerate(levels) for levels in self.factors.values()))
            swept = []
            for chosen in places:
                axes: dict[str, list[Any]] = {n: [v] for n, (_, v) in zip(self.factors, chosen, strict=True)}
                rate = float(tuning.learning_rate[tuple(place for place, _ in chosen)])
                name = re.sub(r"[^\w.]+", "-", "-".join(level_name(value) for _, value in chosen))[:LONGEST_NAME]
                swept.append(trainings.sweep(name, source, axes | {"learning_rate": [rate], "seed": seeds}))
        scores = np.reshape([each.scores(self.score, self.split) for each in swept], (*self.shape, self.seeds))
        higher = self.score in swept[0].higher_is_better
        found = _analyzed(self.factors, scores, self.score, self._split(swept), higher, tuning, self.level)
        winner = None if found.winner is None else settings_name(found.winner)
        trainings.finish(_record(found), winner)
        return dataclasses.replace(found, sweeps=tuple(swept))

    def _tune(self, source: Source, trainings: Trainings) -> FactorTuning:
        axes = {**self.factors, **tuning_axes(self.rates, self.tuning_seeds)}
        found = trainings.sweep("rates", _without_test_rows(source), axes)
        shape = (*self.shape, len(self.rates), self.tuning_seeds)
        scores = np.reshape(found.scores(self.score, self.split), shape)
        return _tuning(self.rates, scores, self.score in found.higher_is_better)

    def _split(self, swept: Sequence[Sweep]) -> str:
        if self.split is not None:
            return self.split
        histories = [member.run.history for each in swept for member in each.members]
        return "validation" if any("validation" in record for each in histories for record in each[:1]) else "train"


def _tuning(rates: Sequence[float], scores: np.ndarray, higher_is_better: bool) -> FactorTuning:
    means = scores.mean(-1)
    # Where every rate diverges, the smallest is the least bad.
    ranked = np.argsort(rates)
    ordered = means[..., ranked]
    chosen = ranked[ordered.argmax(-1) if higher_is_better else ordered.argmin(-1)]
    return FactorTuning(tuple(map(float, rates)), scores, np.asarray(rates, float)[chosen], at_edge(rates, chosen))


def _analyzed(
    factors: dict[str, list[Any]],
    scores: np.ndarray,
    score: str,
    split: str,
    higher_is_better: bool,
    tuning: FactorTuning | None,
    level: float,
) -> FactorComparison:
    varying = {name: list(map(level_name, levels)) for name, levels in factors.items() if len(levels) > 1}
    analysis, between = None, tuple[Difference, ...]()
    if np.isfinite(scores).all() and np.ptp(scores) > 0:
        squeezed = scores.reshape(*map(len, varying.values()), scores.shape[-1])
        analysis = factorial_analysis(squeezed, list(varying))
        effects = {JOINED.join(effect.factors) for effect in analysis.effects if effect.adjusted < 1 - level}
        between = tuple(
            dataclasses.replace(each, named=each.named and each.problem in effects)
            for each in contrasts(squeezed, varying, level)
        )
    found = FactorComparison(
        factors, scores, score, split, higher_is_better, tuning, analysis, between, None, level
    )  # fmt: skip
    if analysis is not None and not any(effect.adjusted < 1 - level for effect in analysis.effects):
        return found
    return dataclasses.replace(found, winner=_winner(found))


def _winner(found: FactorComparison) -> dict[str, Any] | None:
    every = found.combinations
    names = [str(number) for number in range(len(every))]
    pairs = paired_differences(found.scores.reshape(1, len(every), -1), [found.score], names, found.level)
    best = better_than_all(pairs, names, 1, higher_is_better=found.higher_is_better)
    return None if best is None else every[int(best)]


def _without_test_rows(source: Source) -> Source:
    """Rates are not chosen by them, so that they need not be looked at."""
    if isinstance(source, Experiment):
        return dataclasses.replace(source, test_data=None, calibration_data=None)

    @functools.wraps(source)
    def made(**settings: Any) -> Experiment:
        return dataclasses.replace(source(**settings), test_data=None, calibration_data=None)

    return made


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | list | tuple) else level_name(value)


def _record(found: FactorComparison) -> dict[str, Any]:
    tuning = found.tuning
    return {
        "of": OF,
        "factors": {name: list(map(level_name, levels)) for name, levels in found.factors.items()},
        "score": found.score,
        "split": found.split,
        "higher_is_better": found.higher_is_better,
        "scores": listed(found.scores),
        "tuning": None if tuning is None else {"rates": list(tuning.rates), "scores": listed(tuning.scores)},
        "level": found.level,
    }


def read_factors(record: dict[str, Any]) -> FactorComparison:
    """The comparison of which this was written, with the names of its levels and without its sweeps."""
    higher, about = record["higher_is_better"], record["tuning"]
    bad = -math.inf if higher else math.inf
    tuning = None if about is None else _tuning(about["rates"], unlisted(about["scores"], bad), higher)
    scores = unlisted(record["scores"], bad)
    return _analyzed(
        record["factors"], scores, record["score"], record["split"], higher, tuning, record["level"]
    )  # fmt: skip
