"""The public functions of `autodiff` against those of JAX: values, containers, and what they refuse."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback import autodiff
from pullback.core.errors import DerivativeError

RANDOM = np.random.default_rng(3)
PARAMS = {"weight": RANDOM.normal(size=(3, 2)), "bias": [RANDOM.normal(size=2)]}
X = RANDOM.normal(size=(4, 3))


def model(params, x):
    return {"y": jnp.tanh(x @ params["weight"] + params["bias"][0]), "size": (jnp.sum(params["weight"] ** 3),)}


def cost(params, x):
    found = model(params, x)
    return jnp.mean(found["y"] ** 2) + found["size"][0]


def assert_same(found, expected, tolerance=1e-12):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("argnums", [0, 1, -1, (0, 1), (1,)])
def test_gradients_of_containers(argnums):
    assert_same(autodiff.grad(cost, argnums)(PARAMS, X), jax.grad(cost, argnums)(PARAMS, X))
    assert_same(autodiff.value_and_grad(cost, argnums)(PARAMS, X), jax.value_and_grad(cost, argnums)(PARAMS, X))


@pytest.mark.parametrize("argnums", [0, 1, (0, 1)])
@pytest.mark.parametrize(("mode", "peer"), [("forward", jax.jacfwd), ("reverse", jax.jacrev)])
def test_jacobians_of_containers(mode, peer, argnums):
    assert_same(autodiff.jacobian(model, argnums, mode)(PARAMS, X), peer(model, argnums)(PARAMS, X))


@pytest.mark.parametrize("argnums", [0, (0, 1)])
def test_hessians_of_containers(argnums):
    ours, theirs = (jax.jit(mode.hessian(cost, argnums))(PARAMS, X) for mode in (autodiff, jax))
    assert_same(ours, theirs)


def test_auxiliary_data_of_any_kind_comes_back_untouched():
    f = lambda p: (cost(p, X), {"seen": jnp.arange(3), "norm": jnp.sum(p["weight"])})  # noqa: E731
    assert_same(autodiff.value_and_grad(f, has_aux=True)(PARAMS), jax.value_and_grad(f, has_aux=True)(PARAMS))
    assert_same(autodiff.grad(f, has_aux=True)(PARAMS), jax.grad(f, has_aux=True)(PARAMS))
    ours = autodiff.vjp(f, PARAMS, has_aux=True)
    assert_same(ours[2], f(PARAMS)[1])
    moved = autodiff.jvp(f, (PARAMS,), (PARAMS,), has_aux=True)
    assert_same(moved, jax.jvp(f, (PARAMS,), (PARAMS,), has_aux=True))
    value, _, aux = autodiff.linearize(f, PARAMS, has_aux=True)
    assert_same((value, aux), f(PARAMS))


def test_a_linear_part_serves_many_directions():
    value, derivative = autodiff.linearize(lambda p: model(p, X), PARAMS)
    expected, theirs = jax.linearize(lambda p: model(p, X), PARAMS)
    assert_same(value, expected)
    for scale in (1.0, -2.0):
        direction = jax.tree.map(lambda a, s=scale: jnp.asarray(a * s), PARAMS)
        assert_same(derivative(direction), theirs(direction))


def test_a_way_back_can_be_gone_twice_and_mapped():
    value, pull = autodiff.vjp(lambda p: model(p, X), PARAMS)
    _, theirs = jax.vjp(lambda p: model(p, X), PARAMS)
    assert_same(pull(value), theirs(value))
    assert_same(pull(value), theirs(value))
    stack = jax.tree.map(lambda a: jnp.stack([a, 2 * a]), value)
    assert_same(jax.vmap(pull)(stack), jax.vmap(theirs)(stack))


def test_products_with_second_derivatives():
    f = lambda p: cost(p, X)  # noqa: E731
    direction = jax.tree.map(jnp.cos, PARAMS)
    assert_same(autodiff.hvp(f, PARAMS, direction), jax.jvp(jax.grad(f), (PARAMS,), (direction,))[1])
    of_params, of_outputs = (lambda p: model(p, X)["y"]), (lambda y: jnp.sum(jnp.cosh(y)))
    found = autodiff.gauss_newton_product(of_params, of_outputs, PARAMS, direction)
    outputs, push = jax.linearize(of_params, PARAMS)
    _, pull = jax.vjp(of_params, PARAMS)
    assert_same(found, pull(jax.jvp(jax.grad(of_outputs), (outputs,), (push(direction),))[1])[0])


def test_gradients_of_each_example():
    loss = lambda params, x, y: jnp.sum((model(params, x)["y"] - y) ** 2)  # noqa: E731
    y = RANDOM.normal(size=(4, 2))
    found = autodiff.per_example_gradients(loss)(PARAMS, X, y)
    rows = [jax.grad(loss)(PARAMS, X[n], y[n]) for n in range(4)]
    assert_same(found, jax.tree.map(lambda *values: jnp.stack(values), *rows))


def test_derivatives_of_a_scalar_function_of_the_book():
    """Example of the evaluation trace: value, gradient and Hessian to all printed digits."""
    f = lambda t: jnp.sin(t[0] * t[1]) + jnp.exp(t[1] + t[2]) - 2 * t[2]  # noqa: E731
    t = jnp.array([np.pi / 6, 2.0, 5.0])
    value, gradient = autodiff.value_and_grad(f)(t)
    assert f"{value:.12f}" == "1087.499183832243"
    np.testing.assert_allclose(gradient, [1, 1096.8949578162576, 1094.6331584284585], rtol=1e-15)
    expected = [[-3.4641016, -0.4068997, 0], [-0.4068997, 1096.3957326, 1096.6331584], [0, 1096.6331584, 1096.6331584]]
    np.testing.assert_allclose(autodiff.hessian(f)(t), expected, atol=5.1e-8, rtol=0)


def test_ours_and_those_of_jax_nest_in_each_other_and_compile():
    f = lambda x: jnp.sum(jnp.sin(x) * x)  # noqa: E731
    expected = jax.grad(lambda x: jnp.sum(jax.grad(f)(x)))(X)
    for outer, inner in ((autodiff.grad, jax.grad), (jax.grad, autodiff.grad), (autodiff.grad, autodiff.grad)):
        nested = lambda x, inner=inner: jnp.sum(inner(f)(x))  # noqa: E731
        assert_same(jax.jit(outer(nested))(X), expected)


def test_a_function_that_branches_in_python_on_known_values():
    f = lambda x: x**2 if x > 0 else -x  # noqa: E731
    assert [float(autodiff.grad(f)(x)) for x in (3.0, -3.0)] == [6.0, -1.0]
    assert float(autodiff.jvp(f, (3.0,), (1.0,))[1]) == 6.0
    assert float(autodiff.vjp(f, 3.0)[1](1.0)[0]) == 6.0
    with pytest.raises(DerivativeError, match="lax.cond"):
        jax.jit(autodiff.grad(f))(3.0)


def test_integers_have_a_gradient_without_values_where_allowed():
    gradient = autodiff.grad(lambda x, n: x**n, argnums=(0, 1), allow_int=True)(2.0, 3)
    assert float(gradient[0]) == 12.0 and gradient[1].dtype == jax.dtypes.float0


def test_complex_variables_of_holomorphic_functions():
    f = lambda z: jnp.sin(z) * z**2  # noqa: E731
    z = jnp.asarray(0.3 + 0.7j)
    assert_same(autodiff.grad(f, holomorphic=True)(z), jax.grad(f, holomorphic=True)(z))
    assert_same(autodiff.jacobian(f, holomorphic=True)(z), jax.jacrev(f, holomorphic=True)(z))


def test_a_real_function_of_complex_variables_has_the_gradient_that_jax_gives():
    f = lambda z: jnp.abs(z) ** 2 + jnp.real(jnp.sin(z))  # noqa: E731
    z = jnp.asarray(0.3 + 0.7j)
    assert_same(autodiff.grad(f)(z), jax.grad(f)(z))


REFUSED = {
    "an integer": (lambda: autodiff.grad(jnp.sin)(3), ["argument 0", "int", "convert"]),
    "integers in a container": (lambda: autodiff.grad(lambda p: 0.0)({"a": np.arange(3)}), ["argument 0 at a", "int"]),
    "a string": (lambda: autodiff.grad(lambda s: 0.0)("s"), ["argument 0", "str"]),
    "no scalar": (lambda: autodiff.grad(jnp.sin)(jnp.ones(3)), ["one number", "(3,)", "jnp.sum"]),
    "two results": (lambda: autodiff.grad(lambda x: (x, x))(1.0), ["one number", "array of shape (), array"]),
    "an integer result": (lambda: autodiff.grad(lambda x: jnp.int32(x))(1.0), ["int32", "real number"]),
    "complex": (lambda: autodiff.grad(jnp.sin)(1j), ["real number", "complex", "holomorphic=True"]),
    "complex, forward": (lambda: autodiff.jacobian(jnp.sin, mode="forward")(1j), ["argument 0", "holomorphic=True"]),
    "a complex result": (lambda: autodiff.grad(lambda x: x * 1j)(1.0), ["complex128", "jnp.real"]),
    "real though holomorphic": (lambda: autodiff.grad(jnp.sin, holomorphic=True)(1.0), ["not complex", "float"]),
    "no such argument": (lambda: autodiff.grad(jnp.sin, argnums=2)(1.0), ["argnums", "1 positional", "2"]),
    "no auxiliary data": (lambda: autodiff.grad(jnp.sin, has_aux=True)(1.0), ["has_aux=True", "pair"]),
    "tangent shape": (lambda: autodiff.jvp(jnp.sin, (1.0,), (jnp.ones(2),)), ["tangent", "()", "(2,)"]),
    "tangent type": (lambda: autodiff.jvp(jnp.sin, (X,), (X.astype("f4"),)), ["tangent", "float64", "float32"]),
    "tangent containers": (lambda: autodiff.jvp(sum, ([1.0, 2.0],), ([1.0],)), ["tangent", "arguments"]),
    "tangent count": (lambda: autodiff.jvp(jnp.add, (1.0, 2.0), (1.0,)), ["tuple of 2", "tuple of 1"]),
    "no tuples": (lambda: autodiff.jvp(jnp.sin, 1.0, 1.0), ["jvp(f, (x, y), (dx, dy))"]),
    "cotangent shape": (lambda: autodiff.vjp(jnp.sin, X)[1](jnp.ones(2)), ["cotangent", "(4, 3)", "(2,)"]),
    "mode": (lambda: autodiff.jacobian(jnp.sin, mode="sideways"), ["'forward' or 'reverse'", "sideways"]),
    "an integer Jacobian": (lambda: autodiff.jacobian(jnp.argmax)(X), ["int", "has_aux"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_named_with_its_remedy(name):
    call, words = REFUSED[name]
    with pytest.raises(DerivativeError) as caught:
        call()
    text = str(caught.value)
    assert all(word in text for word in words), text
    assert not any(word in text.lower() for word in ("tracer", "pytree", "aval")), text
