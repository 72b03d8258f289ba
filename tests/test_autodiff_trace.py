"""The evaluation trace: its numbers against JAX and published tables, what is one row, and what opens.

In the cases below a function is given as its intermediate values, one by one. Then the value of each is known by
evaluating up to it, its tangent by `jax.jvp` of that, and its adjoint by `jax.grad` in something added to it.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback import nn
from pullback.autodiff import trace
from pullback.core.errors import ConfigurationError, DerivativeError

RANDOM = np.random.default_rng(5)


def normal(*shape):
    return RANDOM.normal(size=shape)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@jax.jit
def energy(u, p):
    w = jnp.tanh(u)
    return jnp.sum(w * w) ** p


CASES = {
    "dense layer": (
        {"x": normal(4, 3), "w": normal(2, 3), "b": normal(2)},
        [
            lambda e: e.x @ e.w.T,
            lambda e: e.v_1 + e.b,
            lambda e: jnp.tanh(e.v_2),
            lambda e: e.v_3**2,
            lambda e: jnp.sum(e.v_4),
        ],
    ),
    "one value used three times": (
        {"x": np.float64(0.7), "y": np.float64(-1.3)},
        [
            lambda e: e.x * e.y,
            lambda e: jnp.exp(e.v_1),
            lambda e: jnp.cos(e.v_1),
            lambda e: e.v_2 * e.v_3,
            lambda e: e.v_4 + e.v_1,
            lambda e: e.v_5 / e.y,
        ],
    ),
    "softmax cross entropy": (
        {"z": normal(5), "k": 3},
        [
            lambda e: jnp.max(e.z),
            lambda e: jax.lax.stop_gradient(e.v_1),
            lambda e: e.z - e.v_2,
            lambda e: jnp.exp(e.v_3),
            lambda e: jnp.sum(e.v_4),
            lambda e: jnp.log(e.v_5),
            lambda e: e.v_6 - e.v_3[e.k],
        ],
    ),
    "axes, order, products of several axes": (
        {"a": normal(2, 3, 4), "b": normal(2, 4, 3)},
        [
            lambda e: jnp.einsum("bij,bjk->bik", e.a, e.b),
            lambda e: jnp.max(e.v_1, axis=2),
            lambda e: jnp.cumsum(e.v_2, axis=1),
            lambda e: jnp.sort(e.v_3, axis=0),
            lambda e: jnp.concatenate([e.v_4, e.v_2], axis=1),
            lambda e: jnp.prod(e.v_5),
        ],
    ),
    "one named function, one loop": (
        {"x": normal(3), "s": normal(4, 3)},
        [
            lambda e: jnp.sin(e.x),
            lambda e: jax.lax.scan(lambda h, t: (jnp.tanh(h * t + e.x), None), e.v_1, e.s)[0],
            lambda e: energy(e.v_2, 1.5),
            lambda e: e.v_3 * e.v_1,
            lambda e: jnp.sum(e.v_4),
        ],
    ),
    "a choice": (
        {"x": normal(3)},
        [
            lambda e: jnp.sum(e.x),
            lambda e: jnp.square(e.x),
            lambda e: jax.lax.cond(e.v_1 > 100, lambda v: jnp.cos(v) * v, lambda v: jnp.sin(jnp.exp(v)), e.v_2),
            lambda e: e.v_1 * e.v_3,
            lambda e: jnp.sum(e.v_4),
        ],
    ),
}


def run(steps, arguments, added=None):
    """All values, one by one, with something added to each."""
    values = SimpleNamespace(**arguments)
    found = []
    for number, step in enumerate(steps):
        found.append(step(values) if added is None else step(values) + added[number])
        setattr(values, f"v_{number + 1}", found[-1])
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_value_tangent_and_adjoint_is_that_of_jax(case):
    arguments, steps = CASES[case]
    fixed = {name: value for name, value in arguments.items() if isinstance(value, int)}
    real = {name: jnp.asarray(value) for name, value in arguments.items() if name not in fixed}
    moving = {name: jnp.asarray(normal(*value.shape)) for name, value in real.items()}
    directions = [moving.get(name, np.zeros((), jax.dtypes.float0)) for name in arguments]

    def function(*values):
        return run(steps, dict(zip(arguments, values, strict=True)))[-1]

    found = trace(function, *arguments.values(), tangents=directions)
    values, tangents = jax.jvp(lambda given: run(steps, given | fixed), (real,), (moving,))
    zeros = [jnp.zeros_like(value) for value in values]
    adjoints, gradient = jax.grad(lambda added, given: run(steps, given | fixed, added)[-1], (0, 1))(zeros, real)
    assert [row.name for row in found.rows] == [f"v_{number + 1}" for number in range(len(steps))]
    for row, *expected in zip(found.rows, values, tangents, adjoints, strict=True):
        for ours, theirs in zip((row.value, row.tangent, row.adjoint), expected, strict=True):
            assert ours.dtype == np.float64 and ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
    for row, ours in zip(found.inputs, found.gradient, strict=True):
        if row.name in real:
            np.testing.assert_allclose(ours, gradient[row.name], rtol=1e-12, atol=1e-14)
            np.testing.assert_array_equal(row.adjoint, ours)
    np.testing.assert_array_equal(found.value, found.rows[-1].value)
    np.testing.assert_array_equal(found.tangent, found.rows[-1].tangent)


def cost(t1, t2, t3):
    return jnp.sin(t1 * t2) + jnp.exp(t2 + t3) - 2 * t3


def test_six_nodes_of_the_textbook_function():
    found = trace(cost, math.pi / 6, 2.0, 5.0)
    assert [(row.name, row.expression) for row in found.rows] == [
        ("v_1", "t1 · t2"),
        ("v_2", "sin(v_1)"),
        ("v_3", "t2 + t3"),
        ("v_4", "exp(v_3)"),
        ("v_5", "v_2 + v_4"),
        ("v_6", "v_5 - 2 · t3"),
    ]
    assert f"{found.value:.12f}" == "1087.499183832243"
    assert [f"{g:.13f}".rstrip("0") for g in found.gradient[1:]] == ["1096.8949578162576", "1094.6331584284585"]
    np.testing.assert_allclose(found.gradient[0], 1.0, rtol=1e-15)
    # Along t1 everything that does not contain it stands still: cos(pi/3) = 1/2 times t2 = 2.
    np.testing.assert_allclose([row.tangent for row in found.rows], [2, 1, 0, 0, 1, 1], rtol=1e-15)
    e7 = math.exp(7)
    np.testing.assert_allclose([row.adjoint for row in found.rows], [0.5, 1, e7, 1, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(
        [row.value for row in found.rows],
        [math.pi / 3, math.sqrt(3) / 2, 7, e7, math.sqrt(3) / 2 + e7, math.sqrt(3) / 2 + e7 - 10],
        rtol=1e-15,
    )
    printed = found.text(16)
    assert "1087.499183832243" in printed and "1096.894957816258" in printed and "1094.633158428459" in printed


def test_tables_2_and_3_of_the_survey():
    """Baydin et al. 2018: f(x1, x2) = ln(x1) + x1 x2 - sin(x2) at (2, 5), printed with three decimals."""
    found = trace(lambda x1, x2: jnp.log(x1) + x1 * x2 - jnp.sin(x2), 2.0, 5.0)
    by_expression = {row.expression: row for row in found.rows}
    table = {
        "log(x1)": (0.693, 0.5, 1),
        "x1 · x2": (10, 5, 1),
        "sin(x2)": (-0.959, 0, -1),
        "v_1 + v_2": (10.693, 5.5, 1),
        "v_3 - v_4": (11.652, 5.5, 1),
    }
    assert set(by_expression) == set(table)
    for expression, numbers in table.items():
        row = by_expression[expression]
        np.testing.assert_allclose([row.value, row.tangent, row.adjoint], numbers, atol=5e-4)
    np.testing.assert_allclose(found.gradient, [5.5, 1.716], atol=5e-4)


def test_directions_and_cotangents_are_those_given():
    f = lambda p: {"s": p["a"] * p["b"], "t": jnp.sin(p["a"])}  # noqa: E731
    p = {"a": jnp.array([1.0, 2.0]), "b": jnp.array([3.0, -1.0])}
    direction = {"a": jnp.array([0.5, 0.0]), "b": jnp.array([0.0, 1.0])}
    back = {"s": jnp.array([1.0, 10.0]), "t": jnp.array([0.0, 2.0])}
    found = trace(f, p, tangents=(direction,), cotangent=back)
    _, moved = jax.jvp(f, (p,), (direction,))
    _, pull = jax.vjp(f, p)
    for ours, theirs in ((found.tangent, moved), (found.gradient, pull(back)), (found.value, f(p))):
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-14), ours, theirs)
    assert [row.name for row in found.inputs] == ["p.a", "p.b"] and found.results == ("v_1", "v_2")


def test_the_direction_left_out_is_one_in_the_first_real_argument():
    found = trace(lambda n, x, y: jnp.sum(x * y) * n.astype(float), jnp.int32(2), jnp.ones(3), jnp.ones(3))
    assert [None if row.tangent is None else row.tangent.tolist() for row in found.inputs] == [
        None,
        [1.0] * 3,
        [0.0] * 3,
    ]
    assert found.gradient[0] is None


def test_a_named_function_opens():
    u = normal(3)
    outer = lambda u: jnp.exp(energy(2 * u, 1.5))  # noqa: E731
    found = trace(outer, u)
    assert [(row.expression, row.kind, row.opens) for row in found.rows] == [
        ("energy(2 · u, 1.5)", "function", True),
        ("exp(v_1)", "operation", False),
    ]
    inside = found.open("v_1")
    assert inside.name == "energy" and [row.expression for row in inside.rows] == [
        "tanh(u)",
        "v_1.1 ⊙ v_1.1",
        "sum(v_1.2)",
        "v_1.3^1.5",
    ]
    (argument,) = inside.inputs
    assert (argument.name, argument.expression) == ("u", "2 · u")
    np.testing.assert_allclose(argument.adjoint, jax.grad(lambda w: jnp.exp(energy(w, 1.5)))(2 * u), rtol=1e-12)
    np.testing.assert_allclose(argument.tangent, np.full(3, 2.0), rtol=0)
    steps = [lambda e: jnp.tanh(e.u), lambda e: e.v_1 * e.v_1, lambda e: jnp.sum(e.v_2), lambda e: e.v_3**1.5]
    values = run(steps, {"u": 2 * u})
    zeros = [jnp.zeros_like(value) for value in values]
    adjoints = jax.grad(lambda added: jnp.exp(run(steps, {"u": 2 * u}, added)[-1]))(zeros)
    for row, value, adjoint in zip(inside.rows, values, adjoints, strict=True):
        np.testing.assert_allclose(row.value, value, rtol=1e-13)
        np.testing.assert_allclose(row.adjoint, adjoint, rtol=1e-12)


@pytest.mark.parametrize(("reverse", "step"), [(False, 0), (False, 2), (True, 1), (True, -1)])
def test_a_step_of_a_loop_opens(reverse, step):
    start, slices, w = normal(2), normal(4, 2), normal(2, 2)
    weights = normal(4, 2)
    direction = normal(2)

    def body(h, t, w):
        new = jnp.tanh(w @ h + t)
        return new, new * t

    def loop(start, w, added=0.0, before=0.0, at=None):
        """The loop written out, with something added to the carry that comes into one step."""
        h, total = start, 0.0
        order = range(3, -1, -1) if reverse else range(4)
        for number, place in enumerate(order):
            if number == at:
                h = h + added
            h, out = body(h, slices[place], w)
            total = total + jnp.sum(out * weights[place])
        return total + jnp.sum(h**2)

    def function(start, w):
        def cell(h, t):
            return body(h, t, w)

        h, out = jax.lax.scan(cell, start, slices, reverse=reverse)
        return jnp.sum(out * weights) + jnp.sum(h**2)

    found = trace(function, start, w, tangents=(direction, jnp.zeros((2, 2))))
    row = next(row for row in found.rows if row.kind == "loop")
    assert row.expression.startswith("4 steps of cell(")
    inside = found.open(row, step)
    number = step % 4
    assert inside.name == f"step {number} of cell"
    carry = inside.row("h")

    def carried(start):
        h = start
        for place in (range(3, -1, -1) if reverse else range(4))[:number]:
            h, _ = body(h, slices[place], w)
        return h

    value, tangent = jax.jvp(carried, (start,), (direction,))
    np.testing.assert_allclose(carry.value, value, rtol=1e-13)
    np.testing.assert_allclose(carry.tangent, tangent, rtol=1e-12, atol=1e-15)
    expected = jax.grad(lambda d: loop(start, w, d, at=number))(jnp.zeros(2))
    np.testing.assert_allclose(carry.adjoint, expected, rtol=1e-11, atol=1e-14)
    first = inside.row(f"{row.name}.1")
    assert first.expression == "w @ h"
    np.testing.assert_allclose(first.value, w @ np.asarray(value), rtol=1e-12)
    np.testing.assert_allclose(inside.row("t").value, slices[3 - number if reverse else number], rtol=0)
    np.testing.assert_allclose(found.gradient[0], jax.grad(loop)(start, w), rtol=1e-11)


def test_the_branch_taken_opens():
    found = trace(lambda x: jax.lax.cond(x > 0, lambda v: jnp.sin(v) * v, lambda v: -v, x), 0.5)
    (row,) = found.rows
    assert (row.kind, row.expression) == ("branch", "branch 2 of 2(x)")
    inside = found.open(row)
    assert [r.expression for r in inside.rows] == ["sin(v)", "v_1.1 · v"]
    np.testing.assert_allclose(inside.rows[0].adjoint, 0.5, rtol=0)
    np.testing.assert_allclose(found.gradient[0], math.sin(0.5) + 0.5 * math.cos(0.5), rtol=1e-14)


def test_a_while_loop_is_gone_back_over_since_its_passes_are_known():
    """Newton's method for the square root: the derivative of the fourth iterate, by the same four steps written out."""

    def root(a):
        def improve(state):
            x, count = state
            return (x + a / x) / 2, count + 1

        return jax.lax.while_loop(lambda state: state[1] < 4, improve, (a, 0))[0] ** 2

    def written_out(a):
        x = a
        for _ in range(4):
            x = (x + a / x) / 2
        return x**2

    found = trace(root, 3.0)
    assert [row.expression for row in found.rows] == ["4 passes of improve(a, 0)", "v_1^2"]
    np.testing.assert_allclose(found.value, written_out(3.0), rtol=1e-15)
    np.testing.assert_allclose(found.gradient[0], jax.grad(written_out)(3.0), rtol=1e-13)
    passes = found.open("v_1")
    assert [row.kind for row in passes.rows] == ["pass"] * 4
    np.testing.assert_allclose(passes.rows[0].value, 2.0, rtol=0)
    np.testing.assert_allclose(passes.rows[1].value, 1.75, rtol=0)
    assert [row.expression for row in passes.open(passes.rows[1]).rows][-1].endswith("/ 2")


