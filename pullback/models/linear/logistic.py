"""Logistic regression, with penalties or without."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError, DataError
from pullback.core.precision import double_precision
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import known
from pullback.models.linear.logistic_newton import Kind, Penalty, minimize_logistic
from pullback.models.linear.logistic_rows import LogisticRows


class LogisticFit(NamedTuple):
    """What `fit_logistic` returns.

    Attributes
    ----------
    coef : $b$, shape (p,).
    intercept : $b_0$.
    objective : the value that was made small.
    decrease : by how much one more step would lower it, roughly.
    steps : values of the objective at all rows.
    converged : whether `decrease` is small enough.
    """

    coef: Any
    intercept: Any
    objective: Any
    decrease: Any
    steps: Any
    converged: Any


@double_precision
def fit_logistic(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    C: ArrayLike = 1.0,
    l1_ratio: ArrayLike = 0.0,
    fit_intercept: bool = True,
    tolerance: float = 1e-20,
    max_steps: int = 200,
) -> LogisticFit:
    r"""Logistic regression with the penalty of the elastic net; maximum likelihood for an infinite `C`.

    $$ \min_{b_0, b} \ \sum_i w_i \big( \log(1 + e^{z_i}) - y_i z_i \big)
       + \frac{\rho}{C} \|b\|_1 + \frac{1 - \rho}{2 C} \|b\|_2^2, \qquad z_i = b_0 + x_i^\top b $$

    with $\rho$ for `l1_ratio`: scikit-learn's objective divided by $C$. Newton's method; with $\rho > 0$ each step
    minimizes the quadratic model with the penalty, by coordinate descent.

    Parameters
    ----------
    X : shape (n, p).
    y : 0 or 1, shape (n,).
    sample_weight : $w$, shape (n,), none negative: a row of weight 3 is three rows.
    C : inverse of the strength of the penalty, above zero; infinity for none.
    l1_ratio : part of the absolute values in the penalty, from 0 to 1.
    fit_intercept : whether there is a $b_0$, which is not penalized.
    tolerance : of the objective, the part by which the last step may still have lowered it.
    max_steps : most values of the objective.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, labels other than 0 and 1, negative weights, and
        settings outside their range.

    Examples
    --------
    >>> X, y = np.array([[0.0]] * 10 + [[1.0]] * 10), np.array([1.0] * 3 + [0.0] * 7 + [1.0] * 6 + [0.0] * 4)
    >>> found = fit_logistic(X, y, C=np.inf)
    >>> found.coef.round(6).tolist(), float(np.log((6 / 4) / (3 / 7)).round(6))
    ([1.252763], 1.252763)

    References
    ----------
    Lee, Sun, Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM Journal on
    Optimization 24, 2014.
    """
    matrix, label, weight = checked_problem(X, y, sample_weight)
    _check(label, C, l1_ratio)
    absolute = not (known(l1_ratio) and np.all(np.asarray(l1_ratio) == 0))
    inverse, ratio, small = (jnp.asarray(value, matrix.dtype) for value in (C, l1_ratio, tolerance))
    weight = jnp.ones_like(label) if weight is None else weight
    return one_logistic_fit(
        matrix, label, weight, inverse, ratio, small, jnp.asarray(max_steps), Kind(bool(fit_intercept), absolute)
    )


def _check(label: Any, C: Any, l1_ratio: Any) -> None:
    check_strength(C, l1_ratio)
    if label.ndim != 1 or (known(label) and not np.all(np.isin(np.asarray(label), (0, 1)))):
        raise DataError(
            "these labels are not those of two classes",
            expected="0 or 1 for each row",
            got=f"shape {label.shape}" if label.ndim != 1 else f"values such as {np.unique(np.asarray(label))[:4]}",
            fix="number the classes 0 and 1, or use fit_softmax for more",
        )


def check_strength(C: Any, l1_ratio: Any) -> None:
    """ConfigurationError for a C or an l1_ratio outside of its range, where they are known."""
    if known(C) and not np.all(np.asarray(C) > 0):
        raise ConfigurationError(
            "C must be positive",
            expected="a number > 0, or infinity for no penalty",
            got=repr(C),
            fix="choose C above zero",
        )
    if known(l1_ratio) and not (np.all(np.asarray(l1_ratio) >= 0) and np.all(np.asarray(l1_ratio) <= 1)):
        raise ConfigurationError(
            "l1_ratio must be a part of one",
            expected="a number from 0 to 1",
            got=repr(l1_ratio),
            fix="choose 0 for the square penalty, 1 for absolute values",
        )


@partial(jax.jit, static_argnames="kind")
def one_logistic_fit(
    X: Float[Array, "n p"],
    y: Float[Array, " n"],
    w: Float[Array, " n"],
    C: Float[Array, ""],
    l1_ratio: Float[Array, ""],
    tolerance: Float[Array, ""],
    max_steps: Array,
    kind: Kind,
) -> LogisticFit:
    """The fit of arrays and settings that were checked."""
    rows = LogisticRows(X, y, w, center(X, w, kind.intercept))
    share = jnp.sum(w * y) / jnp.sum(w)
    start = jnp.zeros(X.shape[1] + 1, X.dtype)
    if kind.intercept:
        within = jnp.clip(share, 1e-6, 1 - 1e-6)
        start = start.at[0].set(jnp.log(within / (1 - within)))
    penalty = Penalty(l1_ratio / C, (1 - l1_ratio) / C)
    found = minimize_logistic(rows, penalty, kind, start, tolerance, max_steps)
    coef = found.b[1:]
    return LogisticFit(coef, found.b[0] - rows.m @ coef, found.value, found.decrease, found.steps, found.converged)


# Rows from which the point to take off the columns is found: their mean need not be exact.
ROWS_OF_THE_MEAN = 5000


def center(X: Float[Array, "n p"], w: Float[Array, " n"], fit_intercept: bool) -> Float[Array, " p"]:
    """About the weighted mean of the columns; zero without an intercept, which would take up the difference."""
    if not fit_intercept:
        return jnp.zeros_like(X[0])
    every = -(-len(X) // ROWS_OF_THE_MEAN)
    part, counts = X[::every], w[::every]
    counts = counts + jnp.where(jnp.sum(counts) > 0, 0, 1)
    return counts @ part / jnp.sum(counts)
