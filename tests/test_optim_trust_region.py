"""Trust regions: the optimality conditions of the sub-problem, SciPy's solvers of it, the radius, whole runs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize._trustregion_dogleg import DoglegSubproblem
from scipy.optimize._trustregion_ncg import CGSteihaugSubproblem

from pullback.core.errors import ConfigurationError
from pullback.optim import Reason, minimize
from pullback.optim.methods import TrustRegion
from pullback.optim.trust_region import RadiusRule, cauchy_point, dogleg_step, exact_step, steihaug_step
from pullback.optim.trust_region.radius import Proposal
from pullback.testing.problems import rosenbrock

SUBPROBLEMS = ("exact", "dogleg", "steihaug", "cauchy")


@jax.jit
def exact(B: jax.Array, g: jax.Array, radius: jax.Array) -> Any:
    w, Q = jnp.linalg.eigh(B)
    return exact_step(w, Q, g, radius)


@jax.jit
def cauchy(B: jax.Array, g: jax.Array, radius: jax.Array) -> Any:
    return cauchy_point(lambda v: B @ v, g, radius)


@jax.jit
def dogleg(B: jax.Array, g: jax.Array, radius: jax.Array) -> Any:
    return dogleg_step(B, -jnp.linalg.solve(B, g), g, radius)


@jax.jit
def steihaug(B: jax.Array, g: jax.Array, radius: jax.Array) -> Any:
    return steihaug_step(lambda v: B @ v, g, radius, jnp.minimum(0.5, jnp.sqrt(jnp.linalg.norm(g))), 20)


def solved(solver: Any, B: np.ndarray, g: np.ndarray, radius: float) -> Any:
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, solver(jnp.asarray(B), jnp.asarray(g), jnp.asarray(radius)))


def model(B: np.ndarray, g: np.ndarray, p: np.ndarray) -> float:
    return float(g @ p + p @ B @ p / 2)


def drawn(seed: int, spectrum: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """A symmetric matrix, its eigenvectors, a vector, a radius."""
    random = np.random.default_rng(seed)
    spectrum = random.normal(size=4) if spectrum is None else np.asarray(spectrum)
    Q = np.linalg.qr(random.normal(size=(4, 4)))[0]
    B = Q * spectrum @ Q.T
    return (B + B.T) / 2, Q, random.normal(size=4), float(10 ** random.uniform(-2, 1))


@given(st.integers(0, 2**31 - 1))
def test_conditions_of_a_global_minimizer(seed: int) -> None:
    """Moré and Sorensen: necessary and sufficient."""
    B, _, g, radius = drawn(seed)
    found = solved(exact, B, g, radius)
    shifted = B + found.multiplier * np.eye(4)
    np.testing.assert_allclose(shifted @ found.step, -g, atol=1e-9 * (1 + found.multiplier) * (1 + radius))
    assert np.linalg.eigvalsh(shifted)[0] >= -1e-10
    assert found.multiplier >= 0
    assert np.linalg.norm(found.step) <= radius * (1 + 1e-12)
    assert abs(found.multiplier * (radius - np.linalg.norm(found.step))) <= 1e-10 * (1 + found.multiplier) * radius
    np.testing.assert_allclose(found.decrease, -model(B, g, found.step), rtol=1e-9, atol=1e-12)
    assert bool(found.boundary) == (found.multiplier > 0)


@given(st.integers(0, 2**31 - 1), st.sampled_from([-2.0, 0.0]))
def test_the_hard_case_is_filled_up_along_the_first_eigenvector(seed: int, lowest: float) -> None:
    """No part of g along the eigenvectors of the least eigenvalue, and a radius beyond the pole."""
    B, Q, g, _ = drawn(seed, [lowest, lowest, 1.0, 3.0])
    g = Q[:, 2:] @ (Q[:, 2:].T @ g)
    inside = float(np.linalg.norm(Q[:, 2:].T @ g / (np.array([1.0, 3.0]) - lowest)))
    radius = 2 * inside
    found = solved(exact, B, g, radius)
    assert np.linalg.norm(found.step) <= radius * (1 + 1e-10)
    expected = -np.sum((Q[:, 2:].T @ g) ** 2 / (np.array([1.0, 3.0]) - lowest)) / 2 + lowest * radius**2 / 2
    np.testing.assert_allclose(model(B, g, found.step), expected, rtol=1e-6)
    np.testing.assert_allclose(found.multiplier, -lowest, atol=1e-6)


def test_where_the_gradient_vanishes_the_step_follows_negative_curvature() -> None:
    B = np.diag([2.0, -3.0])
    found = solved(exact, B, np.zeros(2), 0.5)
    np.testing.assert_allclose(np.abs(found.step), [0, 0.5], atol=1e-15)
    np.testing.assert_allclose(found.decrease, 3 * 0.25 / 2)
    found = solved(exact, np.eye(2), np.zeros(2), 0.5)
    np.testing.assert_array_equal(found.step, 0)


class Quadratic:
    """What SciPy's solvers ask for."""

    def __init__(self, B: np.ndarray, g: np.ndarray) -> None:
        self.arguments = (np.zeros(4), lambda x: model(B, g, x), lambda x: g + B @ x, lambda x: B, lambda x, v: B @ v)


@given(st.integers(0, 2**31 - 1))
def test_dogleg_is_scipys(seed: int) -> None:
    B, _, g, radius = drawn(seed, 10 ** np.random.default_rng(seed).uniform(-1, 1, 4))
    step, boundary = DoglegSubproblem(*Quadratic(B, g).arguments).solve(radius)
    found = solved(dogleg, B, g, radius)
    np.testing.assert_allclose(found.step, step, rtol=1e-8, atol=1e-10)
    assert bool(found.boundary) == boundary
    np.testing.assert_allclose(found.decrease, -model(B, g, found.step), rtol=1e-8)