def test_a_function_compiled_as_a_whole_is_written_out():
    found, plain = trace(jax.jit(cost), 0.5, 2.0, 1.0), trace(cost, 0.5, 2.0, 1.0)
    assert str(found) == str(plain) and found.name == "cost"


def test_layers_fold_by_their_path():
    keys = jax.random.split(jax.random.key(0))
    model = nn.Sequential([nn.Linear(3, 4, key=keys[0]), nn.Sequential([jnp.tanh, nn.Linear(4, 2, key=keys[1])])])
    x = jax.random.normal(jax.random.key(1), (5, 3), dtype=jnp.float32)

    def mean(model, x):
        return jnp.mean(nn.probe(model, lambda path, layer, x, y: y)(x) ** 2)

    found = trace(mean, model, x)
    assert [(row.expression, row.kind) for row in found.rows] == [
        ("layers[0](x)", "layer"),
        ("layers[1](v_1)", "layer"),
        ("v_2^2", "operation"),
        ("sum(v_3)", "operation"),
        ("v_4 / 10", "operation"),
    ]
    inner = found.open("v_2")
    assert [row.expression for row in inner.rows] == ["tanh(v_1)", "layers[1].layers[1](v_2.1)"]
    assert len(inner.open("v_2.2").rows) == 2
    expected = jax.grad(mean)(model, x)
    assert jax.tree.structure(found.gradient[0]) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(found.gradient[0]), jax.tree.leaves(expected), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    assert [row.name for row in found.inputs][:2] == ["model.layers[0].weight", "model.layers[0].bias"]


