"""What every layer must do: a table of examples and the checks that each of them inherits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from pullback import autodiff
from pullback.core.errors import ShapeError
from pullback.core.random import row_keys
from pullback.nn import (
    Activation,
    AveragePool,
    BatchNorm,
    Conv1d,
    Conv2d,
    Conv3d,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    LayerNorm,
    Linear,
    MaxPool,
    Sequential,
    gelu,
    has_memory,
    init_state,
)

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class LayerExample:
    """One layer under check.

    Parameters
    ----------
    name : how the test is called.
    build : function of a key and a dtype that returns the layer.
    input_shape : an input with one batch axis in front.
    leading_axes : whether any number of batch axes is allowed.
    refused_shape : a shape that must be a `ShapeError`, if there is one.
    draws : whether the layer uses its key in training.
    """

    name: str
    build: Callable[[Array, Any], Any]
    input_shape: Shape
    leading_axes: bool = True
    refused_shape: Shape | None = None
    draws: bool = False


def _perceptron(key: Array, dtype: Any) -> Sequential:
    first, second = jax.random.split(key)
    return Sequential([Linear(4, 5, key=first, dtype=dtype), gelu, Linear(5, 2, key=second, dtype=dtype)])


def _with_memory(key: Array, dtype: Any) -> Sequential:
    return Sequential([Linear(4, 5, key=key, dtype=dtype), BatchNorm(5, dtype=dtype), gelu, Dropout(0.3)])


LAYERS: tuple[LayerExample, ...] = (
    LayerExample("linear", lambda key, dtype: Linear(4, 3, key=key, dtype=dtype), (5, 4), refused_shape=(5, 3)),
    LayerExample(
        "linear without bias",
        lambda key, dtype: Linear(4, 3, use_bias=False, key=key, dtype=dtype),
        (5, 4),
        refused_shape=(),
    ),
    LayerExample("activation", lambda key, dtype: Activation("silu"), (5, 4)),
    LayerExample("softmax", lambda key, dtype: Activation("softmax"), (5, 4)),
    LayerExample("flatten", lambda key, dtype: Flatten(), (5, 2, 3), leading_axes=False, refused_shape=(5,)),
    LayerExample("flatten from the end", lambda key, dtype: Flatten(-2), (5, 2, 3), refused_shape=(5,)),
    LayerExample("dropout", lambda key, dtype: Dropout(0.4), (5, 4), draws=True),
    LayerExample("classic dropout", lambda key, dtype: Dropout(0.4, scaling="classic"), (5, 4), draws=True),
    LayerExample("spatial dropout", lambda key, dtype: Dropout(0.4, shared_axes=(-3, -2)), (5, 3, 3, 4), draws=True),
    LayerExample(
        "convolution on a line",
        lambda key, dtype: Conv1d(2, 3, 3, padding="causal", key=key, dtype=dtype),
        (5, 6, 2),
        refused_shape=(5, 6, 3),
    ),
    LayerExample(
        "convolution on a plane",
        lambda key, dtype: Conv2d(2, 4, 3, stride=2, padding=1, groups=2, key=key, dtype=dtype),
        (5, 6, 5, 2),
        refused_shape=(5, 6, 5, 3),
    ),
    LayerExample(
        "convolution in space",
        lambda key, dtype: Conv3d(1, 2, 2, dilation=2, key=key, dtype=dtype),
        (5, 3, 4, 4, 1),
        refused_shape=(5, 1, 4, 4, 1),
    ),
    LayerExample("max pooling", lambda key, dtype: MaxPool((2, 2)), (5, 4, 5, 2), refused_shape=(4,)),
    LayerExample("overlapping max pooling", lambda key, dtype: MaxPool((3,), 1, 1), (5, 6, 2), refused_shape=(2,)),
    LayerExample("average pooling", lambda key, dtype: AveragePool((2, 2)), (5, 4, 5, 2), refused_shape=(4,)),
    LayerExample("global average pooling", lambda key, dtype: GlobalAveragePool(2), (5, 4, 3, 2), refused_shape=(4,)),
    LayerExample("global max pooling", lambda key, dtype: GlobalMaxPool(2), (5, 4, 3, 2), refused_shape=(4,)),
    LayerExample("layer normalization", lambda key, dtype: LayerNorm(4, dtype=dtype), (5, 3, 4), refused_shape=(5, 3)),
    LayerExample("batch normalization", lambda key, dtype: BatchNorm(4, dtype=dtype), (5, 4), refused_shape=(5, 3)),
    LayerExample("sequential", _perceptron, (5, 4), refused_shape=(5, 3)),
    LayerExample("sequential with memory", _with_memory, (5, 4), refused_shape=(5, 3), draws=True),
)


def call(layer: Any, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
    """The output of a layer with or without memory, from its first memory."""
    if has_memory(layer):
        return layer(x, init_state(layer), key=key, training=training)[0]
    return layer(x, key=key, training=training)


# One program a check; the layer run operation by operation is what `check_compiled` compares with.
compiled_call = eqx.filter_jit(call)


def _example(example: LayerExample, dtype: Any = jnp.float32) -> tuple[Any, Array]:
    layer_key, input_key = jax.random.split(jax.random.key(7))
    return example.build(layer_key, dtype), jax.random.normal(input_key, example.input_shape, dtype)


def check_leading_axes(example: LayerExample) -> None:
    """Two batch axes, or none, give what one batch axis gives."""
    if not example.leading_axes:
        return
    layer, x = _example(example)
    y = compiled_call(layer, x)
    np.testing.assert_allclose(compiled_call(layer, jnp.stack([x, 2 * x]))[0], y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(compiled_call(layer, x[0]), y[0], rtol=1e-5, atol=1e-6)


def check_compiled(example: LayerExample) -> None:
    """Compiled and not compiled agree."""
    layer, x = _example(example)
    keys = row_keys(jax.random.key(3), jnp.arange(x.shape[0]))
    for training in (False, True):
        expected = call(layer, x, key=keys, training=training)
        compiled = compiled_call(layer, x, key=keys, training=training)
        np.testing.assert_allclose(compiled, expected, rtol=1e-5, atol=1e-6)


def check_mapped(example: LayerExample) -> None:
    """Mapped over the rows, each a batch of one, the layer does what it does to the batch."""
    layer, x = _example(example)
    mapped = jax.jit(jax.vmap(lambda row: call(layer, row[None])[0]))(x)
    np.testing.assert_allclose(mapped, compiled_call(layer, x), rtol=1e-5, atol=1e-6)


def check_dtype(example: LayerExample) -> None:
    """Single precision stays single, double stays double."""
    layer, x = _example(example)
    assert eqx.filter_eval_shape(call, layer, x).dtype == jnp.float32
    with jax.enable_x64(True):
        layer, x = _example(example, jnp.float64)
        assert eqx.filter_eval_shape(call, layer, x).dtype == jnp.float64


def check_derivatives(example: LayerExample) -> None:
    """First and second derivatives, forward and reverse, against central differences in double precision."""
    with jax.enable_x64(True):
        layer, x = _example(example, jnp.float64)
        keys = row_keys(jax.random.key(3), jnp.arange(x.shape[0]))
        arrays, rest = eqx.partition((layer, x), eqx.is_inexact_array)
        flat, unravel = ravel_pytree(arrays)
        generator = np.random.default_rng(0)
        direction = jnp.asarray(generator.normal(size=flat.shape))
        for training in (False, True) if example.draws or has_memory(layer) else (False,):

            def value(flat: Array, training: bool = training) -> Array:
                layer, x = eqx.combine(unravel(flat), rest)
                y = call(layer, x, key=keys, training=training)
                return jnp.vdot(jnp.sin(jnp.arange(1.0, y.size + 1)), y.reshape(-1) + y.reshape(-1) ** 2)

            _check_against_differences(value, flat, direction)


def _check_against_differences(value: Callable[[Array], Array], at: Array, direction: Array) -> None:
    step = 1e-5
    reverse = jax.jit(jax.value_and_grad(value))
    above, gradient_above = reverse(at + step * direction)
    below, gradient_below = reverse(at - step * direction)
    difference = (above - below) / (2 * step)
    forward_over_reverse = jax.jit(lambda at: jax.jvp(jax.value_and_grad(value), (at,), (direction,)))
    (_, gradient), (slope, curvature) = forward_over_reverse(at)
    scale = 1 + abs(difference)
    assert abs(slope - difference) < 1e-7 * scale
    assert abs(jnp.vdot(gradient, direction) - difference) < 1e-7 * scale
    second = (gradient_above - gradient_below) / (2 * step)
    np.testing.assert_allclose(curvature, second, rtol=1e-5, atol=1e-5 * (1 + abs(second).max()))


def check_own_derivatives(example: LayerExample) -> None:
    """Our differentiator and JAX's agree, in training, with respect to parameters and input."""
    for double in (False, True):
        with jax.enable_x64(double):
            layer, x = _example(example, jnp.float64 if double else jnp.float32)
            keys = row_keys(jax.random.key(3), jnp.arange(x.shape[0]))
            arrays, rest = eqx.partition((layer, x), eqx.is_inexact_array)

            def value(arrays: Any, rest: Any = rest, keys: Array = keys) -> Array:
                layer, x = eqx.combine(arrays, rest)
                y = call(layer, x, key=keys, training=True).reshape(-1)
                return jnp.vdot(jnp.sin(jnp.arange(1.0, y.size + 1, dtype=y.dtype)), y + y**2)

            assert_same_gradient(value, arrays, 1e-12 if double else 1e-5)


