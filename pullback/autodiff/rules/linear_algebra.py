r"""Decompositions and solutions of linear systems.

Cholesky's factor \(\Sigma = L L^\top\) (Murray 2016); \(\Phi(X)\) is the lower triangle of \(X\), its diagonal halved:

\[ \dot L = L\, \Phi(L^{-1} \dot\Sigma L^{-\top}), \qquad \bar\Sigma = L^{-\top}\, \Phi(L^\top \bar L)\, L^{-1} . \]

A solution \(x = A^{-1} b\) (Giles 2008), triangular or not:

\[ \dot x = A^{-1} (\dot b - \dot A x), \qquad \bar b = A^{-\top} \bar x, \qquad \bar A = -\bar b\, x^\top . \]

Sources: M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008;
I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from pullback.autodiff import fallback
from pullback.autodiff.parameters import linear_solve, solve_transposed, triangular, triangular_solve
from pullback.autodiff.push import push
from pullback.autodiff.record import Tape, Tracked, collect, differentiable
from pullback.autodiff.rule import Derivative, Point, add


def transposed(matrix: Array) -> Array:
    """The last two axes exchanged."""
    return jnp.swapaxes(matrix, -1, -2)


def multiply(left: Array, right: Array) -> Array:
    """Products of the matrices in the last two axes."""
    return jnp.matmul(left, right, precision=lax.Precision.HIGHEST)


def half_lower(matrix: Array) -> Array:
    r"""\(\Phi(X)\): the lower triangle, its diagonal halved."""
    size = matrix.shape[-1]
    weights = jnp.tril(jnp.ones((size, size), matrix.dtype), -1) + jnp.eye(size, dtype=matrix.dtype) / 2
    return matrix * weights


def _is_complex(point: Point) -> bool:
    return any(jnp.issubdtype(operand.dtype, jnp.complexfloating) for operand in point.operands)


def cholesky_tangent(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
    """How the factor moves with the matrix."""
    if _is_complex(point):
        return fallback.tangent(point, tangents)
    factor = jnp.tril(point.outputs[0])
    left = lax.linalg.triangular_solve(factor, tangents[0], left_side=True, lower=True)
    both = lax.linalg.triangular_solve(factor, left, left_side=False, lower=True, transpose_a=True)
    return [multiply(factor, half_lower(both))]


def cholesky_cotangent(point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
    """What the matrix receives from its factor."""
    if _is_complex(point):
        return fallback.cotangent(point, cotangents)
    factor = jnp.tril(point.outputs[0])
    inner = half_lower(multiply(transposed(factor), cotangents[0]))
    left = lax.linalg.triangular_solve(factor, inner, left_side=True, lower=True, transpose_a=True)
    return [lax.linalg.triangular_solve(factor, left, left_side=False, lower=True)]


def triangular_tangent(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
    r"""\(\dot x = A^{-1}(\dot b - \dot A x)\), and the same from the right."""
    if _is_complex(point):
        return fallback.tangent(point, tangents)
    (a, _), (da, db), (x,) = point.operands, tangents, point.outputs
    at = triangular(point.equation)
    moved = None
    if da is not None:
        da = _triangle(da, at.lower, at.unit_diagonal)
        da = transposed(da) if at.transpose else da
        moved = lax.neg(multiply(da, x) if at.left else multiply(x, da))
    return [point.again(a, add(db, moved))]


def triangular_cotangent(point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
    r"""\(\bar b = A^{-\top} \bar x\) and \(\bar A = -\bar b x^\top\), in the triangle that is read."""
    if _is_complex(point):
        return fallback.cotangent(point, cotangents)
    (a, _), (x,) = point.operands, point.outputs
    at = triangular(point.equation)
    found = triangular_solve(point.equation, a, cotangents[0], transpose=not at.transpose)
    matrix = None
    if point.wanted[0]:
        matrix = multiply(found, transposed(x)) if at.left else multiply(transposed(x), found)
        matrix = transposed(matrix) if at.transpose else matrix
        matrix = lax.neg(_triangle(matrix, at.lower, at.unit_diagonal))
    return [matrix, found if point.wanted[1] else None]


def _triangle(matrix: Array, lower: bool, strict: bool) -> Array:
    return jnp.tril(matrix, -1 if strict else 0) if lower else jnp.triu(matrix, 1 if strict else 0)


def solve_tangent(point: Point, tangents: Sequence[Any]) -> Sequence[Any]:
    r"""\(\dot x = A^{-1}(\dot b - \dot A x)\), \(A\) being known as a function that multiplies by it."""
    at = linear_solve(point.equation)
    fixed, sides = point.operands[: at.constants], tangents[at.constants :]
    duals = push(
        point.table,
        at.multiply,
        [*fixed[: at.multiply_constants], *point.outputs],
        [*tangents[: at.multiply_constants], *(None for _ in point.outputs)],
    )
    moved = [add(side, None if dual is None else lax.neg(dual)) for side, (_, dual) in zip(sides, duals, strict=True)]
    zeros = [jnp.zeros_like(x) if side is None else side for x, side in zip(point.outputs, moved, strict=True)]
    return list(_results(point.again(*fixed, *zeros)))


def solve_cotangent(point: Point, cotangents: Sequence[Any]) -> Sequence[Any]:
    r"""\(\bar b = A^{-\top}\bar x\), and what the arrays behind \(A\) receive from \(-\bar b x^\top\)."""
    at = linear_solve(point.equation)
    pairs = zip(cotangents, point.outputs, strict=True)
    directions = [jnp.zeros_like(x) if cotangent is None else cotangent for cotangent, x in pairs]
    fixed = point.operands[: at.constants]
    sides = solve_transposed(point.equation, fixed, directions)
    found: list[Any] = [None] * at.constants
    if any(point.wanted[: at.multiply_constants]):
        tape = Tape(point.table)
        tracked = [
            tape.track(value) if wanted and differentiable(value) else Tracked(value)
            for value, wanted in zip(fixed[: at.multiply_constants], point.wanted, strict=False)
        ]
        products = tape.run(at.multiply, [*tracked, *map(Tracked, point.outputs)])
        pulled = tape.pull(collect(zip(products, map(lax.neg, sides), strict=True)))
        found[: len(tracked)] = [None if item.place is None else pulled.get(item.place) for item in tracked]
    return [*found, *sides]


def _results(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else [found]


LINEAR_ALGEBRA = {
    "cholesky": Derivative(
        cholesky_tangent,
        cholesky_cotangent,
        r"\bar\Sigma = L^{-\top} \Phi(L^\top \bar L) L^{-1}",
        "the matrix is taken as it is; jax.numpy makes it symmetric first",
    ),
    "triangular_solve": Derivative(
        triangular_tangent, triangular_cotangent, r"\bar b = A^{-\top} \bar x,\ \bar A = -\bar b x^\top"
    ),
    "custom_linear_solve": Derivative(
        solve_tangent, solve_cotangent, r"\bar b = A^{-\top} \bar x,\ \bar A = -\bar b x^\top"
    ),
}