def test_arrays_from_outside_have_their_names():
    data, target = jnp.asarray(normal(6, 2)), jnp.asarray(normal(6))
    found = trace(lambda w: jnp.sum((data @ w - target) ** 2), jnp.ones(2))
    assert [row.expression for row in found.rows] == ["data @ w", "v_1 - target", "v_2^2", "sum(v_3)"]
    assert set(found.constants) == {"data", "target"}
    np.testing.assert_array_equal(found.constants["data"], data)
    assert "data is 6×2 in [" in str(found)


@pytest.mark.parametrize(
    ("function", "arguments", "expressions"),
    [
        (lambda x: jnp.where(x > 0, x, 0.1 * x), (1.0,), ["x if x > 0 else 0.1 · x"]),
        (lambda x: 1 / (1 + jnp.exp(-x)), (1.0,), ["exp(-x)", "1 + v_1", "1 / v_2"]),
        (lambda x: -(x + 1) * 3, (1.0,), ["x + 1", "-3 · v_1"]),
        (lambda x: x - -2 * x, (1.0,), ["x + 2 · x"]),
        (lambda x: 2 * x * x + 2 * x, (1.0,), ["2 · x · x", "v_1 + 2 · x"]),
        (lambda *x: x[0] ** 2 * jnp.sqrt(x[1]), (1.0, 4.0), ["x[0]^2", "√x[1]", "v_1 · v_2"]),
        (lambda x: jnp.log1p(jnp.expm1(x)) / jnp.abs(x), (1.0,), ["exp(x) - 1", "log(1 + v_1)", "|x|", "v_2 / v_3"]),
        (lambda x: jax.nn.logsumexp(x), (np.arange(3.0),), None),
        (lambda x: x[1] * x[-1], (np.arange(3.0),), ["x[1] · x[2]"]),
        (lambda x, i: x[i], (np.arange(3.0), 1), ["x[i]"]),
        (lambda x: jnp.sum(x.T @ x), (np.ones((2, 3)),), ["xᵀ @ x", "sum(v_1)"]),
        (lambda x: jnp.clip(x, 0.0, 1.0), (0.5,), None),
        (lambda x: x, (0.5,), []),
        (lambda x: 3.0 + 0 * x, (0.5,), ["3 + 0 · x"]),
    ],
)
def test_expressions(function, arguments, expressions):
    found = trace(function, *arguments)
    if expressions is not None:
        assert [row.expression for row in found.rows] == expressions
    np.testing.assert_allclose(found.value, function(*arguments), rtol=1e-14)
    np.testing.assert_allclose(found.gradient[0], jax.grad(function)(*arguments), rtol=1e-13, atol=1e-16)


