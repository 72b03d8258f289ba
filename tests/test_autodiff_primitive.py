"""Primitives of our own under every transformation of JAX, against closed forms."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.autodiff.primitive import Rule, define, implementation, inner_jaxpr

# x -> a x^2 by its tangent, built of a product that is linear in its first operand and depends on its second.
scale_p = define(
    Rule(
        "test_scale",
        lambda v, r, *, factor: factor * v * r,
        transposes={0: lambda y, _, r, *, factor: scale_p.bind(y, r, factor=factor)},
        leading=(0, 1),
    )
)
square_p = define(
    Rule(
        "test_square",
        lambda x, *, factor: factor * x * x,
        tangent=lambda outputs, operands, tangents, *, factor: (
            scale_p.bind(tangents[0], operands[0], factor=2 * factor),
        ),
        leading=(0,),
    )
)
# A matrix product, linear in both operands, without a batching rule of its own.
product_p = define(
    Rule(
        "test_product",
        lambda a, b: a @ b,
        transposes={
            0: lambda y, a, b: product_p.bind(y, b.T),
            1: lambda y, a, b: product_p.bind(a.T, y),
        },
    )
)
# Two results, of which one is an integer without a tangent.
top_p = define(
    Rule(
        "test_top",
        lambda x: (jnp.max(x, axis=-1), jnp.argmax(x, axis=-1)),
        tangent=lambda outputs, operands, tangents: (
            jnp.take_along_axis(tangents[0], outputs[1][..., None], axis=-1)[..., 0],
            None,
        ),
        leading=(0,),
        multiple_results=True,
    )
)


def cubic(x):
    """3 x^2 * x = 3 x^3 elementwise, through two primitives."""
    return scale_p.bind(x, square_p.bind(x, factor=3.0), factor=1.0)


X = jnp.array([0.5, -1.5, 2.0])


def test_derivatives_of_every_order_and_mode():
    one = X[1]
    np.testing.assert_allclose(jax.grad(cubic)(one), 9 * one**2, rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(cubic, (one,), (jnp.float32(2.0),))[1], 18 * one**2, rtol=1e-6)
    for outer in (jax.jacfwd, jax.jacrev):
        for inner in (jax.jacfwd, jax.jacrev):
            np.testing.assert_allclose(
                jax.jit(outer(inner(cubic)))(X),
                jnp.zeros((3, 3, 3)).at[jnp.arange(3), jnp.arange(3), jnp.arange(3)].set(18 * X),
                rtol=1e-6,
            )
    np.testing.assert_allclose(jax.jit(jax.grad(jax.grad(jax.grad(cubic))))(one), 18.0, rtol=1e-6)


@pytest.mark.parametrize("transform", [jax.jit, jax.checkpoint, lambda f: jax.jit(jax.checkpoint(f))])
def test_under_compilation_and_rematerialization(transform):
    np.testing.assert_allclose(jax.grad(lambda x: jnp.sum(transform(cubic)(x)))(X), 9 * X**2, rtol=1e-6)


def test_inside_scan():
    def total(x):
        return jax.lax.scan(lambda carry, _: (carry + jnp.sum(cubic(x)), None), jnp.float32(0.0), None, length=4)[0]

    np.testing.assert_allclose(jax.grad(total)(X), 4 * 9 * X**2, rtol=1e-6)
    np.testing.assert_allclose(jax.hessian(total)(X), jnp.diag(4 * 18 * X), rtol=1e-6)


def test_without_compilation():
    with jax.disable_jit():
        np.testing.assert_allclose(jax.grad(cubic)(X[0]), 9 * X[0] ** 2, rtol=1e-6)


def test_double_precision():
    with jax.enable_x64(True):
        x = jnp.asarray(1.0 / 3.0, jnp.float64)
        assert cubic(x).dtype == jnp.float64
        np.testing.assert_allclose(jax.grad(cubic)(x), 1.0, rtol=1e-15)
    assert cubic(jnp.float32(1.0)).dtype == jnp.float32


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (1, 0), (2, 1)])
def test_mapping_a_bilinear_operation(axes):
    random = np.random.default_rng(0)
    arrays = []
    for shape, axis in zip([(2, 3), (3, 4)], axes, strict=True):
        full = shape if axis is None else tuple(np.insert(shape, axis, 5))
        arrays.append(jnp.asarray(random.normal(size=full), jnp.float32))

    def with_gradients(operation):
        energy = lambda a, b: jnp.sum(jnp.sin(operation(a, b)))  # noqa: E731
        return lambda a, b: (operation(a, b), jax.grad(energy, argnums=(0, 1))(a, b))

    ours = jax.vmap(with_gradients(product_p.bind), in_axes=axes)(*arrays)
    theirs = jax.vmap(with_gradients(jnp.matmul), in_axes=axes)(*arrays)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), ours, theirs)


def test_mapped_gradient_and_gradient_of_the_mapped():
    np.testing.assert_allclose(jax.vmap(jax.grad(cubic))(X), 9 * X**2, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(lambda x: jnp.sum(jax.vmap(cubic)(x)))(X), 9 * X**2, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(jax.vmap(jax.grad(cubic)))(X[None, :]), 9 * X[None] ** 2, rtol=1e-6)


def test_derivative_in_a_residual():
    """The second operand carries no transpose; its derivative comes from the implementation."""
    derivative = jax.grad(lambda r: scale_p.bind(jnp.float32(3.0), r, factor=2.0))(jnp.float32(5.0))
    np.testing.assert_allclose(derivative, 6.0)


def test_several_results_one_without_a_tangent():
    x = jnp.array([[1.0, 4.0, 2.0], [5.0, 3.0, 0.0]])
    largest, index = top_p.bind(x)
    assert largest.tolist() == [4.0, 5.0] and index.tolist() == [1, 0]
    gradient = jax.grad(lambda x: jnp.sum(top_p.bind(x)[0] ** 2))(x)
    np.testing.assert_array_equal(gradient, jnp.array([[0.0, 8.0, 0.0], [10.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(jax.vmap(lambda row: top_p.bind(row)[0], in_axes=1)(x.T), largest)


def test_the_trace_shows_name_and_settings():
    jaxpr = jax.make_jaxpr(lambda x: square_p.bind(x, factor=3.0))(X)
    (equation,) = jaxpr.eqns
    assert equation.primitive.name == "test_square"
    assert equation.params == {"factor": 3.0}
    assert implementation(equation.primitive)(2.0, factor=3.0) == 12.0
    assert {inner.primitive.name for inner in inner_jaxpr(equation).eqns} == {"mul"}
    other = jax.make_jaxpr(jnp.sin)(X).eqns[0]
    assert implementation(other.primitive) is None and inner_jaxpr(other) is None


def test_an_operand_that_does_not_move_costs_nothing():
    jaxpr = jax.make_jaxpr(jax.grad(lambda b: jnp.sum(product_p.bind(jnp.ones((2, 3)), b))))(jnp.ones((3, 4)))
    assert sum(equation.primitive.name == "test_product" for equation in jaxpr.eqns) <= 2


def test_gradients_over_several_devices_add_up():
    """In a process with two devices: one kernel shared, the batch split, the cotangent of the kernel summed."""
    program = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import PartitionSpec
from pullback.autodiff.kernels.convolve import convolve
from pullback.autodiff.kernels.max_pool import max_pool
from pullback.nn.normalize import normalize
settings = dict(stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1))
x = jax.random.normal(jax.random.key(0), (4, 6, 6, 2))
kernel = jax.random.normal(jax.random.key(1), (3, 3, 2, 3))
energy = lambda kernel, x: jnp.sum(normalize(max_pool(convolve(x, kernel, **settings), (2, 2)), (-1,))[0] ** 3)
mesh = jax.make_mesh((2,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
rows, whole = PartitionSpec("rows"), PartitionSpec()
split = jax.jit(jax.shard_map(jax.grad(energy), mesh=mesh, in_specs=(whole, rows), out_specs=whole))
np.testing.assert_allclose(split(kernel, x), jax.grad(energy)(kernel, x), rtol=1e-4, atol=1e-4)
"""
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=300)
