"""Proximal maps, and the methods for functions without a gradient and for convex sets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso

from pullback.core.errors import ConfigurationError
from pullback.optim import Reason, minimize
from pullback.optim.constraints import Ball, Simplex
from pullback.optim.methods.fista import FISTA
from pullback.optim.methods.frank_wolfe import FrankWolfe
from pullback.optim.methods.mirror_descent import Entropy, MirrorDescent, PNorm
from pullback.optim.methods.projected_gradient import ProjectedGradient
from pullback.optim.methods.proximal_gradient import ProximalGradient
from pullback.optim.proximal import L1, ElasticNet, GroupL2, Indicator, NuclearNorm, SquaredL2
from pullback.testing.problems.lasso import lasso_data

FUNCTIONS = {
    "L1": (L1(0.7), lambda x: 0.7 * np.abs(x).sum()),
    "weighted L1": (L1(np.array([0.0, 1.0, 2.0, 0.5])), lambda x: np.array([0.0, 1.0, 2.0, 0.5]) @ np.abs(x)),
    "squared L2": (SquaredL2(0.7), lambda x: 0.35 * x @ x),
    "elastic net": (ElasticNet(0.3, 0.7), lambda x: 0.3 * np.abs(x).sum() + 0.35 * x @ x),
    "groups of two": (GroupL2(2, 0.7), lambda x: 0.7 * (np.hypot(x[0], x[1]) + np.hypot(x[2], x[3]))),
    "named groups": (GroupL2((1, 0, 0, 0), 0.7), lambda x: 0.7 * (abs(x[0]) + np.sqrt((x[1:] ** 2).sum()))),
    "nuclear norm": (NuclearNorm((2, 2), 0.7), lambda x: 0.7 * np.linalg.norm(x.reshape(2, 2), "nuc")),
    "ball": (Indicator(Ball(1.5)), lambda x: 0.0 if np.linalg.norm(x) <= 1.5 + 1e-9 else np.inf),
}
VECTORS = arrays(np.float64, 4, elements=st.floats(-5, 5))


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=15)
@given(v=VECTORS, step=VECTORS, t=st.floats(0.1, 3))
def test_a_proximal_map_is_least(name, v, step, t):
    """No other point has a lower h(x) + |x - v|^2 / 2 t, which grows by |z - x|^2 / 2 t at least."""
    function, definition = FUNCTIONS[name]
    with jax.enable_x64(True):
        x = np.asarray(function.proximal_map(jnp.asarray(v), jnp.asarray(t)))
        value = float(function.value(jnp.asarray(x)))
    assert value == pytest.approx(definition(x), abs=1e-10)
    for size in (1e-3, 1.0):
        z = x + size * step
        least = definition(x) + (x - v) @ (x - v) / (2 * t)
        other = definition(z) + (z - v) @ (z - v) / (2 * t)
        assert other >= least + (z - x) @ (z - x) / (2 * t) - 1e-9


X, TARGET = map(np.asarray, load_diabetes(return_X_y=True))
CENTERED = X - X.mean(0)
DEVIATION = TARGET - TARGET.mean()


def mean_squares(w):
    return jnp.sum((CENTERED @ w - DEVIATION) ** 2) / (2 * len(DEVIATION))


@pytest.mark.parametrize(
    "method", [ProximalGradient(L1(0.5)), FISTA(L1(0.5))], ids=lambda method: type(method).__name__
)
def test_lasso_of_the_diabetes_data(method):
    found = minimize(mean_squares, np.zeros(10), method=method, tolerance=1e-9)
    reference = Lasso(alpha=0.5, tol=1e-12, max_iter=100_000).fit(X, TARGET)
    np.testing.assert_allclose(found.x, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(found.x[[2, 3, 6, 8]], [471.0136, 136.5169, -58.3401, 408.0219], atol=1.01e-4)
    assert np.count_nonzero(found.x) == 4
    assert found.reason == Reason.stationary and found.steps <= 100
    # The value of the trace is that of the whole objective.
    assert found.value == pytest.approx(float(mean_squares(reference.coef_)) + 0.5 * np.abs(reference.coef_).sum())
    assert found.trace.value[0] == pytest.approx(DEVIATION @ DEVIATION / (2 * len(DEVIATION)))


def test_a_lasso_whose_solution_is_known_by_construction():
    data = lasso_data(rows=30, columns=40, nonzero=4)
    found = minimize(
        lambda x: jnp.sum((data.design @ x - data.target) ** 2) / 2, np.zeros(40), method=FISTA(L1(data.penalty))
    )
    np.testing.assert_allclose(found.x, data.solution, atol=1e-5)


def nesterov_worst_function(k, smoothness):
    """Nesterov, Lectures on Convex Optimization (2018), section 2.1.2: hard for every method of first order."""
    n = 2 * k + 1
    matrix = smoothness / 4 * (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))
    slope = np.zeros(n)
    slope[0] = smoothness / 4
    minimizer = 1 - np.arange(1, n + 1) / (n + 1)
    return matrix, slope, minimizer


def test_fista_on_the_worst_function_lies_between_the_bounds():
    k, smoothness = 20, 8.0
    matrix, slope, minimizer = nesterov_worst_function(k, smoothness)
    np.testing.assert_allclose(matrix @ minimizer, slope, atol=1e-14)
    start = np.zeros(2 * k + 1)
    found = minimize(
        lambda x: x @ matrix @ x / 2 - slope @ x,
        start,
        method=FISTA(L1(0.0), learning_rate=1 / smoothness, restart="none"),
        max_steps=400,
        tolerance=0.0,
    )
    excess = found.trace.value + slope @ minimizer / 2
    steps = np.arange(1, len(excess))
    distance = minimizer @ minimizer
    assert np.all(excess[1:] <= 2 * smoothness * distance / (steps + 1) ** 2)
    assert excess[k] >= 3 * smoothness * distance / (32 * (k + 1) ** 2)
    # Its plain sibling is slower.
    plain = minimize(
        lambda x: x @ matrix @ x / 2 - slope @ x,
        start,
        method=ProximalGradient(L1(0.0), learning_rate=1 / smoothness),
        max_steps=400,
        tolerance=0.0,
    )
    assert plain.trace.value[400] - found.trace.value[400] > 0
    assert np.all(np.diff(plain.trace.value) <= 1e-15)


def test_a_restart_finds_the_minimum_in_fewer_steps():
    scales = np.logspace(0, 3, 10)

    def reached(restart):
        method = FISTA(L1(0.0), 1e-3, restart)
        return minimize(lambda x: jnp.sum(scales * x**2) / 2, np.ones(10), method=method, max_steps=1500)

    restarted = reached("gradient")
    assert restarted.converged
    np.testing.assert_allclose(restarted.x, 0, atol=1e-5)
    assert not reached("none").converged


@pytest.mark.parametrize("name", ["proximal_gradient", "fista", "projected_gradient", "mirror_descent", "frank_wolfe"])
def test_a_name_alone_says_what_is_missing(name):
    with pytest.raises(ConfigurationError, match="its name alone"):
        minimize(lambda x: x @ x, np.ones(2), method=name)


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(ConfigurationError, match="GroupL2"):
        minimize(lambda x: x @ x, np.ones(2), method=FISTA(GroupL2(2)), bounds=(0, 1))
    with pytest.raises(ConfigurationError, match="bounds too"):
        minimize(lambda x: x @ x, np.ones(2), method=ProjectedGradient(Simplex()), bounds=(0, 1))
    with pytest.raises(ConfigurationError, match="restart"):
        FISTA(L1(1.0), restart="often")


# A quadratic whose minimum on the simplex lies on a face.
MATRIX = np.array([[3.0, 0.5, 0.2, 0.0], [0.5, 2.0, 0.1, 0.3], [0.2, 0.1, 4.0, 0.0], [0.0, 0.3, 0.0, 1.0]])
SLOPE = np.array([1.0, 2.0, -3.0, 1.0])
ON_THE_SIMPLEX = scipy.optimize.minimize(
    lambda x: x @ MATRIX @ x / 2 - SLOPE @ x,
    np.full(4, 0.25),
    jac=lambda x: MATRIX @ x - SLOPE,
    method="SLSQP",
    bounds=[(0, None)] * 4,
    constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
    options={"ftol": 1e-15},
)


@pytest.mark.parametrize(
    ("method", "tolerance", "error"),
    [
        (ProjectedGradient(Simplex()), 1e-8, 1e-6),
        pytest.param(ProximalGradient(Indicator(Simplex())), 1e-8, 1e-6, marks=pytest.mark.slow),
        pytest.param(FISTA(Indicator(Simplex())), 1e-8, 1e-6, marks=pytest.mark.slow),
        (MirrorDescent(Entropy()), 1e-8, 1e-4),
        (FrankWolfe(Simplex()), 1e-2, 1e-1),
        (FrankWolfe(Simplex(), "exact"), 1e-3, 5e-2),
        pytest.param(FrankWolfe(Simplex(), "backtracking"), 1e-3, 5e-2, marks=pytest.mark.slow),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else str(value),
)
def test_minimum_on_the_simplex(method, tolerance, error):
    found = minimize(
        lambda x: x @ MATRIX @ x / 2 - SLOPE @ x,
        np.array([2.0, -1.0, 0.5, 0.0]),
        method=method,
        tolerance=tolerance,
        max_steps=3000,
        keep_path=True,
    )
    assert found.reason == Reason.stationary, found
    np.testing.assert_allclose(found.x, ON_THE_SIMPLEX.x, atol=error)
    # Every point of the path is on the simplex, the first included.
    np.testing.assert_allclose(found.trace.x.sum(axis=1), 1, atol=1e-12)
    assert found.trace.x.min() >= 0
    if isinstance(method, FrankWolfe | MirrorDescent):
        # Their measure of stationarity is a bound on the excess.
        assert np.all(found.trace.value - ON_THE_SIMPLEX.fun <= found.trace.gradient_norm + 1e-9)


def test_frank_wolfe_falls_as_its_theory_says():
    """The excess is at most 2 L D^2 / (k + 2), with the largest eigenvalue and the diameter, here sqrt 2."""
    found = minimize(
        lambda x: x @ MATRIX @ x / 2 - SLOPE @ x,
        np.full(4, 0.25),
        method=FrankWolfe(Simplex()),
        tolerance=0.0,
        max_steps=200,
    )
    steps = np.arange(1, 201)
    bound = 2 * np.linalg.eigvalsh(MATRIX)[-1] * 2 / (steps + 2)
    assert np.all(found.trace.value[1:] - ON_THE_SIMPLEX.fun <= bound)


def test_a_mirror_of_the_power_two_is_gradient_descent():
    mirrored = minimize(
        lambda x: x @ MATRIX @ x / 2 - SLOPE @ x,
        np.ones(4),
        method=MirrorDescent(PNorm(2.0), 0.1),
        max_steps=5,
        tolerance=0,
    )
    x = np.ones(4)
    for _ in range(5):
        x = x - 0.1 * (MATRIX @ x - SLOPE)
    np.testing.assert_allclose(mirrored.x, x, rtol=1e-12)


@pytest.mark.slow
def test_bounds_alone_make_a_box():
    answers = [
        minimize(lambda x: x @ MATRIX @ x / 2 - SLOPE @ x, np.ones(4), method=name, bounds=(0, 0.7), tolerance=1e-8).x
        for name in ("projected_gradient", "fista", "proximal_gradient")
    ]
    reference = scipy.optimize.lsq_linear(
        np.linalg.cholesky(MATRIX).T, np.linalg.solve(np.linalg.cholesky(MATRIX), SLOPE), bounds=(0, 0.7), tol=1e-14
    )
    for answer in answers:
        np.testing.assert_allclose(answer, reference.x, atol=1e-6)