def test_a_derivative_that_cannot_be_found_is_shown_as_such():
    @jax.custom_vjp
    def own(x):
        return x**2

    own.defvjp(lambda x: (x**2, x), lambda x, g: (3 * x * g,))
    found = trace(lambda x: jnp.sin(own(x)), 1.5)
    assert [row.tangent for row in found.rows] == [None, None]
    np.testing.assert_allclose(found.gradient[0], math.cos(2.25) * 4.5, rtol=1e-14)
    assert "?" in str(found) and "jax.custom_vjp" in found.reasons[0]

    def halved(h, t):
        return jax.lax.while_loop(lambda v: v > 1, lambda v: v / 2, h * t), None

    found = trace(lambda x: jnp.sin(jax.lax.scan(halved, x, jnp.arange(1.0, 4.0))[0]), 1.5)
    assert found.gradient == (None,) and found.rows[-1].adjoint is not None
    assert "while" in found.reasons[0]
    np.testing.assert_allclose(found.tangent, math.cos(1.5 * 6 / 16) * 6 / 16, rtol=1e-14)
    with pytest.raises(DerivativeError, match="reverse mode"):
        found.open("v_1")
    # Behind the last step there is no other to go back over.
    last = found.open("v_1", -1)
    np.testing.assert_allclose(last.row("h").value, 0.75, rtol=0)
    np.testing.assert_allclose(last.row("h").adjoint, math.cos(1.5 * 6 / 16) * 3 / 4, rtol=1e-14)
    unknown = trace(lambda x: jax.lax.fori_loop(0, 2, lambda i, h: jnp.sin(h) * h, own(x)), 1.5)
    with pytest.raises(DerivativeError, match="cannot be opened"):
        unknown.open(unknown.rows[-1])


