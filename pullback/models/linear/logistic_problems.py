"""Many logistic regressions as one program: each class against the rest, or each pair of classes."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from pullback.core.precision import double_precision
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import known
from pullback.models.linear.logistic import LogisticFit, check_strength, one_logistic_fit
from pullback.models.linear.logistic_newton import Kind
from pullback.models.linear.softmax import class_count

# The rows of a pair are padded to a multiple of one part in so many of all rows, so that few programs are compiled.
PARTS = 16


@double_precision
def fit_logistic_rest(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    classes: int | None = None,
    C: ArrayLike = 1.0,
    l1_ratio: ArrayLike = 0.0,
    fit_intercept: bool = True,
    tolerance: float = 1e-20,
    max_steps: int = 200,
) -> LogisticFit:
    r"""Each class against the rest by `fit_logistic`, one after another in one program over the same rows.

    $$ \min_{b_0, b} \ \sum_i w_i \big( \log(1 + e^{z_i}) - [y_i = k] z_i \big) + \frac{1}{2 C} \|b\|_2^2,
       \qquad k = 0, 1, \ldots $$

    Parameters
    ----------
    X : shape (n, p).
    y : classes 0, 1, ..., shape (n,).
    classes : how many there are; by default one more than the largest of `y`. Needed in a compiled program.
    sample_weight, C, l1_ratio, fit_intercept, tolerance, max_steps : as `fit_logistic` takes them.

    Returns
    -------
    A `LogisticFit` whose arrays have an axis of problems in front.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, labels that are no classes, and settings outside their
        range.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0], [2.0]]), np.array([0, 1, 2, 2, 0])
    >>> fit_logistic_rest(X, y).coef.shape
    (3, 1)

    References
    ----------
    Rifkin, Klautau, "In defense of one-vs-all classification", JMLR 5, 2004.
    """
    matrix, label, weight, settings = _checked(X, y, sample_weight, C, l1_ratio, tolerance, max_steps)
    count = class_count(label, classes)
    return _rest(matrix, label, weight, settings, count, _kind(fit_intercept, l1_ratio))


@double_precision
def fit_logistic_pairs(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    classes: int | None = None,
    C: ArrayLike = 1.0,
    l1_ratio: ArrayLike = 0.0,
    fit_intercept: bool = True,
    tolerance: float = 1e-20,
    max_steps: int = 200,
) -> LogisticFit:
    r"""The second class of each pair against the first by `fit_logistic`, in one program, on the rows of the two.

    $$ \min_{b_0, b} \sum_{i : y_i \in \{k, l\}} w_i \big( \log(1 + e^{z_i}) - [y_i = l] z_i \big)
       + \frac{1}{2 C} \|b\|_2^2, \qquad k < l $$

    The pairs are (0, 1), (0, 2), ..., (1, 2), ...; each is padded to the rows of the largest. Parameters, errors and
    what is returned are those of `fit_logistic_rest`.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0], [2.0]]), np.array([0, 1, 2, 2, 0])
    >>> fit_logistic_pairs(X, y).intercept.shape
    (3,)

    References
    ----------
    Knerr, Personnaz, Dreyfus, "Single-layer learning revisited", 1990.
    """
    matrix, label, weight, settings = _checked(X, y, sample_weight, C, l1_ratio, tolerance, max_steps)
    count = class_count(label, classes)
    rows = _rows_of_largest_pair(label, count)
    return _pairs(matrix, label, weight, settings, count, rows, _kind(fit_intercept, l1_ratio))


def _checked(X: Any, y: Any, sample_weight: Any, C: Any, l1_ratio: Any, tolerance: Any, max_steps: Any) -> Any:
    matrix, label, weight = checked_problem(X, y, sample_weight)
    check_strength(C, l1_ratio)
    settings = (*(jnp.asarray(value, matrix.dtype) for value in (C, l1_ratio, tolerance)), jnp.asarray(max_steps))
    return matrix, label, jnp.ones_like(matrix[:, 0]) if weight is None else weight, settings


def _kind(fit_intercept: bool, l1_ratio: Any) -> Kind:
    return Kind(bool(fit_intercept), not (known(l1_ratio) and bool(np.all(np.asarray(l1_ratio) == 0))))


def _rows_of_largest_pair(label: Array, classes: int) -> int:
    n = len(label)
    if not known(label):
        return n
    largest = int(np.sort(np.bincount(np.asarray(label).astype(int), minlength=classes))[-2:].sum())
    step = -(-n // PARTS)
    return min(n, -(-largest // step) * step)


@partial(jax.jit, static_argnames=("classes", "kind"))
def _rest(X: Array, y: Array, w: Array, settings: Any, classes: int, kind: Kind) -> LogisticFit:
    def against_rest(k: Array) -> LogisticFit:
        return one_logistic_fit(X, (y == k).astype(X.dtype), w, *settings, kind)

    return jax.lax.map(against_rest, jnp.arange(classes, dtype=y.dtype))


@partial(jax.jit, static_argnames=("classes", "rows", "kind"))
def _pairs(X: Array, y: Array, w: Array, settings: Any, classes: int, rows: int, kind: Kind) -> LogisticFit:
    label = y.astype(int)
    order = jnp.argsort(label)
    counts = jnp.zeros(classes, label.dtype).at[label].add(1)
    starts = jnp.cumsum(counts) - counts
    place = jnp.arange(rows, dtype=label.dtype)

    def of_two(pair: Array) -> LogisticFit:
        first, second = pair[0], pair[1]
        in_second = place - counts[first]
        sorted_place = jnp.where(in_second < 0, starts[first] + place, starts[second] + in_second)
        chosen = order[jnp.minimum(sorted_place, len(y) - 1)]
        weight = jnp.where(in_second < counts[second], w[chosen], 0)
        return one_logistic_fit(X[chosen], (in_second >= 0).astype(X.dtype), weight, *settings, kind)

    return jax.lax.map(of_two, jnp.stack(jnp.triu_indices(classes, 1), axis=1))
