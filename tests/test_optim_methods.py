"""Optimizers against closed forms and the anchors of a published run on Rosenbrock's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback import optim
from pullback.core.errors import ConfigurationError
from pullback.optim.adam import bias_correction
from pullback.optim.schedules import Cosine


def rosenbrock(theta: jax.Array) -> jax.Array:
    return (1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2


def descend(
    optimizer: optax.GradientTransformation, function: Callable[[Any], jax.Array], theta: Any, steps: int
) -> tuple[Any, Any]:
    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        theta, state = carry
        update, state = optimizer.update(jax.grad(function)(theta), state, theta)
        return (optax.apply_updates(theta, update), state), None

    return jax.lax.scan(step, (theta, optimizer.init(theta)), length=steps)[0]


ANCHORS = {
    "gradient descent": (optim.sgd(1e-3), (0.32726277, 0.1040128)),
    "averaged momentum": (optim.momentum(1e-3, 0.9, convention="averaged"), (0.35279098, 0.12135624)),
    "heavy ball": (optim.momentum(1e-4, 0.9), (0.35279098, 0.12135624)),
}


@pytest.mark.parametrize("name", ANCHORS)
def test_rosenbrock_anchor_to_every_printed_digit(name: str) -> None:
    optimizer, expected = ANCHORS[name]
    with jax.enable_x64(True):
        theta, _ = descend(optimizer, rosenbrock, jnp.array([-1.2, 1.0]), 1000)
        assert tuple(np.round(np.asarray(theta), 8)) == expected


@settings(max_examples=15)
@given(
    st.floats(1e-5, 1e-3),
    st.floats(0.0, 0.99),
    st.sampled_from(["heavy_ball", "averaged"]),
)
def test_converted_conventions_take_the_same_steps(learning_rate: float, beta: float, source: Any) -> None:
    target: Any = {"heavy_ball": "averaged", "averaged": "heavy_ball"}[source]
    converted = optim.convert_momentum(learning_rate, beta, source=source, target=target)
    with jax.enable_x64(True):
        start = jnp.array([-1.2, 1.0])
        one, _ = descend(optim.momentum(learning_rate, beta, convention=source), quadratic, start, 50)
        other, _ = descend(optim.momentum(converted, beta, convention=target), quadratic, start, 50)
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    back = optim.convert_momentum(converted, beta, source=target, target=source)
    assert back == pytest.approx(learning_rate, rel=1e-14)


HESSIAN = np.array([[3.0, 1.0], [1.0, 2.0]])


def quadratic(theta: jax.Array) -> jax.Array:
    return theta @ jnp.asarray(HESSIAN) @ theta / 2


def test_gradient_descent_on_a_quadratic_is_a_matrix_power() -> None:
    with jax.enable_x64(True):
        start = np.array([1.0, -2.0])
        theta, _ = descend(optim.sgd(0.1), quadratic, jnp.asarray(start), 30)
        expected = np.linalg.matrix_power(np.eye(2) - 0.1 * HESSIAN, 30) @ start
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_nesterov_is_the_look_ahead_form_in_other_variables() -> None:
    """phi moves by a velocity whose gradient is taken at phi + beta v; theta = phi + beta v is what we store."""
    learning_rate, beta, steps = 0.05, 0.8, 25
    phi, velocity = np.array([1.0, -2.0]), np.zeros(2)
    for _ in range(steps):
        velocity = beta * velocity - learning_rate * HESSIAN @ (phi + beta * velocity)
        phi = phi + velocity
    with jax.enable_x64(True):
        theta, state = descend(optim.nesterov(learning_rate, beta), quadratic, jnp.array([1.0, -2.0]), steps)
        np.testing.assert_allclose(theta, phi + beta * velocity, rtol=1e-12)
        ahead = optim.nesterov_look_ahead(theta, state.moments["velocity"], learning_rate, beta)
        np.testing.assert_allclose(ahead, phi, rtol=1e-12)


@settings(max_examples=15)
@given(st.floats(-100, 100).filter(lambda g: abs(g) > 1e-3), st.integers(1, 30))
def test_adam_under_a_constant_gradient_moves_by_the_learning_rate(gradient: float, steps: int) -> None:
    """Both unbiased moments are then exact: m = g and v = g^2 at every step."""
    with jax.enable_x64(True):
        theta, _ = descend(optim.adam(0.01, epsilon=1e-3), lambda theta: gradient * theta, jnp.array(0.0), steps)
        expected = -0.01 * steps * gradient / (abs(gradient) + 1e-3)
        np.testing.assert_allclose(theta, expected, rtol=1e-10)


def test_epsilon_root_stands_inside_the_root() -> None:
    with jax.enable_x64(True):
        optimizer = optim.adam(0.01, epsilon=0.0, epsilon_root=0.5)
        theta, _ = descend(optimizer, lambda theta: 2.0 * theta, jnp.array(0.0), 1)
        np.testing.assert_allclose(theta, -0.01 * 2 / np.sqrt(4.5), rtol=1e-12)


def test_decoupled_decay_without_gradient_is_a_geometric_series() -> None:
    with jax.enable_x64(True):
        start = {"weight": jnp.array([[2.0, -3.0]]), "bias": jnp.array([5.0])}
        optimizer = optim.adamw(0.1, weight_decay=0.2, mask=lambda params: {"weight": True, "bias": False})
        theta, _ = descend(optimizer, lambda theta: jnp.array(0.0), start, 40)
        np.testing.assert_allclose(theta["weight"], 0.98**40 * start["weight"], rtol=1e-12)
        np.testing.assert_array_equal(theta["bias"], start["bias"])


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 0.999999])
@pytest.mark.parametrize("step", [1, 2, 1000, 10_000_000])
def test_bias_correction_keeps_its_digits_in_float32(beta: float, step: int) -> None:
    # The exact value, by the standard library in double precision.
    expected = 1 / -np.expm1(step * np.log1p(beta - 1)) if beta else 1.0
    assert float(bias_correction(beta, jnp.int32(step))) == pytest.approx(expected, rel=5e-7)


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_stopping_and_going_on_from_the_saved_state_changes_no_bit(name: str) -> None:
    optimizer = optim.get_optimizer(name, Cosine(1e-3, 40))
    step = jax.jit(lambda theta, state: optimizer.update(jax.grad(rosenbrock)(theta), state, theta))

    def go(theta: Any, state: Any, steps: int) -> tuple[Any, Any]:
        for _ in range(steps):
            update, state = step(theta, state)
            theta = optax.apply_updates(theta, update)
        return theta, state

    start = jnp.array([-1.2, 1.0])
    whole, _ = go(start, optimizer.init(start), 20)
    half = go(start, optimizer.init(start), 10)
    saved = jax.tree.map(np.asarray, half)
    resumed, _ = go(*jax.tree.map(jnp.asarray, saved), 10)
    np.testing.assert_array_equal(whole, resumed)


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
@pytest.mark.parametrize("double", [False, True])
def test_dtypes_of_state_and_update_stay(name: str, double: bool) -> None:
    """Compiled programs are keyed by dtype, so a state that changes its own would compile twice."""
    with jax.enable_x64(double):
        params = {"a": jnp.ones(3, jnp.float32), "b": (jnp.ones((2, 2), jnp.bfloat16), None)}
        optimizer = optim.get_optimizer(name, Cosine(0.1, 5))
        state = optimizer.init(params)
        update, after = optimizer.update(params, state, params)

    def types(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)

    assert types(after) == types(state)
    assert types(update) == types(params)
    assert {leaf.dtype for leaf in jax.tree.leaves(state) if jnp.issubdtype(leaf.dtype, jnp.integer)} == {
        jnp.dtype("int32")
    }


def test_learning_rate_in_force_is_found_through_wrappers() -> None:
    schedule = Cosine(0.1, 4)
    optimizer = optax.MultiSteps(optim.chain(optim.clip_by_norm(1.0), optim.adam(schedule)), every_k_schedule=1)
    theta = jnp.ones(2)
    state: Any = optimizer.init(theta)
    with jax.numpy_dtype_promotion("standard"):
        for step in range(4):
            _, state = optimizer.update(theta, state, theta)
            found = optim.learning_rate_in_force(state)
            assert found is not None
            assert float(found) == pytest.approx(0.05 * (1 + np.cos(np.pi * step / 4)), rel=1e-6)
    assert optim.learning_rate_in_force(optax.adam(1e-3).init(theta)) is None
    assert optim.learning_rate_in_force({"learning_rate": theta}) is None


def test_a_parameter_called_learning_rate_is_not_mistaken_for_one() -> None:
    state = optax.adam(1e-3).init({"learning_rate": jnp.ones(3)})
    assert optim.learning_rate_in_force(state) is None


def test_a_traced_learning_rate_serves_a_sweep() -> None:
    rates = jnp.array([0.1, 0.2])
    theta = jax.vmap(lambda rate: descend(optim.sgd(rate), lambda theta: theta, jnp.array(0.0), 3)[0])(rates)
    np.testing.assert_allclose(theta, -3 * rates, rtol=1e-6)


@settings(max_examples=25)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=6), st.floats(1e-2, 1e2))
def test_clipping_by_norm_bounds_the_norm_and_keeps_the_direction(entries: list[float], max_norm: float) -> None:
    with jax.enable_x64(True):
        gradient = jnp.array(entries)
        clipper = optim.clip_by_norm(max_norm, epsilon=0.0)
        clipped, _ = clipper.update(gradient, clipper.init(gradient))
        norm = np.linalg.norm(entries)
        np.testing.assert_allclose(clipped, np.array(entries) * min(1, max_norm / max(norm, 1e-300)), rtol=1e-12)


def test_clipping_by_value() -> None:
    clipper = optim.clip_by_value(0.5)
    clipped, _ = clipper.update({"a": jnp.array([-2.0, 0.25, 0.75])}, clipper.init(None))
    assert clipped["a"].tolist() == [-0.5, 0.25, 0.5]


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.sgd(-0.1),
        lambda: optim.get_optimizer("adam", 0.0),
        lambda: optim.adam(beta1=1.0),
        lambda: optim.adam(epsilon=-1e-8),
        lambda: optim.adamw(weight_decay=-1.0),
        lambda: optim.momentum(0.1, 1.5),
        lambda: optim.momentum(0.1, 0.9, dampening=0.5, convention="averaged"),
        lambda: optim.momentum(0.1, convention="heavy-ball"),
        lambda: optim.nesterov(0.1, -0.1),
        lambda: optim.clip_by_norm(0.0),
        lambda: optim.clip_by_value(-1.0),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_names_are_checked_and_transformations_pass_through() -> None:
    plain = optax.sgd(0.1)
    assert optim.get_optimizer(plain, 0.5) is plain
    with pytest.raises(ConfigurationError, match="adam"):
        optim.get_optimizer("adan", 0.1)


def test_decay_without_parameters_says_what_to_pass() -> None:
    optimizer = optim.adamw()
    with pytest.raises(ConfigurationError, match="third argument"):
        optimizer.update(jnp.ones(2), optimizer.init(jnp.ones(2)))
