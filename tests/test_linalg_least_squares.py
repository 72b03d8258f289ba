"""Least squares: every solver on every kind of matrix, the choice among them, refinement, and collinear columns."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.core.random import generator
from pullback.linalg.least_squares import Solver, dependent_columns, least_squares
from pullback.linalg.least_squares.exact_product import (
    Pair,
    bits_of_a_piece,
    cut,
    subtract_product,
    subtract_transposed_product,
    two_sum,
)

SOLVERS = ["cholesky", "qr", "svd", "normal_equations"]
MINIMUM_NORM = ["auto", "qr", "svd", "normal_equations"]
ROWS, COLUMNS = 12, 4


def problem(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = generator(seed, "least squares")
    return random.normal(size=(ROWS, COLUMNS)) * 10.0 ** np.arange(COLUMNS), random.normal(size=ROWS)


def graded(condition: float) -> tuple[np.ndarray, np.ndarray]:
    """Columns of one length and about this condition number, and a target far from their span."""
    random = generator(1, "graded")
    U, _ = np.linalg.qr(random.normal(size=(ROWS, COLUMNS)))
    V, _ = np.linalg.qr(random.normal(size=(COLUMNS, COLUMNS)))
    return U * np.geomspace(1, 1 / condition, COLUMNS) @ V, random.normal(size=ROWS)


def exact_solution(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The normal equations in rational numbers."""
    rows = [[Fraction(value) for value in row] for row in A.tolist()]
    right = [Fraction(value) for value in b.tolist()]
    p = A.shape[1]
    table = [
        [sum(row[i] * row[j] for row in rows) for j in range(p)]
        + [sum(row[i] * value for row, value in zip(rows, right, strict=True))]
        for i in range(p)
    ]
    for i in range(p):
        table[i] = [value / table[i][i] for value in table[i]]
        for j in range(p):
            if j != i:
                table[j] = [a - table[j][i] * c for a, c in zip(table[j], table[i], strict=True)]
    return np.array([float(row[-1]) for row in table])


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_the_solution_of_scipy(solver: str) -> None:
    A, b = problem()
    found = least_squares(A, b, solver=solver)
    expected, _, rank, _ = scipy.linalg.lstsq(A, b)
    np.testing.assert_allclose(found.x, expected, rtol=1e-11)
    np.testing.assert_allclose(found.residual, b - A @ expected, rtol=1e-10)
    assert int(found.rank) == rank == COLUMNS
    assert Solver(int(found.solver)).name == solver.upper()
    np.testing.assert_allclose(found.root @ found.root.T, np.linalg.inv(A.T @ A), rtol=1e-9)
    values = np.linalg.svd(A / np.linalg.norm(A, axis=0), compute_uv=False)
    np.testing.assert_allclose(found.singular_values, values, rtol=1e-12)
    assert found.condition == pytest.approx(values[0] / values[-1], rel=1e-11)


