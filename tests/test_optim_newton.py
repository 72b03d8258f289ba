"""Newton's method in its four forms, and truncated: a published iteration, rates, saddles, SciPy's Newton-CG."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError
from pullback.linalg import modified_cholesky
from pullback.optim import Reason, minimize
from pullback.optim.methods import Newton, TruncatedNewton
from pullback.optim.methods.newton import saddle_free_direction
from pullback.testing.problems import rosenbrock

SAFE = [Newton(globalization=name) for name in ("line_search", "modified_cholesky", "saddle_free")]


def quartic(t: Any) -> Any:
    return t**4 - 4 * t**3 - 2 * t**2 + 10 * t + 15


def test_published_iteration_to_every_printed_digit() -> None:
    found = minimize(quartic, 2.5, method=Newton(), keep_path=True, tolerance=1e-12)
    published = ["3.63636364", "3.20444514", "3.07258690", "3.05990628", "3.05979198", "3.0597919701"]
    points = [f"{point:.{len(text) - 2}f}" for point, text in zip(found.trace.x[1:], published, strict=False)]
    assert points == published
    assert found.steps <= 7


def test_errors_are_squared_in_every_step() -> None:
    """With the constant f''' / (2 f'') of the theory at the minimizer."""
    found = minimize(quartic, 2.5, method=Newton(), keep_path=True, tolerance=1e-13)
    root = max(np.roots([4, -12, -4, 10]).real)
    errors = np.abs(found.trace.x[2:5] - root)
    second, third = 12 * root**2 - 24 * root - 4, 24 * root - 24
    ratios = errors[1:] / errors[:-1] ** 2 / (third / (2 * second))
    assert abs(ratios[0] - 1) < 0.2
    assert abs(ratios[1] - 1) < 0.02


def double_well(x: Any) -> Any:
    """Minima at (-1, 0) and (1, 0), a saddle at the origin."""
    return x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2


def test_the_plain_method_is_drawn_to_a_saddle_and_the_others_are_not() -> None:
    start = [0.3, 1.0]
    drawn = minimize(double_well, start, method=Newton())
    np.testing.assert_allclose(drawn.x, 0, atol=1e-8)
    # The Hessian there has the eigenvalues -1 and 2, and the reason says what was found.
    assert drawn.reason == Reason.saddle
    assert not drawn.converged
    for method in SAFE:
        found = minimize(double_well, start, method=method)
        np.testing.assert_allclose(np.abs(found.x), [1, 0], atol=1e-6)
        assert np.all(np.diff(found.trace.value) <= 0)


def test_plain_newton_solves_a_quadratic_in_one_step() -> None:
    matrix = np.array([[3.0, 1.0], [1.0, -2.0]])
    right = np.array([1.0, 2.0])
    found = minimize(lambda x: x @ jnp.asarray(matrix) @ x / 2 - jnp.asarray(right) @ x, [5.0, -7.0], method="newton")
    assert found.steps == 1
    np.testing.assert_allclose(found.x, np.linalg.solve(matrix, right), rtol=1e-12)
    assert found.work.products == 2


def test_a_singular_hessian_is_named() -> None:
    found = minimize(lambda x: (x[0] + x[1]) ** 2 + x[0], [1.0, 1.0], method="newton")
    assert found.reason == Reason.singular
    np.testing.assert_array_equal(found.x, [1, 1])


@pytest.mark.parametrize("method", SAFE, ids=lambda method: method.globalization)
def test_rosenbrock(method: Newton) -> None:
    problem = rosenbrock()
    found = minimize(problem.function, problem.start, method=method)
    assert found.converged
    assert found.steps <= 25
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 2**31 - 1))
def test_directions_lead_down_whatever_the_hessian(seed: int) -> None:
    """And are Newton's own where it is safely positive definite."""
    random = np.random.default_rng(seed)
    g, spectrum = random.normal(size=3), random.normal(size=3)
    Q = np.linalg.qr(random.normal(size=(3, 3)))[0]
    H = Q * spectrum @ Q.T
    with jax.enable_x64(True):
        w, vectors = jnp.linalg.eigh(jnp.asarray((H + H.T) / 2))
        saddle_free = np.asarray(saddle_free_direction(vectors, w, jnp.asarray(g), jnp.asarray(1e-12)))
    shifted = -modified_cholesky((H + H.T) / 2).solve(g)
    expected = -(Q / np.abs(spectrum)) @ Q.T @ g
    np.testing.assert_allclose(saddle_free, expected, rtol=1e-7, atol=1e-7 * float(np.linalg.norm(expected)))
    assert saddle_free @ g < 0
    assert shifted @ g < 0
    definite = Q * (np.abs(spectrum) + 0.5) @ Q.T
    newton = -np.linalg.solve(definite, g)
    np.testing.assert_allclose(-modified_cholesky((definite + definite.T) / 2).solve(g), newton, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("forcing", ["eisenstat_walker", "superlinear"])
def test_truncated_newton_needs_no_more_steps_than_scipys(forcing: str) -> None:
    problem = rosenbrock()

    def plain(x: np.ndarray) -> float:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    reference = scipy.optimize.minimize(
        plain, problem.start, jac=scipy.optimize.rosen_der, hess=scipy.optimize.rosen_hess, method="Newton-CG"
    )
    found = minimize(problem.function, problem.start, method=TruncatedNewton(forcing=forcing), tolerance=1e-6)
    assert found.converged
    assert found.steps <= 1.2 * min(reference.nit, 83)
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-5)
    assert found.steps < found.work.products <= 2 * found.steps


def test_truncated_newton_leaves_a_maximum() -> None:
    """Where the first direction has negative curvature, the steepest descent is taken."""
    found = minimize(double_well, [0.01, 0.0], method="truncated_newton")
    np.testing.assert_allclose(found.x, [1, 0], atol=1e-6)


def test_truncated_newton_makes_few_products_in_many_dimensions() -> None:
    """A convex function whose Hessian has three clusters of eigenvalues, against a reference solver."""
    scales = np.repeat([1.0, 10.0, 100.0], 30)
    target = np.random.default_rng(0).normal(size=90)

    def function(x: Any, scales: Any, target: Any) -> Any:
        return jnp.sum(scales * (x - target) ** 2) / 2 + jnp.sum(jnp.logaddexp(x, -x))

    found = minimize(function, np.zeros(90), args=(scales, target), method="truncated_newton", tolerance=1e-9)
    assert found.converged
    assert found.work.products <= 60
    exact: Any = [
        scipy.optimize.brentq(lambda t, s=s, c=c: s * (t - c) + np.tanh(t), -5, 5)
        for s, c in zip(scales, target, strict=True)
    ]
    np.testing.assert_allclose(found.x, exact, atol=1e-8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Newton(globalization="damped"),
        lambda: TruncatedNewton(forcing="fast"),
        lambda: TruncatedNewton(largest_forcing=1.5),
        lambda: TruncatedNewton(max_inner_steps=0),
    ],
)
def test_options_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()
