"""Least squares on targets of plus and minus one: a class against the rest, or each pair of classes."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from pullback.core.precision import double_precision
from pullback.linalg.least_squares.complete_orthogonal import solve_complete_orthogonal
from pullback.linalg.least_squares.problem import checked_problem
from pullback.models.linear.class_roots import class_roots
from pullback.models.linear.softmax import class_count

# A column whose mean is so many of its deviations is taken about its mean: the offset would cost it as many digits.
# Others stay as they are, so that zeros stay zeros, and the shortest solution is that of the columns as they are.
OFFSET = 1000.0


class SignsFit(NamedTuple):
    """What `fit_rest_signs` and `fit_pair_signs` return.

    Attributes
    ----------
    coef : shape (problems, p).
    intercept : shape (problems,).
    rank : of the columns of each problem, that of the intercept not counted.
    """

    coef: Any
    intercept: Any
    rank: Any


@double_precision
def fit_rest_signs(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    classes: int | None = None,
    fit_intercept: bool = True,
) -> SignsFit:
    r"""Each class against the rest by least squares on signs, all by one factorization.

    $$ \theta_k = A^+ t_k, \qquad A = W^{1/2} (1, X), \qquad t_{ik} = \pm w_i^{1/2}, \text{ plus where } y_i = k $$

    with $\theta = (b, w)$ the shortest of all solutions, the intercept counted.

    Parameters
    ----------
    X : shape (n, p).
    y : classes 0, 1, ..., shape (n,).
    sample_weight : shape (n,), none negative: a row of weight 3 is three rows.
    classes : how many there are; by default one more than the largest of `y`. Needed in a compiled program.
    fit_intercept : whether there is a $b$.

    Raises
    ------
    ShapeError, DataError
        for arrays that do not fit, entries that are not finite, and labels that are no classes.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> found = fit_rest_signs(X, y)
    >>> found.coef.round(6).tolist(), found.intercept.round(6).tolist()
    ([[-0.8], [0.8]], [1.2, -1.2])

    References
    ----------
    Boyd, Vandenberghe, "Introduction to Applied Linear Algebra", 2018, chapter 14.
    """
    matrix, label, weight, count = _checked(X, y, sample_weight, classes)
    return _rest(matrix, label, weight, count, bool(fit_intercept))


@double_precision
def fit_pair_signs(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    classes: int | None = None,
    fit_intercept: bool = True,
) -> SignsFit:
    r"""The second class of each pair against the first by least squares on signs, on the rows of the two.

    The pairs (0, 1), (0, 2), ..., (1, 2), ... share the triangles $R_k$ of their classes: of the rows of two of them

    $$ \theta_{ij} = \begin{pmatrix} R_i \\ R_j \end{pmatrix}^+ \begin{pmatrix} -R_i e_0 \\ R_j e_0 \end{pmatrix} $$

    is the same solution as of the rows of both classes, whose number counts only once for all pairs.

    Parameters, errors and the source are those of `fit_rest_signs`.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0], [9.0]]), np.array([0, 0, 1, 1, 2])
    >>> found = fit_pair_signs(X, y)
    >>> found.coef[0].round(6).tolist(), found.intercept.shape
    ([0.8], (3,))
    """
    matrix, label, weight, count = _checked(X, y, sample_weight, classes)
    return _pairs(matrix, label, weight, count, bool(fit_intercept))


def _checked(X: Any, y: Any, sample_weight: Any, classes: int | None) -> tuple[Array, Array, Array, int]:
    matrix, label, weight = checked_problem(X, y, sample_weight)
    count = class_count(label, classes)
    return matrix, label.astype(int), jnp.ones_like(matrix[:, 0]) if weight is None else weight, count


@partial(jax.jit, static_argnames=("classes", "fit_intercept"))
def _rest(X: Array, y: Array, w: Array, classes: int, fit_intercept: bool) -> SignsFit:
    offset = offset_of_columns(X, w, fit_intercept)
    roots = class_roots(X - offset, y, w, classes)
    signs = 2 * jnp.eye(classes, dtype=X.dtype) - 1
    targets = roots[:, :, :1] * signs[:, None, :]
    rows = roots.reshape(-1, roots.shape[2])
    coef, intercept, rank = _shortest(rows, targets.reshape(len(rows), classes), offset, len(X), fit_intercept)
    return SignsFit(coef, intercept, jnp.broadcast_to(rank, (classes,)))


@partial(jax.jit, static_argnames=("classes", "fit_intercept"))
def _pairs(X: Array, y: Array, w: Array, classes: int, fit_intercept: bool) -> SignsFit:
    offset = offset_of_columns(X, w, fit_intercept)
    roots = class_roots(X - offset, y, w, classes)

    def pair(places: Int[Array, " 2"]) -> tuple[Array, Array, Array]:
        first, second = roots[places[0]], roots[places[1]]
        rows = jnp.concatenate([first, second])
        target = jnp.concatenate([-first[:, 0], second[:, 0]])[:, None]
        coef, intercept, rank = _shortest(rows, target, offset, len(X), fit_intercept)
        return coef[0], intercept[0], rank

    return SignsFit(*jax.lax.map(pair, jnp.stack(jnp.triu_indices(classes, 1), axis=1)))


def offset_of_columns(X: Float[Array, "n p"], w: Float[Array, " n"], fit_intercept: bool) -> Float[Array, " p"]:
    """The means of the columns far from zero, and zero for the others and for columns that do not vary."""
    if not fit_intercept:
        return jnp.zeros_like(X[0])
    mean = w @ X / jnp.sum(w)
    deviation = jnp.sqrt(w @ (X - mean) ** 2 / jnp.sum(w))
    constant = deviation <= len(X) * jnp.finfo(X.dtype).eps * jnp.abs(mean)
    return jnp.where((jnp.abs(mean) > OFFSET * deviation) & ~constant, mean, 0)


def _shortest(
    rows: Float[Array, "m columns"], targets: Float[Array, "m k"], offset: Float[Array, " p"], n: int, intercept: bool
) -> tuple[Array, Array, Array]:
    """The shortest intercepts and coefficients for rows with the column of ones in front, each target by itself."""
    design = rows if intercept else rows[:, 1:]
    columns = design.shape[1]
    tolerance = max(n, columns) * float(jnp.finfo(rows.dtype).eps)
    R = jnp.linalg.qr(jnp.concatenate([design, targets], axis=1), mode="r")
    theta, rank = solve_complete_orthogonal(R[:columns, :columns], R[:columns, columns:], tolerance)
    if not intercept:
        return theta.T, jnp.zeros_like(targets[0]), rank
    return theta[1:].T, theta[0] - offset @ theta[1:], rank - 1
