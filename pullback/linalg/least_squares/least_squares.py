"""Least squares with the solver that the condition number calls for."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from pullback.core.errors import DataError
from pullback.core.precision import double_precision
from pullback.linalg.least_squares.branch import branch
from pullback.linalg.least_squares.factored import Factored, column_lengths
from pullback.linalg.least_squares.problem import checked_problem, weighted_rows
from pullback.linalg.least_squares.refinement import refine as refine_solution
from pullback.linalg.least_squares.solve import choose, solve
from pullback.linalg.least_squares.solver import Solver
from pullback.linalg.product import known

# Below this loss of digits, three, a solution is as good as its data; larger tables are refined when asked for only.
ROUNDINGS_AT_STAKE = 1024.0
ENTRIES_REFINED = 2**18


class LeastSquaresResult(NamedTuple):
    r"""What `least_squares` returns, for $n$ rows, $p$ columns, $m = \min(n, p)$.

    Attributes
    ----------
    x : the shortest minimizer, shape (p,) or (p, k) as `b` has it.
    residual : $b - A x$, without weights, shape of `b`.
    rank : of $W^{1/2} A$ with columns of length one.
    condition : the largest singular value of that matrix over the smallest that is not zero.
    singular_values : of that matrix, descending, shape (m,).
    solver : a `Solver`: which method was taken.
    corrections : steps of iterative refinement in doubled precision.
    root : $T$ with $T T^\top = (A^\top W A)^+$, shape (p, m).
    """

    x: Any
    residual: Any
    rank: Any
    condition: Any
    singular_values: Any
    solver: Any
    corrections: Any
    root: Any


@double_precision
def least_squares(
    A: ArrayLike,
    b: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    solver: str = "auto",
    refine: bool | None = None,
) -> LeastSquaresResult:
    r"""The shortest $x$ that minimizes the weighted sum of squares.

    $$ x = \arg\min_x \sum_i w_i \big( b_i - a_i^\top x \big)^2 = (W^{1/2} A)^+ \, W^{1/2} b $$

    With `solver="auto"` the Gram matrix is formed first, of columns of length one: where the condition number is below
    $\epsilon^{-1/4}$ its Cholesky factor and one step of refinement give all digits; otherwise Householder QR, and
    singular values where the rank is not full. Then, if $\kappa + \kappa^2 \lVert r \rVert / \lVert A x \rVert$ says
    that more than three digits are at stake, solution and residual are refined in doubled precision.

    Parameters
    ----------
    A : shape (n, p).
    b : shape (n,) or (n, k).
    sample_weight : $w$, shape (n,), none negative; a row of weight zero is not there.
    solver : "auto", "cholesky", "qr", "svd" or "normal_equations". QR hands over to singular values where the rank is
        not full; Cholesky needs full rank.
    refine : refine always, never, or (None) where digits are at stake and $n p \le 2^{18}$; full rank only.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, negative weights, a solver that does not exist, and
        `"cholesky"` for a matrix without full rank (within a compiled program the solution is NaN).

    Examples
    --------
    The second column is twice the first: of all minimizers the shortest is returned, and the rank says so.

    >>> found = least_squares(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]), np.array([5.0, 10.0, 15.0]))
    >>> found.x.round(12).tolist(), int(found.rank), Solver(int(found.solver)).name
    ([1.0, 2.0], 1, 'SVD')

    References
    ----------
    Björck, "Numerical Methods for Least Squares Problems", SIAM (1996), sections 2.2, 2.7 and 2.9.
    """
    method = Solver.named(solver)
    matrix, target, weight = checked_problem(A, b, sample_weight)
    columns = target if target.ndim == 2 else target[:, None]
    found = _solved(matrix, columns, weight, method, refine)
    if known(found.x) and not np.isfinite(np.asarray(found.x)).all():
        raise DataError(
            "the Cholesky factor of the Gram matrix does not exist",
            expected="columns that are linearly independent, to half the digits",
            got=f"a condition number of {float(found.condition):.1e}",
            fix='use solver="auto", "qr" or "svd"',
        )
    if target.ndim == 2:
        return found
    return found._replace(x=found.x[:, 0], residual=found.residual[:, 0])


class _Attempt(NamedTuple):
    result: LeastSquaresResult
    loss: Array
    trusted: Array


@partial(jax.jit, static_argnums=3)
def _attempt(A: Array, b: Array, weight: Array | None, solver: Solver) -> _Attempt:
    rows, target = weighted_rows(A, b, weight)
    found = solve(rows, target, solver)
    residual = b - A @ found.x
    result = LeastSquaresResult(
        x=found.x,
        residual=residual,
        rank=found.rank,
        condition=condition(found),
        singular_values=found.singular_values,
        solver=found.solver,
        corrections=jnp.int32(0),
        root=found.root,
    )
    return _Attempt(result, roundings(A, residual, weight, found), found.trusted)


def _solved(A: Array, b: Array, weight: Array | None, solver: Solver | None, refine: bool | None) -> LeastSquaresResult:
    found, loss, _ = choose(lambda method: _attempt(A, b, weight, method), solver, A.shape)
    limit = refinement_limit(A.shape, refine)
    if math.isinf(limit):
        return found

    def refined() -> LeastSquaresResult:
        x, residual, corrections = refine_solution(A, b, found.x, weight)
        return found._replace(x=x, residual=residual, corrections=corrections)

    return branch(loss > limit, refined, lambda: found)


def condition(found: Factored) -> Array:
    """Largest over smallest singular value that is not zero; one for a matrix of zeros."""
    values = found.singular_values
    if values.size == 0:
        return jnp.ones((), values.dtype)
    smallest = values[jnp.maximum(found.rank - 1, 0)]
    return jnp.where(found.rank > 0, values[0] / jnp.where(found.rank > 0, smallest, 1.0), 1.0)


def refinement_limit(shape: tuple[int, ...], wish: bool | None) -> float:
    """The loss of digits in roundings above which a solution is refined; infinite where it is not."""
    n, p = shape
    if wish is False or n < p or (wish is None and n * p > ENTRIES_REFINED):
        return math.inf
    return ROUNDINGS_AT_STAKE if wish is None else 0.0


def roundings(A: Array, residual: Array, weight: Array | None, found: Factored) -> Array:
    r"""$\kappa + \kappa^2 \lVert r \rVert / \lVert A x \rVert$, the error in roundings; zero without full rank."""
    rows, left = weighted_rows(A, residual, weight)
    r = jnp.linalg.norm(left, axis=0)
    size = jnp.linalg.norm(column_lengths(rows)[:, None] * found.x, axis=0)
    kappa = condition(found)
    loss = kappa + kappa**2 * jnp.max(jnp.where(r > 0, r / jnp.where(size > 0, size, 1.0), 0.0))
    return jnp.where(found.rank == found.root.shape[0], loss, 0.0)
