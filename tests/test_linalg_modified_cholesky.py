"""Modified factorizations: positive definite input unchanged, other input raised within the bound."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.core.random import generator
from pullback.linalg import modified_cholesky, shifted_cholesky

FAMILY = [modified_cholesky, shifted_cholesky]
SEEDS = st.integers(0, 1000)
SIZES = st.sampled_from([1, 2, 5, 12])


def symmetric(n: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    matrix = generator(seed, "symmetric").normal(size=(n, n)) * scale
    return (matrix + matrix.T) / 2


def positive_definite(n: int, seed: int = 0) -> np.ndarray:
    matrix = symmetric(n, seed)
    matrix = matrix @ matrix + 0.05 * np.eye(n)
    return (matrix + matrix.T) / 2


def permuted(matrix: np.ndarray, permutation: np.ndarray) -> np.ndarray:
    return matrix[np.ix_(permutation, permutation)]


@given(SIZES, SEEDS)
def test_positive_definite_matrices_are_factorized_unchanged(n: int, seed: int) -> None:
    matrix = positive_definite(n, seed)
    found = modified_cholesky(matrix)
    np.testing.assert_array_less(np.abs(found.added), 1e-12 * np.abs(matrix).max())
    np.testing.assert_allclose(
        found.factor, np.linalg.cholesky(permuted(matrix, found.permutation)), rtol=1e-8, atol=1e-10
    )
    shifted = shifted_cholesky(matrix)
    assert shifted.shift == 0
    np.testing.assert_allclose(shifted.factor, np.linalg.cholesky(matrix), rtol=1e-10, atol=1e-12)


@given(SIZES, SEEDS, st.sampled_from([1e-3, 1.0, 1e4]))
def test_indefinite_matrices_become_positive_definite_within_the_bound(n: int, seed: int, scale: float) -> None:
    matrix = symmetric(n, seed, scale)
    found = modified_cholesky(matrix)
    raised = matrix + np.diag(found.added)
    size = np.abs(raised).max()
    assert sorted(found.permutation.tolist()) == list(range(n))
    np.testing.assert_allclose(
        found.factor @ found.factor.T, permuted(raised, found.permutation), atol=1e-12 * n * size
    )
    np.testing.assert_array_equal(np.triu(found.factor, 1), 0)
    assert (found.added >= -1e-13 * size).all() and found.added.max() <= found.bound
    assert np.linalg.eigvalsh(raised)[0] > -1e-12 * size
    smallest = np.linalg.eigvalsh(matrix)[0]
    assert found.added.max() >= -smallest - 1e-12 * size


def test_the_bound_is_the_published_one() -> None:
    matrix = symmetric(6)
    gamma, xi = np.abs(np.diag(matrix)).max(), np.abs(matrix - np.diag(np.diag(matrix))).max()
    beta = np.sqrt(max(gamma, xi / np.sqrt(35)))
    delta = np.finfo(float).eps * max(gamma + xi, 1)
    bound = (xi / beta + 5 * beta) ** 2 + 2 * (gamma + 5 * beta**2) + delta
    assert modified_cholesky(matrix).bound == pytest.approx(bound, rel=1e-14)


def test_the_factors_bound_their_entries() -> None:
    r"""What $\beta$ is for: every entry of the factor below its diagonal is at most $\beta$ in modulus."""
    for seed in range(20):
        matrix = symmetric(12, seed)
        gamma, xi = np.abs(np.diag(matrix)).max(), np.abs(matrix - np.diag(np.diag(matrix))).max()
        beta = np.sqrt(max(gamma, xi / np.sqrt(143)))
        assert np.abs(np.tril(modified_cholesky(matrix).factor, -1)).max() <= beta * (1 + 1e-12)


def test_zero_matrix() -> None:
    found = modified_cholesky(np.zeros((3, 3)))
    np.testing.assert_allclose(found.added, np.finfo(float).eps)
    assert shifted_cholesky(np.zeros((3, 3))).shift > 0


@given(SIZES, SEEDS)
def test_the_shift_is_the_smallest_that_lifts_the_spectrum(n: int, seed: int) -> None:
    matrix = symmetric(n, seed)
    found = shifted_cholesky(matrix, smallest=0.5)
    smallest = np.linalg.eigvalsh(matrix)[0]
    assert found.smallest_eigenvalue == pytest.approx(smallest, abs=1e-12)
    assert found.shift == pytest.approx(max(0.5 - smallest, 0), abs=1e-12)
    raised = matrix + found.shift * np.eye(n)
    np.testing.assert_allclose(found.factor, np.linalg.cholesky(raised), rtol=1e-9, atol=1e-10)
    assert np.linalg.eigvalsh(raised)[0] >= 0.5 - 1e-12


def test_default_shift_gives_finite_factors() -> None:
    for seed in range(20):
        assert np.isfinite(shifted_cholesky(symmetric(12, seed)).factor).all()


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("columns", [(), (3,)])
def test_solve_equals_numpy(function: Any, columns: tuple[int, ...]) -> None:
    matrix, b = symmetric(7), generator(1, "b").normal(size=(7, *columns))
    found = function(matrix)
    raised = matrix + (np.diag(found.added) if function is modified_cholesky else found.shift * np.eye(7))
    np.testing.assert_allclose(raised @ found.solve(b), b, atol=1e-6 * np.linalg.cond(raised) ** 0.5)
    well = function(positive_definite(7))
    np.testing.assert_allclose(well.solve(b), np.linalg.solve(positive_definite(7), b), rtol=1e-8)


@pytest.mark.parametrize("function", FAMILY)
def test_many_matrices_in_one_program_equal_their_solo_runs(function: Any) -> None:
    matrices = jnp.stack([jnp.asarray(symmetric(5, seed), jnp.float32) for seed in range(3)])
    together = jax.jit(jax.vmap(function))(matrices)
    for place in range(3):
        solo = function(matrices[place])
        assert {leaf.dtype for leaf in jax.tree.leaves(solo)} <= {np.dtype("f4"), np.dtype("i4")}
        jax.tree.map(lambda a, b, at=place: np.testing.assert_allclose(a[at], b, rtol=1e-3, atol=1e-5), together, solo)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize(
    ("matrix", "error", "words"),
    [
        (np.ones((2, 3)), ShapeError, "not a square matrix"),
        (np.zeros((0, 0)), ShapeError, "not a square matrix"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), DataError, "not symmetric"),
        (np.array([[np.nan]]), DataError, "not finite"),
    ],
)
def test_bad_matrices(function: Any, matrix: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        function(matrix)


def test_bad_settings() -> None:
    with pytest.raises(ConfigurationError, match="smallest_pivot"):
        modified_cholesky(np.eye(2), smallest_pivot=0.0)
    with pytest.raises(ConfigurationError, match="smallest"):
        shifted_cholesky(np.eye(2), smallest=-1.0)
