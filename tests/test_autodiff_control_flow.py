"""Loops, choices, checkpoints and functions with rules of their own: all shared checks of a rule."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from rule_cases import checked

from pullback.autodiff import grad, jvp, subprograms
from pullback.core.errors import DerivativeError
from pullback.testing.derivatives import Case


def vector(random):
    return (random.uniform(0.3, 1.4, size=4), random.normal(size=(4, 4)) / 2)


def sequence(random):
    return (random.normal(size=(3, 2)), random.normal(size=(2, 2)), random.normal(size=(5, 3, 3)))


def recurrent(w, u, xs):
    """A plain recurrent network with its own per-step output."""

    def step(h, x):
        h = jnp.tanh(x @ w + h @ u)
        return h, jnp.sum(h**2)

    h, energies = lax.scan(step, jnp.zeros((3, 2)), xs)
    return h, energies


def long_short_term(w, u, xs):
    def step(carry, x):
        h, c = carry
        i, f, g = jnp.split(jnp.concatenate([x @ w, jnp.ones((3, 1))], 1) @ jnp.ones((3, 6)) + h @ jnp.tile(u, 3), 3, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jnp.tanh(c) * jax.nn.sigmoid(i), c), h

    return lax.scan(step, (jnp.zeros((3, 2)), jnp.ones((3, 2))), xs)


def one_sequence(random):
    return (random.normal(size=(3, 8)), random.normal(size=(2, 8)), random.normal(size=8), random.normal(size=(4, 3)))


def unbatched(w, u, b, xs):
    """The bias receives in each step what the product passes on, in the same shape."""

    def step(carry, x):
        h, c = carry
        i, f, g, o = jnp.split(x @ w + h @ u + b, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    return lax.scan(step, (jnp.zeros(2), jnp.zeros(2)), xs)[0]


def gated(w, u, xs):
    def step(h, x):
        z = jax.nn.sigmoid(x @ w + h @ u)
        n = jnp.tanh(h * z + x @ w)
        return (1 - z) * n + z * h, None

    return lax.scan(step, jnp.ones((3, 2)), xs, reverse=True)[0]


def carried_weights(x, w):
    def step(carry, i):
        h, v = carry
        return (jnp.tanh(v @ h), v * 0.9 + jnp.outer(h, x) * i), h

    return lax.scan(step, (x, w), jnp.arange(3.0))


def nested(x, w):
    def outer(c, _):
        d, ys = lax.scan(lambda d, v: (jnp.tanh(d * v + c), d), c, w)
        return d, jnp.sum(ys)

    return lax.scan(outer, x, None, length=3)


def choosing(x, w):
    def step(c, i):
        return lax.cond(i % 2 == 0, lambda c: jnp.sin(c) * x, lambda c: w @ c, c), c.sum()

    return lax.scan(step, x, jnp.arange(4))


def constants(x, w):
    """A carry that the variables do not move, one that they pass through, and a slice that is one of them."""
    first = lax.scan(lambda c, _: (c + x, x * 2), jnp.zeros(4), None, length=3)
    second = lax.scan(lambda c, v: ((c[0] + 1, v), (v, c[0] * v)), (0.0, x), w)
    return first, second


def runge_kutta(x, w):
    rate = lambda y: jnp.tanh(w @ y) - y  # noqa: E731

    def step(y, _):
        first = rate(y)
        second = rate(y + 0.05 * first)
        return y + 0.1 * second, None

    return lax.scan(step, x, None, length=6)[0]


def bounded(x, w):
    return lax.fori_loop(0, 5, lambda i, c: jnp.sin(w @ c) + x * i, x)


def until(x, w):
    del w
    # A factor above 1: the loop ends whatever was drawn.
    return lax.while_loop(
        lambda c: jnp.sum(c[1] ** 2) < 1e3, lambda c: (c[0] + 1, c[1] * (1 + x) + jnp.sin(c[1]) + 1), (0, x)
    )


POLICY = jax.checkpoint_policies.dots_saveable


def policy(x, w):
    return jax.checkpoint(lambda x: jnp.sin(w @ jnp.tanh(w @ x)) * x, policy=POLICY)(x)


def named(x, w):
    """Values that carry a name for a policy, behind a barrier."""
    return lax.optimization_barrier((checkpoint_name(x * x, "square"), w @ x))


@jax.custom_jvp
def own_tangent(x):
    return jnp.sin(x)


own_tangent.defjvp(lambda primals, tangents: (own_tangent(primals[0]), 2 * jnp.cos(primals[0]) * tangents[0]))


@jax.custom_vjp
def own_cotangent(x):
    return jnp.sin(x)


own_cotangent.defvjp(lambda x: (jnp.sin(x), x), lambda x, cotangent: (3 * cotangent * jnp.cos(x),))


CASES = [
    Case("scan, recurrent network", recurrent, sequence),
    Case("scan, long short-term memory", long_short_term, sequence),
    Case("scan, one sequence without a batch", unbatched, one_sequence),
    Case("scan, gated unit in reverse", gated, sequence),
    Case("scan, weights in the carry", carried_weights, vector),
    Case("scan in scan", nested, vector),
    Case("scan, constants that pass through", constants, vector),
    Case("scan, Runge-Kutta", runge_kutta, vector),
    Case("scan of a checkpoint", lambda x, w: lax.scan(
        jax.checkpoint(lambda c, _: (jnp.sin(w @ c) * x, c.sum())), x, None, length=4), vector),
    Case("map", lambda x, w: lax.map(lambda row: jnp.tanh(row @ x) * x, w), vector),
    Case("associative scan", lambda x, w: lax.associative_scan(jnp.multiply, w * x), vector),
    Case("cond", lambda x, w: lax.cond(x.sum() > 2, lambda x: jnp.sin(x) * x, lambda x: w @ x * x, x), vector),
    Case("cond, the other branch", lambda x, w: lax.cond(x.sum() < 0, lambda x: x, lambda x: w @ x * x, x), vector),
    Case("switch", lambda x, w: lax.switch(jnp.int32(1), [jnp.sin, lambda x: w @ x * x, jnp.tanh], x), vector),
    Case("cond in scan", choosing, vector),
    Case("fori_loop", bounded, vector),
    Case("while", until, vector, reverse=False, second_order=False),
    Case("checkpoint", lambda x, w: jax.checkpoint(lambda x: jnp.sin(w @ jnp.tanh(x)) * x)(x), vector),
    Case("checkpoint with a policy", policy, vector),
    Case("names and barriers", named, vector),
    # What JAX's own reverse mode adds up, differentiated by our rules.
    Case("gradient of a value used twice", jax.grad(lambda x, w: jnp.sum(jnp.sin(x) * x + (w @ x) ** 3)), vector),
    Case("jit in jit", lambda x, w: jax.jit(lambda x: jax.jit(jnp.sin)(w @ x) * x)(x), vector),
]  # fmt: skip


@checked(CASES)
def test_rule(case, check):
    check(case)


def test_own_tangent_rule_is_respected_in_both_modes():
    x = jnp.array([0.2, 0.7])
    expected = 2 * np.cos(np.asarray(x))
    np.testing.assert_allclose(jvp(own_tangent, (x,), (jnp.ones(2),))[1], expected, rtol=1e-6)
    np.testing.assert_allclose(grad(lambda x: own_tangent(x).sum())(x), expected, rtol=1e-6)


def test_own_cotangent_rule_is_respected_and_its_forward_function_is_what_a_second_derivative_sees():
    f = lambda x: jnp.sum(own_cotangent(x) ** 2)  # noqa: E731
    x = jnp.array([0.2, 0.7])
    np.testing.assert_allclose(grad(f)(x), jax.grad(f)(x), rtol=1e-6)
    second = grad(lambda x: grad(f)(x).sum())(x)
    np.testing.assert_allclose(second, jax.grad(lambda x: jax.grad(f)(x).sum())(x), rtol=1e-6)


def test_forward_mode_of_a_function_with_only_a_way_back_says_what_to_do():
    with pytest.raises(DerivativeError, match="custom_jvp"):
        jvp(own_cotangent, (1.0,), (1.0,))


def test_reverse_mode_of_a_loop_of_unknown_length_says_what_to_do():
    with pytest.raises(DerivativeError, match=r"jax\.lax\.scan") as caught:
        grad(lambda x: lax.while_loop(lambda c: c < 10.0, lambda c: c * x, x))(2.0)
    assert "forward mode" in str(caught.value)


def test_a_loop_that_the_variables_do_not_reach_may_have_any_length():
    f = lambda x: x * lax.while_loop(lambda c: c < 10.0, lambda c: c * 3.0, 1.0)  # noqa: E731
    assert float(grad(f)(2.0)) == 27.0


def products(program, name="scan"):
    """How many products stand in the bodies of loops."""
    count = 0
    for equation in program.jaxpr.eqns:
        for inner in subprograms(equation):
            inside = [e.primitive.name for e in inner.eqns]
            count += inside.count("dot_general") if equation.primitive.name == name else 0
    return count


def test_only_the_chain_of_the_carry_stays_in_the_loops_of_a_recurrent_network():
    w, u, xs = (jnp.asarray(array, jnp.float32) for array in sequence(np.random.default_rng(0)))
    cost = lambda w, u, xs: jnp.sum(recurrent(w, u, xs)[0])  # noqa: E731
    program = jax.make_jaxpr(grad(cost, (0, 1, 2)))(w, u, xs)
    # h @ u on the way forward, and its transpose on the way back.
    assert products(program) == 2
    assert products(jax.make_jaxpr(jax.grad(cost, (0, 1, 2)))(w, u, xs)) > 2


def test_a_checkpoint_is_computed_again_on_the_way_back():
    f = lambda x: jnp.sum(jax.checkpoint(lambda x: jnp.sin(jnp.sin(x)))(x))  # noqa: E731
    text = str(jax.make_jaxpr(grad(f))(jnp.ones(2)))
    assert text.count(" sin ") >= 3 and "optimization_barrier" in text
