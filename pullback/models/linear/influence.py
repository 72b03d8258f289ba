"""How much each row says about a least-squares fit: leverage, studentized residuals, distances, rows left out."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.core.precision import double_precision
from pullback.models.linear.least_squares import LeastSquaresFit, orthonormal_rows, predicted


class Influence(NamedTuple):
    r"""What `influence` returns for $n$ rows and $k$ coefficients, the intercept first.

    Attributes
    ----------
    leverage : $h_i$, shape (n,).
    residuals : $e_i = y_i - \hat y_i$, shape (n,).
    internally_studentized : $e_i / (s \sqrt{1 - h_i})$.
    externally_studentized : $e_i / (s_{(i)} \sqrt{1 - h_i})$, with the variance of the fit without the row.
    leave_one_out_residuals : $e_i / (1 - h_i)$, what the fit without the row misses it by.
    cooks_distance : $D_i$.
    dffits : the change of the row's own prediction, in its standard errors.
    dfbetas : the change of each coefficient, in its standard errors, shape (n, k).
    """

    leverage: Any
    residuals: Any
    internally_studentized: Any
    externally_studentized: Any
    leave_one_out_residuals: Any
    cooks_distance: Any
    dffits: Any
    dfbetas: Any


@double_precision
def influence(fit: LeastSquaresFit, X: ArrayLike, y: ArrayLike) -> Influence:
    r"""Leverage of each row and what changes if it is left out, in closed form.

    $$ h_i = x_i^\top (X^\top W X)^{-1} x_i, \qquad s_{(i)}^2 = \frac{S - e_i^2 / (1 - h_i)}{n - k - 1}, \qquad
       D_i = \frac{e_i^2}{k s^2} \frac{h_i}{(1 - h_i)^2}, \qquad
       \text{DFFITS}_i = \frac{e_i}{s_{(i)}} \frac{\sqrt{h_i}}{1 - h_i} $$

    $$ \hat b - \hat b_{(i)} = (X^\top W X)^{-1} x_i \frac{e_i}{1 - h_i}, \qquad
       \text{DFBETAS}_{ij} = \frac{\hat b_j - \hat b_{(i) j}}{s_{(i)} \sqrt{(X^\top W X)^{-1}_{jj}}} $$

    A row of weight 3 is three rows, of which one is left out. What has no value, because only this row determines a
    coefficient ($h_i = 1$), is NaN.

    Parameters
    ----------
    fit : of `fit_least_squares`, for one output.
    X, y : the rows of the fit, shapes (n, p) and (n,).

    Raises
    ------
    ConfigurationError
        for a fit of several outputs.

    Examples
    --------
    The last point is far from the others and decides the slope.

    >>> import numpy as np
    >>> from pullback.models.linear.least_squares import fit_least_squares
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]]), np.array([0.1, 0.9, 2.1, 2.9, 5.0])
    >>> found = influence(fit_least_squares(x, y), x, y)
    >>> found.leverage.round(3).tolist(), found.cooks_distance.round(2).tolist()
    ([0.363, 0.277, 0.223, 0.201, 0.936], [0.39, 0.05, 0.08, 0.21, 21.55])

    References
    ----------
    Belsley, Kuh, Welsch, "Regression Diagnostics", Wiley (1980), chapter 2. Cook, "Detection of influential
    observation in linear regression", Technometrics 19 (1977).
    """
    if jnp.ndim(fit.coef) != 1:
        raise ConfigurationError(
            "influence is for one output",
            expected="a fit of y of shape (n,)",
            got=f"{len(fit.coef)} outputs",
            fix="fit the outputs one by one",
        )
    return _influence(fit, jnp.asarray(X), jnp.asarray(y))


@jax.jit
def _influence(fit: LeastSquaresFit, X: Array, y: Array) -> Influence:
    u, e = orthonormal_rows(fit, X), y - predicted(fit, X)
    h = jnp.sum(u**2, axis=1)
    # 1 - h of a row that alone determines a coefficient is rounding.
    free = jnp.where(1 - h > 100 * jnp.finfo(h.dtype).eps, 1 - h, jnp.nan)
    k = (fit.rank + len(fit.root) - len(fit.column_means)).astype(h.dtype)
    freedom = fit.observations - k
    S = fit.residual_sum_of_squares
    s = jnp.sqrt(S / freedom)
    s_without = jnp.sqrt(jnp.maximum(S - e**2 / free, 0.0) / (freedom - 1))
    inside, outside = e / (s * jnp.sqrt(free)), e / (s_without * jnp.sqrt(free))
    scale = jnp.linalg.norm(fit.root, axis=1)
    return Influence(
        leverage=h,
        residuals=e,
        internally_studentized=inside,
        externally_studentized=outside,
        leave_one_out_residuals=e / free,
        cooks_distance=inside**2 * h / free / k,
        dffits=outside * jnp.sqrt(h / free),
        dfbetas=(u @ fit.root.T) * (e / free / s_without)[:, None] / scale,
    )
