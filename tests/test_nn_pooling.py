"""Pooling against PyTorch and JAX; first and second derivatives, ties, mapping."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pullback.autodiff.kernels.max_pool import max_pool
from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn.average_pool import AveragePool, average_pool
from pullback.nn.global_pool import GlobalAveragePool, GlobalMaxPool
from pullback.nn.max_pool import MaxPool
from pullback.testing.peers import peer

# Shape without batch and channels, then window, stride, padding.
CASES = {
    "halves": ((6, 8), (2, 2), None, 0),
    "remainder": ((7, 5), (2, 3), None, 0),
    "overlapping": ((7, 9), (3, 3), 2, 1),
    "uneven": ((6, 7), (3, 2), (1, 2), (1, 0)),
    "gaps": ((9, 8), (2, 2), 3, 0),
    "same_size": ((5, 5), (3, 3), 1, 1),
    "one_axis": ((11,), (3,), 2, 1),
    "one_axis_thirds": ((9,), (3,), None, 0),
    "three_axes": ((4, 6, 5), (2, 2, 2), None, 0),
    "three_axes_overlapping": ((4, 5, 6), (2, 3, 2), (2, 1, 1), (1, 1, 0)),
}


def case(name):
    sizes, window, stride, padding = CASES[name]
    return np.random.default_rng(0).normal(size=(2, *sizes, 3)), window, stride, padding


def value_and_pullback(layer, x, cotangent):
    value, pull = jax.vjp(layer, x)
    return value, pull(cotangent)[0]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["max", "average", "average_inside"])
def test_values_and_gradients_equal_pytorch(name, kind):
    torch = peer("torch")
    x, window, stride, padding = case(name)
    rank = len(window)
    functional = torch.nn.functional
    leaf = torch.tensor(x, requires_grad=True)
    moved = torch.movedim(leaf, -1, 1)
    if kind == "max":
        y = getattr(functional, f"max_pool{rank}d")(moved, window, stride, padding)
        layer = MaxPool(window, stride, padding)
    else:
        inside = kind == "average_inside"
        function = getattr(functional, f"avg_pool{rank}d")
        y = function(moved, window, stride, padding, count_include_pad=not inside)
        layer = AveragePool(window, stride, padding, count_padding=not inside)
    y = torch.movedim(y, 1, -1)
    cotangent = np.random.default_rng(1).normal(size=y.shape)
    y.backward(torch.tensor(cotangent))
    with jax.enable_x64(True):
        value, gradient = jax.jit(value_and_pullback, static_argnums=0)(layer, jnp.asarray(x), jnp.asarray(cotangent))
        np.testing.assert_allclose(value, y.detach().numpy(), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["halves", "remainder", "overlapping", "one_axis"])
def test_ties_go_to_the_first_position_as_in_pytorch(name):
    torch = peer("torch")
    sizes, window, stride, padding = CASES[name]
    x = np.random.default_rng(0).integers(0, 2, size=(3, *sizes, 2)).astype(np.float32)
    leaf = torch.tensor(x, requires_grad=True)
    pool = getattr(torch.nn.functional, f"max_pool{len(window)}d")
    y = torch.movedim(pool(torch.movedim(leaf, -1, 1), window, stride, padding), 1, -1)
    cotangent = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    y.backward(torch.tensor(cotangent))
    layer = MaxPool(window, stride, padding)
    _, gradient = jax.jit(value_and_pullback, static_argnums=0)(layer, jnp.asarray(x), jnp.asarray(cotangent))
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-6, atol=1e-7)


def window_maximum(x, window, stride, padding):
    """The same by JAX's own operation."""
    stride = window if stride is None else (stride,) * len(window) if isinstance(stride, int) else stride
    padding = (padding,) * len(window) if isinstance(padding, int) else padding
    pads = ((0, 0), *((width, width) for width in padding), (0, 0))
    start = np.asarray(-np.inf, x.dtype)
    return lax.reduce_window(x, start, lax.max, (1, *window, 1), (1, *stride, 1), pads)


@pytest.mark.parametrize("name", CASES)
def test_values_equal_those_of_jax(name):
    x, window, stride, padding = case(name)
    x = jnp.asarray(x, jnp.float32)
    np.testing.assert_array_equal(
        jax.jit(MaxPool(window, stride, padding))(x), window_maximum(x, window, stride, padding)
    )


@pytest.mark.parametrize("name", ["halves", "overlapping"])
def test_second_derivatives_in_every_mode(name):
    """Hessian of the sum of cubes of the maxima: 6 y for each window at the place of its maximum, nothing beside."""
    sizes, window, stride, padding = CASES[name]
    x = np.random.default_rng(0).normal(size=(1, *sizes, 1))
    with jax.enable_x64(True):
        x = jnp.asarray(x)
        layer = MaxPool(window, stride, padding)
        energy = lambda x: jnp.sum(layer(x) ** 3)  # noqa: E731
        maxima = jax.jit(layer)(x).ravel()
        places = jnp.argmax(maxima[:, None] == x.ravel()[None, :], axis=1)
        expected = np.zeros((x.size, x.size))
        np.add.at(expected, (places, places), 6 * np.asarray(maxima))
        for hessian in (jax.jacfwd(jax.jacrev(energy)), jax.jacrev(jax.jacrev(energy)), jax.jacfwd(jax.jacfwd(energy))):
            np.testing.assert_allclose(jax.jit(hessian)(x).reshape(x.size, x.size), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["remainder", "overlapping", "three_axes"])
