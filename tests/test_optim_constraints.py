"""Sets, constrained methods, and published constrained problems."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pullback.core.errors import ConfigurationError, ConvergenceError, DerivativeError
from pullback.optim import Reason, minimize_constrained
from pullback.optim.constraints import Ball, Box, Simplex
from pullback.optim.constraints.strategies import AugmentedLagrangian, QuadraticPenalty
from pullback.testing.problems.hock_schittkowski import PROBLEMS

SETS = {
    "box": Box(-0.5, 1.5),
    "half space of each entry": Box(0.0),
    "simplex": Simplex(),
    "large simplex": Simplex(7.0),
    "ball": Ball(1.5),
    "ball of absolute values": Ball(1.5, norm=1),
    "ball of the largest": Ball(1.5, norm="inf", center=0.25),
}
VECTORS = arrays(np.float64, 4, elements=st.floats(-10, 10))


def inside(name, x, slack=1e-9):
    """Whether a point is in the set, by its definition."""
    absolute = np.abs(x)
    return {
        "box": x.min() >= -0.5 and x.max() <= 1.5,
        "half space of each entry": x.min() >= 0,
        "simplex": x.min() >= 0 and abs(x.sum() - 1) <= slack,
        "large simplex": x.min() >= 0 and abs(x.sum() - 7) <= slack,
        "ball": np.sqrt((x**2).sum()) <= 1.5 + slack,
        "ball of absolute values": absolute.sum() <= 1.5 + slack,
        "ball of the largest": np.abs(x - 0.25).max() <= 1.5 + slack,
    }[name]


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=20)
@given(first=VECTORS, second=VECTORS)
def test_a_projection_is_inside_stays_and_brings_no_two_points_further_apart(name, first, second):
    with jax.enable_x64(True):
        projected, other = (np.asarray(SETS[name].project(jnp.asarray(x))) for x in (first, second))
        again = np.asarray(SETS[name].project(jnp.asarray(projected)))
    assert inside(name, projected)
    np.testing.assert_allclose(again, projected, atol=1e-12)
    assert np.linalg.norm(projected - other) <= np.linalg.norm(first - second) + 1e-12


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=20)
@given(x=VECTORS, other=VECTORS)
def test_a_projection_is_the_nearest_point(name, x, other):
    """The angle with every other point of the set is not acute: (x - P(x))'(z - P(x)) <= 0."""
    with jax.enable_x64(True):
        projected, z = (np.asarray(SETS[name].project(jnp.asarray(value))) for value in (x, other))
        distance = float(SETS[name].distance(jnp.asarray(x)))
    assert (x - projected) @ (z - projected) <= 1e-9
    assert distance == pytest.approx(np.linalg.norm(x - projected))


@pytest.mark.parametrize("name", [name for name in SETS if name != "half space of each entry"])
@settings(max_examples=20)
@given(gradient=VECTORS, other=VECTORS)
def test_the_linear_minimizer_is_inside_and_least(name, gradient, other):
    with jax.enable_x64(True):
        corner = np.asarray(SETS[name].linear_minimizer(jnp.asarray(gradient)))
        z = np.asarray(SETS[name].project(jnp.asarray(other)))
    assert inside(name, corner)
    assert gradient @ corner <= gradient @ z + 1e-9


def test_the_projection_on_the_simplex_is_that_of_quadratic_programming():
    point = np.array([0.9, -0.3, 0.4, 0.35, 0.1])
    reference = scipy.optimize.minimize(
        lambda x: ((x - point) ** 2).sum(),
        np.full(5, 0.2),
        method="SLSQP",
        bounds=[(0, None)] * 5,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        tol=1e-14,
    )
    with jax.enable_x64(True):
        np.testing.assert_allclose(Simplex().project(jnp.asarray(point)), reference.x, atol=1e-7)


def test_sets_refuse_what_is_none():
    with pytest.raises(ConfigurationError, match="cross"):
        Box(1.0, 0.0)
    with pytest.raises(ConfigurationError, match="norm"):
        Ball(1.0, norm=3)
    with pytest.raises(ConfigurationError, match="radius"):
        Ball(-1.0)
    with pytest.raises(ConfigurationError, match="total"):
        Simplex(0.0)


# Compiling a problem takes seconds: three of different kinds every time, the rest among the slow tests.
QUICK = ("HS6", "HS43", "HS71")


CASES = [pytest.param(case, id=case.name, marks=() if case.name in QUICK else pytest.mark.slow) for case in PROBLEMS]


@pytest.mark.parametrize("problem", CASES)
def test_published_optimum_and_optimality_conditions(problem):
    free = np.isinf(problem.lower).all() and np.isinf(problem.upper).all()
    found = minimize_constrained(
        problem.function,
        problem.start,
        equality=problem.equality,
        inequality=problem.inequality,
        bounds=None if free else (problem.lower, problem.upper),
        tolerance=1e-7,
    )
    known = [problem.minimum, *(other.value for other in problem.other_minima)]
    assert found.converged, found
    assert min(abs(found.value - value) for value in known) <= 1e-6 * max(1, abs(problem.minimum))
    check_optimality(problem, found)


