"""The door of `minimize`: containers, arguments, reasons, and what it refuses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pullback.core.errors import ConfigurationError, ConvergenceError, DataError, DerivativeError, PullbackError
from pullback.optim import METHODS, OptimizationResult, Reason, minimize
from pullback.optim.methods import BFGS, GradientDescent, LevenbergMarquardt, Newton


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


START = [-1.2, 1.0]


def test_newton_prints_the_published_digits():
    """A quartic from 2.5: all printed digits of the first six iterates."""
    published = (3.63636364, 3.20444514, 3.07258690, 3.05990628, 3.05979198, 3.0597919701)

    def quartic(t):
        return t**4 - 4 * t**3 - 2 * t**2 + 10 * t + 15

    found = minimize(quartic, 2.5, method="newton", tolerance=1e-12, keep_path=True)
    for iterate, digits in zip(found.trace.x[1:], published, strict=False):
        decimals = 10 if digits == published[-1] else 8
        assert round(float(iterate), decimals) == digits


@pytest.mark.parametrize(
    ("method", "steps"), [("bfgs", 34), ("lbfgs", 36), ("nonlinear_cg", 37), ("truncated_newton", 83)]
)
def test_rosenbrock_in_the_steps_that_scipy_takes(method, steps):
    found = minimize(rosenbrock, START, method=method)
    assert found.converged
    assert float(found.gradient_norm) <= 1e-6
    assert int(found.steps) <= 1.2 * steps
    np.testing.assert_allclose(scipy.optimize.rosen_der(found.x), 0, atol=1e-6)


def test_what_comes_in_is_what_goes_out():
    vector = minimize(rosenbrock, START)
    assert isinstance(vector.x, np.ndarray)
    assert vector.x.dtype == np.float64
    container = minimize(lambda p: rosenbrock([p["a"], p["b"][0]]), {"a": -1.2, "b": np.ones(1)})
    np.testing.assert_allclose([container.x["a"], container.x["b"][0]], vector.x, rtol=1e-8)
    single = minimize(rosenbrock, jnp.array(START, jnp.float32))
    assert isinstance(single.x, jax.Array)
    assert single.x.dtype == jnp.float32
    assert single.converged
    whole = minimize(lambda x: (x - 3) ** 2, 7, method="newton")
    assert whole.x.dtype == np.float64
    assert float(whole.x) == 3


def test_integers_and_lists_of_lists_are_numbers():
    found = minimize(lambda x: jnp.sum((x - 2) ** 2), [[0, 1], [2, 3]])
    np.testing.assert_allclose(found.x, np.full((2, 2), 2.0), atol=1e-6)


def test_arguments_of_another_value_compile_nothing():
    traced = []

    def function(x, center, width):
        traced.append(1)
        return jnp.sum(((x - center) / width) ** 2)

    first = minimize(function, np.zeros(2), args=(np.array([1.0, 2.0]), 3.0))
    count = len(traced)
    second = minimize(function, np.ones(2), args=(np.array([-1.0, 0.5]), 2.0))
    np.testing.assert_allclose(first.x, [1, 2], atol=1e-5)
    np.testing.assert_allclose(second.x, [-1, 0.5], atol=1e-5)
    # One look at what the function returns, and no program.
    assert len(traced) <= count + 1
    for rate in (0.1, 0.2, 0.3):
        minimize(function, np.ones(2), args=(np.zeros(2), 1.0), method=GradientDescent(rate))
    compiled = len(traced)
    minimize(function, np.ones(2), args=(np.zeros(2), 1.0), method=GradientDescent(0.4))
    assert len(traced) <= compiled + 1


def test_many_starts_are_one_program_and_each_its_solo_run():
    starts = np.random.default_rng(0).uniform(-2, 2, size=(1000, 2))
    traced = []

    def function(x):
        traced.append(1)
        return rosenbrock(x)

    many = minimize(function, starts, many=True)
    assert many.converged.all()
    programs = len(traced)
    minimize(function, starts[::-1], many=True)
    assert len(traced) <= programs + 1
    for k in range(0, 1000, 40):
        alone = minimize(function, starts[k])
        np.testing.assert_allclose(many.x[k], alone.x, rtol=1e-9, atol=1e-9)
        assert int(many.steps[k]) == int(alone.steps)
        np.testing.assert_allclose(
            many.trace.value[k][: int(alone.steps)], alone.trace.value[:-1], rtol=1e-6, atol=1e-12
        )
    assert "1000 starts" in str(many)


def test_inside_jit_and_vmap_and_under_a_gradient_free_option_sweep():
    starts = jnp.array([[-1.2, 1.0], [2.0, 0.0], [0.5, 0.5]], jnp.float32)
    x = jax.jit(jax.vmap(lambda start: minimize(rosenbrock, start).x))(starts)
    np.testing.assert_allclose(x, 1, atol=2e-2)
    ended = jax.jit(jax.vmap(lambda start: minimize(lambda x: x**2, start, method="newton", max_steps=1).converged))
    assert ended(jnp.array([0.5, 3.0], jnp.float32)).tolist() == [True, True]
    rates = jnp.array([0.05, 0.1])
    values = jax.vmap(
        lambda rate: minimize(lambda x: x**2, jnp.float32(1), method=GradientDescent(rate), max_steps=3).x
    )(rates)
    np.testing.assert_allclose(values, (1 - 2 * rates) ** 3, rtol=1e-6)


def test_the_trace_counts_what_was_done():
    calls = []

    def function(x):
        jax.debug.callback(lambda: calls.append(1))
        return rosenbrock(x)

    found = minimize(function, START, keep_path=True)
    rows = int(found.steps) + 1
    assert all(len(column) == rows for column in found.trace)
    np.testing.assert_allclose(found.trace.value, [float(rosenbrock(x)) for x in found.trace.x], rtol=1e-7)
    norms = [np.linalg.norm(scipy.optimize.rosen_der(x)) for x in found.trace.x]
    np.testing.assert_allclose(found.trace.gradient_norm, norms, rtol=1e-9, atol=1e-12)
    steps = np.linalg.norm(np.diff(found.trace.x, axis=0), axis=1)
    np.testing.assert_allclose(found.trace.step[1:], steps, rtol=1e-9)
    s, y = np.diff(found.trace.x, axis=0), np.diff([scipy.optimize.rosen_der(x) for x in found.trace.x], axis=0)
    np.testing.assert_allclose(found.trace.curvature[1:], np.sum(s * y, 1) / np.sum(s * s, 1), rtol=1e-6)
    jax.effects_barrier()
    assert int(found.work.values) == found.trace.evaluations[-1] == len(calls)


def test_the_gradient_one_brings_is_used():
    used = []

    def gradient(x):
        jax.debug.callback(lambda: used.append(1))
        return jnp.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])

    brought = minimize(rosenbrock, START, gradient=gradient)
    jax.effects_barrier()
    assert int(brought.work.gradients) == len(used)
    np.testing.assert_allclose(brought.x, minimize(rosenbrock, START).x, rtol=1e-8)


REASONS = {
    "the start is the minimum": (lambda x: jnp.sum(x**2), [0.0, 0.0], {}, "converged"),
    "plateau": (lambda x: 0 * jnp.sum(x) + 1.0, [1.0, 2.0], {}, "converged"),
    "too few steps": (rosenbrock, START, {"max_steps": 3}, "step_limit"),
    "a rate above 2/L": (
        lambda x: jnp.sum(x**2),
        [1.0],
        {"method": GradientDescent(1.5), "max_steps": 2000},
        "diverging",
    ),
    "no minimum": (lambda x: -jnp.sum(x**4), [1.0], {}, "unbounded"),
    "NaN at the start": (lambda x: jnp.sum(jnp.log(x)), [-1.0], {}, "not_finite_at_start"),
    "infinite gradient at the start": (lambda x: jnp.sum(jnp.sqrt(x)), [0.0], {}, "not_finite_at_start"),
    "singular Hessian": (lambda x: jnp.sum(x), [1.0, 2.0], {"method": "newton"}, None),
    "a kink": (lambda x: jnp.abs(x[0]) + 1, [1.0], {}, None),
    "below rounding": (lambda x: 1e10 + (x[0] - 1) ** 2, [3.0], {"tolerance": 1e-12}, None),
}


@pytest.mark.parametrize("name", REASONS)
def test_every_end_has_its_reason(name):
    function, start, options, reason = REASONS[name]
    found = minimize(function, start, **options)
    assert found.message != Reason[Reason.running]
    assert np.isfinite(found.x).all()
    assert len(found.trace.value) == int(found.steps) + 1
    if reason is not None:
        assert found.message == Reason[getattr(Reason, reason)], found
    if not found.converged:
        with pytest.raises(ConvergenceError) as caught:
            minimize(function, start, throw=True, **options)
        assert isinstance(caught.value.result, OptimizationResult)
        assert found.message in str(caught.value)


BAD = {
    "a start with NaN": (lambda: minimize(rosenbrock, [np.nan, 1.0]), DataError, ["x0", "nan", "x0[0]"]),
    "an infinite start in a container": (
        lambda: minimize(lambda p: p["a"] ** 2, {"a": np.inf}),
        DataError,
        ["x0.a", "inf"],
    ),
    "a complex start": (lambda: minimize(lambda x: x, 1j), DataError, ["x0", "complex"]),
    "words": (lambda: minimize(lambda x: x, "start"), DataError, ["x0", "real numbers"]),
    "nothing": (lambda: minimize(lambda x: 0.0, []), DataError, ["x0"]),
    "a ragged start": (lambda: minimize(lambda x: 0.0, [[1.0], [1.0, 2.0]]), DataError, ["x0", "lengths"]),
    "a vector": (lambda: minimize(lambda x: x**2, [1.0, 2.0]), DerivativeError, ["one number", "(2,)", "residuals"]),
    "an integer": (lambda: minimize(lambda x: jnp.sum(x > 0), [1.0]), DerivativeError, ["not a real number", "int"]),
    "a pair": (lambda: minimize(lambda x: (x[0], x[0]), [1.0]), DerivativeError, ["2 arrays"]),
    "no function": (lambda: minimize(3.0, [1.0]), ConfigurationError, ["f is not a function"]),
    "an array for the function": (lambda: minimize(np.ones(2), [1.0]), ConfigurationError, ["f is not a function"]),
    "a gradient of another structure": (
        lambda: minimize(rosenbrock, START, gradient=lambda x: (x[0], x[1])),
        DerivativeError,
        ["gradient", "structure"],
    ),
    "a gradient of another shape": (
        lambda: minimize(rosenbrock, START, gradient=lambda x: x[:1]),
        DerivativeError,
        ["gradient", "(2,)", "(1,)"],
    ),
    "arguments without a tuple": (
        lambda: minimize(lambda x, a: jnp.sum(a * x**2), [1.0], args=np.ones(1)),
        ConfigurationError,
        ["args", "(a,)"],
    ),
    "a gradient beside residuals": (
        lambda: minimize(lambda x: x, START, method="levenberg_marquardt", gradient=lambda x: x),
        ConfigurationError,
        ["LevenbergMarquardt", "gradient"],
    ),
    "crossed bounds": (
        lambda: minimize(rosenbrock, START, method="lbfgs", bounds=([0.0, 3.0], [1.0, 2.0])),
        ConfigurationError,
        ["bounds cross", "entry 1", "3.0", "2.0"],
    ),
    "a bound that is no number": (
        lambda: minimize(rosenbrock, START, method="lbfgs", bounds=(np.nan, 1.0)),
        ConfigurationError,
        ["lower bound", "nan", "-inf"],
    ),
    "a pair for each unknown": (
        lambda: minimize(rosenbrock, START, method="lbfgs", bounds=[(0.0, 1.0), (0.0, 2.0)]),
        ConfigurationError,
        ["(lower, upper)", "zip(*bounds)"],
    ),
    "a choice in Python": (
        lambda: minimize(lambda x: x[0] if x[0] > 0 else -x[0], [1.0]),
        DerivativeError,
        ["f needs", "jnp.where"],
    ),
    "a function of NumPy": (lambda: minimize(lambda x: np.sum(np.sin(x)), [1.0]), DerivativeError, ["f needs", "jnp"]),
    "a gradient that is an array": (
        lambda: minimize(rosenbrock, START, gradient=np.ones(2)),
        ConfigurationError,
        ["gradient is not a function"],
    ),
    "bounds of another shape": (
        lambda: minimize(rosenbrock, START, method="lbfgs", bounds=(np.zeros(3), 1.0)),
        ConfigurationError,
        ["lower bound", "(3,)"],
    ),
    "bounds with a method that keeps none": (
        lambda: minimize(rosenbrock, START, method="bfgs", bounds=(0.0, 1.0)),
        ConfigurationError,
        ["BFGS", "lbfgs"],
    ),
    "bounds that are no pair": (
        lambda: minimize(rosenbrock, START, method="lbfgs", bounds=1.0),
        ConfigurationError,
        ["(lower, upper)"],
    ),
    "an unknown method": (lambda: minimize(rosenbrock, START, method="bgfs"), ConfigurationError, ["bgfs", "'bfgs'"]),
    "a method that is none": (lambda: minimize(rosenbrock, START, method=3), ConfigurationError, ["method"]),
    "a method without its parentheses": (
        lambda: minimize(rosenbrock, START, method=BFGS),
        ConfigurationError,
        ["BFGS()"],
    ),
    "no steps": (lambda: minimize(rosenbrock, START, max_steps=0), ConfigurationError, ["max_steps"]),
    "a tolerance below zero": (lambda: minimize(rosenbrock, START, tolerance=-1.0), ConfigurationError, ["tolerance"]),
    "throw inside jit": (
        lambda: jax.jit(lambda x: minimize(rosenbrock, x, throw=True).x)(jnp.array(START)),
        ConfigurationError,
        ["throw=True", "many=True"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_argument_and_the_remedy(name):
    call, kind, words = BAD[name]
    with pytest.raises(PullbackError) as caught:
        call()
    assert isinstance(caught.value, kind)
    for word in words:
        assert word in str(caught.value)
    assert not any(word in str(caught.value).lower() for word in ("tracer", "pytree", "aval"))


def test_methods_are_frozen_values():
    assert BFGS() == BFGS()
    assert isinstance(METHODS["levenberg_marquardt"](), LevenbergMarquardt)
    with pytest.raises(AttributeError):
        setattr(Newton(), "options", 3)  # noqa: B010
