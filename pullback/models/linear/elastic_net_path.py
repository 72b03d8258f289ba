"""The elastic net at a falling sequence of strengths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import known
from pullback.models.linear.centered_products import CenteredProducts, centered_products, host_problem
from pullback.models.linear.coordinate_descent import coordinate_descent
from pullback.models.linear.elastic_net import check_penalty, intercepts
from pullback.models.linear.elastic_net_host import descend


class ElasticNetPath(NamedTuple):
    """What `fit_elastic_net_path` returns, for m strengths; one output has no axis of outputs, which is the first.

    Attributes
    ----------
    alphas : falling, shape (m,) or (k, m).
    coef : shape (m, p) or (k, m, p).
    intercept, objective, duality_gap, iterations : shape (m,) or (k, m).
    """

    alphas: Any
    coef: Any
    intercept: Any
    objective: Any
    duality_gap: Any
    iterations: Any


def largest_alpha(q: Any, l1_ratio: Any) -> Any:
    r"""$\max_j |q_j| / \rho$: the smallest strength at which every coefficient is zero, for products $q$."""
    return abs(q).max(-1) / l1_ratio


def fit_elastic_net_path(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    alphas: ArrayLike | Sequence[float] | int = 100,
    smallest: float = 1e-3,
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    positive: bool = False,
    tolerance: float = 1e-8,
    max_iterations: int = 10_000,
) -> ElasticNetPath:
    r"""The minima of `fit_elastic_net` at falling strengths, each started from the one before.

    $$ \alpha_{\max} = \frac{1}{n \rho} \max_j \Big| \sum_i w_i (x_{ij} - \bar x_j)(y_i - \bar y) \Big| $$

    is the smallest strength at which every coefficient is zero; the sequence falls from there in equal ratios.

    Parameters
    ----------
    X, y, sample_weight, l1_ratio, fit_intercept, positive, tolerance, max_iterations : as `fit_elastic_net`.
    alphas : the strengths, in any order, or how many.
    smallest : the last strength over the first, where only their number is given.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        as `fit_elastic_net`, and for a number of strengths with `l1_ratio` 0, where none makes all coefficients zero.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> path = fit_elastic_net_path(x, np.array([4.0, -4.0, 1.0, -1.0]), alphas=3, smallest=0.25)
    >>> path.alphas.round(6).tolist(), path.coef.round(6).tolist()
    ([2.0, 1.0, 0.5], [[0.0, 0.0], [2.0, 0.0], [3.0, 0.0]])

    References
    ----------
    Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via coordinate descent", Journal
    of Statistical Software 33, 2010.
    """
    _check(alphas, smallest, l1_ratio)
    host = not any(isinstance(value, jax.Array) for value in (X, y, sample_weight, alphas))
    if host:
        problem, many = host_problem(X, y, sample_weight, fit_intercept)
        grid = _grid(problem, alphas, smallest, l1_ratio, np)
        found = _on_host(problem, grid, float(l1_ratio), positive, tolerance, max_iterations)
        return found if many else ElasticNetPath(*(leaf[0] for leaf in found))
    matrix, target, weight = checked_problem(X, y, sample_weight)
    weight = jnp.ones_like(matrix[:, 0]) if weight is None else weight
    problem = centered_products(matrix, target if target.ndim == 2 else target[:, None], weight, fit_intercept)
    grid = _grid(problem, alphas, smallest, l1_ratio, jnp)
    settings = (jnp.asarray(value, matrix.dtype) for value in (l1_ratio, tolerance))
    found = _compiled(problem, grid.astype(matrix.dtype), *settings, jnp.asarray(max_iterations), positive)
    return found if target.ndim == 2 else jax.tree.map(lambda leaf: leaf[0], found)


def _check(alphas: ArrayLike | Sequence[float] | int, smallest: float, l1_ratio: float) -> None:
    check_penalty(1.0, l1_ratio)
    if not isinstance(alphas, int):
        check_penalty(alphas, l1_ratio)
        return
    positive_integer("alphas", alphas)
    if known(l1_ratio) and l1_ratio <= 0:
        raise ConfigurationError(
            "no strength of this penalty makes every coefficient zero",
            expected="l1_ratio above zero, or the strengths themselves",
            got=f"l1_ratio={l1_ratio!r} and alphas={alphas}",
            fix="pass the strengths as a sequence",
        )
    if not 0 < smallest < 1:
        raise ConfigurationError(
            "the strengths do not fall",
            expected="0 < smallest < 1",
            got=f"smallest={smallest!r}",
            fix="choose the last strength over the first, such as 1e-3",
        )


def _grid(
    problem: CenteredProducts, alphas: ArrayLike | Sequence[float] | int, smallest: float, l1_ratio: Any, numeric: Any
) -> Any:
    outputs = len(problem.s)
    if not isinstance(alphas, int):
        falling = -numeric.sort(-numeric.asarray(alphas, problem.q.dtype))
        return numeric.tile(falling, (outputs, 1))
    # A target without variation has no coefficients at any strength.
    first = largest_alpha(problem.q, l1_ratio)
    first = numeric.where(first > 0, first, numeric.finfo(first.dtype).eps)
    return first[:, None] * smallest ** numeric.linspace(0, 1, alphas, dtype=first.dtype)


def _on_host(
    problem: CenteredProducts, grid: np.ndarray, l1_ratio: float, positive: bool, tolerance: float, max_iterations: int
) -> ElasticNetPath:
    runs = [
        descend(
            problem.G,
            q,
            s,
            alphas,
            l1_ratio,
            positive=positive,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        for q, s, alphas in zip(problem.q, problem.s, grid, strict=True)
    ]
    coef, objective, gap, iterations = (np.array(each) for each in zip(*runs, strict=True))
    intercept = intercepts(problem, coef.swapaxes(0, 1)).T
    return ElasticNetPath(grid, coef, intercept, objective, gap, iterations)


@partial(jax.jit, static_argnames="positive")
def _compiled(
    problem: CenteredProducts,
    grid: Float[Array, "k m"],
    l1_ratio: Float[Array, ""],
    tolerance: Float[Array, ""],
    most_sweeps: Array,
    positive: bool,
) -> ElasticNetPath:
    def one(q: Array, s: Array, alphas: Array) -> Any:
        def at(b: Array, alpha: Array) -> Any:
            l1, l2 = alpha * l1_ratio, alpha * (1 - l1_ratio)
            found = coordinate_descent(problem.G, q, s, l1, l2, b, tolerance, most_sweeps, positive)
            return found.b, found

        return jax.lax.scan(at, jnp.zeros_like(q), alphas)[1]

    found = jax.vmap(one)(problem.q, problem.s, grid)
    intercept = intercepts(problem, found.b.swapaxes(0, 1)).T
    return ElasticNetPath(grid, found.b, intercept, found.objective.value, found.objective.gap, found.sweeps)