def check_optimality(problem, found):
    """The conditions of Karush, Kuhn and Tucker with derivatives by JAX itself."""
    with jax.enable_x64(True):
        x = jnp.asarray(found.x)
        rest = np.asarray(jax.grad(problem.function)(x)) - found.multipliers.lower + found.multipliers.upper
        for constraint, multipliers in (
            (problem.equality, found.multipliers.equality),
            (problem.inequality, found.multipliers.inequality),
        ):
            if constraint is not None:
                rest = rest - np.asarray(jax.jacobian(constraint)(x)).T @ multipliers
        equality = np.zeros(1) if problem.equality is None else np.asarray(problem.equality(x))
        inequality = np.zeros(1) if problem.inequality is None else np.asarray(problem.inequality(x))
    assert np.abs(rest).max() <= 1e-5
    assert np.abs(equality).max() <= 1e-6 and inequality.min() >= -1e-6
    assert np.all(found.multipliers.inequality >= 0)
    assert np.all(found.x >= problem.lower) and np.all(found.x <= problem.upper)
    if problem.inequality is not None:
        assert np.abs(inequality * found.multipliers.inequality).max() <= 1e-5


def test_multipliers_are_the_slopes_of_the_least_value():
    """min x'x / 2 with a'x = b has x = a b / a'a and the value b^2 / 2 a'a, whose slope in b is b / a'a."""
    a, b = np.array([1.0, 2.0, -2.0]), 3.0
    found = minimize_constrained(lambda x: x @ x / 2, np.zeros(3), equality=lambda x: a @ x - b)
    np.testing.assert_allclose(found.x, a * b / 9, atol=1e-6)
    np.testing.assert_allclose(found.multipliers.equality, [b / 9], atol=1e-6)
    # In the trace the violation falls, at a penalty that stays moderate.
    assert found.trace.penalty.max() <= 1e3
    assert found.trace.kkt.feasibility[-1] <= 1e-6 < found.trace.kkt.feasibility[0]


def test_the_quadratic_penalty_approaches_as_its_theory_says():
    """min x^2 + rho (x - 1)^2 / 2 is at rho / (2 + rho)."""
    found = minimize_constrained(
        lambda x: x**2, 0.0, equality=lambda x: x - 1, method=QuadraticPenalty(penalty=1.0), tolerance=1e-5
    )
    rho = found.trace.penalty
    np.testing.assert_allclose(rho, 10.0 ** np.arange(len(rho)))
    np.testing.assert_allclose(np.sqrt(found.trace.value)[2:], (rho / (2 + rho))[2:], rtol=1e-4)
    np.testing.assert_allclose(found.multipliers.equality, [2.0], rtol=1e-4)
    assert found.converged


def test_what_cannot_be_fulfilled_is_said():
    found = minimize_constrained(lambda x: x @ x, np.ones(2), equality=lambda x: x[0] ** 2 + 1)
    assert found.reason == Reason.infeasible and not found.converged
    assert "fulfils" in found.message and "feasibility" in str(found)
    with pytest.raises(ConvergenceError) as caught:
        minimize_constrained(lambda x: x @ x, np.ones(2), equality=lambda x: x[0] ** 2 + 1, throw=True, max_steps=3)
    assert caught.value.result.reason == Reason.step_limit


def test_compiled_for_several_loads_each_with_its_reason():
    """On the circle x'x = b the value x'x / 2 is b / 2; below zero there is no circle."""

    def solve(b):
        return minimize_constrained(lambda x, b: x @ x / 2, jnp.ones(2), equality=lambda x, b: x @ x - b, args=(b,))

    found = jax.jit(jax.vmap(solve))(jnp.asarray([0.5, 2.0, -1.0]))
    assert found.converged.tolist() == [True, True, False]
    np.testing.assert_allclose(found.value[:2], [0.25, 1.0], rtol=1e-3)
    assert found.message.startswith(Reason[Reason.stationary] + "; ")


def test_bad_constraints_are_named():
    with pytest.raises(DerivativeError, match="inequality does not return real numbers"):
        minimize_constrained(lambda x: x @ x, np.ones(2), inequality=lambda x: x > 0)
    with pytest.raises(ConfigurationError, match="constrained method"):
        minimize_constrained(lambda x: x @ x, np.ones(2), method="barrier")
    with pytest.raises(ConfigurationError, match="growth"):
        AugmentedLagrangian(growth=1.0)
    with pytest.raises(ConfigurationError, match="bounds"):
        minimize_constrained(lambda x: x @ x, np.ones(2), bounds=(0, 1), inner="newton")
    with pytest.raises(DerivativeError, match="inequality needs the numbers"):
        minimize_constrained(lambda x: x @ x, np.ones(2), inequality=lambda x: x if x[0] > 0 else -x)
    with pytest.raises(ConfigurationError, match="inner method"):
        minimize_constrained(lambda x: x @ x, np.ones(2), inner="levenberg_marquardt")


def test_arguments_of_another_value_compile_nothing():
    traced = []

    def function(x, slope):
        traced.append(1)
        return x @ x / 2 - slope * x[0]

    def below_one(x, slope):
        del slope
        return 1 - x[0]

    def solve(slope):
        return minimize_constrained(function, np.zeros(2), inequality=below_one, args=(slope,))

    # The slope pulls to x = (slope, 0), the inequality holds at 1: the multiplier is what is left.
    np.testing.assert_allclose(solve(0.5).x, [0.5, 0], atol=1e-6)
    compiled = len(traced)
    found = solve(3.0)
    assert len(traced) == compiled
    np.testing.assert_allclose(found.x, [1, 0], atol=1e-6)
    np.testing.assert_allclose(found.multipliers.inequality, [2], rtol=1e-5)
    assert len(found.trace.value) == len(found.trace.kkt.feasibility) == int(found.steps)
