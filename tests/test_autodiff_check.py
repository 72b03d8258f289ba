"""The checker of derivatives: right functions pass, and each kind of fault is found, placed and named."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

from pullback.autodiff import compared
from pullback.autodiff.check import check
from pullback.core.errors import ConfigurationError, DerivativeError
from pullback.models import build
from pullback.nn.losses import CategoricalCrossEntropy
from pullback.testing import derivatives
from pullback.testing.derivatives import CHECKS, Case, Mode

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=(3, 4))


@jax.custom_jvp
def double(x):
    return 2 * x


double.defjvp(lambda primals, tangents: (double(primals[0]), 3 * tangents[0]))


@jax.custom_vjp
def twice(x):
    return 2 * x


twice.defvjp(lambda x: (twice(x), None), lambda _, cotangent: (3 * cotangent,))


GOOD = {
    "number": (lambda x: jnp.sin(x) ** 2, (0.7,)),
    "matrix product": (lambda a, b: a @ b, (MATRIX, MATRIX.T)),
    "nested": (lambda p: {"y": jnp.tanh(p["w"]) @ p["b"], "n": 3}, ({"w": MATRIX, "b": np.ones(4)},)),
    "integers stay": (lambda x, i: x[i] ** 3, (MATRIX, np.array([2, 0]))),
    "large": (lambda w, b: jnp.tanh(w @ b), (RANDOM.normal(size=(30, 20)), RANDOM.normal(size=(20, 4)))),
    "scan": (lambda x: jax.lax.scan(lambda h, v: (jnp.sin(h + v), h), x[0], x), (np.linspace(0.0, 1.0, 5),)),
    "steep": (lambda x: jnp.sin(1e4 * x), (np.array([0.3, 1.7]),)),
    "far out": (lambda x: jnp.log(x), (np.array([1e-5, 1e5]),)),
    "large constant": (lambda x: 1e8 + jnp.sin(x), (np.array([0.5]),)),
    "constant": (lambda x: jnp.sum(jax.nn.softmax(x)), (np.array([0.5, 2.0]),)),
    "single precision inside": (
        lambda x: jnp.sin(x.astype(jnp.float32)).astype(jnp.float64),
        (np.linspace(0.1, 0.9, 3),),
    ),
    "single precision result": (lambda x: jnp.exp(x.astype(jnp.float32)), (np.linspace(0.1, 0.9, 3),)),
    "relu away from its kink": (lambda x: jnp.maximum(x, 0.0), (np.array([1e-3, -1e-4, 2.0]),)),
}


@pytest.mark.parametrize("name", GOOD)
def test_right_derivatives_pass(name):
    function, args = GOOD[name]
    found = check(function, *args)
    assert found.passed, str(found)
    assert found.cause == "none" and "agree" in str(found)


# Function, arguments, the worst entry's argument, the cause, and a word of its explanation.
FAULTS = {
    "kink of |x|": (lambda x: jnp.abs(x).sum(), (np.array([1.0, 0.0]),), "x[1]", "kink", "-1 to one side and 1"),
    "relu at zero": (jax.nn.relu, (0.0,), "x", "kink", "the slope is 0 to one side and 1"),
    "jump": (lambda x: jnp.floor(x) * 3.0, (np.array([0.5, 2.0]),), "x[1]", "kink", "jumps"),
    "stop_gradient": (
        lambda x, y: jax.lax.stop_gradient(x) * jnp.sin(y),
        (np.float64(2.0), np.float64(1.0)),
        "x",
        "cut off",
        "stop_gradient",
    ),
    "custom_jvp": (lambda x: jnp.sin(double(x)), (np.float64(0.3),), "x", "wrong rule", "double (custom_jvp)"),
    "custom_vjp": (lambda x: jnp.sin(twice(x)), (np.float64(0.3),), "x", "wrong rule", "twice (custom_vjp)"),
    "0/0 in the derivative": (
        lambda x: jnp.sqrt(x * x),
        (0.0,),
        "x",
        "not finite",
        "0/0",
    ),
    "not finite itself": (lambda x: jnp.log(x), (np.array([1.0, -1.0]),), "x[0]", "not finite", "[1] itself is nan"),
    "scattered values": (
        lambda x: jnp.sin(x) + jax.lax.stop_gradient(1e-4 * jnp.mod(4e4 * jnp.sin(1e9 * x), 1.0)),
        (np.float64(0.4),),
        "x",
        "rounding noise",
        "scatter",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_found_and_named(name):
    function, args, place, cause, word = FAULTS[name]
    found = check(function, *args)
    assert not found.passed and "DISAGREE" in str(found)
    assert (found.worst.argument, found.cause) == (place, cause), str(found)
    assert word in found.explanation
    with pytest.raises(DerivativeError, match=cause):
        check(function, *args, throw=True)


def test_values_of_the_worst_entry():
    found = check(lambda x: jnp.sin(double(x)), np.float64(0.3))
    assert found.worst.ours == pytest.approx(3 * np.cos(0.6))
    assert found.worst.numerical == pytest.approx(2 * np.cos(0.6), rel=1e-10)
    assert found.worst.relative_error == pytest.approx(1 / 3)
    assert found.forward_error == pytest.approx(1 / 3) and found.reverse_error == pytest.approx(1 / 3)
    assert abs(found.worst.numerical - 2 * np.cos(0.6)) <= found.worst.uncertainty


def test_a_single_wrong_entry_among_many_is_found():
    def function(p):
        hidden = p["w"].at[3, 7].set(jax.lax.stop_gradient(p["w"][3, 7]))
        return jnp.tanh(hidden @ p["b"])

    found = check(function, {"w": RANDOM.normal(size=(30, 20)), "b": RANDOM.normal(size=(20, 4))})
    assert not found.passed and found.worst.argument == "p.w[3, 7]" and found.cause == "cut off"
    assert found.worst.result.startswith("result[3, ")


def classifier_cost(model, x, labels):
    return jnp.mean(CategoricalCrossEntropy()(model(x), labels))


NETWORKS = {
    "multilayer_perceptron": ({"in_shape": 8, "out_features": 3, "hidden": (32, 32)}, (8,)),
    "convolutional_network": ({"in_shape": [6, 6, 1], "num_classes": 3, "channels": [3], "hidden": [8]}, (6, 6, 1)),
}


@pytest.mark.parametrize("family", NETWORKS)
def test_networks_of_rectifiers_pass_in_spite_of_their_kinks(family):
    arguments, shape = NETWORKS[family]
    model = build(family, arguments, jax.random.key(0))
    x, labels = RANDOM.normal(size=(16, *shape)).astype(np.float32), RANDOM.integers(0, 3, 16)
    found = check(classifier_cost, model, x, labels)
    assert found.passed and found.tolerance == 1e-6 and found.entries > 64, str(found)


def test_a_frozen_layer_of_a_network_is_found():
    arguments, shape = NETWORKS["convolutional_network"]
    model = build("convolutional_network", arguments, jax.random.key(0))
    x = jnp.asarray(RANDOM.normal(size=(4, *shape)), jnp.float32)

    def cost(model):
        frozen = eqx.tree_at(lambda m: m.layers[0].kernel, model, replace_fn=jax.lax.stop_gradient)
        return classifier_cost(frozen, x.astype(jnp.float64), jnp.zeros(4, jnp.int32))

    found = check(cost, model)
    assert not found.passed and found.cause == "cut off" and "stop_gradient" in found.explanation
    assert found.worst.argument.startswith("model.layers[0].kernel[")


def test_modes_that_disagree(monkeypatch):
    """A reverse mode that is a tenth too large: forward mode and differences outvote it."""

    def wrong_vjp(function, *primals):
        value, pull = jax.vjp(function, *primals)
        return value, lambda cotangent: tuple(1.1 * x for x in pull(cotangent))

    monkeypatch.setattr(compared, "vjp", wrong_vjp)
    found = check(lambda x: jnp.sin(x), np.array([0.1, 0.2]))
    assert not found.passed and found.cause == "wrong rule"
    assert found.forward_error is not None and found.forward_error < 1e-9
    assert found.reverse_error == pytest.approx(0.1 / 1.1)
    assert found.modes_error == pytest.approx(0.1 / 1.1)
    assert "rule of reverse mode is wrong" in found.explanation and found.worst.mode == "reverse"


def test_a_mode_that_does_not_exist():
    def doubled_until_large(x):
        return jax.lax.while_loop(lambda v: v < 10.0, lambda v: 2 * v, x)

    found = check(doubled_until_large, 0.7)
    assert found.passed and found.worst.ours == 16.0
    assert found.reverse_error is None and found.modes_error is None
    assert "no reverse mode" in str(found)


def test_chosen_arguments_and_their_names():
    function = lambda x, *rest: jax.lax.stop_gradient(x) * rest[0] * rest[1]  # noqa: E731
    assert not check(function, 2.0, 3.0, 4.0).passed
    found = check(function, 2.0, 3.0, 4.0, argnums=(1, 2))
    assert found.passed and found.entries == 2 and found.worst.argument in ("rest[0]", "rest[1]")


def test_unusable_input():
    with pytest.raises(DerivativeError, match="no argument can move"):
        check(lambda i: i, np.arange(3))
    with pytest.raises(DerivativeError, match="no real numbers"):
        check(lambda x: x > 0, 1.0)
    with pytest.raises(DerivativeError, match="argnums"):
        check(lambda x: x, 1.0, argnums=1)
    with pytest.raises(ConfigurationError, match="tolerance"):
        check(lambda x: x, 1.0, tolerance=0.0)


CUBIC = Case("cubic", lambda x, w: {"y": jnp.sum(x**3) * w}, lambda random: (random.normal(size=3), random.normal()))


def wrong_jvp(function, primals, tangents):
    value, tangent = jax.jvp(function, primals, tangents)
    return value, jax.tree.map(lambda t: t * 1.0001, tangent)


def wrong_vjp(function, *primals):
    value, pull = jax.vjp(function, *primals)
    return value, lambda cotangent: jax.tree.map(lambda x: x * 1.0001, pull(cotangent))


def eager_only_jvp(function, primals, tangents):
    value, tangent = jax.jvp(function, primals, tangents)
    traced = isinstance(primals[0], Tracer)
    return value, jax.tree.map(lambda t: t * (1.0 if traced else 2.0), tangent)


@pytest.mark.parametrize("check_rule", CHECKS)
def test_shared_checks_pass_on_right_derivatives(check_rule):
    check_rule(CUBIC)


@pytest.mark.parametrize(
    ("check_rule", "wrong"),
    [
        (derivatives.check_first_order, Mode(wrong_jvp, jax.vjp)),
        (derivatives.check_first_order, Mode(jax.jvp, wrong_vjp)),
        (derivatives.check_second_order, Mode(wrong_jvp, jax.vjp)),
        (derivatives.check_second_order, Mode(jax.jvp, wrong_vjp)),
        (derivatives.check_nested, Mode(wrong_jvp, jax.vjp)),
        (derivatives.check_nested, Mode(jax.jvp, wrong_vjp)),
        (derivatives.check_numerically, Mode(wrong_jvp, jax.vjp)),
        (derivatives.check_numerically, Mode(jax.jvp, wrong_vjp)),
        (derivatives.check_single_precision, Mode(wrong_jvp, jax.vjp)),
        (derivatives.check_compiled, Mode(eager_only_jvp, jax.vjp)),
    ],
)
def test_shared_checks_fail_on_wrong_derivatives(check_rule, wrong, monkeypatch):
    monkeypatch.setattr(derivatives, "OURS", wrong)
    with pytest.raises(AssertionError, match="cubic"):
        check_rule(CUBIC)
