"""What a solver is: an optimizer that sees the objective, and not only its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import optax
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int

# From parameters, a batch and a random key to a scalar, or to a scalar and what else is known once it is computed.
StochasticObjective = Callable[[Any, Any, Any], Array | tuple[Array, Any]]


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

    The factor is one for solvers without a line search, and zero where a line search found nothing lower. `aux` is
    what the objective gave beside the value, before the step too; None where it gives a value alone.
    """

    value: Float[Array, ""]
    gradient_norm: Float[Array, ""]
    step_length: Float[Array, ""]
    aux: Any = None


@runtime_checkable
class Solver(Protocol):
    r"""An optimizer that may ask for values and gradients wherever it likes.

    $$ s_0 = \text{init}(f, \theta_0), \qquad (s_{k+1}, i_k) = \text{step}(s_k, \text{batch}_k, \text{key}_k) $$

    The objective `f(params, batch, key)` gives a scalar, or a pair of a scalar and of anything else that is wanted from
    the same evaluation, such as the outputs of a model; `value_and_aux` reads either. Both functions are pure and can
    be compiled; the state holds the parameters.
    """

    def init(self, objective: StochasticObjective, params: Any) -> SolverState:
        """The state at the start."""
        ...

    def step(self, state: SolverState, batch: Any, key: Any) -> tuple[SolverState, SolverInfo]:
        """The state after one more batch."""
        ...


Optimizer = optax.GradientTransformation | Solver


def value_and_aux(objective: StochasticObjective, params: Any, batch: Any, key: Any) -> tuple[Array, Any]:
    """The value of an objective as a scalar, and what it gave beside it or None.

    Examples
    --------
    >>> value_and_aux(lambda theta, batch, key: (theta**2, {"slope": 2 * theta}), 3.0, None, None)
    (Array(9., dtype=float32, weak_type=True), {'slope': 6.0})
    """
    found = objective(params, batch, key)
    value, aux = found if isinstance(found, tuple) else (found, None)
    return jnp.reshape(value, ()), aux
