"""The eigenvalue of largest modulus, by repeated products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.core.checks import non_negative, positive_integer
from pullback.core.precision import double_precision
from pullback.linalg.iteration_reason import IterationReason
from pullback.linalg.product import Product
from pullback.linalg.start import begin

RUNNING = -1


class PowerIterationResult(NamedTuple):
    r"""What `power_iteration` returns.

    Attributes
    ----------
    eigenvalue : the Rayleigh quotient $\lambda = v^\top A v$.
    vector : $v$, of length 1, shape (n,).
    residual_norm : $\|A v - \lambda v\|_2$; some eigenvalue lies within that distance of $\lambda$.
    steps : products made.
    reason : an `IterationReason` as an integer.
    """

    eigenvalue: Any
    vector: Any
    residual_norm: Any
    steps: Any
    reason: Any


class _State(NamedTuple):
    vector: Float[Array, " n"]
    image: Float[Array, " n"]
    eigenvalue: Float[Array, ""]
    residual_norm: Float[Array, ""]
    steps: Int[Array, ""]
    reason: Int[Array, ""]


@double_precision
def power_iteration(
    product: Product, start: Any = None, *, tolerance: Any = None, max_steps: int = 1000, key: Any = 0
) -> PowerIterationResult:
    r"""The eigenvalue of largest modulus of a symmetric matrix and its eigenvector.

    $$ v_{k+1} = \frac{A v_k}{\|A v_k\|}, \qquad \lambda_k = v_k^\top A v_k, \qquad
       |\lambda_k - \lambda_1| = O\big( |\lambda_2 / \lambda_1|^{2k} \big) $$

    Parameters
    ----------
    product : $A$, a symmetric matrix of shape (n, n), or a function of a vector that returns $A v$.
    start : a vector of shape (n,), or n for a random one; a matrix may leave it out.
    tolerance : ends when $\|A v - \lambda v\| \le \text{tolerance} \cdot |\lambda|$; the square root of the machine
        epsilon by default.
    key : an integer or a JAX key, for the random start. Within a compiled program pass a JAX key or a start vector.

    Returns
    -------
    A `PowerIterationResult`; where two eigenvalues of opposite sign share the largest modulus it ends at the step
    limit.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square or symmetric, a start that is zero or not finite, a size that is missing.

    Examples
    --------
    >>> import numpy as np
    >>> found = power_iteration(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> round(float(found.eigenvalue), 10), IterationReason(int(found.reason)).name
    (3.0, 'CONVERGED')

    References
    ----------
    Golub and Van Loan, Matrix Computations, 4th ed., section 8.2.1.
    """
    operator, vector = begin(product, start, key, "power iteration")
    if tolerance is None:
        tolerance = float(jnp.finfo(vector.dtype).eps) ** 0.5
    if isinstance(tolerance, int | float):
        non_negative("tolerance", tolerance)
    return _iterate(
        operator, vector, jnp.asarray(tolerance).astype(vector.dtype), positive_integer("max_steps", max_steps)
    )


@eqx.filter_jit
def _iterate(
    product: Callable[[Any], Any], vector: Float[Array, " n"], tolerance: Float[Array, ""], max_steps: int
) -> PowerIterationResult:
    def state_at(vector: Float[Array, " n"], steps: Int[Array, ""]) -> _State:
        image = product(vector)
        eigenvalue = vector @ image
        residual_norm = jnp.linalg.norm(image - eigenvalue * vector)
        reason = jnp.select(
            [~jnp.isfinite(residual_norm), residual_norm <= tolerance * jnp.abs(eigenvalue)],
            [jnp.int32(IterationReason.NOT_FINITE), jnp.int32(IterationReason.CONVERGED)],
            jnp.int32(RUNNING),
        )
        return _State(vector, image, eigenvalue, residual_norm, steps, reason)

    last = jax.lax.while_loop(
        lambda state: (state.reason == RUNNING) & (state.steps < max_steps),
        lambda state: state_at(state.image / jnp.linalg.norm(state.image), state.steps + 1),
        state_at(vector, jnp.int32(1)),
    )
    reason = jnp.where(last.reason == RUNNING, IterationReason.STEP_LIMIT, last.reason)
    return PowerIterationResult(last.eigenvalue, last.vector, last.residual_norm, last.steps, reason)