def test_gradient_equals_central_differences(name):
    x, window, stride, padding = case(name)
    direction = np.random.default_rng(2).normal(size=x.shape)
    with jax.enable_x64(True):
        energy = lambda x: jnp.sum(jnp.sin(MaxPool(window, stride, padding)(x)))  # noqa: E731
        step = 1e-6
        expected = (energy(jnp.asarray(x + step * direction)) - energy(jnp.asarray(x - step * direction))) / (2 * step)
        np.testing.assert_allclose(jnp.sum(jax.grad(energy)(jnp.asarray(x)) * direction), expected, rtol=1e-7)
        forward = jax.jvp(energy, (jnp.asarray(x),), (jnp.asarray(direction),))[1]
        np.testing.assert_allclose(forward, expected, rtol=1e-7)


@pytest.mark.parametrize("axis", [0, 2, -1])
def test_mapping_equals_a_loop(axis):
    random = np.random.default_rng(0)
    images = random.normal(size=np.insert((6, 7, 2), axis % 4, 3)).astype(np.float32)
    energy = lambda x: jnp.sum(jnp.sin(max_pool(x, (2, 2))) + 0.5 * max_pool(x, (2, 2)) ** 2)  # noqa: E731
    gradients = jax.jit(jax.vmap(jax.grad(energy), in_axes=axis))(jnp.asarray(images))
    for row, image in zip(gradients, np.moveaxis(images, axis, 0), strict=True):
        np.testing.assert_allclose(row, jax.grad(energy)(jnp.asarray(image)), rtol=1e-6)
    tangents = jax.vmap(lambda t: jax.jvp(energy, (jnp.asarray(image),), (t,))[1])(jnp.ones((4, *image.shape)))
    np.testing.assert_allclose(tangents, jnp.full(4, jnp.sum(jax.grad(energy)(jnp.asarray(image)))), rtol=1e-4)


def test_inside_scan_and_rematerialization():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 4, 2)), jnp.float32)
    body = jax.checkpoint(lambda carry, image: (carry + jnp.sum(max_pool(image, (2, 2)) ** 2), None))
    scanned = lambda x: lax.scan(body, jnp.float32(0.0), x)[0]  # noqa: E731
    np.testing.assert_allclose(
        jax.grad(scanned)(x), jax.grad(lambda x: jnp.sum(max_pool(x, (2, 2)) ** 2))(x), rtol=1e-6
    )


def test_a_nan_is_not_hidden():
    x = jnp.array([1.0, jnp.nan, 2.0, 3.0])[:, None]
    np.testing.assert_array_equal(max_pool(x, (2,))[:, 0], jnp.array([jnp.nan, 3.0]))


def test_average_of_a_constant_is_the_constant():
    x = jnp.full((1, 7, 5, 2), 3.0)
    np.testing.assert_allclose(average_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)), count_padding=False), 3.0, rtol=1e-6)


@pytest.mark.parametrize("sizes", [(5,), (4, 3), (2, 3, 4)])
def test_global_pooling_equals_numpy(sizes):
    x = np.random.default_rng(0).normal(size=(2, 3, *sizes, 4)).astype(np.float32)
    axes = tuple(range(2, 2 + len(sizes)))
    np.testing.assert_allclose(GlobalAveragePool(len(sizes))(jnp.asarray(x)), x.mean(axis=axes), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(GlobalMaxPool(len(sizes))(jnp.asarray(x)), x.max(axis=axes))


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_any_number_of_leading_axes(leading):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(*leading, 4, 6, 2)), jnp.float32)
    for layer in (MaxPool((2, 2)), AveragePool((3, 3), 1, 1)):
        flat = layer(x.reshape(-1, 4, 6, 2))
        np.testing.assert_array_equal(layer(x).reshape(flat.shape), flat)


def test_errors_name_what_is_wrong():
    with pytest.raises(ShapeError, match="expected: .*height, width, channels"):
        MaxPool((2, 2))(jnp.zeros((4, 4)))
    with pytest.raises(ShapeError, match="larger than its padded input"):
        AveragePool((3, 3))(jnp.zeros((1, 2, 5, 1)))
    with pytest.raises(ShapeError, match="cannot take int32"):
        MaxPool((2,))(jnp.zeros((4, 1), jnp.int32))
    with pytest.raises(ConfigurationError, match="more than half the window"):
        MaxPool((2, 2), padding=2)
    with pytest.raises(ConfigurationError, match="stride has 3 entries for 2 spatial axes"):
        AveragePool((2, 2), stride=(1, 1, 1))
    with pytest.raises(ShapeError, match="depth, height, width"):
        GlobalAveragePool(3)(jnp.zeros((2, 3, 4)))
