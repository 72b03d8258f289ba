"""Any settings of an experiment compared in a full factorial design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.prob.factorial import FactorialAnalysis, factorial_analysis
from pullback.train.sweeps import Sweep, sweep
from pullback.train.sweeps.members import Source


@dataclass(frozen=True)
class FactorComparison:
    """What `compare` returns.

    Attributes
    ----------
    factors : the levels of each, by name.
    scores : at every combination and seed, an axis a factor and the seeds last.
    analysis : main effects and interactions, or None where a combination diverged.
    score : the name of the score.
    sweep : with every run.
    """

    factors: dict[str, list[Any]]
    scores: Float[np.ndarray, "*levels seeds"]
    analysis: FactorialAnalysis | None
    score: str
    sweep: Sweep

    def means(self, *names: str) -> Float[np.ndarray, ...]:
        """The mean score at each level of these factors, over all others and the seeds."""
        axes = tuple(place for place, name in enumerate(self.factors) if name not in names)
        return self.scores.mean(axis=(*axes, self.scores.ndim - 1))

    def __str__(self) -> str:
        lines = []
        for name, levels in self.factors.items():
            shown = ", ".join(f"{level}: {mean:.4g}" for level, mean in zip(levels, self.means(name), strict=True))
            lines.append(f"{name}: mean {self.score} {shown}")
        if self.analysis is None:
            lines.append("some combination diverged, so effects are not separated; leave out that level")
            return "\n".join(lines)
        return "\n".join([*lines, str(self.analysis)])


def compare(
    source: Source,
    factors: Mapping[str, Iterable[Any]],
    *,
    seeds: int = 4,
    score: str = "loss",
    split: str | None = None,
    progress: bool = False,
) -> FactorComparison:
    r"""Train every combination of the levels of some settings on the same seeds, and separate their effects.

    $$ y_{ab s} = \mu + \alpha_a + \beta_b + (\alpha\beta)_{ab} + \pi_s + \varepsilon_{ab s} $$

    with seeds $s$ as blocks; see `prob.factorial.factorial_analysis`. An interaction says that the effect of one
    setting depends on another: the best learning rate on the activation, say.

    Parameters
    ----------
    source : an `Experiment`, or a function of the settings (and `seed`) that returns one, such as a recipe's.
    factors : the levels of each setting by name: activation, width, batch size, initializer, learning rate.
    seeds : at least two.
    score, split : what is compared: "loss" or a metric of the experiment, of "validation" or "train"; by default
        of the validation data where there are any.

    Raises
    ------
    ConfigurationError
        for one seed, a factor named "seed", or one that the source does not have.

    Examples
    --------
    >>> import jax
    >>> from pullback import data, nn
    >>> from pullback.train import Experiment
    >>> def network(seed, activation, width):
    ...     keys = jax.random.split(jax.random.key(seed))
    ...     model = nn.Sequential([nn.Linear(4, width, key=keys[0]), activation, nn.Linear(width, 3, key=keys[1])])
    ...     return Experiment(model, data.load("iris"), "categorical_cross_entropy", learning_rate=0.01, epochs=2)
    >>> found = compare(network, {"activation": [nn.relu, nn.tanh], "width": [4, 32]}, seeds=2)
    >>> found.scores.shape, [effect.factors for effect in found.analysis.effects]
    ((2, 2, 2), [('activation',), ('width',), ('activation', 'width')])
    """
    if positive_integer("seeds", seeds) < 2 or "seed" in factors or not factors:
        raise ConfigurationError(
            "this is no factorial design with seeds as blocks",
            expected="some factors other than seed, and seeds >= 2",
            got=f"factors {list(factors)}, seeds={seeds}",
            fix="name the settings to compare, and let seeds say how many seeds",
        )
    levels = {name: list(values) for name, values in factors.items()}
    found = sweep(source, {**levels, "seed": range(seeds)}, progress=progress)
    scores = np.array(found.scores(score, split)).reshape(*(len(each) for each in levels.values()), seeds)
    varying = [name for name, each in levels.items() if len(each) > 1]
    analysis = None
    if np.isfinite(scores).all() and np.ptp(scores) > 0 and varying:
        squeezed = scores.reshape(*(len(levels[name]) for name in varying), seeds)
        analysis = factorial_analysis(squeezed, varying)
    return FactorComparison(levels, scores, analysis, score, found)
