"""Quasi-Newton methods: the updates against SciPy's and their theory, the methods against closed forms."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.core.errors import ConfigurationError
from pullback.optim import minimize
from pullback.optim.line_search import LineSearch, Searched
from pullback.optim.methods import Work
from pullback.optim.methods.bfgs import BFGS, bfgs_direct_update, bfgs_inverse_update, damped_change
from pullback.optim.methods.broyden import Broyden, broyden_update
from pullback.optim.methods.compact import CompactHessian, cauchy_point, within_bounds
from pullback.optim.methods.dfp import DFP, dfp_inverse_update
from pullback.optim.methods.lbfgs import LBFGS
from pullback.optim.methods.pairs import Pairs
from pullback.optim.methods.quasi_newton import Pair
from pullback.optim.methods.sr1 import SR1, sr1_update
from pullback.optim.objective import Bounds, Objective, Point

DIMENSION = 5


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def convex(x):
    weights = jnp.asarray([[1.0, -2.0, 0.5], [0.3, 1.0, 3.0], [-1.0, -0.5, 2.0], [0.1, 0.4, -2.5]])
    return jax.nn.logsumexp(weights @ x) + jnp.sum(x**2) / 20


def positive_definite(seed, dimension=DIMENSION):
    """A matrix with eigenvalues between 1/3 and 3."""
    random = np.random.default_rng(seed)
    directions = np.linalg.qr(random.normal(size=(dimension, dimension)))[0]
    return directions * np.exp(random.uniform(-1.1, 1.1, dimension)) @ directions.T


def apply(formula, *arguments):
    """The formula on NumPy arrays."""
    return np.asarray(formula(*map(jnp.asarray, arguments)))


def curved_pair(seed):
    """A step and a change of the gradient with positive curvature."""
    s = np.random.default_rng(seed + 100).normal(size=DIMENSION)
    return s, positive_definite(seed + 200) @ s


DIRECT = {
    "bfgs": bfgs_direct_update,
    "broyden 0.3": lambda B, s, y: broyden_update(B, s, y, jnp.asarray(0.3)),
    "broyden 1": lambda B, s, y: broyden_update(B, s, y, jnp.asarray(1.0)),
}
INVERSE = {"bfgs": bfgs_inverse_update, "dfp": dfp_inverse_update}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", DIRECT)
def test_secant_equation_of_the_hessian(name, seed):
    s, y = curved_pair(seed)
    B = apply(DIRECT[name], positive_definite(seed), s, y)
    np.testing.assert_allclose(B @ s, y, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(B, B.T, atol=1e-12)
    assert np.linalg.eigvalsh(B).min() > 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", INVERSE)
def test_secant_equation_of_the_inverse(name, seed):
    s, y = curved_pair(seed)
    H = apply(INVERSE[name], positive_definite(seed), s, y)
    np.testing.assert_allclose(H @ y, s, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(H, H.T, atol=1e-12)
    assert np.linalg.eigvalsh(H).min() > 0


def updated_by_scipy(strategy, kind, matrix, s, y):
    strategy.initialize(DIMENSION, kind)
    setattr(strategy, "B" if kind == "hess" else "H", np.array(matrix))
    strategy.first_iteration = False
    strategy.update(s, y)
    return strategy.get_matrix()


@pytest.mark.parametrize("seed", range(3))
def test_updates_are_those_of_scipy(seed):
    matrix, (s, y) = positive_definite(seed), curved_pair(seed)
    for strategy, kind, ours in (
        (scipy.optimize.BFGS(), "hess", bfgs_direct_update),
        (scipy.optimize.BFGS(), "inv_hess", bfgs_inverse_update),
        (scipy.optimize.SR1(), "hess", sr1_update),
    ):
        theirs = updated_by_scipy(strategy, kind, matrix, s, y)
        np.testing.assert_allclose(apply(ours, matrix, s, y), theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_both_forms_are_inverse_to_each_other(seed):
    matrix, (s, y) = positive_definite(seed), curved_pair(seed)
    inverse = np.linalg.inv(matrix)
    direct = apply(bfgs_direct_update, matrix, s, y)
    np.testing.assert_allclose(np.linalg.inv(direct), apply(bfgs_inverse_update, inverse, s, y), rtol=1e-9, atol=1e-11)
    direct = apply(broyden_update, matrix, s, y, 1.0)
    np.testing.assert_allclose(np.linalg.inv(direct), apply(dfp_inverse_update, inverse, s, y), rtol=1e-9, atol=1e-11)
    # DFP is BFGS with the parts of s and y, of the Hessian and its inverse exchanged.
    np.testing.assert_allclose(
        apply(dfp_inverse_update, matrix, s, y), apply(bfgs_direct_update, matrix, y, s), rtol=1e-11
    )


@pytest.mark.parametrize("seed", range(5))
def test_damping_leaves_curvature(seed):
    B, s = positive_definite(seed), np.random.default_rng(seed).normal(size=DIMENSION)
    for y in (-3 * s, 0.01 * (B @ s), B @ s):
        damped = apply(damped_change, B, s, y)
        np.testing.assert_allclose(s @ damped, max(s @ y, 0.2 * (s @ B @ s)), rtol=1e-12)
    np.testing.assert_allclose(apply(damped_change, B, s, B @ s), B @ s, rtol=1e-12)


# Path by path: the direct form solves with the factor of a matrix that the inverse form never inverts.
@pytest.mark.parametrize(("function", "start"), [(rosenbrock, [-1.2, 1.0]), (convex, [3.0, -1.0, 2.0])])
def test_both_forms_take_the_same_steps(function, start):
    paths = [
        minimize(function, start, method=method, keep_path=True).trace.x
        for method in (BFGS(), BFGS(form="direct"), *((Broyden(phi=0.0),) if function is convex else ()))
    ]
    for path in paths[1:]:
        assert len(path) == len(paths[0])
        np.testing.assert_allclose(path, paths[0], atol=1e-8)


class OnQuadratic(LineSearch):
    """The exact step length on a quadratic with this Hessian."""

    hessian: tuple[tuple[float, ...], ...]

    def search(self, objective, point, direction, initial):
        A = jnp.asarray(self.hessian)
        length = -point.slope(direction) / (direction @ A @ direction)
        return Searched(objective.at(point.x + length * direction), length, Work.of(1, 1), jnp.ones((), bool))


QUADRATIC = positive_definite(11)
CENTER = np.arange(1.0, DIMENSION + 1)
EXACT = OnQuadratic(tuple(map(tuple, QUADRATIC.tolist())))


EXACT_METHODS = {
    "bfgs": (BFGS(line_search=EXACT), False),
    "direct bfgs": (BFGS(form="direct", line_search=EXACT), True),
    "damped bfgs": (BFGS(form="direct", damping=True, line_search=EXACT), True),
    "dfp": (DFP(line_search=EXACT), False),
    "broyden": (Broyden(phi=0.7, line_search=EXACT), True),
}


@cache
def steps_on_the_quadratic(name):
    """The states of the method after each of n steps with exact line searches."""
    method = EXACT_METHODS[name][0]
    objective = Objective(lambda x: (x - CENTER) @ QUADRATIC @ (x - CENTER) / 2)
    state = method.init(objective, objective.at(jnp.zeros(DIMENSION)))
    step = jax.jit(lambda state: method.step(objective, state)[0])
    states = []
    for _ in range(DIMENSION):
        state = step(state)
        states.append(state)
    return states


@pytest.mark.parametrize("name", EXACT_METHODS)
def test_exact_on_quadratics_after_as_many_steps_as_variables(name):
    """The minimizer is reached and the whole Hessian is known (Nocedal, Wright, theorem 6.4)."""
    state = steps_on_the_quadratic(name)[-1]
    np.testing.assert_allclose(state.point.x, CENTER, rtol=1e-9)
    known = np.asarray(state.memory.matrix)
    np.testing.assert_allclose(
        known if EXACT_METHODS[name][1] else np.linalg.inv(known), QUADRATIC, rtol=1e-6, atol=1e-7
    )


def test_all_members_take_the_same_steps_with_exact_searches():
    """Dixon's theorem, here on a quadratic: they are the steps of conjugate gradients."""
    paths = [[state.point.x for state in steps_on_the_quadratic(name)] for name in EXACT_METHODS]
    x, g = np.zeros(DIMENSION), -QUADRATIC @ CENTER
    d = -g
    for row in range(DIMENSION):
        step = -(g @ d) / (d @ QUADRATIC @ d)
        x, old = x + step * d, g
        g = QUADRATIC @ (x - CENTER)
        d = -g + (g @ g) / (old @ old) * d
        for path in paths:
            np.testing.assert_allclose(path[row], x, rtol=1e-9, atol=1e-10)


