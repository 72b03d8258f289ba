"""Power iteration, Lanczos, traces and spectral densities against NumPy's and SciPy's eigenvalues."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.core.random import generator
from pullback.linalg import (
    IterationReason,
    extreme_eigenvalues,
    hutchinson_trace,
    lanczos,
    power_iteration,
    spectral_density,
)

FAMILY = [power_iteration, lanczos, extreme_eigenvalues, hutchinson_trace, spectral_density]
SEEDS = st.integers(0, 1000)


def symmetric(n: int, seed: int = 0) -> np.ndarray:
    matrix = generator(seed, "symmetric").normal(size=(n, n))
    return (matrix + matrix.T) / 2


def reason(result: Any) -> IterationReason:
    return IterationReason(int(result.reason))


@given(SEEDS)
def test_power_iteration_finds_an_eigenvalue_within_its_residual(seed: int) -> None:
    matrix = symmetric(8, seed)
    found = power_iteration(matrix, max_steps=60, tolerance=1e-6)
    spectrum = np.linalg.eigvalsh(matrix)
    assert np.abs(spectrum - found.eigenvalue).min() <= found.residual_norm + 1e-12
    assert abs(found.eigenvalue) <= np.abs(spectrum).max() + 1e-12
    assert np.linalg.norm(found.vector) == pytest.approx(1)
    residual = matrix @ found.vector - found.eigenvalue * found.vector
    assert np.linalg.norm(residual) == pytest.approx(float(found.residual_norm), abs=1e-10)


def test_power_iteration_finds_the_largest_modulus() -> None:
    for spectrum in ([1.0, 2.0, 5.0], [1.0, 2.0, -5.0]):
        found = power_iteration(np.diag(spectrum), tolerance=1e-9)
        assert reason(found) == IterationReason.CONVERGED
        assert found.eigenvalue == pytest.approx(spectrum[2], rel=1e-12)
        assert abs(found.vector[2]) == pytest.approx(1)


def test_power_iteration_converges_at_the_ratio_of_the_eigenvalues() -> None:
    r"""In two dimensions from (1, 1) the Rayleigh quotient after k products is known in closed form."""
    for steps in (1, 4, 9):
        found = power_iteration(np.diag([3.0, 2.0]), np.ones(2), max_steps=steps, tolerance=0.0)
        weight = (2 / 3) ** (2 * (steps - 1))
        assert found.eigenvalue == pytest.approx((3 + 2 * weight) / (1 + weight), rel=1e-13)


def test_power_iteration_between_two_signs_says_so() -> None:
    found = power_iteration(np.diag([1.0, -1.0]), np.array([1.0, 0.5]), max_steps=20)
    assert reason(found) == IterationReason.STEP_LIMIT and found.steps == 20
    assert reason(power_iteration(lambda v: v * jnp.nan, 3)) == IterationReason.NOT_FINITE


@given(SEEDS, st.sampled_from([1, 4, 12]))
def test_lanczos_reduces_the_matrix(seed: int, steps: int) -> None:
    matrix = symmetric(12, seed)
    found = lanczos(matrix, steps=steps, key=seed)
    tridiagonal = np.diag(found.diagonal) + sum(np.diag(found.off_diagonal[:-1], side) for side in (-1, 1))
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(steps), atol=1e-13)
    np.testing.assert_allclose(found.vectors @ matrix @ found.vectors.T, tridiagonal, atol=1e-12)
    np.testing.assert_allclose(found.ritz_values, np.linalg.eigvalsh(tridiagonal), atol=1e-12)
    residuals = matrix @ found.ritz_vectors.T - found.ritz_vectors.T * found.ritz_values
    np.testing.assert_allclose(np.linalg.norm(residuals, axis=0), found.residual_bounds, atol=1e-11)
    spectrum = np.linalg.eigvalsh(matrix)
    gaps = np.abs(spectrum[:, None] - found.ritz_values).min(axis=0)
    assert (gaps <= found.residual_bounds + 1e-12).all()
    if steps == 12:
        np.testing.assert_allclose(found.ritz_values, spectrum, atol=1e-11)


@pytest.mark.parametrize("distinct", [1, 2, 5])
def test_lanczos_stops_at_an_invariant_subspace(distinct: int) -> None:
    rotation, _ = np.linalg.qr(symmetric(10))
    spectrum = np.repeat(np.arange(1.0, distinct + 1), 10 // distinct)
    matrix = (rotation * spectrum) @ rotation.T
    found = lanczos((matrix + matrix.T) / 2, steps=8)
    assert found.steps == distinct
    np.testing.assert_allclose(found.ritz_values[:distinct], np.arange(1.0, distinct + 1), rtol=1e-12)
    assert np.isnan(found.ritz_values[distinct:]).all() and np.isnan(found.residual_bounds[distinct:]).all()
    assert not found.vectors[distinct:].any() and not found.off_diagonal[distinct - 1 :][1:].any()


def test_reorthogonalization_prevents_copies_of_converged_values() -> None:
    """An outlying eigenvalue converges at once; without reorthogonalization it comes again (Paige)."""
    spectrum = np.append(np.linspace(0.1, 1, 59), 30.0)
    found = lanczos(np.diag(spectrum), np.ones(60), 40)
    loose = lanczos(np.diag(spectrum), np.ones(60), 40, reorthogonalize=False)
    assert np.sum(np.abs(found.ritz_values - 30) < 1e-8) == 1
    assert np.sum(np.abs(loose.ritz_values - 30) < 1e-8) > 1
    assert np.abs(found.vectors @ found.vectors.T - np.eye(40)).max() < 1e-13
    assert np.abs(loose.vectors @ loose.vectors.T - np.eye(40)).max() > 0.1


def test_extreme_eigenvalues_equal_scipy() -> None:
    matrix = symmetric(120)
    found = extreme_eigenvalues(lambda v: jnp.asarray(matrix) @ v, 120, steps=80)
    theirs, vectors = scipy.sparse.linalg.eigsh(matrix, k=2, which="BE", tol=1e-12, v0=np.ones(120))
    np.testing.assert_allclose([found.smallest, found.largest], theirs, rtol=1e-9)
    assert max(found.smallest_bound, found.largest_bound) < 1e-3
    assert abs(found.smallest_vector @ vectors[:, 0]) == pytest.approx(1, abs=1e-7)
    assert abs(found.largest_vector @ vectors[:, 1]) == pytest.approx(1, abs=1e-7)
    assert np.isinf(found.condition_number)


@given(SEEDS)
def test_extreme_eigenvalues_lie_inside_with_true_bounds(seed: int) -> None:
    matrix = symmetric(20, seed)
    matrix = matrix @ matrix + 0.1 * np.eye(20)
    matrix = (matrix + matrix.T) / 2
    spectrum = np.linalg.eigvalsh(matrix)
    found = extreme_eigenvalues(matrix, steps=7, key=seed)
    assert spectrum[0] - 1e-12 <= found.smallest <= found.largest <= spectrum[-1] + 1e-12
    assert np.abs(spectrum - found.smallest).min() <= found.smallest_bound + 1e-12
    assert np.abs(spectrum - found.largest).min() <= found.largest_bound + 1e-12
    assert found.condition_number == pytest.approx(found.largest / found.smallest)


def test_condition_number_equals_numpy() -> None:
    matrix = symmetric(15)
    matrix = matrix @ matrix.T + np.eye(15)
    matrix = (matrix + matrix.T) / 2
    assert extreme_eigenvalues(matrix).condition_number == pytest.approx(np.linalg.cond(matrix), rel=1e-10)


@pytest.mark.parametrize("distribution", ["rademacher", "normal"])
def test_trace_within_its_standard_error_of_known_size(distribution: str) -> None:
    matrix = symmetric(30)
    found = hutchinson_trace(matrix, probes=4000, distribution=distribution)
    off_diagonal = matrix - np.diag(np.diag(matrix))
    variance = 2 * np.sum((off_diagonal if distribution == "rademacher" else matrix) ** 2)
    assert abs(found.estimate - np.trace(matrix)) <= 3.3 * found.standard_error
    # The relative error of a standard deviation from 4000 values is about 1 / sqrt(8000) = 1.1%.
    assert found.standard_error == pytest.approx(np.sqrt(variance / 4000), rel=0.05)
    assert found.values.shape == (4000,) and found.estimate == pytest.approx(found.values.mean())


def test_trace_of_one_probe_has_no_standard_error() -> None:
    assert np.isnan(hutchinson_trace(symmetric(3), probes=1).standard_error)


def test_standard_errors_cover_the_trace() -> None:
    matrix = symmetric(10)
    hits = 0
    for seed in range(200):
        found = hutchinson_trace(matrix, probes=60, key=seed)
        hits += abs(found.estimate - np.trace(matrix)) <= 2 * found.standard_error
    # 200 trials at 95.4%: between 89% and 100% by more than four standard errors of that share.
    assert hits >= 178


def test_quadrature_is_exact_up_to_its_degree() -> None:
    r"""$m$ nodes integrate $t^k$ for $k \le 2m - 1$: their mean over probes is that of $z^\top A^k z / z^\top z$."""
    matrix, steps, key = symmetric(9), 4, jax.random.key(7)
    found = spectral_density(matrix, probes=5, steps=steps, key=key)
    with jax.enable_x64(True):
        z = np.asarray(jax.random.rademacher(key, (5, 9), float))
    for power in range(2 * steps):
        expected = np.einsum("pi,ij,pj->p", z, np.linalg.matrix_power(matrix, power), z) / 9
        np.testing.assert_allclose((found.weights * found.nodes**power).sum(axis=1), expected, rtol=1e-10, atol=1e-11)


def test_spectral_density_approaches_the_distribution_of_the_eigenvalues() -> None:
    """Wigner's semicircle: the share of eigenvalues below t, from NumPy and by quadrature."""
    matrix = symmetric(150) / np.sqrt(75)
    found = spectral_density(matrix, probes=20, steps=25)
    points = np.linspace(-1.9, 1.9, 20)
    exact = (np.linalg.eigvalsh(matrix) <= points[:, None]).mean(axis=1)
    np.testing.assert_allclose(found.cumulative(points), exact, atol=0.03)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, rtol=1e-12)
    grid = np.linspace(-4, 4, 801)
    density = found.density(grid, 0.1)
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-6)
    smoothed = np.exp(-(((grid[:, None] - np.linalg.eigvalsh(matrix)) / 0.1) ** 2) / 2).mean(axis=1)
    assert np.abs(density - smoothed / (0.1 * np.sqrt(2 * np.pi))).max() < 0.05


