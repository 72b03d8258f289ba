"""Optimizers compared, each at its own rate, on the same seeds, and none called better inside the noise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from pullback.core.checks import fraction, positive_integer
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.table import OPTIMIZERS
from pullback.train.comparisons.differences import Difference, better_than_all, paired_differences
from pullback.train.comparisons.profiles import performance_profile
from pullback.train.comparisons.trainings import Trainings, begin, listed, unlisted
from pullback.train.comparisons.tuning import RATES, Tuned, check_tuning, tuned, tuning_axes
from pullback.train.describe import RecipeRecord
from pullback.train.experiment import Experiment
from pullback.train.sweeps import SweepMember
from pullback.train.sweeps.members import Source, build_members

OF = "optimizers"


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
    run_dir: str | Path | None = None,
    route: str = "auto",
    memory: float | None = None,
    progress: bool = False,
    recipe: RecipeRecord | None = None,
    command: list[str] | None = None,
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
    run_dir : folder of the comparison, with its sweeps as folders; without it nothing is written.
    route, memory : of the sweeps.

    Raises
    ------
    ConfigurationError
        for fewer than two methods, a name that is none, fewer than three seeds, or a method that always diverges.
    Interrupted
        (a SystemExit with code 75) after SIGINT or SIGTERM, with the state saved; see `resume_comparison`.

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
    check_tuning(rates, tuning_seeds)
    design = OptimizerDesign(names, seeds, tuning_seeds, tuple(rates), epochs, dict(targets or {}), level)
    sources = named_sources(problems)
    trainings = begin(
        run_dir, {"of": OF} | dataclasses.asdict(design), 2 * len(names) * len(sources), route=route, memory=memory,
        progress=progress, recipe=recipe, command=command,
    )  # fmt: skip
    with trainings:
        return design.train(sources, trainings)


def named_sources(problems: Source | Mapping[str, Source]) -> dict[str, Source]:
    """The problems by name."""
    return dict(problems) if isinstance(problems, Mapping) else {"problem": problems}


@dataclass(frozen=True)
class OptimizerDesign:
    """What a comparison of optimizers asks for; its attributes are arguments of `compare_optimizers`."""

    methods: Sequence[str]
    seeds: int
    tuning_seeds: int
    rates: Sequence[float]
    epochs: int | None
    targets: dict[str, float]
    level: float

    def train(self, sources: Mapping[str, Source], trainings: Trainings) -> OptimizerComparison:
        """Choose the rates, train at them, and write what was found."""
        changed = {name: [_with_method(each, name, self.epochs) for each in sources.values()] for name in self.methods}
        every = [self._tune(name, changed[name], trainings) for name in self.methods]
        scores, histories = [], []
        for place in range(len(sources)):
            runs = []
            for method in every:
                axes = {"learning_rate": [method.learning_rate[place]], "seed": list(range(self.seeds))}
                runs.append(trainings.sweep(method.name, changed[method.name][place], axes))
            scores.append([found.scores() for found in runs])
            histories.append([found.members for found in runs])
        ended = np.array(scores)
        targets = tuple(self.targets.get(name, _target(ended[place])) for place, name in enumerate(sources))
        updates = [
            [[_reached(m, goal) for m in row] for row in rows] for rows, goal in zip(histories, targets, strict=True)
        ]
        found = _comparison(tuple(sources), every, ended, targets, np.array(updates), self.level)
        trainings.finish(_record(found, self.level), found.winner)
        return found

    def _tune(self, name: str, sources: Sequence[Source], trainings: Trainings) -> Tuned:
        shape = (len(self.rates), self.tuning_seeds)
        axes = tuning_axes(self.rates, self.tuning_seeds)
        swept = [trainings.sweep(f"rates-{name}", source, axes) for source in sources]
        return tuned(name, self.rates, np.array([np.reshape(found.scores(), shape) for found in swept]))


def _comparison(
    problems: tuple[str, ...],
    methods: Sequence[Tuned],
    scores: np.ndarray,
    targets: tuple[float, ...],
    updates: np.ndarray,
    level: float,
) -> OptimizerComparison:
    names = [method.name for method in methods]
    differences = paired_differences(scores, problems, names, level)
    winner = better_than_all(differences, names, len(problems))
    seeds = tuple(range(scores.shape[2]))
    return OptimizerComparison(problems, tuple(methods), scores, targets, updates, differences, winner, seeds)


def _record(found: OptimizerComparison, level: float) -> dict[str, Any]:
    return {
        "of": OF,
        "problems": list(found.problems),
        "methods": [
            {"name": each.name, "rates": list(each.rates), "tuning": listed(each.tuning)} for each in found.methods
        ],
        "scores": listed(found.scores),
        "targets": listed(np.array(found.targets)),
        "updates": listed(found.updates),
        "level": level,
    }


def read_optimizers(record: dict[str, Any]) -> OptimizerComparison:
    """The comparison of which this was written."""
    methods = [tuned(each["name"], each["rates"], unlisted(each["tuning"], math.inf)) for each in record["methods"]]
    scores, targets, updates = (unlisted(record[name], math.inf) for name in ("scores", "targets", "updates"))
    return _comparison(
        tuple(record["problems"]), methods, scores, tuple(targets.tolist()), updates, record["level"]
    )  # fmt: skip


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
