"""What a solver is: an optimizer that sees the objective, and not only its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from jax.tree_util import Partial
from jaxtyping import Array, Float, Int

# From parameters, a batch and a random key to a scalar.
StochasticObjective = Callable[[Any, Any, Any], Array]


class SolverState(NamedTuple):
    """Where a solver is.

    Parameters
    ----------
    objective : the function, which is no array and so is neither saved nor traced.
    params : the parameters.
    step : steps made so far.
    in_force : settings of the last step that are no plain numbers, as `settings_in_force` finds them.
    memory : what the solver remembers.
    """

    objective: Partial
    params: Any
    step: Int[Array, ""]
    in_force: dict[str, Array]
    memory: Any


class SolverInfo(NamedTuple):
    """What a step says of itself: value and norm of the gradient before it, and the factor on its direction.

    The factor is one for solvers without a line search, and zero where a line search found nothing lower.
    """

    value: Float[Array, ""]
    gradient_norm: Float[Array, ""]
    step_length: Float[Array, ""]


class Solver(Protocol):
    r"""An optimizer that may ask for values and gradients wherever it likes.

    $$ s_0 = \text{init}(f, \theta_0), \qquad (s_{k+1}, i_k) = \text{step}(s_k, \text{batch}_k, \text{key}_k) $$

    The objective `f(params, batch, key)` gives a scalar. Both functions are pure and can be compiled; the state holds
    the parameters.
    """

    def init(self, objective: StochasticObjective, params: Any) -> SolverState:
        """The state at the start."""
        ...

    def step(self, state: SolverState, batch: Any, key: Any) -> tuple[SolverState, SolverInfo]:
        """The state after one more batch."""
        ...
