"""What a method of minimization is: `init` and a pure `step`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason


class Work(NamedTuple):
    """Evaluations made: of the function, of the gradient, of products with (or columns of) the Hessian."""

    values: Int[Array, ""]
    gradients: Int[Array, ""]
    products: Int[Array, ""]

    @classmethod
    def of(cls, values: Any = 0, gradients: Any = 0, products: Any = 0) -> Work:
        """From plain numbers or arrays."""
        return cls(*(jnp.asarray(count, jnp.int32) for count in (values, gradients, products)))

    def plus(self, other: Work) -> Work:
        """The sum of both, kind by kind."""
        return Work(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))


class State(NamedTuple):
    """Where a method is, and what it remembers."""

    point: Point
    memory: Any = ()


class Info(NamedTuple):
    """What a step says of itself.

    Parameters
    ----------
    step_length : factor on the direction of the method, where it has one; NaN otherwise.
    work : evaluations made in the step.
    reason : `Reason.running`, or why the method cannot go on; the state that comes with it is kept.
    """

    step_length: Float[Array, ""]
    work: Work
    reason: Any = Reason.running


class Method(eqx.Module):
    """A method: a frozen dataclass of options, `init`, and a pure `step`.

    The driver stops when `stationarity` reaches the tolerance, and when neither the value nor the stationarity
    improved within `patience` steps. Options that are floats may be arrays, and so be swept by `jax.vmap`.
    """

    # Steps without improvement after which the driver speaks of a plateau.
    patience: ClassVar[int] = 20
    # Whether the method minimizes sums of squares and asks for their residuals.
    squares: ClassVar[bool] = False
    # Whether it goes to stationary points of every kind, so that the Hessian at the end has to tell which it was.
    any_stationary: ClassVar[bool] = False
    # Whether it keeps to bounds.
    bounded: ClassVar[bool] = False
    # What it is called when the measure of stationarity reaches the tolerance.
    success: ClassVar[Any] = Reason.converged
    # Whether it asks for no derivative; its points then carry a gradient of NaN.
    gradient_free: ClassVar[bool] = False

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        """The start that the method can begin from: within the bounds."""
        return x if objective.bounds is None else objective.bounds.project(x)

    def init(self, objective: Objective, point: Point) -> State:
        """The state at the start; its value may hold a part that the objective does not know."""
        del objective
        return State(point)

    @abstractmethod
    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        """The next state, and what the step says of itself."""

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        r"""$\lVert \nabla f(x) \rVert$, or within bounds $\lVert P(x - \nabla f(x)) - x \rVert$."""
        x, _, gradient = state.point
        if objective.bounds is None:
            return jnp.linalg.norm(gradient)
        return jnp.linalg.norm(objective.bounds.project(x - gradient) - x)
