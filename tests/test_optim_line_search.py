"""Line searches: what each promises holds at its end, checked in NumPy; places against SciPy's."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.optim.line_search import (
    Backtracking,
    BarzilaiBorwein,
    Brent,
    Exact,
    GoldenSection,
    Goldstein,
    HagerZhang,
    Wolfe,
)
from pullback.optim.objective import Objective


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def quartic(x):
    return jnp.sum(x**4) + jnp.sum(jnp.sin(x))


def exponential(x):
    return jnp.exp(-3 * x[0]) + jnp.exp(0.2 * x[0]) + x[1] ** 2


def barrier(x):
    return -jnp.log(1 - x[0]) - 4 * x[0] + x[1] ** 2


# Function and start; the direction is that of steepest descent.
LINES = {
    "rosenbrock": (rosenbrock, (-1.2, 1.0)),
    "valley": (rosenbrock, (0.9, 0.8)),
    "quartic": (quartic, (1.5, -2.0)),
    "exponential": (exponential, (-1.0, 0.5)),
    "barrier": (barrier, (-0.5, 0.2)),
}
INITIAL = (1e-4, 0.1, 1.0, 50.0)


@functools.cache
def compiled(search, line):
    function, start = LINES[line]

    @jax.jit
    def run(initial):
        objective = Objective(function)
        point = objective.at(jnp.array(start))
        found = search.search(objective, point, -point.gradient, initial)
        return point, -point.gradient, found, found.point.slope(-point.gradient)

    return run, jax.jit(function)


def searched(search, line, initial):
    run, function = compiled(search, line)
    with jax.enable_x64(True):
        point, direction, found, end = jax.tree.map(np.asarray, run(jnp.asarray(initial, float)))
        phi = lambda a: float(function(jnp.asarray(point.x + a * direction)))  # noqa: E731
        slope = float(point.gradient @ direction)
        np.testing.assert_allclose(found.point.value, phi(found.step_length), rtol=1e-13)
        np.testing.assert_allclose(found.point.x, point.x + found.step_length * direction, rtol=1e-13)
    assert found.found
    assert found.step_length > 0
    assert found.work.values > 0
    return float(found.step_length), phi, float(point.value), slope, end, found


@pytest.mark.parametrize("initial", INITIAL)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("strong", [True, False])
def test_wolfe(line, initial, strong):
    length, phi, value, slope, end, _ = searched(Wolfe(strong=strong, curvature=0.4), line, initial)
    assert phi(length) <= value + 1e-4 * length * slope + 1e-15 * abs(value)
    assert (abs(end) if strong else -end) <= -0.4 * slope


@pytest.mark.parametrize("initial", INITIAL)
@pytest.mark.parametrize("line", LINES)
def test_hager_zhang(line, initial):
    length, phi, value, slope, end, found = searched(HagerZhang(), line, initial)
    wolfe = phi(length) - value <= 0.1 * length * slope
    approximate = (2 * 0.1 - 1) * slope >= end and phi(length) <= value + 1e-6 * abs(value)
    assert end >= 0.9 * slope
    assert wolfe or approximate
    assert found.work.values <= 25


@pytest.mark.parametrize("initial", INITIAL)
@pytest.mark.parametrize("line", LINES)
def test_armijo(line, initial):
    length, phi, value, slope, _, found = searched(Backtracking(factor=0.3), line, initial)
    assert phi(length) <= value + 1e-4 * length * slope
    # It is the first in the geometric sequence: the one before was too long.
    count = round(np.log(length / initial) / np.log(0.3))
    np.testing.assert_allclose(length, initial * 0.3**count, rtol=1e-10)
    assert int(found.work.values) == count + 2
    if count:
        before = phi(length / 0.3)
        assert np.isnan(before) or before > value + 1e-4 * length / 0.3 * slope


@pytest.mark.parametrize("initial", INITIAL)
@pytest.mark.parametrize("line", LINES)
def test_goldstein(line, initial):
    length, phi, value, slope, _, _ = searched(Goldstein(), line, initial)
    assert value + 0.9 * length * slope <= phi(length) <= value + 0.1 * length * slope


@pytest.mark.parametrize("initial", INITIAL)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("search", [GoldenSection(), Brent()], ids=["golden", "brent"])
def test_the_minimizer_along_the_line(search, line, initial):
    length, phi, value, slope, _, found = searched(search, line, initial)
    # The root of JAX's derivative along the line, close by: a line may have two valleys.
    function, start = LINES[line]
    with jax.enable_x64(True):
        x = jnp.array(start)
        direction = -jax.grad(function)(x)
        derivative = jax.jit(jax.grad(lambda a: function(x + a * direction)))
        best = scipy.optimize.brentq(
            lambda a: float(derivative(jnp.asarray(a))), 0.99 * length, 1.01 * length, xtol=1e-15
        )
    np.testing.assert_allclose(length, best, rtol=3e-7)
    assert phi(length) < value
    if isinstance(search, Brent):
        assert found.work.values <= 40


def test_brent_needs_fewer_values_than_golden_section():
    counts = [int(searched(search, "quartic", 0.1)[-1].work.values) for search in (Brent(), GoldenSection())]
    assert counts[0] < counts[1] / 2


@pytest.mark.parametrize("search", [Exact(), Brent(), GoldenSection()], ids=["exact", "brent", "golden"])
def test_exact_on_a_quadratic(search):
    hessian, g = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, -2.0])
    with jax.enable_x64(True):
        objective = Objective(lambda x: x @ jnp.asarray(hessian) @ x / 2 + jnp.asarray(g) @ x)
        point = objective.at(jnp.array([0.5, 0.5]))
        found = search.search(objective, point, -point.gradient, jnp.asarray(1.0))
    gradient = hessian @ [0.5, 0.5] + g
    expected = gradient @ gradient / (gradient @ hessian @ gradient)
    np.testing.assert_allclose(found.step_length, expected, rtol=1e-12 if isinstance(search, Exact) else 1e-6)
    # The new gradient is orthogonal to the line.
    assert abs(np.asarray(found.point.gradient) @ gradient) < 1e-5 * (gradient @ gradient)


SEARCHES = [Wolfe(), Wolfe(strong=False), HagerZhang(), Backtracking(), Goldstein(), GoldenSection(), Brent(), Exact()]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)
def test_an_ascent_direction_ends_where_it_started(search):
    with jax.enable_x64(True):
        objective = Objective(rosenbrock)
        point = objective.at(jnp.array([-1.2, 1.0]))
        found = search.search(objective, point, point.gradient, jnp.asarray(1.0))
    assert not bool(found.found)
    assert float(found.point.value) <= float(point.value)


@pytest.mark.parametrize("search", SEARCHES[:-1], ids=lambda search: type(search).__name__)
def test_an_unbounded_line_ends(search):
    with jax.enable_x64(True):
        objective = Objective(lambda x: -jnp.sum(x))
        point = objective.at(jnp.array([1.0, 2.0]))
        found = search.search(objective, point, -point.gradient, jnp.asarray(1.0))
    assert np.isfinite(np.asarray(found.point.x)).all()
    assert float(found.point.value) <= float(point.value)


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)
def test_single_precision_and_vmap(search):
    objective = Objective(quartic)

    def length(x):
        point = objective.at(x)
        return search.search(objective, point, -point.gradient, jnp.float32(0.05)).step_length

    starts = jnp.array([[1.5, -2.0], [1.0, 0.5], [-0.8, 1.2]], jnp.float32)
    together = jax.jit(jax.vmap(length))(starts)
    assert together.dtype == jnp.float32
    np.testing.assert_allclose(together, [jax.jit(length)(start) for start in starts], rtol=2e-3)


@pytest.mark.parametrize("formula", ["long", "short", "alternating"])
def test_barzilai_borwein_is_an_inverse_mean_curvature(formula):
    rule = BarzilaiBorwein(formula)
    hessian = np.diag([1.0, 4.0])
    s = np.array([2.0, 1.0])
    y = hessian @ s
    expected = {"long": (s @ s) / (s @ y), "short": (s @ y) / (y @ y)}
    expected["alternating"] = expected["short"]
    with jax.enable_x64(True):
        np.testing.assert_allclose(rule.step_length(jnp.asarray(s), jnp.asarray(y), 3), expected[formula], rtol=1e-14)
        assert 0 < float(rule.step_length(jnp.asarray(s), -jnp.asarray(y), 2)) < np.inf
