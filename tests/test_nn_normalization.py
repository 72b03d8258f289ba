"""Normalization against PyTorch, NumPy in float64 and closed forms; weights, memory, precision, derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn.batch_norm import BatchNorm, batch_norm
from pullback.nn.layer_norm import LayerNorm, layer_norm
from pullback.nn.normalize import normalize
from pullback.testing.peers import peer

AXES = {"batch": (0, 1, 2), "layer": (-1,), "layer_of_two": (2, 3), "instance": (1, 2), "one": (0,)}


def images(seed=0, shape=(4, 3, 5, 6)):
    return np.random.default_rng(seed).normal(size=shape) * 2 + 1


def textbook(x, axes, epsilon, weights=None):
    """The definition in NumPy."""
    weights = np.broadcast_to(np.ones(()) if weights is None else weights, x.shape)
    share = weights / weights.sum(axis=axes, keepdims=True)
    mean = (share * x).sum(axis=axes, keepdims=True)
    variance = (share * (x - mean) ** 2).sum(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon), mean, variance


def traced_textbook(x, axes, epsilon, weights=None):
    """The definition, left to JAX to differentiate."""
    weights = jnp.broadcast_to(jnp.ones((), x.dtype) if weights is None else weights, x.shape)
    share = weights / weights.sum(axis=axes, keepdims=True)
    mean = (share * x).sum(axis=axes, keepdims=True)
    variance = (share * (x - mean) ** 2).sum(axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + epsilon), mean, variance


def weights_for(name):
    return np.array([1.0, 0.5, 0.0, 2.0]).reshape(4, 1, 1, 1) if name == "batch" else np.abs(images(9))


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("weighted", [False, True])
def test_values_equal_the_definition(name, weighted):
    x = images()
    weights = weights_for(name) if weighted else None
    with jax.enable_x64(True):
        given = None if weights is None else jnp.asarray(weights)
        found = normalize(jnp.asarray(x), AXES[name], 1e-3, given)
        for ours, expected in zip(found, textbook(x, AXES[name], 1e-3, weights), strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)


def energy_of(operation, axes):
    """A number that depends on all three results, and not in a symmetric way."""

    def energy(x, *weights):
        x_hat, mean, variance = operation(x, axes, 1e-3, *weights)
        tilt = jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape)
        return jnp.sum(tilt * jnp.sin(x_hat)) + jnp.sum(jnp.sin(mean)) + jnp.sum(jnp.sqrt(variance))

    return energy


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("weighted", [False, True])
def test_first_derivatives(name, weighted):
    operands = [images(), weights_for(name)] if weighted else [images()]
    positions = tuple(range(len(operands)))
    random = np.random.default_rng(3)
    directions = [random.normal(size=operand.shape) for operand in operands]
    with jax.enable_x64(True):
        operands, directions = [[jnp.asarray(a) for a in arrays] for arrays in (operands, directions)]
        energy = jax.jit(energy_of(normalize, AXES[name]))
        gradients = jax.jit(jax.grad(energy, positions))(*operands)
        step = 1e-6
        moved = lambda t: energy(*[a + t * d for a, d in zip(operands, directions, strict=True)])  # noqa: E731
        expected = (moved(step) - moved(-step)) / (2 * step)
        along = sum(jnp.sum(g * d) for g, d in zip(gradients, directions, strict=True))
        np.testing.assert_allclose(along, expected, rtol=1e-7)
        np.testing.assert_allclose(jax.jvp(energy, operands, directions)[1], expected, rtol=1e-7)
        theirs = jax.jit(jax.grad(energy_of(traced_textbook, AXES[name]), positions))(*operands)
        for ours, other in zip(gradients, theirs, strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name, weighted", [("batch", True), ("layer", False)])
@pytest.mark.parametrize("outer, inner", [(jax.jacfwd, jax.jacrev), (jax.jacrev, jax.jacrev), (jax.jacrev, jax.jacfwd)])
def test_hessians_equal_those_of_jax(name, weighted, outer, inner):
    x = images(shape=(3, 1, 2, 2))
    weights = [np.array([1.0, 0.0, 2.0]).reshape(3, 1, 1, 1)] if weighted else []
    if weighted and name == "layer":
        weights = [np.abs(images(5, x.shape))]
    with jax.enable_x64(True):
        operands = [jnp.asarray(x), *map(jnp.asarray, weights)]
        ours, theirs = (
            jax.jit(outer(inner(energy_of(operation, AXES[name]))))(*operands)
            for operation in (normalize, traced_textbook)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_mapping_equals_a_loop(axis, weighted):
    many = images(shape=(3, 4, 3, 2, 5)) if axis == 0 else images(shape=(4, 3, 3, 2, 5))
    with jax.enable_x64(True):
        weights = [jnp.asarray([1.0, 0.0, 2.0, 1.0]).reshape(4, 1, 1, 1)] if weighted else []
        gradient = jax.grad(energy_of(normalize, (0, 1, 2)))
        together = jax.jit(jax.vmap(gradient, in_axes=(axis, *[None] * len(weights))))(jnp.asarray(many), *weights)
        one = jax.jit(gradient)
        for ours, x in zip(together, np.moveaxis(many, axis, 0), strict=True):
            np.testing.assert_allclose(ours, one(jnp.asarray(x), *weights), rtol=1e-10, atol=1e-12)
        total = lambda many: jnp.sum(  # noqa: E731
            jax.vmap(energy_of(normalize, (0, 1, 2)), in_axes=(axis, *[None] * len(weights)))(many, *weights)
        )
        swapped = jnp.moveaxis(jax.jit(jax.grad(total))(jnp.asarray(many)), axis, 0)
        np.testing.assert_allclose(swapped, together, rtol=1e-10, atol=1e-12)


def test_inside_scan_and_rematerialization():
    with jax.enable_x64(True):
        x = jnp.asarray(images())
        gradient_of_one = jax.grad(energy_of(normalize, (0, 1, 2)))(x)
        body = jax.checkpoint(lambda carry, _: (carry + energy_of(normalize, (0, 1, 2))(x * jnp.cos(carry * 0)), None))
        np.testing.assert_allclose(
            lax.scan(body, jnp.zeros(()), None, length=2)[0], 2 * energy_of(normalize, (0, 1, 2))(x), rtol=1e-12
        )
        scanned = lambda x: lax.scan(  # noqa: E731
            jax.checkpoint(lambda carry, _: (carry + energy_of(normalize, (0, 1, 2))(x), None)),
            jnp.zeros(()),
            None,
            length=2,
        )[0]
        np.testing.assert_allclose(jax.jit(jax.grad(scanned))(x), 2 * gradient_of_one, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("axes", [(0, 1, 2), (-1,)])
def test_a_large_mean_costs_no_digits(axes):
    """Mean 1e4 and deviation 1 in float32: the input itself is rounded to 5e-4, the result may be no worse."""
    shape = (64, 4, 4, 8) if axes == (0, 1, 2) else (8, 512)
    x = (np.random.default_rng(0).normal(size=shape) + 1e4).astype(np.float32)
    x_hat, mean, variance = normalize(jnp.asarray(x), axes)
    exact = textbook(x.astype(np.float64), axes, 1e-5)
    np.testing.assert_allclose(variance, exact[2], rtol=2e-4)
    np.testing.assert_allclose(mean, exact[1], rtol=1e-6)
    np.testing.assert_allclose(x_hat, exact[0], atol=5e-3)
    cotangent = np.random.default_rng(1).normal(size=shape)
    (gradient,) = jax.vjp(lambda x: normalize(x, axes)[0], jnp.asarray(x))[1](jnp.asarray(cotangent, jnp.float32))
    with jax.enable_x64(True):
        reference = lambda x: traced_textbook(x, axes, 1e-5)[0]  # noqa: E731
        (expected,) = jax.vjp(reference, jnp.asarray(x, jnp.float64))[1](jnp.asarray(cotangent))
    np.testing.assert_allclose(gradient, expected, atol=5e-3)


def test_half_precision_has_its_statistics_in_single():
    x = jnp.asarray(images(shape=(512, 4)), jnp.bfloat16)
    x_hat, mean, variance = normalize(x, (0,))
    assert x_hat.dtype == jnp.bfloat16 and mean.dtype == variance.dtype == jnp.float32
    exact = textbook(np.asarray(x, np.float64), (0,), 1e-5)
    np.testing.assert_allclose(mean, exact[1], rtol=1e-5)
    np.testing.assert_allclose(variance, exact[2], rtol=1e-5)
    assert jax.grad(lambda x: jnp.sum(normalize(x, (0,))[0] ** 3).astype(jnp.float32))(x).dtype == jnp.bfloat16


def test_rows_of_weight_zero_leave_the_rest_alone():
    """Values, memory and gradients of a padded batch equal those of the batch without the padding."""
    x = images(shape=(5, 3, 2)).astype(np.float32)
    padded = np.concatenate([x, 100 * np.ones((3, 3, 2), np.float32)])
    weights = jnp.array([1.0] * 5 + [0.0] * 3)
    layer = BatchNorm(2)
    cotangent = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)

    def loss(x, state):
        y, state = layer(x, state, training=True)
        return jnp.sum(y[:5] * cotangent), (y, state)

    run = jax.value_and_grad(loss, has_aux=True)
    (_, (y, state)), gradient = run(jnp.asarray(x), layer.init_state())
    (_, (y_padded, state_padded)), gradient_padded = run(
        jnp.asarray(padded), {**layer.init_state(), "row_weights": weights}
    )
    np.testing.assert_allclose(y_padded[:5], y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient_padded[:5], gradient, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(gradient_padded[5:], jnp.zeros((3, 3, 2)))
    assert set(state_padded) == {"mean", "variance", "steps"}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), state_padded, state)


@pytest.mark.parametrize("momentum", [0.1, 0.3, None])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("sizes", [(), (4, 3)])
def test_batch_norm_follows_pytorch_over_several_steps(momentum, affine, sizes):
    torch = peer("torch")
    kind = torch.nn.BatchNorm2d if sizes else torch.nn.BatchNorm1d
    other = kind(3, momentum=momentum, affine=affine, eps=1e-3)
    layer = BatchNorm(3, momentum=momentum, affine=affine, epsilon=1e-3)
    state = layer.init_state()

    @jax.jit
    def step(x, state, cotangent):
        y, pull, state = jax.vjp(lambda x: layer(x, state, training=True), x, has_aux=True)
        return y, state, pull(cotangent)[0]

    for seed in range(4):
        x = images(seed, (6, *sizes, 3)).astype(np.float32)
        cotangent = images(seed + 10, x.shape).astype(np.float32)
        leaf = torch.tensor(x, requires_grad=True)
        expected = torch.movedim(other(torch.movedim(leaf, -1, 1)), 1, -1)
        expected.backward(torch.tensor(cotangent))
        y, state, gradient = step(jnp.asarray(x), state, jnp.asarray(cotangent))
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-3, atol=2e-5)
        np.testing.assert_allclose(state["mean"], other.running_mean.numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(state["variance"], other.running_var.numpy(), rtol=1e-5, atol=1e-6)
        assert int(state["steps"]) == int(other.num_batches_tracked)
    other.eval()
    y, after = layer(jnp.asarray(x), state)
    expected = torch.movedim(other(torch.movedim(torch.tensor(x), -1, 1)), 1, -1)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, after, state)


def test_batch_norm_in_the_convention_of_keras():
    """Keras: moving = moving * momentum + batch * (1 - momentum), with the biased variance."""
    layer = BatchNorm(2, momentum=0.9, convention="keras")
    state, mean, variance = layer.init_state(), np.zeros(2), np.ones(2)
    for seed in range(3):
        x = images(seed, (7, 2))
        _, state = layer(jnp.asarray(x, jnp.float32), state, training=True)
        mean = mean * 0.9 + x.mean(axis=0) * 0.1
        variance = variance * 0.9 + x.var(axis=0) * 0.1
    np.testing.assert_allclose(state["mean"], mean, rtol=1e-5)
    np.testing.assert_allclose(state["variance"], variance, rtol=1e-5)


def test_batch_norm_equals_flax():
    flax = peer("flax.linen")
    x = jnp.asarray(images(), jnp.float32)
    with jax.numpy_dtype_promotion("standard"):
        expected, variables = flax.BatchNorm(use_running_average=False, momentum=0.9).init_with_output(
            jax.random.key(0), x
        )
    np.testing.assert_allclose(batch_norm(x)[0], expected, rtol=1e-4, atol=1e-5)


def test_batch_norm_has_no_gradient_through_its_memory():
    layer = BatchNorm(3)

    def remembered(x):
        _, state = layer(x, layer.init_state(), training=True)
        return jnp.sum(state["mean"] + state["variance"])

    gradient = jax.grad(remembered)
    np.testing.assert_array_equal(gradient(jnp.asarray(images(shape=(4, 3)), jnp.float32)), jnp.zeros((4, 3)))


def test_batch_norm_in_double_precision():
    x = images()
    with jax.enable_x64(True):
        layer = BatchNorm(6, dtype=jnp.float64)
        y, state = layer(jnp.asarray(x), layer.init_state(), training=True)
        assert y.dtype == state["mean"].dtype == jnp.float64
        np.testing.assert_allclose(y, textbook(x, (0, 1, 2), 1e-5)[0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(state["variance"], 0.9 + 0.1 * x.reshape(-1, 6).var(axis=0, ddof=1), rtol=1e-6)


@pytest.mark.parametrize("shape", [(6,), (5, 6)])
@pytest.mark.parametrize("affine, use_bias", [(True, True), (True, False), (False, False)])
def test_layer_norm_equals_pytorch(shape, affine, use_bias):
    torch = peer("torch")
    layer = LayerNorm(shape, affine=affine, use_bias=use_bias)
    other = torch.nn.LayerNorm(shape, elementwise_affine=affine, bias=use_bias)
    x = images().astype(np.float32)
    cotangent = images(1).astype(np.float32)
    leaf = torch.tensor(x, requires_grad=True)
    expected = other(leaf)
    expected.backward(torch.tensor(cotangent))
    y, pull = jax.vjp(lambda layer, x: layer(x), layer, jnp.asarray(x))
    layer_bar, x_bar = pull(jnp.asarray(cotangent))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(x_bar, leaf.grad.numpy(), rtol=1e-3, atol=1e-5)
    if affine:
        np.testing.assert_allclose(layer_bar.scale, other.weight.grad.numpy(), rtol=1e-4, atol=1e-5)
    if use_bias:
        np.testing.assert_allclose(layer_bar.bias, other.bias.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_layer_norm_ignores_shift_and_scale_of_a_row():
    x = jnp.asarray(images(shape=(3, 64)), jnp.float32)
    np.testing.assert_allclose(layer_norm(7 * x + 3, epsilon=1e-12), layer_norm(x, epsilon=1e-12), atol=2e-5)


def test_errors_name_what_is_wrong():
    layer = BatchNorm(3)
    state = layer.init_state()
    with pytest.raises(ShapeError, match=r"expected: \(batch, ..., 3\) float32\n  got: \(2, 4\) float32"):
        layer(jnp.zeros((2, 4)), state)
    with pytest.raises(ShapeError, match="needs a batch axis to train"):
        layer(jnp.zeros(3), state, training=True)
    with pytest.raises(ShapeError, match="needs one weight a row"):
        layer(jnp.zeros((2, 3)), {**state, "row_weights": jnp.ones(3)}, training=True)
    with pytest.raises(ShapeError, match=r"LayerNorm\(\(3,\)\) cannot take this input"):
        LayerNorm(3)(jnp.zeros((2, 4)))
    with pytest.raises(ConfigurationError, match="did you mean 'keras'"):
        BatchNorm(3, convention="kera")
    with pytest.raises(ConfigurationError, match="epsilon must be positive"):
        BatchNorm(3, epsilon=0.0)