def test_a_real_function_of_a_complex_number_is_traced_as_jax_differentiates_it():
    def real_part(z):
        return jnp.real(jnp.exp(z) * z)

    found = trace(real_part, 0.5 + 1j)
    np.testing.assert_allclose(found.row("z").adjoint, jax.grad(real_part)(0.5 + 1j), rtol=1e-14)
    np.testing.assert_allclose(trace(lambda z: jnp.abs(z) ** 2, 3.0 + 1j).row("z").adjoint, 6 - 2j, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: trace(lambda x: x * 2, jnp.ones(3)), ["need a cotangent", "shape (3,)", "cotangent="]),
        (lambda: trace(lambda x: x * 2, 3), ["no argument", "int", "astype(float)"]),
        (lambda: trace(lambda x: x > 0, 3.0), ["has no derivative", "bool"]),
        (lambda: trace(lambda x: x * x, 3.0 + 1j), ["has no derivative", "a real number", "complex", "jnp.real"]),
        (lambda: trace(lambda x: x if x > 0 else -x, 3.0), ["decides in Python", "jax.lax.cond"]),
        (lambda: trace(lambda x: x**2, 3.0, tangents=(jnp.ones(2),)), ["tangent", "shape (2,)"]),
        (lambda: trace(lambda x: x**2, 3.0, cotangent=jnp.ones(2)), ["cotangent", "shape (2,)"]),
        (lambda: jax.jit(lambda y: trace(lambda x: x**2, y).value)(3.0), ["argument 0 has no value yet"]),
        (lambda: trace(lambda: 1.0), ["no argument", "no numbers at all"]),
    ],
)
def test_bad_input_is_refused_with_the_remedy(call, words):
    with pytest.raises(DerivativeError) as caught:
        call()
    for word in [*words, "to do:"]:
        assert word in str(caught.value)
    assert not any(word in str(caught.value).lower() for word in ("tracer", "pytree", "aval"))


def test_rows_are_asked_for_by_name():
    found = trace(cost, 1.0, 2.0, 3.0)
    with pytest.raises(ConfigurationError, match="unknown row 'v_7'"):
        found.row("v_7")
    with pytest.raises(ConfigurationError, match="one operation"):
        found.open("v_1")
    loop = trace(lambda x: jax.lax.fori_loop(0, 3, lambda i, h: jnp.sin(h) * h, x), 1.0)
    with pytest.raises(ConfigurationError, match="no such step"):
        loop.open(loop.rows[0], 3)


def test_what_is_no_array_is_passed_on():
    found = trace(
        lambda x, how, scale: how(x) * scale["by"] if scale["on"] else x, 0.5, jnp.sin, {"by": 2.0, "on": True}
    )
    np.testing.assert_allclose(found.gradient[0], 2 * math.cos(0.5), rtol=1e-15)
    assert found.gradient[1] is None and [row.name for row in found.inputs] == ["x", "scale.by"]
