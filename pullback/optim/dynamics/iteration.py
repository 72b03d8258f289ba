"""Gradient descent with and without momentum on a quadratic: a linear system and its eigenvalues."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import fraction, positive
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.core.precision import double_precision
from pullback.linalg.product import Vector, as_real, as_vector, symmetric_matrix

METHODS = ("gradient_descent", "heavy_ball", "nesterov")


@double_precision
def iteration_matrix(
    hessian: Vector, learning_rate: Any, momentum: Any = 0.0, *, method: str = "heavy_ball"
) -> Float[Any, "m m"]:
    r"""The matrix $M$ that takes the error of one step to the next on $f(x) = \frac12 x^\top H x$.

    | method | step | $M$ |
    |---|---|---|
    | "gradient_descent" | $x_{k+1} = x_k - \alpha H x_k$ | $I - \alpha H$ |
    | "heavy_ball" | $x_{k+1} = x_k - \alpha H x_k + \beta (x_k - x_{k-1})$ | $\begin{pmatrix} (1 + \beta) I - \alpha H & -\beta I \\ I & 0 \end{pmatrix}$ |
    | "nesterov" | $x_{k+1} = y_k - \alpha H y_k$, $y_k = x_k + \beta (x_k - x_{k-1})$ | $\begin{pmatrix} (1 + \beta)(I - \alpha H) & -\beta (I - \alpha H) \\ I & 0 \end{pmatrix}$ |

    With momentum $M$ acts on the pair $(x_k, x_{k-1})$. The heavy ball is PyTorch's `SGD` with momentum; PyTorch's
    Nesterov keeps $y_k$ as its parameters.

    Parameters
    ----------
    hessian : $H$, symmetric, shape (n, n).
    learning_rate, momentum : $\alpha > 0$ and $\beta \in [0, 1)$; gradient descent has none.
    method : one of the three names.

    Returns
    -------
    Shape (n, n) for gradient descent, else (2n, 2n).

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not symmetric, a setting out of its range, an unknown method.

    Examples
    --------
    >>> import numpy as np
    >>> iteration_matrix(np.array([[2.0]]), 0.25, 0.5).tolist()
    [[1.0, -0.5], [1.0, 0.0]]

    References
    ----------
    Polyak, Introduction to Optimization, 1987, sections 1.4 and 3.2. Lessard, Recht and Packard, "Analysis and design
    of optimization algorithms via integral quadratic constraints", SIAM J. Optim. 26 (2016).
    """  # noqa: E501
    matrix = symmetric_matrix("hessian", hessian)
    alpha, beta = settings(learning_rate, momentum, method, matrix.dtype)
    identity = jnp.eye(len(matrix), dtype=matrix.dtype)
    descent = identity - alpha * matrix
    if method == "gradient_descent":
        return descent
    first, second = (
        (descent + beta * identity, -beta * identity)
        if method == "heavy_ball"
        else ((1 + beta) * descent, -beta * descent)
    )
    return jnp.block([[first, second], [identity, jnp.zeros_like(identity)]])


@double_precision
def iteration_eigenvalues(
    hessian: Vector, learning_rate: Any, momentum: Any = 0.0, *, method: str = "heavy_ball"
) -> Any:
    r"""The eigenvalues of `iteration_matrix` in closed form, from those of the Hessian.

    For each eigenvalue $\lambda$ of $H$: $z = 1 - \alpha\lambda$ for gradient descent, else the two roots of

    $$ z^2 - (1 + \beta - \alpha\lambda) z + \beta = 0 \ \text{(heavy ball)}, \qquad
       z^2 - (1 + \beta)(1 - \alpha\lambda) z + \beta (1 - \alpha\lambda) = 0 \ \text{(Nesterov)} . $$

    Parameters
    ----------
    hessian : $H$, shape (n, n), or its eigenvalues, shape (n,).
    learning_rate, momentum, method : as in `iteration_matrix`.

    Returns
    -------
    Complex, shape (n,) for gradient descent, else (2n,): the first roots, then the second.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        as `iteration_matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> iteration_eigenvalues(np.array([1.0]), 0.25, 0.25).tolist()
    [(0.5+0j), (0.5+0j)]
    """
    curvature = spectrum(hessian)
    alpha, beta = settings(learning_rate, momentum, method, curvature.dtype)
    descent = 1 - alpha * curvature
    kind = jax.lax.complex(descent, descent).dtype
    if method == "gradient_descent":
        return descent.astype(kind)
    half = ((descent + beta) if method == "heavy_ball" else (1 + beta) * descent) / 2
    constant = beta + 0 * descent if method == "heavy_ball" else beta * descent
    root = jnp.sqrt((half**2 - constant).astype(kind))
    # The larger root without cancellation, the smaller from the product of the two.
    larger = half.astype(kind) + jnp.where(half < 0, -root, root)
    safe = jnp.where(larger == 0, jnp.ones_like(larger), larger)
    return jnp.concatenate([larger, constant.astype(kind) / safe])


@double_precision
def spectral_radius(hessian: Vector, learning_rate: Any, momentum: Any = 0.0, *, method: str = "heavy_ball") -> Any:
    r"""The factor $\rho = \max |z|$ by which the error falls a step in the long run: $\|e_k\|^{1/k} \to \rho$.

    Below 1 the method converges from every start, above 1 it diverges from almost every one.

    Parameters
    ----------
    hessian : $H$, shape (n, n), or its eigenvalues, shape (n,).
    learning_rate, momentum, method : as in `iteration_matrix`.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        as `iteration_matrix`.

    Examples
    --------
    >>> import numpy as np
    >>> float(spectral_radius(np.array([1.0, 3.0]), 0.5, method="gradient_descent"))
    0.5
    """
    return jnp.max(jnp.abs(jnp.asarray(iteration_eigenvalues(hessian, learning_rate, momentum, method=method))))


def settings(learning_rate: Any, momentum: Any, method: str, dtype: Any) -> tuple[Array, Array]:
    r"""$\alpha$ and $\beta$ as arrays of that type, checked where they are numbers."""
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if isinstance(learning_rate, int | float):
        positive("learning_rate", learning_rate)
    if isinstance(momentum, int | float):
        fraction("momentum", momentum)
        if method == "gradient_descent" and momentum:
            raise ConfigurationError(
                "gradient descent has no momentum", expected="0", got=repr(momentum), fix='use method="heavy_ball"'
            )
    return jnp.asarray(learning_rate).astype(dtype), jnp.asarray(momentum).astype(dtype)


def spectrum(hessian: Any) -> Float[Array, " n"]:
    """The eigenvalues, of a matrix or as they were given."""
    values = as_real("hessian", hessian)
    if values.ndim == 1:
        return as_vector("hessian", values)
    return jnp.linalg.eigvalsh(symmetric_matrix("hessian", values))
