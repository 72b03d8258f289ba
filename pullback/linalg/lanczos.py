"""Lanczos' method: a symmetric matrix seen through a small tridiagonal one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.core.checks import positive_integer
from pullback.core.precision import double_precision
from pullback.linalg.product import Product
from pullback.linalg.start import begin
from pullback.linalg.tridiagonal import tridiagonal_eigensystem


class LanczosResult(NamedTuple):
    r"""What `lanczos` returns, for m = steps asked for; k of them were made before an invariant subspace was complete.

    Attributes
    ----------
    diagonal, off_diagonal : of the tridiagonal $T$, shapes (m,) and (m,); the last of the second is
        $\|A V - V T\|$. After k entries they are zero.
    vectors : the rows are orthonormal $v_1, \dots, v_k$, then zeros, shape (m, n).
    ritz_values : ascending eigenvalues of $T$, shape (m,); NaN after k entries.
    ritz_vectors : the rows are the approximate eigenvectors of $A$ in that order, shape (m, n).
    residual_bounds : $\|A y - \theta y\|_2$ of each pair; some eigenvalue of $A$ lies within that distance of $\theta$.
    weights : $(v_1^\top y)^2$ of each pair: the quadrature weights, of sum 1.
    steps : k.
    """

    diagonal: Any
    off_diagonal: Any
    vectors: Any
    ritz_values: Any
    ritz_vectors: Any
    residual_bounds: Any
    weights: Any
    steps: Any


class _State(NamedTuple):
    before: Float[Array, " n"]
    vector: Float[Array, " n"]
    beta: Float[Array, ""]
    scale: Float[Array, ""]
    active: Bool[Array, ""]
    basis: Float[Array, "m n"]


@double_precision
def lanczos(
    product: Product, start: Any = None, steps: int | None = None, *, reorthogonalize: bool = True, key: Any = 0
) -> LanczosResult:
    r"""The tridiagonal $T = V^\top A V$ of a symmetric matrix in an orthonormal basis of its Krylov space.

    $$ \beta_j v_{j+1} = A v_j - \alpha_j v_j - \beta_{j-1} v_{j-1}, \qquad \alpha_j = v_j^\top A v_j,
       \qquad T = \operatorname{tridiag}(\beta, \alpha, \beta) $$

    The eigenvalues of $T$ (Ritz values) approach those of $A$, the extreme ones first; a pair $T s = \theta s$ has the
    residual $\|A V s - \theta V s\| = \beta_m |s_m|$.

    Parameters
    ----------
    product : $A$, a symmetric matrix of shape (n, n), or a function of a vector that returns $A v$.
    start : a vector of shape (n,), or n for a random one; a matrix may leave it out.
    steps : m, at most n where the vectors are kept orthogonal; by default the smaller of n and 50.
    reorthogonalize : keep the vectors orthogonal to machine precision, for m n more multiplications a step. Without
        it converged Ritz values come again as copies, as finite precision has it.
    key : an integer or a JAX key, for the random start. Within a compiled program pass a JAX key or a start vector.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square or symmetric, a start that is zero or not finite, a size that is missing.

    Examples
    --------
    >>> import numpy as np
    >>> found = lanczos(np.diag([1.0, 2.0, 5.0]), np.ones(3))
    >>> found.ritz_values.round(8).tolist(), int(found.steps)
    ([1.0, 2.0, 5.0], 3)

    References
    ----------
    Golub and Van Loan, Matrix Computations, 4th ed., section 10.1. Paige, "Error analysis of the Lanczos algorithm",
    J. Inst. Maths Applics 18 (1976): what happens without reorthogonalization.
    """
    operator, vector = begin(product, start, key, "lanczos")
    # Without reorthogonalization more than n steps mean something: copies of converged values appear.
    size = subspace_size(vector.size, steps) if reorthogonalize or steps is None else positive_integer("steps", steps)
    return lanczos_from(operator, vector, size, reorthogonalize)


def subspace_size(n: int, steps: int | None) -> int:
    """The number of steps in n dimensions: as asked, at most n; by default at most 50."""
    return min(n, 50 if steps is None else positive_integer("steps", steps))


@eqx.filter_jit
def lanczos_from(
    product: Callable[[Any], Any], start: Float[Array, " n"], steps: int, reorthogonalize: bool
) -> LanczosResult:
    """`lanczos` of checked arguments: a start of length 1."""
    zero = jnp.zeros((), start.dtype)
    basis = jnp.zeros((steps, start.size), start.dtype)
    state = _State(jnp.zeros_like(start), start, zero, zero, jnp.bool_(True), basis)
    last, (alpha, beta, made) = jax.lax.scan(
        lambda state, place: _step(product, reorthogonalize, state, place), state, jnp.arange(steps)
    )
    count = made.sum(dtype=jnp.int32)
    values, small = tridiagonal_eigensystem(alpha, beta[:-1], count)
    ending = jnp.take(small, count - 1, axis=0)
    bounds = jnp.where(jnp.isnan(values), jnp.nan, jnp.take(beta, count - 1) * jnp.abs(ending))
    return LanczosResult(alpha, beta, last.basis, values, small.T @ last.basis, bounds, small[0] ** 2, count)


def _step(
    product: Callable[[Any], Any], reorthogonalize: bool, state: _State, place: Int[Array, ""]
) -> tuple[_State, tuple[Array, Array, Array]]:
    basis = state.basis.at[place].set(jnp.where(state.active, state.vector, 0.0))
    image = product(state.vector)
    alpha = state.vector @ image
    rest = image - alpha * state.vector - state.beta * state.before
    if reorthogonalize:
        # Once is not enough where nearly everything cancels, twice is.
        for _ in range(2):
            rest = rest - basis.T @ (basis @ rest)
    beta = jnp.linalg.norm(rest)
    scale = jnp.maximum(state.scale, jnp.abs(alpha) + beta + state.beta)
    # Below this the rest is rounding noise: the space is invariant.
    going_on = state.active & (beta > 10 * rest.size**0.5 * jnp.finfo(rest.dtype).eps * scale)
    following = jnp.where(going_on, rest / jnp.where(beta > 0, beta, 1.0), 0.0)
    made = (jnp.where(state.active, alpha, 0.0), jnp.where(state.active, beta, 0.0), state.active)
    return _State(state.vector, following, beta, scale, going_on, basis), made