@given(st.integers(0, 2**31 - 1))
def test_steihaugs_step_is_scipys(seed: int) -> None:
    """With its forcing; along negative curvature SciPy may go to the other end of the line, so B is definite here."""
    B, _, g, radius = drawn(seed, 10 ** np.random.default_rng(seed).uniform(-1, 1, 4))
    step, boundary = CGSteihaugSubproblem(*Quadratic(B, g).arguments).solve(radius)
    found = solved(steihaug, B, g, radius)
    np.testing.assert_allclose(found.step, step, rtol=1e-7, atol=1e-10)
    assert bool(found.boundary) == boundary
    np.testing.assert_allclose(found.decrease, -model(B, g, found.step), rtol=1e-8, atol=1e-12)


@given(st.integers(0, 2**31 - 1), st.booleans())
def test_every_solver_is_between_the_cauchy_point_and_the_exact_one(seed: int, definite: bool) -> None:
    B, _, g, radius = drawn(seed)
    B = B @ B + 0.1 * np.eye(4) if definite else B
    least = solved(exact, B, g, radius).decrease
    first = solved(cauchy, B, g, radius)
    line: Any = scipy.optimize.minimize_scalar(
        lambda t: model(B, g, -t * g / np.linalg.norm(g)),
        bounds=(0, radius),
        method="bounded",
        options={"xatol": 1e-10},
    )
    np.testing.assert_allclose(first.decrease, -line.fun, rtol=1e-6, atol=1e-9)
    for solver in (dogleg, steihaug) if definite else (steihaug,):
        found = solved(solver, B, g, radius)
        assert first.decrease * (1 - 1e-9) <= found.decrease <= least * (1 + 1e-9)


@pytest.mark.parametrize("subproblem", SUBPROBLEMS[:3])
def test_rosenbrock_takes_about_as_many_steps_as_scipys(subproblem: str) -> None:
    problem = rosenbrock()
    names = {"exact": "trust-exact", "dogleg": "dogleg", "steihaug": "trust-ncg"}
    options = {"gtol": 1e-6, "initial_trust_radius": 1.0}
    # SciPy's dogleg refuses the indefinite Hessians on the way from the standard start.
    start = np.array([1.5, 1.5]) if subproblem == "dogleg" else problem.start
    reference = scipy.optimize.minimize(
        scipy.optimize.rosen,
        start,
        jac=scipy.optimize.rosen_der,
        hess=scipy.optimize.rosen_hess,
        method=names[subproblem],
        options=options,
    )
    found = minimize(problem.function, start, method=TrustRegion(subproblem=subproblem))
    assert found.converged
    # SciPy counts refused steps, as `work.values` does after the first evaluation.
    assert found.work.values - 1 <= 1.2 * reference.nit
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-5)
    assert np.all(np.diff(found.trace.value) <= 1e-15)


def test_cauchy_steps_fall_as_steepest_descent_does() -> None:
    """On a quadratic they are its exact line search, at the Kantorovich rate from the worst start."""
    found = minimize(
        lambda x: (x[0] ** 2 + 9 * x[1] ** 2) / 2,
        [9.0, 1.0],
        method=TrustRegion(subproblem="cauchy", radius=RadiusRule(initial=1e3)),
        max_steps=8,
    )
    np.testing.assert_allclose(found.trace.value[1:] / found.trace.value[:-1], (8 / 10) ** 2, rtol=1e-9)


@pytest.mark.parametrize("subproblem", ["exact", "steihaug"])
def test_beside_a_saddle_the_way_down_is_found(subproblem: str) -> None:
    found = minimize(
        lambda x: x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2, [1e-4, 1.0], method=TrustRegion(subproblem=subproblem)
    )
    np.testing.assert_allclose(np.abs(found.x), [1, 0], atol=1e-6)


def test_the_radius_follows_the_ratio() -> None:
    rule = RadiusRule(initial=1.0, largest=3.0)

    def following(ratio: float, boundary: bool, length: float = 1.0) -> float:
        one = jnp.float32(1.0)
        proposal = Proposal(None, one, one, jnp.float32(length), jnp.asarray(boundary), jnp.int32(0))
        return float(rule.following(jnp.float32(1.0), jnp.float32(ratio), proposal))

    assert following(0.1, boundary=True) == 0.25
    assert following(0.1, boundary=False, length=0.5) == 0.125
    assert following(0.5, boundary=True) == 1.0
    assert following(0.9, boundary=True) == 2.0
    assert following(0.9, boundary=False) == 1.0
    assert following(float("nan"), boundary=True) == 0.25
    assert following(0.9, boundary=True, length=2.0) == 3.0


def test_a_model_that_is_never_right_ends_it() -> None:
    """A gradient of the wrong sign: the radius collapses, and the reason says so."""
    found = minimize(
        lambda x: jnp.sum(x**2), [1.0, 2.0], gradient=lambda x: -2 * x, method=TrustRegion(subproblem="cauchy")
    )
    assert found.reason == Reason.radius_collapsed
    np.testing.assert_array_equal(found.x, [1, 2])


def test_steps_into_infinity_are_tried_again() -> None:
    found = minimize(
        lambda x: jnp.exp(jnp.exp(x)) - 8 * x, np.array(-3.0), method=TrustRegion(radius=RadiusRule(initial=64.0))
    )
    root: Any = scipy.optimize.brentq(lambda x: np.exp(x + np.exp(x)) - 8, -3, 3)
    np.testing.assert_allclose(found.x, root, atol=1e-7)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TrustRegion(subproblem="nearly"),
        lambda: TrustRegion(forcing=-0.5),
        lambda: TrustRegion(max_inner_steps=0),
    ],
)
def test_options_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()
