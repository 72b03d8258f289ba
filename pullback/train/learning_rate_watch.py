r"""Slow, good, at the edge or diverging: the learning rate in force beside the curvature that its update meets.

At the end of an epoch the largest eigenvalue $\lambda$ of $P^{1/2} \nabla^2 C P^{1/2}$ is measured on one batch of
training rows, the same at every look, where $P$ is what the optimizer would scale the gradient of these rows by, that
gradient included: a parameter that hardly ever had one would else count as if its steps knew no bounds. One that never
had one rests, and $P$ is zero there. With the edge $e$ of `stability_edge`, the share $\alpha \lambda / e$ decides:

| share | label | what the steepest direction does |
|---|---|---|
| below 0.25 | "slow" | it would allow four times the rate |
| 0.25 to 0.9 | "good" | it shrinks |
| 0.9 to 1 | "at the edge" | it overshoots and comes back |
| 1 and above | "diverging" | it grows, as long as the curvature stays |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.core.random import generator
from pullback.linalg.largest_eigenvalue import LargestEigenvalue, largest_eigenvalue
from pullback.optim import Solver, settings_in_force
from pullback.optim.diagnosis.step_size import EDGE, NEAR_ONE, SLOW
from pullback.optim.stability_edge import StabilityEdge, as_vector, has_stability_edge, idle_parameters, stability_edge
from pullback.train.experiment import Prepared
from pullback.train.program import Programs
from pullback.train.state import TrainingState
from pullback.train.step import Rows, StepRule, augmented, model_key, objective

# The shares of the edge that are those of `label_learning_rate`, whose edge is 2.
SLOW_SHARE, EDGE_SHARE = SLOW / 2, EDGE / 2
LABELS = ("slow", "good", "at the edge", "diverging")
# Rows that are looked at, fewer where an example has many entries; products with the Hessian, and when they end.
ROWS, ENTRIES, PRODUCTS, TOLERANCE = 512, 2**22, 40, 0.01


class CurvatureArguments(NamedTuple):
    """All that the curvature depends on."""

    params: Any
    memory: dict[str, Any]
    rows: Rows


class LearningRateWatch:
    """Measures the curvature at the end of every so many epochs, and labels the rate; training never notices.

    Parameters
    ----------
    every : epochs from one look to the next.
    """

    def __init__(self, prepared: Prepared, rule: StepRule, programs: Programs) -> None:
        self._prepared, self._rule, self._programs = prepared, rule, programs
        self.every = int(prepared.experiment.watch_learning_rate)

    def is_due(self, epoch: int) -> bool:
        """Whether the end of this epoch is looked at."""
        return epoch % self.every == 0

    def compile(self, state: TrainingState) -> None:
        """Have the program ready, so that a loss without second derivatives is found before the first step.

        Raises
        ------
        ConfigurationError
            for a loss that cannot be differentiated twice.
        """
        try:
            self._program(state)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise ConfigurationError(
                "the curvature cannot be computed",
                expected="a loss and a model that JAX differentiates twice, forward over reverse",
                got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                fix="leave watch_learning_rate out",
            ) from error

    def look(self, state: TrainingState) -> dict[str, float | str | None]:
        """What is logged: rate, curvature, their product, its edge, the share and the label."""
        experiment = self._prepared.experiment
        step = None
        if has_stability_edge(experiment.optimizer):
            step = stability_edge(
                str(experiment.optimizer), experiment.optimizer_arguments, self._ahead(state), state.params
            )
        found = self._curvature(state, step)
        record: dict[str, float | str | None] = {"largest": found.value, "bound": found.bound}
        # Of the last update; a schedule may have another ready for the next.
        rate = settings_in_force(state.optimizer).get("learning_rate")
        if rate is None:
            return record | {"product": None, "label": None}
        product = float(rate) * found.value
        if step is None:
            return record | {"product": product, "label": None}
        share = product / step.edge
        return record | {"product": product, "edge": step.edge, "share": share, "label": label_of_share(share)}

    def _ahead(self, state: TrainingState) -> Any:
        """The state of the optimizer after one more update, by the gradient of the watched rows."""
        arguments = (self._arguments(state), state.optimizer)
        return self._programs.get("optimizer ahead", optimizer_ahead(self._rule), arguments)(*arguments)

    def _curvature(self, state: TrainingState, step: StabilityEdge | None) -> LargestEigenvalue:
        program, arguments = self._program(state), self._arguments(state)
        leaves, structure = jax.tree.flatten(state.params)
        root = None
        if step is not None and step.preconditioner is not None:
            root = np.where(idle_parameters(state.optimizer), 0.0, np.sqrt(step.preconditioner))
        penalty = None if step is None else step.penalty

        def product(vector: np.ndarray) -> np.ndarray:
            scaled = vector if root is None else root * vector
            image = as_vector(program(arguments, jax.tree.unflatten(structure, _split(scaled, leaves))))
            image = image if penalty is None else image + penalty * scaled
            return image if root is None else root * image

        start = self._random.standard_normal(sum(leaf.size for leaf in leaves))
        return largest_eigenvalue(product, start, steps=PRODUCTS, tolerance=TOLERANCE)

    @property
    def _random(self) -> np.random.Generator:
        # The same at every look: a run that was resumed knows nothing of the looks before.
        return generator(self._prepared.experiment.seed, "learning rate watch")

    @cached_property
    def _rows(self) -> Rows:
        data = self._prepared.train_data
        part = self._rule.batch_size // self._rule.accumulate_steps
        entries = max(1, math.prod(data.inputs.shape[1:]))
        count = min(len(data), max(part, min(ROWS, ENTRIES // entries)))
        chosen = np.sort(self._random.permutation(len(data))[:count])
        arrays = (data.inputs[chosen], data.targets[chosen], data.indices[chosen], np.ones(count, np.float32))
        return Rows(*jax.device_put(arrays))

    def _arguments(self, state: TrainingState) -> CurvatureArguments:
        return CurvatureArguments(state.params, state.memory, self._rows)

    def _program(self, state: TrainingState) -> Callable[..., Any]:
        arguments = (self._arguments(state), state.params)
        return self._programs.get("curvature", hessian_product(self._rule), arguments)


def hessian_product(rule: StepRule) -> Callable[[CurvatureArguments, Any], Any]:
    """The product of the Hessian of the cost of some rows, as training sees it, with a vector like the parameters."""

    def product(at: CurvatureArguments, vector: Any) -> Any:
        return jax.jvp(jax.grad(_cost(rule, at)), (at.params,), (vector,))[1]

    return product


def optimizer_ahead(rule: StepRule) -> Callable[[CurvatureArguments, Any], Any]:
    """The state of the optimizer after one more update, by the gradient of the cost of some rows."""

    def ahead(at: CurvatureArguments, optimizer: Any) -> Any:
        assert not isinstance(rule.optimizer, Solver)
        return rule.optimizer.update(jax.grad(_cost(rule, at))(at.params), optimizer, at.params)[1]

    return ahead


def _cost(rule: StepRule, at: CurvatureArguments) -> Callable[[Any], Array]:
    # No epoch has this number: the draws of dropout and augmentation are those of no update.
    epoch = jnp.zeros((), jnp.int32)
    rows = augmented(rule, at.rows, epoch)
    key, weight = model_key(rule, rows, epoch, epoch), jnp.sum(rows.weights)
    return lambda params: objective(rule, params, at.memory, rows, key, weight)[0]


def label_of_share(share: float) -> str:
    """The label of a product of rate and curvature, as a share of its edge.

    Examples
    --------
    >>> [label_of_share(share) for share in (0.05, 0.5, 0.95, 1.05)]
    ['slow', 'good', 'at the edge', 'diverging']
    """
    # What is not a number, of a curvature that is too large for one, is below nothing.
    below = [label for label, end in zip(LABELS, (SLOW_SHARE, EDGE_SHARE, 1 - NEAR_ONE), strict=False) if share < end]
    return below[0] if below else LABELS[-1]


def _split(vector: np.ndarray, leaves: list[Array]) -> list[Array]:
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    parts = zip(np.split(vector, ends), leaves, strict=True)
    return [jnp.asarray(part.reshape(leaf.shape), leaf.dtype) for part, leaf in parts]