@pytest.mark.parametrize("function", FAMILY)
def test_matrix_and_function_agree_and_run_compiled(function: Any) -> None:
    matrix = symmetric(6)
    host = function(matrix, 6)
    by_product = function(lambda v: jnp.asarray(matrix) @ v, 6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), host, by_product)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(host))
    assert {leaf.dtype for leaf in jax.tree.leaves(host)} <= {np.dtype("f8"), np.dtype("i4")}
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 2)
        together = jax.jit(jax.vmap(lambda a, key: function(a, key=key)))(jnp.stack([matrix, matrix]), keys)
    for place in range(2):
        solo = function(matrix, 6, key=keys[place])
        jax.tree.map(lambda a, b, at=place: np.testing.assert_allclose(a[at], b, rtol=1e-7, atol=1e-9), together, solo)
    device = function(jnp.asarray(matrix, jnp.float32))
    assert {leaf.dtype for leaf in jax.tree.leaves(device)} <= {np.dtype("f4"), np.dtype("i4")}


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize(
    ("product", "start", "error", "words"),
    [
        (np.ones((2, 3)), None, ShapeError, "not a square matrix"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), None, DataError, "not symmetric"),
        (np.array([[1.0, np.inf], [np.inf, 1.0]]), None, DataError, "not finite"),
        (np.eye(2), 3, ConfigurationError, "do not fit"),
        (np.eye(2), np.ones(3), ShapeError, "start"),
        (np.eye(2), np.array([np.nan, 1.0]), DataError, "start is not finite"),
        (lambda v: v, None, ConfigurationError, "does not tell the size"),
        (lambda v: v[:1], 3, ShapeError, "like the one it is given"),
        (lambda v: v, 0, ConfigurationError, "start"),
    ],
)
def test_bad_arguments(function: Any, product: Any, start: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        function(product, start)


@pytest.mark.parametrize("function", [power_iteration, lanczos, extreme_eigenvalues])
def test_a_start_of_zeros_has_no_direction(function: Any) -> None:
    with pytest.raises(DataError, match="start is zero"):
        function(np.eye(2), np.zeros(2))


@pytest.mark.parametrize("function", [power_iteration, lanczos, extreme_eigenvalues])
def test_the_size_of_the_start_changes_nothing(function: Any) -> None:
    matrix, start = symmetric(4), np.array([1.0, 2.0, 0.5, -1.0])
    for scale in (2.0**-700, 2.0**700):
        jax.tree.map(np.testing.assert_array_equal, function(matrix, start * scale), function(matrix, start))


@pytest.mark.parametrize("function", [hutchinson_trace, spectral_density])
def test_unknown_distribution(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'normal'"):
        function(np.eye(2), distribution="norml")


def test_host_arguments_around_a_compiled_function_are_told_how_to_pass() -> None:
    with pytest.raises(ConfigurationError, match=r"power_iteration cannot return NumPy inside a compiled program"):
        jax.jit(lambda x: power_iteration(lambda v: v * x.astype(v.dtype), 3))(jnp.ones(3))
    found = jax.jit(lambda x: power_iteration(lambda v: v * x, 3, key=jax.random.key(0)))(jnp.arange(3.0))
    assert float(found.eigenvalue) == pytest.approx(2, rel=1e-5)


def test_a_key_leaves_double_precision_to_the_other_arguments() -> None:
    found = power_iteration(np.diag([1.0, 3.0]), key=jax.random.key(3), tolerance=1e-12)
    assert found.vector.dtype == np.float64 and found.eigenvalue == pytest.approx(3, rel=1e-14)
