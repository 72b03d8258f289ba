"""Conjugate gradients against SciPy and the textbook bounds; bad curvature, bad input, the boundary of a region."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.core.random import generator
from pullback.linalg import (
    IterationReason,
    block_jacobi,
    conjugate_gradient,
    conjugate_gradient_eigenvalues,
    jacobi,
    symmetric_gauss_seidel,
)

PRECONDITIONERS = {
    "jacobi": jacobi,
    "block_jacobi": lambda matrix: block_jacobi(matrix, 5),
    "symmetric_gauss_seidel": symmetric_gauss_seidel,
    "ssor": lambda matrix: symmetric_gauss_seidel(matrix, 1.4),
}
SEEDS = st.integers(0, 1000)


def with_spectrum(eigenvalues: Any, seed: int = 0) -> np.ndarray:
    rotation, _ = np.linalg.qr(generator(seed, "rotation").normal(size=(len(eigenvalues),) * 2))
    matrix = (rotation * np.asarray(eigenvalues, float)) @ rotation.T
    return (matrix + matrix.T) / 2


def badly_scaled(n: int = 17, seed: int = 0) -> np.ndarray:
    scales = np.logspace(-1, 1, n)
    return with_spectrum(np.linspace(1, 10, n), seed) * np.outer(scales, scales)


def right_side(n: int, seed: int = 0) -> np.ndarray:
    return generator(seed, "right side").normal(size=n)


def reason(result: Any) -> IterationReason:
    return IterationReason(int(result.reason))


def inverse_of(preconditioner: Any, n: int) -> np.ndarray:
    return np.stack([preconditioner(unit) for unit in np.eye(n)], axis=1)


@given(st.sampled_from([1, 2, 7, 25]), SEEDS)
def test_ends_within_n_steps_at_the_solution(n: int, seed: int) -> None:
    matrix, b = with_spectrum(np.linspace(1, 20, n), seed), right_side(n, seed)
    result = conjugate_gradient(matrix, b, tolerance=1e-9)
    assert reason(result) == IterationReason.CONVERGED and result.steps <= n
    np.testing.assert_allclose(result.x, np.linalg.solve(matrix, b), rtol=1e-6, atol=1e-8)
    assert result.residual_norm == pytest.approx(np.linalg.norm(b - matrix @ result.x), rel=1e-2, abs=1e-12)


@pytest.mark.parametrize("distinct", [1, 2, 3, 5, 8])
def test_ends_after_as_many_steps_as_there_are_distinct_eigenvalues(distinct: int) -> None:
    eigenvalues = np.repeat(np.linspace(1, 30, distinct), 40 // distinct)
    result = conjugate_gradient(with_spectrum(eigenvalues), right_side(len(eigenvalues)), tolerance=1e-8)
    assert result.steps == distinct


def test_iterates_equal_scipy() -> None:
    matrix, b, start = badly_scaled(), right_side(17), right_side(17, 1)
    theirs: list[np.ndarray] = []
    scipy.sparse.linalg.cg(matrix, b, x0=start, rtol=0, maxiter=8, callback=lambda x: theirs.append(x.copy()))
    for steps in (1, 4, 8):
        x = theirs[steps - 1]
        ours = conjugate_gradient(matrix, b, start, tolerance=0.0, max_steps=steps)
        np.testing.assert_allclose(ours.x, x, rtol=1e-8, atol=1e-10 * np.abs(x).max())
        assert ours.steps == steps and reason(ours) == IterationReason.STEP_LIMIT


@pytest.mark.parametrize("name", PRECONDITIONERS)
def test_preconditioned_iterates_equal_scipy(name: str) -> None:
    matrix, b = badly_scaled(), right_side(17)
    preconditioner = PRECONDITIONERS[name](matrix)
    operator = scipy.sparse.linalg.LinearOperator((17, 17), matvec=preconditioner)
    theirs: list[np.ndarray] = []
    scipy.sparse.linalg.cg(matrix, b, rtol=0, maxiter=6, M=operator, callback=lambda x: theirs.append(x.copy()))
    ours = conjugate_gradient(matrix, b, preconditioner=preconditioner, tolerance=0.0, max_steps=6)
    np.testing.assert_allclose(ours.x, theirs[-1], rtol=1e-8, atol=1e-10 * np.abs(theirs[-1]).max())


@pytest.mark.parametrize("name", PRECONDITIONERS)
def test_preconditioned_equals_the_transformed_system(name: str) -> None:
    r"""With $M = C C^\top$: the same iterates as $C^{-1} A C^{-\top} y = C^{-1} b$, $x = C^{-\top} y$."""
    matrix, b = badly_scaled(), right_side(17)
    preconditioner = PRECONDITIONERS[name](matrix)
    inverse = inverse_of(preconditioner, 17)
    root = np.linalg.cholesky((inverse + inverse.T) / 2)
    transformed = root.T @ matrix @ root
    for steps in (1, 5):
        ours = conjugate_gradient(matrix, b, preconditioner=preconditioner, tolerance=0.0, max_steps=steps)
        other = conjugate_gradient((transformed + transformed.T) / 2, root.T @ b, tolerance=0.0, max_steps=steps)
        np.testing.assert_allclose(ours.x, root @ other.x, rtol=1e-7, atol=1e-9 * np.abs(ours.x).max())


@pytest.mark.parametrize("name", PRECONDITIONERS)
def test_error_bound_by_the_preconditioned_condition_number(name: str) -> None:
    matrix, b = badly_scaled(), right_side(17)
    preconditioner = PRECONDITIONERS[name](matrix)
    spectrum = np.linalg.eigvals(inverse_of(preconditioner, 17) @ matrix).real
    root = np.sqrt(spectrum.max() / spectrum.min())
    assert root**2 < np.linalg.cond(matrix) / 30
    solution = np.linalg.solve(matrix, b)
    first = np.sqrt(solution @ matrix @ solution)
    for steps in (2, 7):
        error = conjugate_gradient(matrix, b, preconditioner=preconditioner, tolerance=0, max_steps=steps).x - solution
        bound = 2 * ((root - 1) / (root + 1)) ** steps * first
        assert np.sqrt(error @ matrix @ error) <= bound + 1e-12 * first


def test_preconditioners_are_the_matrices_of_their_definitions() -> None:
    matrix = badly_scaled()
    diagonal, lower, omega = np.diag(np.diag(matrix)), np.tril(matrix, -1), 1.4
    blocks = np.zeros_like(matrix)
    for begin in range(0, 17, 5):
        part = slice(begin, begin + 5)
        blocks[part, part] = matrix[part, part]
    left = diagonal / omega + lower
    definitions = {
        "jacobi": diagonal,
        "block_jacobi": blocks,
        "symmetric_gauss_seidel": (diagonal + lower) @ np.linalg.inv(diagonal) @ (diagonal + lower.T),
        "ssor": omega / (2 - omega) * left @ np.linalg.inv(diagonal) @ left.T,
    }
    for name, definition in definitions.items():
        product = inverse_of(PRECONDITIONERS[name](matrix), 17) @ definition
        np.testing.assert_allclose(product, np.eye(17), atol=1e-9, err_msg=name)


def test_eigenvalues_from_the_coefficients_are_those_of_the_matrix() -> None:
    matrix = with_spectrum([0.5, 1, 2, 4, 9, 20])
    found = conjugate_gradient_eigenvalues(conjugate_gradient(matrix, right_side(6), tolerance=1e-12))
    assert found.smallest == pytest.approx(0.5, rel=1e-9) and found.largest == pytest.approx(20, rel=1e-9)
    assert found.condition_number == pytest.approx(np.linalg.cond(matrix), rel=1e-9)
    few = conjugate_gradient_eigenvalues(conjugate_gradient(matrix, right_side(6), max_steps=2))
    assert 0.5 < few.smallest < few.largest < 20


def test_eigenvalues_after_no_step_and_in_many_programs() -> None:
    matrix = jnp.diag(jnp.asarray([1.0, 2.0, 8.0]))

    def solve(b: Any) -> Any:
        return conjugate_gradient_eigenvalues(conjugate_gradient(matrix, b))

    found = jax.vmap(solve)(jnp.asarray([[0.0, 0.0, 0.0], [0.0, 5.0, 0.0], [1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(found.smallest, [np.nan, 2, 1], rtol=1e-4)
    np.testing.assert_allclose(found.largest, [np.nan, 2, 8], rtol=1e-4)
    np.testing.assert_allclose(found.condition_number, [np.nan, 1, 8], rtol=1e-4)
    assert conjugate_gradient_eigenvalues(conjugate_gradient([[4.0]], [1.0], max_steps=1)).largest == 4


def test_preconditioned_eigenvalues_are_those_of_the_preconditioned_matrix() -> None:
    matrix = badly_scaled()
    preconditioner = jacobi(matrix)
    solved = conjugate_gradient(matrix, right_side(17), preconditioner=preconditioner, tolerance=1e-13)
    found = conjugate_gradient_eigenvalues(solved)
    spectrum = np.linalg.eigvals(inverse_of(preconditioner, 17) @ matrix).real
    np.testing.assert_allclose([found.smallest, found.largest], [spectrum.min(), spectrum.max()], rtol=1e-6)


def test_negative_curvature_is_found_with_its_direction() -> None:
    matrix = with_spectrum([-1, 1, 2, 3, 4])
    result = conjugate_gradient(matrix, right_side(5))
    assert reason(result) == IterationReason.NEGATIVE_CURVATURE
    assert result.direction @ matrix @ result.direction < 0
    assert np.isfinite(result.x).all()
    assert conjugate_gradient_eigenvalues(result).smallest < 0
    assert np.isinf(conjugate_gradient_eigenvalues(result).condition_number)


@pytest.mark.parametrize("spectrum", [[1, 2, 5, 9], [-3, 1, 2, 4], [-1, -2, -3, -4], [0, 0, 0, 0]])
@pytest.mark.parametrize("radius", [1e-3, 0.3, 2.0])
def test_trust_region_step(spectrum: list[float], radius: float) -> None:
    """On the boundary or at the solution inside; at least as low as the Cauchy point, found by scalar minimization."""
    matrix, b = with_spectrum(spectrum), right_side(4)
    result = conjugate_gradient(matrix, b, radius=radius, tolerance=1e-10)
    if reason(result) == IterationReason.CONVERGED:
        np.testing.assert_allclose(result.x, np.linalg.solve(matrix, b), rtol=1e-7)
        assert np.linalg.norm(result.x) <= radius
    else:
        assert reason(result) in (IterationReason.BOUNDARY, IterationReason.NEGATIVE_CURVATURE)
        assert np.linalg.norm(result.x) == pytest.approx(radius, rel=1e-9)

    def model(x: np.ndarray) -> float:
        return x @ matrix @ x / 2 - b @ x

    unit = b / np.linalg.norm(b)
    cauchy = scipy.optimize.minimize_scalar(lambda t: model(t * unit), bounds=(0, radius), method="bounded").fun
    assert model(result.x) <= cauchy + 1e-12


def test_preconditioned_trust_region_is_measured_in_the_norm_of_the_preconditioner() -> None:
    matrix, b = badly_scaled(), right_side(17)
    preconditioner = jacobi(matrix)
    metric = np.diag(np.diag(matrix))
    solution = np.linalg.solve(matrix, b)
    radius = 0.9 * np.sqrt(solution @ metric @ solution)
    result = conjugate_gradient(matrix, b, preconditioner=preconditioner, radius=radius)
    assert reason(result) == IterationReason.BOUNDARY and result.steps > 1
    assert np.sqrt(result.x @ metric @ result.x) == pytest.approx(radius, rel=1e-8)


def test_a_wide_trust_region_changes_nothing() -> None:
    matrix, b = with_spectrum([1, 2, 3, 9]), right_side(4)
    free, held = conjugate_gradient(matrix, b), conjugate_gradient(matrix, b, radius=1e6)
    np.testing.assert_array_equal(free.x, held.x)


def test_zero_right_side_and_solution_as_start_need_no_step() -> None:
    matrix = np.diag([1.0, 2.0])
    for b, start in [(np.zeros(2), None), (np.array([1.0, 2.0]), np.ones(2))]:
        result = conjugate_gradient(matrix, b, start)
        assert reason(result) == IterationReason.CONVERGED and result.steps == 0


@pytest.mark.parametrize("scale", [1e-250, 1e-30, 1e200])
def test_the_size_of_the_right_side_changes_nothing(scale: float) -> None:
    matrix, b = with_spectrum([1, 2, 5, 9]), right_side(4)
    whole, scaled = conjugate_gradient(matrix, b, radius=0.5), conjugate_gradient(matrix, b * scale, radius=0.5 * scale)
    np.testing.assert_allclose(scaled.x, whole.x * scale, rtol=1e-12)
    np.testing.assert_allclose(scaled.residual_norm, whole.residual_norm * scale, rtol=1e-10)
    assert reason(scaled) == reason(whole) == IterationReason.BOUNDARY and scaled.steps == whole.steps


def test_preconditioner_that_is_not_positive_breaks_down() -> None:
    result = conjugate_gradient(np.eye(3), np.ones(3), preconditioner=lambda r: -r)
    assert reason(result) == IterationReason.BREAKDOWN and result.steps == 0


def test_product_that_overflows_is_a_result() -> None:
    result = conjugate_gradient(lambda v: v * jnp.inf, np.ones(3))
    assert reason(result) == IterationReason.NOT_FINITE
    np.testing.assert_array_equal(result.x, np.zeros(3))


def test_rounding_is_told_from_convergence() -> None:
    """Products in half precision: the recursion goes to zero, the true residual cannot."""
    matrix = with_spectrum(np.logspace(0, 2, 30))

    def rough(v: Any) -> Any:
        return (jnp.asarray(matrix) @ v).astype(jnp.float16).astype(v.dtype)

    assert reason(conjugate_gradient(rough, right_side(30), tolerance=1e-6)) == IterationReason.ROUNDING


def test_many_right_sides_in_one_program_equal_their_solo_runs() -> None:
    matrices = jnp.stack([jnp.asarray(with_spectrum(s), jnp.float32) for s in ([1, 2, 3], [-1, 2, 5], [4, 4, 4])])
    b = jnp.asarray([[1.0, 2.0, 3.0], [1.0, 0.5, 1.0], [2.0, -1.0, 0.0]])
    radii = jnp.asarray([10.0, 1.0, 0.1])

    def solve(matrix: Any, right: Any, radius: Any) -> Any:
        return conjugate_gradient(matrix, right, radius=radius, max_steps=5)

    together = jax.jit(jax.vmap(solve))(matrices, b, radii)
    for place in range(3):
        solo = solve(matrices[place], b[place], radii[place])
        one = jax.tree.map(lambda leaf, at=place: leaf[at], together)
        assert int(one.reason) == int(solo.reason) and int(one.steps) == int(solo.steps)
        np.testing.assert_allclose(one.x, solo.x, rtol=2e-5, atol=1e-6)


def test_forward_derivative_is_that_of_the_inverse() -> None:
    matrix, b, change = with_spectrum([1, 2, 3, 9]), right_side(4), right_side(4, 1)
    with jax.enable_x64(True):
        solve = partial(conjugate_gradient, jnp.asarray(matrix), tolerance=1e-12)
        _, tangent = jax.jvp(lambda b: solve(b).x, (jnp.asarray(b),), (jnp.asarray(change),))
    np.testing.assert_allclose(tangent, np.linalg.solve(matrix, change), rtol=1e-8)


def test_precision_follows_the_arrays() -> None:
    host = conjugate_gradient([[2, 0], [0, 4]], [1, 1])
    assert isinstance(host.x, np.ndarray) and host.x.dtype == np.float64
    device = conjugate_gradient(jnp.eye(2), jnp.ones(2), preconditioner=jacobi(np.ones(2)))
    assert isinstance(device.x, jax.Array) and device.x.dtype == jnp.float32


def test_a_function_and_the_matrix_give_the_same() -> None:
    matrix, b = badly_scaled(), right_side(17)
    np.testing.assert_allclose(
        conjugate_gradient(lambda v: matrix @ v, b, max_steps=9).x, conjugate_gradient(matrix, b, max_steps=9).x
    )


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        ((np.ones((2, 3)), np.ones(2)), {}, ShapeError, "not a square matrix"),
        ((np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2)), {}, DataError, "not symmetric"),
        ((np.eye(3), np.ones(2)), {}, ShapeError, "do not fit"),
        ((np.eye(2), np.ones((2, 1))), {}, ShapeError, "b is not a vector"),
        ((np.eye(2), np.array([1.0, np.nan])), {}, DataError, r"nan at b\[1\]"),
        ((np.eye(2), np.ones(2), np.array([np.inf, 0.0])), {}, DataError, "x0 is not finite"),
        ((np.eye(2), np.ones(2), np.ones(3)), {}, ShapeError, "x0"),
        ((np.eye(2), np.ones(2) * 1j), {}, DataError, "complex"),
        ((lambda v: v[:1], np.ones(2)), {}, ShapeError, "like the one it is given"),
        ((lambda v: (v, v), np.ones(2)), {}, ShapeError, "got: tuple"),
        ((np.eye(2), np.ones(2)), {"preconditioner": lambda r: r[:1]}, ShapeError, "preconditioner"),
        ((np.eye(2), np.ones(2)), {"tolerance": -1.0}, ConfigurationError, "tolerance"),
        ((np.eye(2), np.ones(2)), {"radius": 0.0}, ConfigurationError, "radius"),
        ((np.eye(2), np.ones(2)), {"max_steps": 0}, ConfigurationError, "max_steps"),
        ((np.eye(2), np.ones(2), np.ones(2)), {"radius": 1.0}, ConfigurationError, "measured from zero"),
    ],
)
def test_bad_arguments(arguments: Any, settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        conjugate_gradient(*arguments, **settings)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: jacobi(np.array([1.0, -2.0])), DataError, r"-2.0 at \[1\]"),
        (lambda: symmetric_gauss_seidel(np.eye(2), 2.0), ConfigurationError, "relaxation"),
        (lambda: block_jacobi(np.array([[1.0, 2.0], [2.0, 1.0]]), 2), DataError, "block 0"),
        (lambda: block_jacobi(np.eye(2), 0), ConfigurationError, "block_size"),
    ],
)
def test_bad_preconditioners(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
