"""Flax NNX with Optax as its documentation writes a fast loop: a compiled step with its graph walked once."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.case import Convolution, Dense, Flat, Layer, MaxPool, Relu, TrainingCase


def prepare(case: TrainingCase) -> Callable[[], None]:
    """An epoch of `nnx.jit` steps; the batch is gathered inside the compiled step."""
    model = _build(case)
    optimizer = nnx.Optimizer(model, optax.adam(case.learning_rate), wrt=nnx.Param)
    inputs, labels = case.data()
    x, y = jnp.asarray(inputs), jnp.asarray(labels)
    random = np.random.default_rng(0)
    step = nnx.cached_partial(_step, model, optimizer)

    def epoch() -> None:
        order = jnp.asarray(random.permutation(len(inputs)).astype(np.int32).reshape(case.steps, case.batch_size))
        loss = None
        for rows in order:
            loss = step(x, y, rows)
        jax.block_until_ready((loss, nnx.state(model)))

    return epoch


@nnx.jit
def _step(model: nnx.Module, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array, rows: jax.Array) -> jax.Array:
    def mean_loss(model: nnx.Module) -> jax.Array:
        logits = model(x[rows])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]).mean()

    loss, gradient = nnx.value_and_grad(mean_loss)(model)
    optimizer.update(model, gradient)
    return loss


def _build(case: TrainingCase) -> nnx.Module:
    streams = nnx.Rngs(0)
    layers = []
    shape = case.input_shape
    for layer in case.layers:
        module = _module(layer, shape, streams)
        shape = jax.eval_shape(module, jax.ShapeDtypeStruct((1, *shape), jnp.float32)).shape[1:]
        layers.append(module)
    return nnx.Sequential(*layers)


def _module(layer: Layer, shape: tuple[int, ...], streams: nnx.Rngs) -> Callable[..., jax.Array]:
    match layer:
        case Dense(features):
            return nnx.Linear(shape[0], features, rngs=streams)
        case Convolution(channels):
            return nnx.Conv(shape[-1], channels, (3, 3), rngs=streams)
        case Relu():
            return nnx.relu
        case MaxPool():
            return lambda x: nnx.max_pool(x, (2, 2), strides=(2, 2))
        case Flat():
            return lambda x: x.reshape(x.shape[0], -1)
