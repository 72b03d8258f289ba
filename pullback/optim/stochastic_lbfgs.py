"""L-BFGS on full or large batches."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.optim.leaves import no_steps
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.lbfgs import LBFGS
from pullback.optim.methods.method import State
from pullback.optim.methods.pairs import Pairs
from pullback.optim.objective import Objective
from pullback.optim.solver import SolverInfo, SolverState, StochasticObjective, value_and_aux


class StochasticLBFGS:
    r"""One step of L-BFGS a batch, searched along and measured on that batch; a `Solver`.

    $$ \theta_k = \theta_{k-1} - \alpha_k H_k \nabla f_k(\theta_{k-1}), \qquad
       s_k = \theta_k - \theta_{k-1}, \quad y_k = \nabla f_k(\theta_k) - \nabla f_k(\theta_{k-1}) $$

    Both gradients of a pair are of the same batch $f_k$, so that $y$ shows curvature and not the difference of two
    samples; a pair without positive curvature is left out. On the full batch this is `minimize(method="lbfgs")`,
    step by step. With batches so small that their gradients disagree in direction it goes nowhere: use
    `adam`, or enlarge the batch.

    Parameters
    ----------
    memory : pairs that $H_k$ is made of.
    line_search : for $\alpha_k$.

    Raises
    ------
    ConfigurationError
        if the memory is not a positive integer.

    Examples
    --------
    >>> solver = StochasticLBFGS()
    >>> state = solver.init(lambda x, batch, key: jnp.sum(batch * x**2), jnp.array([1.0, -2.0]))
    >>> for _ in range(8):
    ...     state, info = solver.step(state, jnp.array([1.0, 10.0]), None)
    >>> float(jnp.max(jnp.abs(state.params))) < 1e-3
    True

    References
    ----------
    Liu, Nocedal, Mathematical Programming 45 (1989); pairs of one batch: Schraudolph, Yu, Guenter, "A stochastic
    quasi-Newton method for online convex optimization", AISTATS 2007.
    """

    def __init__(self, memory: int = 10, line_search: LineSearch | None = None) -> None:
        positive_integer("memory", memory)
        self._method = LBFGS(memory=memory, line_search=Wolfe() if line_search is None else line_search)

    def init(self, objective: StochasticObjective, params: Any) -> SolverState:
        """The state at the start."""
        pairs = Pairs.empty(self._method.memory, ravel_pytree(params)[0])
        return SolverState(Partial(objective), params, no_steps(), {}, pairs)

    def step(self, state: SolverState, batch: Any, key: Any) -> tuple[SolverState, SolverInfo]:
        """The state after one more batch."""
        x, unravel = ravel_pytree(state.params)

        def on_batch(x: Array) -> tuple[Array, Any]:
            return value_and_aux(state.objective, unravel(x), batch, key)

        objective = Objective(lambda x: on_batch(x)[0])
        start = objective.at(x)
        after, info = self._method.step(objective, State(start, state.memory))
        # A compiler sees that this is the evaluation of `start`, and makes it once.
        aux = on_batch(x)[1]
        told = SolverInfo(start.value, jnp.linalg.norm(start.gradient), info.step_length, aux)
        return SolverState(state.objective, unravel(after.point.x), state.step + 1, {}, after.memory), told
