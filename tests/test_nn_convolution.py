"""Convolution against PyTorch, SciPy, and JAX's own operation; its derivatives of every order."""

from __future__ import annotations

import itertools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from jax import lax

from pullback.autodiff.kernels.convolve import convolve, direct, rewritten
from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn.convolution import Conv1d, Conv2d, Conv3d, convolution
from pullback.testing.peers import peer

# Every form that a CPU chooses from: name, input shape, kernel shape, settings.
CASES = {
    "plain": ((2, 7, 6, 3), (3, 3, 3, 4), dict(padding=((1, 1), (1, 1)))),
    "no_padding": ((2, 6, 5, 2), (3, 2, 2, 3), dict()),
    "strided": ((2, 8, 7, 3), (3, 3, 3, 4), dict(stride=(2, 3), padding=((1, 1), (1, 1)))),
    "dilated": ((2, 9, 8, 2), (3, 2, 2, 3), dict(dilation=(2, 3), padding=((2, 2), (1, 2)))),
    "uneven_padding": ((2, 5, 5, 2), (2, 4, 2, 3), dict(padding=((0, 1), (2, 1)))),
    "pointwise": ((2, 5, 6, 4), (1, 1, 4, 3), dict()),
    "pointwise_strided": ((2, 5, 6, 4), (1, 1, 4, 3), dict(stride=(2, 2))),
    "pointwise_padded": ((2, 4, 4, 3), (1, 1, 3, 2), dict(padding=((1, 1), (0, 1)))),
    "depthwise": ((2, 6, 6, 4), (3, 3, 1, 4), dict(padding=((1, 1), (1, 1)), groups=4)),
    "depthwise_multiplied": ((2, 6, 7, 3), (3, 3, 1, 6), dict(stride=(2, 1), padding=((1, 1), (0, 2)), groups=3)),
    "depthwise_dilated": ((2, 8, 8, 2), (3, 3, 1, 2), dict(dilation=(2, 2), groups=2)),
    "groups": ((2, 5, 5, 6), (3, 3, 2, 9), dict(padding=((1, 1), (1, 1)), groups=3)),
    "wide_groups": ((1, 4, 4, 32), (3, 3, 16, 4), dict(padding=((1, 1), (1, 1)), groups=2)),
    "many_groups": ((1, 4, 4, 24), (2, 2, 2, 12), dict(stride=(2, 2), groups=12)),
    "more_groups_than_convolutions": ((1, 3, 4, 80), (2, 2, 2, 40), dict(padding=((1, 0), (0, 0)), groups=40)),
    "one_axis": ((3, 11, 2), (4, 2, 3), dict(stride=(2,), padding=((3, 0),), dilation=(2,))),
    "one_axis_depthwise": ((3, 9, 4), (3, 1, 4), dict(padding=((2, 0),), groups=4)),
    "three_axes": ((2, 5, 4, 6, 2), (3, 2, 3, 2, 3), dict(padding=((1, 1), (0, 1), (2, 0)))),
    "three_axes_strided": ((1, 6, 5, 6, 4), (2, 3, 1, 2, 4), dict(stride=(2, 1, 2), dilation=(2, 1, 1), groups=2)),
}


def case(name):
    input_shape, kernel_shape, chosen = CASES[name]
    rank = len(kernel_shape) - 2
    settings = dict(stride=(1,) * rank, padding=((0, 0),) * rank, dilation=(1,) * rank, groups=1) | chosen
    random = np.random.default_rng(0)
    return random.normal(size=input_shape), random.normal(size=kernel_shape), settings