# The steps of SciPy 1.17 from (-1.2, 1) to a gradient of 1e-5.
SCIPY_STEPS = {"bfgs": 34, "lbfgs": 36}


@pytest.mark.parametrize("name", ["bfgs", "dfp", "broyden", "lbfgs", "sr1"])
def test_rosenbrock(name):
    found = minimize(rosenbrock, [-1.2, 1.0], method=name, tolerance=1e-6)
    assert found.converged
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-5)
    if name in SCIPY_STEPS:
        assert found.steps <= 1.2 * SCIPY_STEPS[name]


@pytest.mark.parametrize(
    "make",
    [
        lambda: BFGS(form="both"),
        lambda: BFGS(damping=True),
        lambda: Broyden(phi=1.5),
        lambda: LBFGS(memory=0),
        lambda: SR1(skip=0.0),
    ],
)
def test_options_out_of_range_are_refused(make):
    with pytest.raises(ConfigurationError):
        make()


def test_rank_one_knows_a_quadratic_after_independent_steps():
    """Whatever the steps were, and whatever the signs of the curvatures (Nocedal, Wright, theorem 6.1)."""
    hessian = positive_definite(3) @ np.diag([3.0, -1.0, 2.0, 0.5, -2.0]) @ positive_definite(3)
    steps = np.random.default_rng(5).normal(size=(DIMENSION, DIMENSION))
    B = np.eye(DIMENSION)
    for k, s in enumerate(steps):
        B = apply(sr1_update, B, s, hessian @ s)
        np.testing.assert_allclose(B @ steps[: k + 1].T, hessian @ steps[: k + 1].T, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(B, hessian, rtol=1e-8, atol=1e-9)


def test_rank_one_follows_negative_curvature():
    """From beside a saddle, where the steepest descent leads to it, down to a minimum."""

    def saddle(x):
        return x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2 + 0.3 * x[0] * x[1]

    found = minimize(saddle, [1e-3, 1.0], method="sr1")
    # Where both derivatives vanish: x_1 = -0.15 x_0 and x_0^2 = 1.045.
    place = np.sqrt(1.045) * np.array([1.0, -0.15])
    np.testing.assert_allclose(found.x, np.sign(found.x[0]) * place, atol=1e-6)
    np.testing.assert_allclose(found.value, 1.045**2 / 4 - 1.045 / 2 - 0.0225 * 1.045, rtol=1e-9)


def test_a_pair_that_tells_nothing_is_skipped():
    method, B = SR1(), jnp.asarray(positive_definite(1))
    s = jnp.ones(DIMENSION)
    across = jnp.asarray([1.0, -1.0, 0.0, 0.0, 0.0])
    for y in (B @ s, B @ s + across, jnp.full(DIMENSION, jnp.nan)):
        np.testing.assert_array_equal(method.updated(B, jnp.zeros((), bool), Pair(s, y)), B)


def memory_of(count, memory):
    """A memory after so many pairs, and the pairs, oldest first."""
    random = np.random.default_rng(count)
    steps = random.normal(size=(count, DIMENSION))
    changes = steps @ positive_definite(count)
    pairs = Pairs.empty(memory, jnp.zeros(DIMENSION))
    for s, y in zip(steps, changes, strict=True):
        pairs = pairs.updated(Pair(jnp.asarray(s), jnp.asarray(y)), jnp.zeros((), bool))
    return pairs, steps, changes


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_two_loops_are_the_product_of_scipy(count):
    pairs, steps, changes = memory_of(count, 3)
    v = np.random.default_rng(1).normal(size=DIMENSION)
    ours = pairs._replace(scale=jnp.ones(())).inverse_product(jnp.asarray(v))
    theirs = scipy.optimize.LbfgsInvHessProduct(steps[-3:], changes[-3:]).matvec(v) if count else v
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_the_compact_hessian_undoes_the_two_loops(count):
    """Two ways that share no formula: one multiplies by the inverse, the other by the Hessian."""
    pairs, *_ = memory_of(count, 3)
    hessian = CompactHessian.of(pairs)
    v = jnp.asarray(np.random.default_rng(1).normal(size=DIMENSION))
    np.testing.assert_allclose(hessian.product(pairs.inverse_product(v)), v, rtol=1e-10)
    matrix = np.array([hessian.product(row) for row in jnp.eye(DIMENSION)])
    free = np.array([True, False, True, True, False])
    expected = np.zeros(DIMENSION)
    expected[free] = np.linalg.solve(matrix[np.ix_(free, free)], np.asarray(v)[free])
    np.testing.assert_allclose(hessian.solve_among(jnp.asarray(free), v), expected, rtol=1e-9, atol=1e-12)


def test_a_pair_without_curvature_is_not_kept():
    pairs, *_ = memory_of(2, 3)
    s = jnp.ones(DIMENSION)
    same = pairs.updated(Pair(s, -s), jnp.zeros((), bool))
    jax.tree.map(np.testing.assert_array_equal, same, pairs)
    assert pairs.updated(Pair(s, s), jnp.ones((), bool)).taken == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_model_within_bounds_falls_at_least_to_the_cauchy_point(seed):
    """The Cauchy point against the piecewise path on a fine grid; the way to the end is one of descent."""
    random = np.random.default_rng(seed)
    hessian = CompactHessian.of(memory_of(seed + 1, 3)[0])
    x, g = random.uniform(-1, 1, DIMENSION), 3 * random.normal(size=DIMENSION)
    x[0] = 1.0
    box = Bounds(jnp.full(DIMENSION, -1.0), jnp.asarray([1.0, 1.0, 1.0, np.inf, 1.0]))
    point = Point(jnp.asarray(x), jnp.zeros(()), jnp.asarray(g))
    matrix = np.array([hessian.product(row) for row in jnp.eye(DIMENSION)])

    def model(z):
        return g @ (z - x) + (z - x) @ matrix @ (z - x) / 2

    path = [np.clip(x - t * g, box.lower, box.upper) for t in np.linspace(0, 3, 30_001)]
    values = np.array([model(z) for z in path])
    rising = np.flatnonzero(np.diff(values) > 0)
    first = path[rising[0]] if len(rising) else path[-1]
    np.testing.assert_allclose(cauchy_point(hessian, box, point), first, atol=3e-3)
    end = x + np.asarray(within_bounds(hessian, box, point))
    assert np.all(end >= box.lower)
    assert np.all(end <= box.upper)
    assert g @ (end - x) < 0


SPREAD = np.random.default_rng(0).normal(size=(30, 30))
CURVATURES = SPREAD @ SPREAD.T + 0.01 * np.eye(30)
PULL = 3 * np.random.default_rng(1).normal(size=30)


def quadratic(x):
    return x @ jnp.asarray(CURVATURES) @ x / 2 - jnp.asarray(PULL) @ x


def extended_rosenbrock(x):
    return jnp.sum((1 - x[::2]) ** 2 + 100 * (x[1::2] - x[::2] ** 2) ** 2)


BOUNDED = {
    "a bound at the end": (rosenbrock, [-1.2, 1.0], (-2.0, 0.5)),
    "start outside": (rosenbrock, [3.0, 1.0], ([-1.5, -np.inf], [0.8, np.inf])),
    "a bound between": (rosenbrock, [-1.2, 1.0], ([-1.5, 1.2], [2.0, 2.0])),
    "many bounds": (quadratic, np.full(30, 0.05), (-0.1, 0.1)),
    "one side": (quadratic, np.full(30, 0.05), (0.0, np.inf)),
    "inactive": (rosenbrock, [-1.2, 1.0], (-5.0, 5.0)),
    "a fixed entry": (rosenbrock, [0.5, 1.0], ([0.5, -2.0], [0.5, 2.0])),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_bounds_as_scipy(name):
    function, start, bounds = BOUNDED[name]
    found = minimize(function, start, method="lbfgs", bounds=bounds, tolerance=1e-8)
    lower, upper = (np.broadcast_to(side, np.shape(start)) for side in bounds)
    both = jax.jit(jax.value_and_grad(function))
    theirs = scipy.optimize.minimize(
        lambda x: tuple(np.asarray(part) for part in both(x)),
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(lower, upper, strict=True)),
        options={"ftol": 0, "gtol": 1e-9, "maxiter": 2000},
    )
    assert found.converged, found
    np.testing.assert_allclose(found.value, theirs.fun, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.x, theirs.x, atol=1e-5)
    np.testing.assert_array_equal(found.x == lower, theirs.x == lower)
    np.testing.assert_array_equal(found.x == upper, theirs.x == upper)


def test_one_value_and_gradient_a_trial():
    calls = minimize(rosenbrock, [-1.2, 1.0], method="lbfgs").work
    assert calls.values == calls.gradients
    assert calls.products == 0
