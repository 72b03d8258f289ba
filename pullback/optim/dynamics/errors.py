"""The whole course of a method on a quadratic, before it is run, and the rate that a run has shown."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError
from pullback.core.precision import double_precision
from pullback.linalg.product import Vector, as_vector, symmetric_matrix
from pullback.optim.dynamics.iteration import settings


@double_precision
def predicted_errors(
    hessian: Vector,
    error: Vector,
    learning_rate: Any,
    momentum: Any = 0.0,
    *,
    steps: int,
    method: str = "heavy_ball",
) -> Any:
    r"""The errors $e_k = x_k - x^*$ of every step on a quadratic, from the eigenvectors $Q$ of the Hessian.

    $$ e_k = Q \, \operatorname{diag}\big( p_k(\lambda) \big) \, Q^\top e_0, \qquad
       p_k(\lambda) = (1 - \alpha\lambda)^k \ \text{for gradient descent}, $$

    and with momentum $p_{k+1} = (1 + \beta - \alpha\lambda) p_k - \beta p_{k-1}$ (heavy ball) or
    $p_{k+1} = (1 - \alpha\lambda) \big( (1 + \beta) p_k - \beta p_{k-1} \big)$ (Nesterov), $p_{-1} = p_0 = 1$.

    Parameters
    ----------
    hessian : $H$, symmetric, shape (n, n).
    error : $e_0$, shape (n,).
    learning_rate, momentum, method : as in `iteration_matrix`.

    Returns
    -------
    Shape (steps + 1, n), $e_0$ first.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for shapes that do not fit, a matrix that is not symmetric, a setting out of its range, an unknown method.

    Examples
    --------
    >>> predicted_errors(np.diag([1.0, 2.0]), np.ones(2), 0.25, steps=2, method="gradient_descent").tolist()
    [[1.0, 1.0], [0.75, 0.5], [0.5625, 0.25]]
    """
    matrix = symmetric_matrix("hessian", hessian)
    start = as_vector("error", error, len(matrix)).astype(matrix.dtype)
    alpha, beta = settings(learning_rate, momentum, method, matrix.dtype)
    curvature, basis = jnp.linalg.eigh(matrix)
    count = positive_integer("steps", steps)
    if method == "gradient_descent":
        factors = (1 - alpha * curvature) ** jnp.arange(count + 1, dtype=matrix.dtype)[:, None]
    else:
        factors = _factors(1 - alpha * curvature, beta, count, method)
    return (factors * (basis.T @ start)) @ basis.T


def _factors(descent: Float[Array, " n"], beta: Float[Array, ""], steps: int, method: str) -> Float[Array, "k n"]:
    def step(pair: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        now, before = pair
        ahead = now + beta * (now - before)
        following = ahead + (descent - 1) * now if method == "heavy_ball" else descent * ahead
        return (following, now), following

    one = jnp.ones_like(descent)
    _, rest = jax.lax.scan(step, (one, one), length=steps)
    return jnp.concatenate([one[None], rest])


@double_precision
def observed_rate(errors: Vector) -> Any:
    r"""The factor $\rho$ by which errors have fallen a step: $\log \|e_k\| \approx c + k \log \rho$ by least squares.

    The first half of the run is left out, where the slow directions are still hidden behind the fast ones.

    Parameters
    ----------
    errors : norms, shape (k,), or vectors, shape (k, n), at least 4 of them; those that are zero or not finite are
        left out.

    Raises
    ------
    DataError
        if fewer than two errors remain.

    Examples
    --------
    >>> round(float(observed_rate(0.5 ** np.arange(20))), 12)
    0.5
    """
    values = np.asarray(errors)
    norms = np.linalg.norm(values, axis=1) if values.ndim == 2 else np.abs(values)
    place = np.arange(len(norms))
    kept = np.isfinite(norms) & (norms > 0) & (place >= len(norms) // 2)
    if kept.sum() < 2:
        raise DataError(
            "these errors show no rate",
            expected="at least two positive numbers in the second half",
            got=f"{int(kept.sum())}",
            fix="stop the run before the error is lost in rounding",
        )
    slope = np.polyfit(place[kept], np.log(norms[kept]), 1)[0]
    return jnp.asarray(np.exp(slope))
