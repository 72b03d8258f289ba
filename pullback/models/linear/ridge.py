"""Ridge regression: least squares with a penalty on the squared length of the coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.core.precision import double_precision
from pullback.linalg.least_squares.branch import branch
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import as_real, known
from pullback.models.linear.least_squares import Centered, center
from pullback.models.linear.ridge_spectrum import Spectrum, by_gram_matrix, by_singular_values, inverse, remainder


class RidgeFit(NamedTuple):
    r"""What `fit_ridge` returns, for $p$ columns and $k$ outputs; one output has no axis of outputs.

    Attributes
    ----------
    coef : $\hat b$, shape (p,) or (k, p).
    intercept : $\hat b_0$, a scalar or shape (k,).
    residual_sum_of_squares : $\sum_i w_i (y_i - \hat y_i)^2$, a scalar or shape (k,).
    shrinkage : $\lambda_j / (\lambda_j + \alpha)$ along each principal axis, shape (m,) or (k, m).
    degrees_of_freedom : the trace of $y \mapsto \hat y$: the sum of the shrinkage, and one for the intercept.
    """

    coef: Any
    intercept: Any
    residual_sum_of_squares: Any
    shrinkage: Any
    degrees_of_freedom: Any


class RidgePathFit(NamedTuple):
    r"""What `fit_ridge_path` returns, for $a$ penalties; one output has no axis of outputs.

    Attributes
    ----------
    alphas : $\alpha$, shape (a,), as they were given.
    coef : shape (a, p) or (a, k, p).
    intercept : shape (a,) or (a, k).
    leave_one_out_error : mean squared error of each row predicted by the fit without it, shape (a,) or (a, k).
    leave_one_out_standard_error : of that mean, as if the rows' errors were independent.
    generalized_cross_validation : the error of leaving out each row with all leverages equal to their mean.
    residual_sum_of_squares : shape (a,) or (a, k).
    shrinkage : $\lambda_j / (\lambda_j + \alpha)$, shape (a, m).
    degrees_of_freedom : shape (a,).
    best : index of the smallest leave-one-out error, the mean over outputs where there are several.
    """

    alphas: Any
    coef: Any
    intercept: Any
    leave_one_out_error: Any
    leave_one_out_standard_error: Any
    generalized_cross_validation: Any
    residual_sum_of_squares: Any
    shrinkage: Any
    degrees_of_freedom: Any
    best: Any


@double_precision
def fit_ridge(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    alpha: ArrayLike = 1.0,
    fit_intercept: bool = True,
) -> RidgeFit:
    r"""Least squares with a penalty on the squared length of the coefficients, in closed form.

    $$ \min_{b_0, b} \sum_i w_i (y_i - b_0 - x_i^\top b)^2 + \alpha \lVert b \rVert^2, \qquad
       \hat b = V \operatorname{diag}\Big( \frac{s_j}{s_j^2 + \alpha} \Big) U^\top W^{1/2} y_c, \qquad
       W^{1/2} X_c = U \operatorname{diag}(s) V^\top $$

    The intercept is not penalized. A row of weight 3 is three rows. With $\alpha = 0$ it is the shortest solution of
    least squares.

    Parameters
    ----------
    X : shape (n, p).
    y : shape (n,), or (n, k) for k outputs.
    sample_weight : $w$, shape (n,), none negative.
    alpha : $\alpha \ge 0$, a number or one for each output, shape (k,).
    fit_intercept : whether there is a $b_0$.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, negative weights, or a negative penalty.

    Examples
    --------
    >>> X, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])
    >>> found = fit_ridge(X, y, alpha=2.0)
    >>> found.coef.round(12).tolist(), found.intercept.item(), found.degrees_of_freedom.round(12).item()
    ([0.5], 1.0, 1.5)

    References
    ----------
    Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12 (1970).
    """
    matrix, target, weight = checked_problem(X, y, sample_weight)
    outputs = target if target.ndim == 2 else target[:, None]
    penalty = _checked_penalty("alpha", alpha, matrix.dtype)
    if penalty.ndim > 1 or (penalty.ndim == 1 and penalty.shape != outputs.shape[1:]):
        raise ConfigurationError(
            "alpha does not fit the outputs",
            expected=f"a number, or shape ({outputs.shape[1]},)",
            got=f"shape {penalty.shape}",
            fix="use fit_ridge_path for many penalties",
        )
    each = jnp.broadcast_to(penalty, outputs.shape[1:])
    found = _trusted(_fitted, matrix, outputs, weight, each, fit_intercept)
    if penalty.ndim == 0:
        found = found._replace(shrinkage=found.shrinkage[0], degrees_of_freedom=found.degrees_of_freedom[0])
    if target.ndim == 2:
        return found
    return found._replace(
        coef=found.coef[0],
        intercept=found.intercept[0],
        residual_sum_of_squares=found.residual_sum_of_squares[0],
    )


@double_precision
def fit_ridge_path(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    alphas: ArrayLike | Sequence[float],
    fit_intercept: bool = True,
) -> RidgePathFit:
    r"""Ridge regression for many penalties, with the error of leaving out each row, by one decomposition.

    $$ h_i(\alpha) = \frac{1}{\sum w} + \sum_j \frac{u_{ij}^2 s_j^2}{s_j^2 + \alpha}, \qquad
       \text{LOO}(\alpha) = \frac{1}{\sum w} \sum_i w_i \Big( \frac{e_i(\alpha)}{1 - h_i(\alpha)} \Big)^2, \qquad
       \text{GCV}(\alpha) = \frac{\frac{1}{\sum w} \sum_i w_i e_i(\alpha)^2}{(1 - \text{df}(\alpha) / \sum w)^2} $$

    with $u_i$ of one row of weight one, $\text{df} = 1 + \sum_j s_j^2 / (s_j^2 + \alpha)$, and without the terms of
    the intercept where there is none. Of a row of weight 3 one of the three is left out.

    Parameters
    ----------
    X, y, sample_weight, fit_intercept : as `fit_ridge` takes them.
    alphas : $\alpha \ge 0$, shape (a,), in any order.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        as `fit_ridge`.

    Examples
    --------
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> found = fit_ridge_path(X, np.array([1.0, 2.5, 2.5, 4.0]), alphas=[0.1, 1.0, 10.0])
    >>> found.coef[:, 0].round(4).tolist(), found.best.item()
    ([0.8824, 0.75, 0.3], 0)
    >>> found.leave_one_out_error.round(4).tolist()
    [0.3613, 0.6401, 1.5522]

    References
    ----------
    Golub, Heath, Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter",
    Technometrics 21 (1979).
    """
    matrix, target, weight = checked_problem(X, y, sample_weight)
    outputs = target if target.ndim == 2 else target[:, None]
    penalties = _checked_penalty("alphas", alphas, matrix.dtype)
    if penalties.ndim != 1 or penalties.size == 0:
        raise ConfigurationError(
            "alphas is not a list of penalties",
            expected="shape (a,), at least one",
            got=f"shape {penalties.shape}",
            fix="pass for example numpy.geomspace(1e-3, 1e3, 50)",
        )
    found = _trusted(_path, matrix, outputs, weight, penalties, fit_intercept)
    if target.ndim == 2:
        return found
    several = [name for name in found._fields if name not in ("alphas", "shrinkage", "degrees_of_freedom", "best")]
    return found._replace(**{name: getattr(found, name)[:, 0] for name in several})


def _trusted(
    attempt: Callable[..., tuple[Any, Array]],
    X: Array,
    y: Array,
    weight: Array | None,
    alpha: Array,
    fit_intercept: bool,
) -> Any:
    """The attempt by the Gram matrix, or by singular values where the smallest penalty is too small for that."""
    first, trusted = attempt(X, y, weight, alpha, fit_intercept, True)
    return branch(trusted, lambda: first, lambda: attempt(X, y, weight, alpha, fit_intercept, False)[0])


def _decomposed(
    X: Array, y: Array, weight: Array | None, alpha: Array, fit_intercept: bool, by_gram: bool
) -> tuple[Centered, Spectrum, Array]:
    centered = center(X, y, weight, fit_intercept)
    if by_gram:
        return centered, *by_gram_matrix(centered.X, centered.y, weight, jnp.min(alpha), fit_intercept)
    return centered, *by_singular_values(centered.X, centered.y, weight, fit_intercept)


@partial(jax.jit, static_argnums=(4, 5))
def _fitted(
    X: Array, y: Array, weight: Array | None, alpha: Array, fit_intercept: bool, by_gram: bool
) -> tuple[RidgeFit, Array]:
    centered, spectrum, trusted = _decomposed(X, y, weight, alpha, fit_intercept, by_gram)
    D = inverse(spectrum, alpha)
    coef = (D * spectrum.target.T) @ spectrum.right.T
    residual = centered.y - centered.X @ coef.T
    shrinkage = spectrum.eigenvalues * D
    found = RidgeFit(
        coef=coef,
        intercept=centered.target_means - coef @ centered.column_means,
        residual_sum_of_squares=_sum(residual**2, weight),
        shrinkage=shrinkage,
        degrees_of_freedom=jnp.sum(shrinkage, axis=1) + float(fit_intercept),
    )
    return found, trusted


@partial(jax.jit, static_argnums=(4, 5))
def _path(
    X: Array, y: Array, weight: Array | None, alphas: Array, fit_intercept: bool, by_gram: bool
) -> tuple[RidgePathFit, Array]:
    centered, spectrum, trusted = _decomposed(X, y, weight, alphas, fit_intercept, by_gram)
    n = centered.observations
    D = inverse(spectrum, alphas)
    shrinkage = spectrum.eigenvalues * D
    freedom = jnp.sum(shrinkage, axis=1) + float(fit_intercept)
    # One product for the leverages of all penalties, one more for the residuals of each output.
    if len(X) < X.shape[1]:
        # Both are nearly zero for a small penalty, and are added up without a difference.
        rest = remainder(spectrum, alphas)
        others = 0.0 if weight is None else 1 - 1 / jnp.where(weight > 0, weight, 1.0)[:, None]
        free = others + spectrum.left**2 @ rest.T
        residual = lambda t, y: spectrum.left @ (rest * t).T  # noqa: E731
    else:
        free = 1 - float(fit_intercept) / n - spectrum.left**2 @ (spectrum.gain * D).T
        residual = lambda t, y: y[:, None] - spectrum.left @ (spectrum.gain * D * t).T  # noqa: E731

    def of_one_output(t: Array, y: Array) -> tuple[Array, Array, Array, Array]:
        e = residual(t, y)
        squares = _left_out(e, free, weight) ** 2
        mean = _sum(squares, weight) / n
        error = jnp.sqrt(_sum((squares - mean) ** 2, weight) / jnp.maximum(n - 1, 1.0) / n)
        return (D * t) @ spectrum.right.T, _sum(e**2, weight), mean, error

    coef, rss, left_out, error = jax.lax.map(lambda pair: of_one_output(*pair), (spectrum.target.T, centered.y.T))
    coef = jnp.swapaxes(coef, 0, 1)
    found = RidgePathFit(
        alphas=alphas,
        coef=coef,
        intercept=centered.target_means - coef @ centered.column_means,
        leave_one_out_error=left_out.T,
        leave_one_out_standard_error=error.T,
        generalized_cross_validation=_left_out(jnp.sqrt(rss.T / n), 1 - freedom[:, None] / n, None) ** 2,
        residual_sum_of_squares=rss.T,
        shrinkage=shrinkage,
        degrees_of_freedom=freedom,
        best=jnp.argmin(jnp.mean(left_out, axis=0)),
    )
    return found, trusted


def _left_out(e: Array, free: Array, weight: Array | None) -> Array:
    """Errors without the row, infinite where the fit repeats its row whatever it says; zero for absent rows."""
    own = free > 100 * jnp.finfo(free.dtype).eps
    error = jnp.where(own, e / jnp.where(own, free, 1.0), jnp.inf)
    return error if weight is None else jnp.where(weight[:, None] > 0, error, 0.0)


def _sum(rows: Array, weight: Array | None) -> Array:
    return jnp.sum(rows, axis=0) if weight is None else weight @ rows


def _checked_penalty(name: str, value: Any, dtype: Any) -> Array:
    penalty = as_real(name, value).astype(dtype)
    if known(penalty) and not np.all((np.asarray(penalty) >= 0) & np.isfinite(np.asarray(penalty))):
        raise ConfigurationError(
            f"{name} must not be negative",
            expected="finite numbers of zero or more",
            got=f"{np.asarray(penalty).tolist()}",
            fix="zero is no penalty; larger shrinks more",
        )
    return penalty
