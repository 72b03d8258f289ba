"""Cholesky factors of a symmetric matrix shifted until it is positive definite."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

from pullback.core.checks import positive
from pullback.core.precision import double_precision
from pullback.linalg.product import Vector, as_real, symmetric_matrix


class ShiftedCholesky(NamedTuple):
    r"""The lower triangular $C$ with $C C^\top = A + \tau I$, the shift $\tau$, and the smallest eigenvalue of $A$."""

    factor: Any
    shift: Any
    smallest_eigenvalue: Any

    def solve(self, b: Any) -> Any:
        r"""The solution of $(A + \tau I) x = b$."""
        return _solve(self.factor, b)


@double_precision
def shifted_cholesky(matrix: Vector, *, smallest: float | None = None) -> ShiftedCholesky:
    r"""The factors of $A + \tau I$ with the smallest $\tau \ge 0$ that lifts every eigenvalue to `smallest`.

    $$ \tau = \max(0, \ \text{smallest} - \lambda_{\min}(A)), \qquad C C^\top = A + \tau I $$

    It is the smallest change of $A$ in the 2-norm, whereas `modified_cholesky` needs no eigenvalue and changes one
    diagonal entry at a time.

    Parameters
    ----------
    matrix : $A$, symmetric, shape (n, n).
    smallest : a positive number; by default $100\, n\, \epsilon$ times the largest eigenvalue in modulus.

    Returns
    -------
    A `ShiftedCholesky`. Entries of a traced matrix that are not finite give factors that are not finite.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square, symmetric and finite, or a number that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> found = shifted_cholesky(np.diag([4.0, -3.0]), smallest=1.0)
    >>> round(float(found.shift), 12), found.solve(np.array([8.0, 2.0])).round(12).tolist()
    (4.0, [1.0, 2.0])

    References
    ----------
    Nocedal and Wright, Numerical Optimization, 2nd ed., section 3.4.
    """
    a = symmetric_matrix("matrix", matrix)
    if smallest is not None:
        positive("smallest", smallest)
    return _factorize(a, None if smallest is None else jnp.asarray(smallest).astype(a.dtype))


@jax.jit
def _factorize(a: Float[Array, "n n"], smallest: Float[Array, ""] | None) -> ShiftedCholesky:
    eigenvalues = jnp.linalg.eigvalsh(a)
    scale = jnp.max(jnp.abs(eigenvalues))
    if smallest is None:
        smallest = 100 * len(a) * jnp.finfo(a.dtype).eps * jnp.where(scale > 0, scale, 1.0)
    shift = jnp.maximum(smallest - eigenvalues[0], 0.0)
    factor = jnp.linalg.cholesky(a + shift * jnp.eye(len(a), dtype=a.dtype))
    return ShiftedCholesky(factor, shift, eigenvalues[0])


@double_precision
def _solve(factor: Any, b: Any) -> Any:
    return cho_solve((jnp.asarray(factor), True), as_real("b", b))
