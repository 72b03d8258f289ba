"""A multilayer perceptron with cross-entropy."""

from __future__ import annotations

from typing import Any

import jax

from benchmarks.autodiff.arrays import Arrays, cross_entropy, zeros


def build(sizes: tuple[int, ...] = (784, 512, 512, 10), batch: int = 128) -> Any:
    """Layers as a list of weight and bias."""
    arrays = Arrays()
    params = [
        {"weight": arrays.weight(inputs, outputs), "bias": zeros(outputs)}
        for inputs, outputs in zip(sizes, sizes[1:], strict=False)
    ]
    return cost, (params, arrays.normal(batch, sizes[0]), arrays.integers(sizes[-1], batch))


def cost(params: Any, x: jax.Array, labels: jax.Array) -> Any:
    """Mean cross-entropy."""
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["weight"] + layer["bias"])
    return cross_entropy(x @ params[-1]["weight"] + params[-1]["bias"], labels)
