"""The simplex method against SciPy's, and where it is known to fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.optim import Reason, minimize
from pullback.optim.methods.nelder_mead import NelderMead
from pullback.testing.problems.himmelblau import MINIMIZERS, himmelblau
from pullback.testing.problems.more_garbow_hillstrom import PROBLEMS
from pullback.testing.problems.rosenbrock import rosenbrock

WOOD = next(problem for problem in PROBLEMS if "Wood" in problem.name)


def in_double(function):
    """The function for SciPy."""
    compiled = jax.jit(function)

    def called(x):
        with jax.enable_x64(True):
            return float(compiled(jnp.asarray(x)))

    return called


@pytest.mark.parametrize(
    ("problem", "adaptive"),
    [(rosenbrock(), False), (himmelblau(), False), (WOOD, True)],
    ids=["Rosenbrock", "Himmelblau", "Wood, adaptive"],
)
def test_every_evaluation_is_that_of_scipy(problem, adaptive):
    found = minimize(
        problem.function, problem.start, method=NelderMead(adaptive=adaptive), tolerance=1e-7, max_steps=2000
    )
    reference = scipy.optimize.minimize(
        in_double(problem.function),
        problem.start,
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-7, "adaptive": adaptive, "maxiter": 2000, "maxfev": 9999},
    )
    assert found.reason == Reason.simplex_collapsed
    # SciPy counts the step in which it ends.
    assert int(found.steps) == reference.nit - 1
    assert int(found.work.values) == reference.nfev
    np.testing.assert_allclose(found.x, reference.x, rtol=1e-7, atol=1e-9)
    assert abs(found.value - problem.minimum) <= 1e-6
    assert int(found.work.gradients) == 0 and found.gradient_norm <= 1e-2


def test_himmelblau_ends_in_one_of_its_four_minima():
    found = minimize(himmelblau().function, [-3.0, 3.0], method="nelder_mead")
    assert min(np.linalg.norm(found.x - place) for place in MINIMIZERS) <= 1e-5


def mckinnon(x):
    """McKinnon (1998), SIAM Journal on Optimization 9, with tau 2, theta 6 and phi 60; least at (0, -1/2)."""
    return jnp.where(x[0] <= 0, 360.0, 6.0) * x[0] ** 2 + x[1] + x[1] ** 2


# From these vertices the best one, the origin, is never replaced.
MCKINNON_SIMPLEX = np.array([[0.0, 0.0], [(1 + 33**0.5) / 8, (1 - 33**0.5) / 8], [1.0, 1.0]])


def test_a_flat_simplex_is_no_minimum():
    method = NelderMead(initial_simplex=MCKINNON_SIMPLEX, rebuild=False)
    found = minimize(mckinnon, [1.0, 1.0], method=method)
    assert found.reason == Reason.simplex_flat and not found.converged
    np.testing.assert_array_equal(found.x, [0, 0])
    assert found.gradient_norm == pytest.approx(1)


def test_a_rebuilt_simplex_goes_on_to_the_minimum():
    found = minimize(mckinnon, [1.0, 1.0], method=NelderMead(initial_simplex=MCKINNON_SIMPLEX))
    assert found.reason == Reason.simplex_collapsed
    np.testing.assert_allclose(found.x, [0, -0.5], atol=1e-4)
    assert found.value == pytest.approx(-0.25, abs=1e-6)


def test_bounds_are_kept_and_found_active():
    problem = rosenbrock()
    bounds = ([-2.0, -2.0], [0.5, 2.0])
    found = minimize(problem.function, problem.start, method="nelder_mead", bounds=bounds, keep_path=True)
    reference = scipy.optimize.minimize(
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
        problem.start,
        method="L-BFGS-B",
        bounds=list(zip(*bounds, strict=True)),
        options={"ftol": 1e-14, "gtol": 1e-10},
    )
    assert found.converged
    assert np.all(found.trace.x >= bounds[0]) and np.all(found.trace.x <= bounds[1])
    np.testing.assert_allclose(found.x, reference.x, atol=1e-5)


def test_where_the_function_is_not_defined_it_does_not_go():
    found = minimize(lambda x: jnp.sum(x - jnp.log(x)), [0.1, 3.0], method="nelder_mead")
    assert found.converged
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-5)


def test_a_face_of_the_bounds_is_left_where_the_minimum_is_inside():
    """From a start on the bound, all vertices slide along it before they come back."""
    found = minimize(
        lambda x: (x[0] - 0.3) ** 2 + 10 * (x[1] - x[0]) ** 2, [0.0, 5.0], method="nelder_mead", bounds=(0.0, 6.0)
    )
    assert found.converged
    np.testing.assert_allclose(found.x, [0.3, 0.3], atol=1e-5)


def test_a_variable_with_equal_bounds_stays():
    found = minimize(
        lambda x: (x[0] - 1) ** 2 + (x[1] - x[0]) ** 2, [0.0, 2.0], method="nelder_mead", bounds=([-9, 2], [9, 2])
    )
    assert found.converged
    np.testing.assert_allclose(found.x, [1.5, 2.0], atol=1e-5)