@pytest.mark.parametrize("solver", MINIMUM_NORM)
def test_of_all_minimizers_the_shortest_is_returned(solver: str) -> None:
    A, b = problem()
    A[:, 2] = 3 * A[:, 0] - A[:, 1]
    found = least_squares(A, b, solver=solver)
    np.testing.assert_allclose(found.x, np.linalg.pinv(A, rcond=1e-12) @ b, rtol=1e-8)
    assert int(found.rank) == COLUMNS - 1
    np.testing.assert_allclose(found.root @ found.root.T, np.linalg.pinv(A.T @ A, rcond=1e-13), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("solver", MINIMUM_NORM)
def test_more_columns_than_rows(solver: str) -> None:
    A, b = problem()
    wide, target = A.T.copy(), b[:COLUMNS]
    found = least_squares(wide, target, solver=solver)
    np.testing.assert_allclose(found.x, np.linalg.pinv(wide) @ target, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)


def test_several_targets_and_weights_that_count_rows() -> None:
    A, b = problem()
    both = np.stack([b, A[:, 0] + b], axis=1)
    weight = np.array([0, 1, 2, 3] * 3)
    found = least_squares(A, both, weight)
    repeated = np.repeat(np.arange(ROWS), weight)
    np.testing.assert_allclose(found.x, np.linalg.lstsq(A[repeated], both[repeated])[0], rtol=1e-10)
    assert found.residual.shape == both.shape


def test_the_condition_number_chooses_the_solver() -> None:
    chosen = [Solver(int(least_squares(*graded(condition)).solver)) for condition in (10.0, 1e6)]
    assert chosen == [Solver.CHOLESKY, Solver.QR]
    A, b = graded(10.0)
    A[:, 1] = 0
    assert Solver(int(least_squares(A, b).solver)) is Solver.SVD


@pytest.mark.parametrize("condition", [1e2, 1e6, 1e11])
def test_refinement_gives_the_digits_of_rational_arithmetic(condition: float) -> None:
    A, b = graded(condition)
    found = least_squares(A, b, refine=True)
    exact = exact_solution(A, b)
    np.testing.assert_allclose(found.x, exact, rtol=3e-15)
    plain = least_squares(A, b, refine=False)
    assert int(plain.corrections) == 0 < int(found.corrections)
    if condition > 1e3:
        assert np.abs(plain.x / exact - 1).max() > 1e-11, "there was nothing to refine"
    weight = np.arange(ROWS) % 4 + 0.3
    weighted = least_squares(A, b, weight, refine=True)
    moments = A.T @ (weight * weighted.residual) / np.linalg.norm(A, axis=0) / np.linalg.norm(weight * b)
    np.testing.assert_allclose(moments, 0, atol=1e-15)


def test_refinement_happens_where_digits_are_at_stake() -> None:
    assert int(least_squares(*graded(5.0)).corrections) == 0
    assert int(least_squares(*graded(1e6)).corrections) > 0


def test_products_by_pieces_are_exact_in_a_compiled_program() -> None:
    r"""$s - A x$ and $s - A^\top r$ to twice the precision, against rational numbers, after XLA's rewriting."""
    random = generator(2, "pieces")
    A = random.normal(size=(40, 5)) * 10.0 ** random.integers(-4, 5, size=5)
    x, r = random.normal(size=(5, 1)), random.normal(size=(40, 1))

    @jax.jit
    def both(A: Any, x: Any, r: Any) -> tuple[Pair, Pair]:
        bits = bits_of_a_piece(40, A.dtype)
        pieces = cut(A, bits)
        left = A @ x
        below = A.T @ r
        return (
            subtract_product(Pair(left, jnp.zeros_like(left)), pieces, x, bits),
            subtract_transposed_product(Pair(below, jnp.zeros_like(below)), pieces, r, bits),
        )

    with jax.enable_x64(True):
        found = jax.tree.map(np.asarray, both(*map(jnp.asarray, (A, x, r))))
        starts = jax.tree.map(np.asarray, jax.jit(lambda A, x, r: (A @ x, A.T @ r))(*map(jnp.asarray, (A, x, r))))
    for matrix, vector, start, pair in ((A, x, starts[0], found[0]), (A.T, r, starts[1], found[1])):
        for row, begun, high, low in zip(matrix.tolist(), start[:, 0], pair.high[:, 0], pair.low[:, 0], strict=True):
            terms = [Fraction(a) * Fraction(c) for a, c in zip(row, vector[:, 0].tolist(), strict=True)]
            error = Fraction(float(begun)) - sum(terms) - Fraction(float(high)) - Fraction(float(low))
            assert abs(error) < Fraction(2) ** -88 * sum(map(abs, terms))


def test_a_two_sum_is_exact_in_a_compiled_program() -> None:
    random = generator(3, "two sums")
    a, b = random.normal(size=100), random.normal(size=100) * 10.0 ** random.integers(-12, 12, size=100)
    with jax.enable_x64(True):
        found = jax.jit(two_sum)(jnp.asarray(a), jnp.asarray(b))
        pairs = np.stack([np.asarray(part) for part in found], axis=1).tolist()
    for left, right, (high, low) in zip(a.tolist(), b.tolist(), pairs, strict=True):
        assert Fraction(left) + Fraction(right) == Fraction(high) + Fraction(low)


def test_inside_a_compiled_program_and_over_a_batch() -> None:
    A, b = problem()
    tables = np.stack([A, graded(1e6)[0], np.where(np.arange(COLUMNS) == 1, 0.0, A)])
    with jax.enable_x64(True):
        solve = jax.jit(jax.vmap(lambda A: least_squares(A, jnp.asarray(b), refine=False)))
        found = jax.tree.map(np.asarray, solve(jnp.asarray(tables)))
    assert found.solver.tolist() == [Solver.CHOLESKY, Solver.QR, Solver.SVD]
    for table, x in zip(tables, found.x, strict=True):
        np.testing.assert_allclose(x, np.linalg.lstsq(table, b, rcond=1e-13)[0], rtol=1e-8, atol=1e-12)


def test_single_precision_follows_the_arrays() -> None:
    A, b = problem()
    found = least_squares(jnp.asarray(A, jnp.float32), jnp.asarray(b, jnp.float32))
    assert found.x.dtype == jnp.float32
    np.testing.assert_allclose(found.x, np.linalg.lstsq(A, b)[0], rtol=1e-4)


def test_columns_of_zeros_and_of_tiny_or_huge_numbers() -> None:
    A, b = problem()
    A = A * np.array([1e-80, 1e60, 0.0, 1.0])
    found = least_squares(A, b)
    used = [0, 1, 3]
    lengths = np.array([1e-80, 1e60, 1.0])
    np.testing.assert_allclose(found.x[used] * lengths, np.linalg.lstsq(A[:, used] / lengths, b)[0], rtol=1e-10)
    assert found.x[2] == 0 and int(found.rank) == 3


def test_dependent_columns_are_found_with_their_equations() -> None:
    A, _ = problem()
    table = np.column_stack([A[:, 0], A[:, 1], 2 * A[:, 0] - A[:, 1], A[:, 2], np.zeros(ROWS), A[:, 2] / 4])
    found = dependent_columns(table)
    names = ["a", "b", "c", "d", "e", "f"]
    assert [one.sentence(names) for one in found] == ["c = 2 a - b", "e = 0", "f = 0.25 d"]
    assert dependent_columns(A) == ()
    absent = np.ones(ROWS)
    absent[2:] = 0
    assert [one.column for one in dependent_columns(A, absent)] == [2, 3]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"b": np.ones(3)}, ShapeError, "not one least-squares problem"),
        ({"A": np.full((ROWS, COLUMNS), np.nan)}, DataError, "A is not finite"),
        ({"sample_weight": -np.ones(ROWS)}, DataError, "count no rows"),
        ({"sample_weight": np.zeros(ROWS)}, DataError, "count no rows"),
        ({"solver": "qrr"}, ConfigurationError, "did you mean 'qr'"),
        ({"A": np.ones((ROWS, COLUMNS)), "solver": "cholesky"}, DataError, 'use solver="auto"'),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], error: type[Exception], message: str) -> None:
    A, b = problem()
    with pytest.raises(error, match=message):
        least_squares(**({"A": A, "b": b} | change))
