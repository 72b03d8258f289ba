"""Curvature, kind of critical point, convexity and findings, against closed forms and NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, DataError, DerivativeError
from pullback.optim import METHODS, minimize
from pullback.optim.diagnosis import (
    THEORY,
    check_convexity,
    classify_critical_point,
    curvature,
    diagnose,
    label_learning_rate,
)
from pullback.optim.methods import GradientDescent, SteepestDescent
from pullback.testing.problems import himmelblau, rosenbrock


def quick(members, *names):
    """The names, those not given among the slow tests: each compiles programs of its own."""
    return [name if name in names else pytest.param(name, marks=pytest.mark.slow) for name in members]


def quadratic_of(x, matrix):
    return x @ matrix @ x / 2


def spread(n, condition):
    return np.geomspace(1.0, condition, n)


def rotated(eigenvalues, seed=0):
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))[0]
    return basis * eigenvalues @ basis.T


def test_curvature_of_a_quadratic_is_that_of_its_matrix():
    matrix = rotated(spread(20, 1e4))
    found = curvature(quadratic_of, np.ones(20), (matrix,))
    expected = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(found.smallest, expected[0], rtol=1e-10)
    np.testing.assert_allclose(found.smoothness, expected[-1], rtol=1e-12)
    np.testing.assert_allclose(found.condition_number, expected[-1] / expected[0], rtol=1e-10)
    assert found.smoothness.dtype == np.float64


def test_lanczos_bounds_enclose_an_eigenvalue_of_a_large_quadratic():
    eigenvalues = np.concatenate([[1.0], np.linspace(20, 60, 298), [100.0]])
    matrix = rotated(eigenvalues)
    found = curvature(quadratic_of, np.zeros(300), (matrix,))
    assert found.products == 50
    assert abs(found.smallest - 1) <= found.smallest_bound <= 1e-6
    assert abs(found.largest - 100) <= found.largest_bound <= 1e-6
    few = curvature(quadratic_of, np.zeros(300), (matrix,), steps=4)
    assert np.min(np.abs(eigenvalues - few.smallest)) <= few.smallest_bound
    assert few.smallest >= 1 and few.largest <= 100


def test_curvature_of_a_container_of_arrays():
    def f(x):
        return jnp.sum(x["a"] ** 2) + 3 * x["b"] ** 2 + x["a"][0] * x["b"]

    found = curvature(f, {"a": np.zeros(2), "b": np.float64(1)})
    expected = np.linalg.eigvalsh(np.array([[2.0, 0, 1], [0, 2, 0], [1, 0, 6]]))
    np.testing.assert_allclose((found.smallest, found.largest), (expected[0], expected[-1]), rtol=1e-12)


def test_curvature_keeps_single_precision_and_runs_over_many_points():
    points = jnp.array([[1.0, 2.0], [3.0, 4.0]], jnp.float32)
    found = jax.vmap(lambda x: curvature(lambda x: jnp.sum(x**4), x).smoothness)(points)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, [48, 192], rtol=1e-6)


def test_no_strong_convexity_beside_a_flat_or_falling_direction():
    flat = curvature(lambda x: x[0] ** 2 + 0 * x[1], [1.0, 1.0])
    assert flat.strong_convexity == 0 and np.isinf(flat.condition_number)
    falling = curvature(lambda x: x[0] ** 2 - 5 * x[1] ** 2, [1.0, 1.0])
    assert (falling.smoothness, falling.smallest, falling.strong_convexity) == (10, -10, 0)


def quartic(t):
    return t**4 - 4 * t**3 - 2 * t**2 + 10 * t + 15


def test_the_three_critical_points_of_a_quartic():
    roots = np.sort(np.roots([4, -12, -4, 10]).real)
    assert [classify_critical_point(quartic, root).kind for root in roots] == [
        "strict minimum",
        "strict maximum",
        "strict minimum",
    ]
    np.testing.assert_allclose(roots[2], 3.0597919701, atol=1e-10)
    np.testing.assert_allclose(
        classify_critical_point(quartic, roots[1]).eigenvalues, np.polyval([12, -24, -4], roots[1])
    )


HIGHER = {
    "monkey saddle": (lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2, [0.0, 0.0], "degenerate", (0, 2, 0)),
    "saddle": (lambda x: x[0] * x[1], [0.0, 0.0], "saddle", (1, 0, 1)),
    "saddle with a flat direction": (lambda x: x[0] ** 2 - x[1] ** 2 + x[2] ** 4, [0.0] * 3, "saddle", (1, 1, 1)),
    "trough": (lambda x: x[0] ** 2 + x[1] ** 4, [0.0, 0.0], "degenerate", (1, 1, 0)),
    "trough, nearly there": (lambda x: x[0] ** 2 + x[1] ** 4, [1e-9, 1e-3], "degenerate", (1, 1, 0)),
    "inflection, nearly there": (lambda x: x**3, 1e-4, "degenerate", (0, 1, 0)),
    "constant": (lambda x: 0 * x[0] + 3, [1.0, 2.0], "degenerate", (0, 2, 0)),
    "weak minimum of a quadratic": (lambda x: 1e-9 * x[0] ** 2 + x[1] ** 2, [1.0, 0.0], "strict minimum", (2, 0, 0)),
    "dome": (lambda x: -jnp.sum(jnp.cosh(x)), [0.0, 0.0, 0.0], "strict maximum", (0, 0, 3)),
    "slope": (lambda x: x[0] ** 2 + x[1], [0.0, 0.0], "not critical", (1, 1, 0)),
}


@pytest.mark.parametrize("name", quick(HIGHER, "monkey saddle", "saddle", "trough, nearly there", "dome", "slope"))
def test_kind_and_inertia(name):
    f, x, kind, inertia = HIGHER[name]
    found = classify_critical_point(f, x)
    assert (found.kind, tuple(found.inertia)) == (kind, inertia), str(found)


def test_the_minima_of_himmelblau():
    problem = himmelblau()
    kinds = [classify_critical_point(problem.function, x, tolerance=1e-3).kind for x in problem.minimizers]
    assert kinds == ["strict minimum"] * 4
    assert classify_critical_point(problem.function, [-0.270845, -0.923039], tolerance=1e-3).kind == "strict maximum"
    assert classify_critical_point(problem.function, [3.385154, 0.073852], tolerance=1e-3).kind == "saddle"


def test_bad_arguments_are_named():
    with pytest.raises(DerivativeError, match="the result of f is not one number"):
        curvature(lambda x: x, np.ones(2))
    with pytest.raises(DataError, match="x is not finite"):
        classify_critical_point(jnp.sum, [np.nan, 1.0])
    with pytest.raises(ConfigurationError, match="steps must be a positive integer"):
        curvature(jnp.sum, np.ones(2), steps=0)
    with pytest.raises(ConfigurationError, match="tolerance must be positive"):
        classify_critical_point(jnp.sum, np.ones(2), tolerance=0.0)


CONVEX = {
    "log-sum-exp": lambda x: jax.nn.logsumexp(x),
    "norm": lambda x: jnp.sqrt(1 + x @ x),
    "difference that cancels": lambda x: 1e6 * jnp.sum(x) - 1e6 * jnp.sum(x[::-1]),
    "kinks": lambda x: jnp.sum(jnp.abs(x)) + jnp.max(x),
    "sum of exponentials": lambda x: jnp.sum(jnp.exp(3 * x)),
}
NOT_CONVEX = {
    "root": lambda x: jnp.sum(jnp.sqrt(jnp.abs(x))),
    "saddle": lambda x: x[0] * x[1] + x[2] ** 2,
    "cosine": lambda x: jnp.sum(x**2) + 2 * jnp.cos(2 * x[0]),
    "dip": lambda x: -jnp.exp(-x @ x),
}
CUBE = (-2 * np.ones(3), 2 * np.ones(3))


@pytest.mark.parametrize("name", quick(CONVEX, "difference that cancels", "kinks"))
def test_no_violation_of_a_convex_function(name):
    found = check_convexity(CONVEX[name], box=CUBE, samples=64)
    assert not found.violated, str(found)
    assert "proves nothing" in str(found)


@pytest.mark.parametrize("name", quick(NOT_CONVEX, "cosine"))
def test_the_witness_can_be_checked_by_hand(name):
    f = NOT_CONVEX[name]
    found = check_convexity(f, box=CUBE, samples=64)
    assert found.violated and str(found).startswith("not convex: ")
    seen = found.witness
    assert seen is not None
    with jax.enable_x64(True):
        x, y, t = jnp.asarray(seen.x), jnp.asarray(seen.y), seen.t
        assert float(f(t * x + (1 - t) * y)) > float(t * f(x) + (1 - t) * f(y))
        np.testing.assert_allclose(seen.left, float(f(t * x + (1 - t) * y)), rtol=1e-12)


@pytest.mark.slow
def test_range_of_curvature_over_a_region():
    # The second derivative 1 + t^2 of t^2/2 + t^4/12 runs from 1 to 5 on [-2, 2].
    found = check_convexity(lambda t: t**2 / 2 + t**4 / 12, box=(-2.0, 2.0), samples=400)
    assert 1 <= found.strong_convexity <= 1.01 and 4.9 <= found.smoothness <= 5


def test_a_violation_that_only_the_hessian_sees():
    # The samples are nearly one point, where values cannot be told apart but curvatures can.
    points = 0.5 + 1e-9 * np.arange(4.0)
    found = check_convexity(lambda t: t**3 - 3 * t**2, points)
    assert found.witness is not None and found.witness.inequality == "hessian"
    np.testing.assert_allclose(found.witness.left, -3, rtol=1e-6)


@pytest.mark.slow
def test_convexity_of_a_loss_of_many_parameters_from_a_sampler():
    inputs = np.random.default_rng(0).normal(size=(30, 100))

    def loss(p, inputs):
        return jnp.mean(jnp.logaddexp(0.0, inputs @ p["w"] + p["b"]))

    def sampler(key):
        return {"w": jax.random.normal(key, (100,)), "b": jnp.zeros(())}

    found = check_convexity(loss, sampler=sampler, args=(inputs,), samples=16)
    assert not found.violated
    assert 0 < found.smoothness <= np.linalg.norm(np.c_[inputs, np.ones(30)], 2) ** 2 / 30 / 4 * (1 + 1e-9)


def test_samples_outside_the_domain_are_named():
    with pytest.raises(DataError, match="f is not finite on the samples"):
        check_convexity(lambda x: jnp.log(x), box=(-1.0, 1.0))
    with pytest.raises(DataError, match="between two samples"):
        check_convexity(lambda x: jnp.where(jnp.abs(x) < 0.9, jnp.nan, x), np.array([-1.0, 1.0]))
    with pytest.raises(ConfigurationError, match="exactly one of points, box, sampler"):
        check_convexity(jnp.sin)
    with pytest.raises(ConfigurationError, match="box is empty"):
        check_convexity(jnp.sin, box=(1.0, 1.0))


SCALES = np.array([1.0, 10.0])


def bowl(x, scale):
    return jnp.sum(scale * x**2) / 2


LABELS = {0.1: "slow", 1.0: "good", 1.9: "edge", 2.1: "diverging"}


@pytest.mark.parametrize("multiple", LABELS)
def test_label_of_a_learning_rate(multiple):
    scale = np.array([1.0, 4.0, 10.0])
    found = label_learning_rate(bowl, np.zeros(3), multiple / 10, (scale,))
    assert found.name == LABELS[multiple]
    np.testing.assert_allclose(found.evidence["limit"], 0.2)
    # Rosenbrock's function at its minimum, whose Hessian is known.
    largest = np.linalg.eigvalsh(np.array([[802.0, -400.0], [-400.0, 200.0]]))[-1]
    found = label_learning_rate(rosenbrock().function, [1.0, 1.0], multiple / largest)
    assert found.name == LABELS[multiple] and "certain" not in found.message


@pytest.mark.parametrize("multiple", LABELS)
def test_diagnosis_of_a_learning_rate_by_its_run(multiple):
    scale = SCALES
    method = GradientDescent(learning_rate=multiple / 10)
    result = minimize(bowl, np.ones(2), args=(scale,), method=method, max_steps=120)
    found = diagnose(bowl, result, (scale,))
    assert LABELS[multiple] in found.names
    rates = np.abs(1 - multiple / 10 * scale)
    assert ("certain" in found[LABELS[multiple]].message) == (multiple > 2)
    assert ("overshoot" in found.names) == (multiple > 2) == bool(result.value > 5.5)
    np.testing.assert_allclose(
        found["convergence"].evidence["rate"] if multiple < 2 else rates.max(), rates.max(), rtol=1e-3
    )
    if multiple < 2:
        np.testing.assert_allclose(found["convergence"].evidence["theoretical_rate"], rates.max(), rtol=1e-9)


def test_gradient_descent_in_the_valley_of_rosenbrock():
    problem = rosenbrock()
    method = GradientDescent(learning_rate=1e-3)
    found = diagnose(problem.function, minimize(problem.function, problem.start, method=method, keep_path=True))
    x, y = 0.32726277, 0.1040128
    hessian = np.array([[2 - 400 * (y - 3 * x**2), -400 * x], [-400 * x, 200.0]])
    eigenvalues = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(
        found["ill-conditioned"].evidence["condition_number"], eigenvalues[1] / eigenvalues[0], rtol=1e-4
    )
    assert "slow" in found.names and "zig-zag" not in found.names
    np.testing.assert_allclose(found["step-limit"].evidence["steps"], 1000)


def test_zig_zag_of_exact_line_searches_and_their_worst_rate():
    scale = np.array([1.0, 200.0])
    # The worst start of Kantorovich: both directions hold the same share of the gradient.
    result = minimize(bowl, 1 / scale, args=(scale,), method=SteepestDescent(), max_steps=60, keep_path=True)
    found = diagnose(bowl, result, (scale,))
    assert {"zig-zag", "ill-conditioned", "convergence"} <= set(found.names)
    assert abs(found["zig-zag"].evidence["cosine"]) < 0.01
    np.testing.assert_allclose(found["convergence"].evidence["rate"], 199 / 201, rtol=1e-3)
    np.testing.assert_allclose(found["convergence"].evidence["theoretical_rate"], 199 / 201, rtol=1e-9)
    newton = minimize(bowl, 1 / scale, args=(scale,), method="newton", keep_path=True)
    assert "zig-zag" not in diagnose(bowl, newton, (scale,)).names


def test_an_end_at_a_saddle_is_found():
    def f(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    found = diagnose(f, minimize(f, [1.0, 0.0], method=GradientDescent(learning_rate=0.2)))
    assert {"saddle", "negative-curvature"} <= set(found.names)
    np.testing.assert_allclose(found["saddle"].evidence["smallest_eigenvalue"], -2)
    assert "saddle" not in diagnose(f, minimize(f, [1.0, 0.1], method="bfgs")).names


def test_a_plateau_of_rounding_is_told_from_one_that_is_not():
    draw = np.random.default_rng(0)
    inputs, targets = draw.normal(size=(30, 2)), 1e5 * draw.normal(size=30)

    def f(x):
        return jnp.sum((inputs @ x - targets) ** 2) / 2

    result = minimize(f, [0.3, 0.2], method="bfgs", tolerance=1e-30)
    found = diagnose(f, result)
    assert "rounding" in found["plateau"].message, result.message
    least = np.linalg.lstsq(inputs, targets)[1][0] / 2
    floor = (2 * np.linalg.norm(inputs, 2) ** 2 * 2.0**-52 * least) ** 0.5
    np.testing.assert_allclose(found["plateau"].evidence["floor"], floor, rtol=1e-6)

    wrong = minimize(f, [1.0, 1.0], gradient=lambda x: targets @ inputs - inputs.T @ inputs @ x, method="bfgs")
    assert "far above" in diagnose(f, wrong)["plateau"].message, wrong.message


def test_what_leaves_the_finite_numbers_is_found():
    result = minimize(lambda x: x**3, -1.0, method=GradientDescent(learning_rate=0.1), keep_path=True)
    found = diagnose(lambda x: x**3, result)
    assert {"not-finite", "negative-curvature"} <= set(found.names)
    assert diagnose(lambda x: jnp.log(x), minimize(lambda x: jnp.log(x), -1.0)).names == ("not-finite",)


@pytest.mark.slow
def test_observed_orders_beside_theory():
    def f(x):
        return jnp.sum(jnp.cosh(x)) + x[0] * x[1] / 2 + jnp.sum(x**2) * x[0] / 10 + x[0]

    newton = diagnose(f, minimize(f, [1.0, 1.5], method="newton", tolerance=1e-13))
    assert abs(newton.convergence.order - 2) < 0.3 and newton.theory.order == 2
    bfgs = diagnose(f, minimize(f, [1.0, 1.5], method="bfgs", tolerance=1e-11))
    assert bfgs.convergence.order > 1 and bfgs.theory.superlinear
    assert "theory: superlinear" in str(bfgs)


@pytest.mark.slow
def test_residuals_are_diagnosed_as_their_sum_of_squares():
    def residuals(x):
        return jnp.stack([x[0] - 1, 3 * (x[1] - x[0] ** 2)])

    found = diagnose(residuals, minimize(residuals, [0.5, 2.0], method="levenberg_marquardt"))
    jacobian = np.array([[1.0, 0.0], [-6.0, 3.0]])
    np.testing.assert_allclose(found.curvature.largest, np.linalg.eigvalsh(jacobian.T @ jacobian)[-1], rtol=1e-4)
    assert found.critical_point is not None and found.critical_point.kind == "strict minimum"


def test_theory_speaks_of_every_method():
    assert set(METHODS) <= set(THEORY)


def test_few_steps_show_no_order():
    found = diagnose(bowl, minimize(bowl, np.ones(2), args=(SCALES,), method="newton"), (SCALES,))
    assert found.names == () and str(found) == "nothing was found"
    assert found.critical_point is not None and found.critical_point.kind == "strict minimum"


def test_inside_a_compiled_program_the_error_says_where_to_call():
    with pytest.raises(ConfigurationError, match="classify_critical_point inside a compiled program"):
        jax.jit(lambda x: classify_critical_point(jnp.sum, x).uncertainty)(jnp.ones(2))
    with pytest.raises(ConfigurationError, match="check_convexity inside a compiled program"):
        jax.jit(lambda x: check_convexity(jnp.sum, x).smoothness)(jnp.ones((3, 2)))
    with pytest.raises(ConfigurationError, match="label_learning_rate inside a compiled program"):
        jax.jit(lambda x: label_learning_rate(jnp.sum, x, 0.1).evidence["limit"])(jnp.ones(2))


def test_many_starts_are_diagnosed_one_at_a_time():
    with pytest.raises(ConfigurationError, match="the result is one of many starts"):
        diagnose(jnp.sum, minimize(lambda x: x**2, np.ones(3), many=True))


@pytest.mark.parametrize("function", [classify_critical_point, curvature, label_learning_rate])
def test_arguments_that_are_no_tuple_are_refused(function) -> None:
    rate = {"learning_rate": 0.1} if function is label_learning_rate else {}
    with pytest.raises(ConfigurationError, match="args is not a tuple"):
        function(lambda x, a: (x - a) @ (x - a), np.ones(2), args=3.0, **rate)


def test_only_results_are_diagnosed() -> None:
    with pytest.raises(ConfigurationError, match="there is no result to diagnose"):
        diagnose(lambda x: x @ x, np.ones(2))