def torch_convolution(torch, x, kernel, settings):
    """Channels-last convolution by PyTorch, padding by hand since there it is symmetric."""
    rank = len(settings["stride"])
    function = [torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d][rank - 1]
    widths = [width for pair in reversed(settings["padding"]) for width in pair]
    x = torch.nn.functional.pad(torch.movedim(x, -1, 1), widths)
    kernel = torch.movedim(kernel, (-1, -2), (0, 1))
    y = function(x, kernel, None, settings["stride"], 0, settings["dilation"], settings["groups"])
    return torch.movedim(y, 1, -1)


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_pytorch(name):
    torch = peer("torch")
    x, kernel, settings = case(name)
    x_peer, kernel_peer = torch.tensor(x, requires_grad=True), torch.tensor(kernel, requires_grad=True)
    y_peer = torch_convolution(torch, x_peer, kernel_peer, settings)
    cotangent = np.random.default_rng(1).normal(size=y_peer.shape)
    y_peer.backward(torch.tensor(cotangent))
    with jax.enable_x64(True):

        @jax.jit
        def value_and_pullback(x, kernel, cotangent):
            y, pull = jax.vjp(lambda x, kernel: convolve(x, kernel, **settings), x, kernel)
            return y, *pull(cotangent)

        y, x_bar, kernel_bar = value_and_pullback(*map(jnp.asarray, (x, kernel, cotangent)))
        np.testing.assert_allclose(y, y_peer.detach().numpy(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(x_bar, x_peer.grad.numpy(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(kernel_bar, kernel_peer.grad.numpy(), rtol=1e-12, atol=1e-12)


def lax_convolution(x, kernel, settings):
    rank = len(settings["stride"])
    axes = "DHW"[3 - rank :]
    return lax.conv_general_dilated(
        x,
        kernel,
        settings["stride"],
        settings["padding"],
        rhs_dilation=settings["dilation"],
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=settings["groups"],
    )


@pytest.mark.parametrize("name", CASES)
def test_every_form_equals_one_convolution_of_jax(name):
    x, kernel, settings = case(name)
    with jax.enable_x64(True):
        x, kernel = jnp.asarray(x), jnp.asarray(kernel)

        @jax.jit
        def forms(x, kernel):
            return rewritten(x, kernel, **settings), direct(x, kernel, **settings), lax_convolution(x, kernel, settings)

        *ours, expected = forms(x, kernel)
        for form in ours:
            np.testing.assert_allclose(form, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name, second", [("strided", jax.jacrev), ("strided", jax.jacfwd), ("groups", jax.jacfwd)])
def test_second_derivatives_equal_those_of_jax(name, second):
    x, kernel, settings = case(name)
    direction = np.random.default_rng(2).normal(size=kernel.shape)

    def hessian_product(operation, x, kernel):
        """Derivative along a line in the kernel of the gradient in the image, of a function that is not quadratic."""

        def energy(x, kernel):
            return jnp.sum(jnp.tanh(operation(x, kernel, settings)))

        def along(t):
            return jax.grad(energy, argnums=(0, 1))(x, kernel + t * direction)

        return jax.jit(second(along))(jnp.zeros(()))

    with jax.enable_x64(True):
        x, kernel = jnp.asarray(x), jnp.asarray(kernel)
        ours = hessian_product(lambda x, kernel, settings: convolve(x, kernel, **settings), x, kernel)
        theirs = hessian_product(lax_convolution, x, kernel)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10), ours, theirs)


@pytest.mark.parametrize("name", ["strided", "groups"])
def test_gradient_equals_central_differences(name):
    x, kernel, settings = case(name)
    random = np.random.default_rng(3)
    x_dot, kernel_dot = random.normal(size=x.shape), random.normal(size=kernel.shape)
    with jax.enable_x64(True):
        value = jax.jit(
            lambda t: jnp.sum(
                jnp.sin(convolve(jnp.asarray(x + t * x_dot), jnp.asarray(kernel + t * kernel_dot), **settings))
            )
        )
        step = 1e-5
        expected = (value(step) - value(-step)) / (2 * step)

        def energy(x, kernel):
            return jnp.sum(jnp.sin(convolve(x, kernel, **settings)))

        x_bar, kernel_bar = jax.grad(energy, argnums=(0, 1))(jnp.asarray(x), jnp.asarray(kernel))
        forward = jax.jvp(energy, (jnp.asarray(x), jnp.asarray(kernel)), (jnp.asarray(x_dot), jnp.asarray(kernel_dot)))
        reverse = jnp.sum(x_bar * x_dot) + jnp.sum(kernel_bar * kernel_dot)
        np.testing.assert_allclose([reverse, forward[1]], [expected, expected], rtol=1e-7)


@pytest.mark.parametrize("name", ["strided", "groups"])
@pytest.mark.parametrize("mapped", [(0, None), (None, 0), (1, -1)])
def test_mapping_equals_a_loop(name, mapped):
    x, kernel, settings = case(name)
    random = np.random.default_rng(4)
    size = 3
    shapes = [x.shape, kernel.shape]
    arrays = [
        random.normal(size=shape if axis is None else np.insert(shape, axis % (len(shape) + 1), size))
        for shape, axis in zip(shapes, mapped, strict=True)
    ]

    def gradients(x, kernel):
        def energy(x, kernel):
            return jnp.sum(jnp.sin(convolve(x, kernel, **settings)))

        return (convolve(x, kernel, **settings), *jax.grad(energy, argnums=(0, 1))(x, kernel))

    with jax.enable_x64(True):
        operands = [jnp.asarray(array) for array in arrays]
        together = jax.jit(jax.vmap(gradients, in_axes=mapped))(*operands)
        one = jax.jit(gradients)

        def pick(position):
            return [
                array if axis is None else jnp.take(array, position, axis)
                for array, axis in zip(operands, mapped, strict=True)
            ]

        rows = [one(*pick(position)) for position in range(size)]
        for part, row_parts in zip(together, zip(*rows, strict=True), strict=True):
            np.testing.assert_allclose(part, jnp.stack(row_parts), rtol=1e-11, atol=1e-11)


def test_gradient_of_a_mapped_loss_equals_the_sum_of_gradients():
    x, kernel, settings = case("groups")
    kernels = np.random.default_rng(5).normal(size=(3, *kernel.shape))
    with jax.enable_x64(True):

        def one(x, kernel):
            return jnp.sum(jnp.sin(convolve(x, kernel, **settings)))

        def total(x, kernels):
            return jnp.sum(jax.vmap(one, in_axes=(None, 0))(x, kernels))

        x_bar, kernels_bar = jax.grad(total, argnums=(0, 1))(jnp.asarray(x), jnp.asarray(kernels))
        each = [jax.grad(one, argnums=(0, 1))(jnp.asarray(x), jnp.asarray(kernel)) for kernel in kernels]
        np.testing.assert_allclose(x_bar, sum(pair[0] for pair in each), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(kernels_bar, jnp.stack([pair[1] for pair in each]), rtol=1e-10, atol=1e-10)


def test_inside_scan_and_rematerialization():
    x, kernel, settings = case("plain")
    kernel = kernel[..., :3]
    with jax.enable_x64(True):
        x, kernel = jnp.asarray(x), jnp.asarray(kernel)

        def layer(x, kernel):
            return jnp.tanh(convolve(x, kernel, **settings))

        def unrolled(kernel):
            return jnp.sum(layer(layer(layer(x, kernel), kernel), kernel))

        def scanned(kernel):
            body = jax.checkpoint(lambda carry, _: (layer(carry, kernel), None))
            return jnp.sum(lax.scan(body, x, None, length=3)[0])

        np.testing.assert_allclose(
            jax.jit(jax.grad(scanned))(kernel), jax.grad(unrolled)(kernel), rtol=1e-11, atol=1e-12
        )


def test_first_layer_costs_no_input_gradient():
    x, kernel, settings = case("plain")
    jaxpr = jax.make_jaxpr(jax.grad(lambda kernel: jnp.sum(convolve(jnp.asarray(x), kernel, **settings))))(kernel)
    names = [equation.primitive.name for equation in jaxpr.eqns]
    assert "convolution_kernel_gradient" in names
    assert "convolution_input_gradient" not in names


LAYERS = {"Conv1d": (Conv1d, (9,)), "Conv2d": (Conv2d, (7, 8)), "Conv3d": (Conv3d, (5, 6, 7))}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [2, "same"])
def test_layers_equal_pytorch(name, padding_mode, padding):
    torch = peer("torch")
    kind, sizes = LAYERS[name]
    layer = kind(2, 6, 3, padding=padding, padding_mode=padding_mode, dilation=1, groups=2, key=jax.random.key(0))
    other = getattr(torch.nn, name)(2, 6, 3, padding=padding, padding_mode=padding_mode, groups=2)
    with torch.no_grad():
        kernel = torch.tensor(np.asarray(layer.kernel))
        other.weight.copy_(torch.movedim(kernel, (-1, -2), (0, 1)))
        other.bias.copy_(torch.tensor(np.asarray(layer.bias)))
    x = np.random.default_rng(0).normal(size=(3, *sizes, 2)).astype(np.float32)
    expected = torch.movedim(other(torch.movedim(torch.tensor(x), -1, 1)), 1, -1).detach().numpy()
    np.testing.assert_allclose(layer(jnp.asarray(x)), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("size, dilation", [(2, 1), (3, 2), (4, 1), (4, 3)])
def test_same_padding_of_even_windows_equals_pytorch(size, dilation):
    torch = peer("torch")
    layer = Conv1d(1, 1, size, padding="same", dilation=dilation, use_bias=False, key=jax.random.key(0))
    x = np.random.default_rng(0).normal(size=(1, 12, 1)).astype(np.float32)
    kernel = torch.tensor(np.asarray(layer.kernel)).permute(2, 1, 0)
    with warnings.catch_warnings():
        # PyTorch warns of the copy it makes for an uneven padding.
        warnings.simplefilter("ignore")
        expected = torch.nn.functional.conv1d(torch.tensor(x).mT, kernel, padding="same", dilation=dilation)
    np.testing.assert_allclose(layer(jnp.asarray(x))[0, :, 0], expected[0, 0].numpy(), rtol=1e-5, atol=1e-6)


def test_start_has_the_bounds_of_pytorch():
    layer = Conv2d(8, 64, (3, 5), groups=2, key=jax.random.key(0))
    bound = (4 * 15) ** -0.5
    assert 0.97 * bound < float(abs(layer.kernel).max()) <= bound
    assert 0.9 * bound < float(abs(layer.bias).max()) <= bound


def test_flip_is_the_convolution_of_mathematics():
    random = np.random.default_rng(0)
    signal, weights = random.normal(size=12), random.normal(size=5)
    with jax.enable_x64(True):
        ours = convolution(
            jnp.asarray(signal)[:, None],
            jnp.asarray(weights)[:, None, None],
            stride=(1,),
            padding=((4, 4),),
            dilation=(1,),
            flip=True,
        )
        np.testing.assert_allclose(ours[:, 0], np.convolve(signal, weights), rtol=1e-12)
    image, window = random.normal(size=(6, 7)), random.normal(size=(3, 2))
    with jax.enable_x64(True):
        settings = dict(stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), flip=True)
        ours = convolution(jnp.asarray(image)[..., None], jnp.asarray(window)[..., None, None], **settings)
        np.testing.assert_allclose(ours[..., 0], scipy.signal.convolve2d(image, window, mode="valid"), rtol=1e-12)


def test_causal_output_sees_no_later_input():
    layer = Conv1d(1, 1, 3, dilation=2, padding="causal", key=jax.random.key(0))
    jacobian = jax.jacrev(lambda x: layer(x[:, None])[:, 0])(jnp.zeros(9))
    expected = np.tril(np.ones((9, 9)), 0) * np.isin(np.subtract.outer(np.arange(9), np.arange(9)), [0, 2, 4])
    np.testing.assert_array_equal(jacobian != 0, expected != 0)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (1, 2, 2)])
def test_any_number_of_leading_axes(leading):
    layer = Conv2d(2, 3, 3, key=jax.random.key(0))
    x = np.random.default_rng(0).normal(size=(*leading, 5, 6, 2)).astype(np.float32)
    y = layer(jnp.asarray(x))
    assert y.shape == (*leading, 3, 4, 3)
    for position in itertools.product(*map(range, leading)):
        np.testing.assert_allclose(y[position], layer(jnp.asarray(x[position])), rtol=1e-5, atol=1e-6)


def test_errors_name_what_is_wrong():
    layer = Conv2d(3, 4, 3, key=jax.random.key(0))
    with pytest.raises(ShapeError, match=r"expected: \(..., height, width, 3\)\n  got: \(2, 3, 8, 8\) float32"):
        layer(jnp.zeros((2, 3, 8, 8)))
    with pytest.raises(ShapeError, match="larger than its padded input"):
        layer(jnp.zeros((2, 2, 8, 3)))
    with pytest.raises(ShapeError, match="cannot take int32"):
        layer(jnp.zeros((2, 8, 8, 3), jnp.int32))
    with pytest.raises(ShapeError, match="pads more than the image holds"):
        Conv1d(1, 1, 3, padding=5, padding_mode="reflect", key=jax.random.key(0))(jnp.zeros((1, 4, 1)))
    with pytest.raises(ConfigurationError, match="no single meaning with a stride"):
        Conv2d(3, 4, 3, stride=2, padding="same", key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match="needs one axis that is time"):
        Conv2d(3, 4, 3, padding="causal", key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match="do not divide the channels"):
        Conv2d(3, 4, 3, groups=2, key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match="did you mean 'circular'"):
        Conv2d(3, 4, 3, padding_mode="circle", key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match="did you mean 'valid'"):
        Conv2d(3, 4, 3, padding="vaild", key=jax.random.key(0))
