"""The elastic net: least squares with a penalty on absolute values and squares, at one strength."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import known
from pullback.models.linear.centered_products import CenteredProducts, centered_products, host_problem
from pullback.models.linear.coordinate_descent import coordinate_descent
from pullback.models.linear.elastic_net_host import descend


class ElasticNetFit(NamedTuple):
    """What `fit_elastic_net` returns; one output has no axis of outputs.

    Attributes
    ----------
    coef : $b$, shape (p,) or (k, p).
    intercept : $b_0$, a scalar or shape (k,).
    objective : the value that was made small, a scalar or shape (k,).
    duality_gap : by how much at most that is above the smallest.
    iterations : systems solved, or sweeps over the coordinates.
    """

    coef: Any
    intercept: Any
    objective: Any
    duality_gap: Any
    iterations: Any


def fit_elastic_net(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    alpha: ArrayLike,
    l1_ratio: ArrayLike = 1.0,
    fit_intercept: bool = True,
    positive: bool = False,
    tolerance: float = 1e-8,
    max_iterations: int = 10_000,
) -> ElasticNetFit:
    r"""Least squares with the penalty of the elastic net; the lasso at `l1_ratio` 1.

    $$ \min_{b_0, b} \ \frac{1}{2n} \sum_i w_i \big( y_i - b_0 - x_i^\top b \big)^2
       + \alpha \rho \|b\|_1 + \frac{\alpha (1 - \rho)}{2} \|b\|_2^2, \qquad n = \sum_i w_i $$

    with $\rho$ for `l1_ratio`. The intercept is not penalized. Arrays of NumPy are fitted by active sets on the host,
    in float64; arrays of JAX in a compiled program by coordinate descent, which maps over leading axes by `jax.vmap`
    and takes `alpha` and `l1_ratio` as values. Both stop by the duality gap.

    Parameters
    ----------
    X : shape (n, p).
    y : shape (n,), or (n, k) for k outputs, each fitted alone.
    sample_weight : $w$, shape (n,), none negative: a row of weight 3 is three rows.
    alpha : strength of the penalty, above zero.
    l1_ratio : part of the absolute values in the penalty, from 0 to 1.
    fit_intercept : whether there is a $b_0$.
    positive : whether the coefficients may not be negative.
    tolerance : the largest duality gap, as a part of the objective.
    max_iterations : most sweeps over the coordinates.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, negative weights, and settings outside their range.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> found = fit_elastic_net(x, np.array([4.0, -4.0, 1.0, -1.0]), alpha=1.0)
    >>> found.coef.round(12).tolist(), round(found.objective.item(), 12), found.duality_gap.item() < 1e-12
    ([2.0, 0.0], 3.25, True)

    References
    ----------
    Zou, Hastie, "Regularization and variable selection via the elastic net", Journal of the Royal Statistical Society
    B 67, 2005.
    """
    check_penalty(alpha, l1_ratio)
    if not any(isinstance(value, jax.Array) for value in (X, y, sample_weight, alpha, l1_ratio)):
        return _on_host(
            X,
            y,
            sample_weight,
            float(np.asarray(alpha)),
            float(np.asarray(l1_ratio)),
            fit_intercept,
            positive,
            tolerance,
            max_iterations,
        )
    matrix, target, weight = checked_problem(X, y, sample_weight)
    strength, ratio = (jnp.asarray(value, matrix.dtype) for value in (alpha, l1_ratio))
    found = _compiled(
        matrix,
        target if target.ndim == 2 else target[:, None],
        jnp.ones_like(matrix[:, 0]) if weight is None else weight,
        strength,
        ratio,
        jnp.asarray(tolerance, matrix.dtype),
        jnp.asarray(max_iterations),
        fit_intercept,
        positive,
    )
    return found if target.ndim == 2 else jax.tree.map(lambda leaf: leaf[0], found)


def check_penalty(alpha: ArrayLike | Sequence[float], l1_ratio: ArrayLike) -> None:
    """ConfigurationError for a strength that is not positive or a part outside [0, 1], where they are known."""
    if known(alpha) and not (np.all(np.isfinite(np.asarray(alpha))) and np.all(np.asarray(alpha) > 0)):
        raise ConfigurationError(
            "alpha must be positive",
            expected="a finite number > 0",
            got=repr(alpha),
            fix="choose alpha above zero, or fit without a penalty by fit_least_squares",
        )
    if known(l1_ratio) and not (np.all(np.asarray(l1_ratio) >= 0) and np.all(np.asarray(l1_ratio) <= 1)):
        raise ConfigurationError(
            "l1_ratio must be a part of one",
            expected="a number from 0 to 1",
            got=repr(l1_ratio),
            fix="choose 1 for the lasso, 0 for the ridge penalty",
        )


@partial(jax.jit, static_argnames=("fit_intercept", "positive"))
def _compiled(
    X: Float[Array, "n p"],
    y: Float[Array, "n k"],
    weight: Float[Array, " n"],
    alpha: Float[Array, ""],
    l1_ratio: Float[Array, ""],
    tolerance: Float[Array, ""],
    most_sweeps: Array,
    fit_intercept: bool,
    positive: bool,
) -> ElasticNetFit:
    problem = centered_products(X, y, weight, fit_intercept)
    l1, l2 = alpha * l1_ratio, alpha * (1 - l1_ratio)
    start = jnp.zeros_like(problem.q[0])

    def one(q: Array, s: Array) -> Any:
        return coordinate_descent(problem.G, q, s, l1, l2, start, tolerance, most_sweeps, positive)

    found = jax.vmap(one)(problem.q, problem.s)
    return ElasticNetFit(
        found.b, intercepts(problem, found.b), found.objective.value, found.objective.gap, found.sweeps
    )


def intercepts(problem: CenteredProducts, b: Any) -> Any:
    r"""$\bar y - \bar x^\top b$ of each output."""
    return problem.target_means - b @ problem.column_means


def _on_host(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    alpha: float,
    l1_ratio: float,
    fit_intercept: bool,
    positive: bool,
    tolerance: float,
    max_iterations: int,
) -> ElasticNetFit:
    problem, many = host_problem(X, y, sample_weight, fit_intercept)
    runs = [
        descend(
            problem.G,
            q,
            s,
            np.array([alpha]),
            l1_ratio,
            positive=positive,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        for q, s in zip(problem.q, problem.s, strict=True)
    ]
    b = np.array([run.coef[0] for run in runs])
    found = ElasticNetFit(
        b,
        intercepts(problem, b),
        np.array([run.objective[0] for run in runs]),
        np.array([run.duality_gap[0] for run in runs]),
        np.array([run.iterations[0] for run in runs]),
    )
    return found if many else ElasticNetFit(*(leaf[0] for leaf in found))