def assert_same_gradient(value: Callable[[Any], Array], arrays: Any, tolerance: float) -> None:
    """The gradient by our differentiator is JAX's, to a relative error in the Euclidean norm."""
    both = jax.jit(lambda arrays: (autodiff.grad(value)(arrays), jax.grad(value)(arrays)))
    ours, theirs = (np.asarray(ravel_pytree(gradient)[0]) for gradient in both(arrays))
    assert ours.dtype == theirs.dtype
    assert np.linalg.norm(ours - theirs) <= tolerance * np.linalg.norm(theirs)


def check_refused(example: LayerExample) -> None:
    """A wrong shape or dtype is a `ShapeError` that shows the shape."""
    if example.refused_shape is None:
        return
    layer, _ = _example(example)
    with pytest.raises(ShapeError) as caught:
        call(layer, jnp.zeros(example.refused_shape))
    assert str(example.refused_shape) in str(caught.value) and caught.value.fix


def check_randomness(example: LayerExample) -> None:
    """A row's draw follows its key, not its place; a layer that draws nothing ignores the key; inference draws none."""
    layer, x = _example(example)
    keys = row_keys(jax.random.key(3), jnp.arange(x.shape[0]))
    order = jnp.asarray(np.random.default_rng(1).permutation(x.shape[0]))
    y = compiled_call(layer, x, key=keys, training=True)
    moved = compiled_call(layer, x[order], key=keys[order], training=True)
    np.testing.assert_allclose(moved, y[order], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(compiled_call(layer, x, key=keys), compiled_call(layer, x))
    other = compiled_call(layer, x, key=jax.random.key(4), training=True)
    assert bool(jnp.all(other == y)) != example.draws


CHECKS: tuple[Callable[[LayerExample], None], ...] = (
    check_leading_axes,
    check_compiled,
    check_mapped,
    check_dtype,
    check_derivatives,
    check_own_derivatives,
    check_refused,
    check_randomness,
)
