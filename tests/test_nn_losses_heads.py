"""A loss and a last layer that do not belong together are found before training."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.nn import (
    Activation,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Linear,
    Sequential,
    SquaredError,
    check_head,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    tanh,
)


class Squashed(eqx.Module):
    """A user's own module whose last operation is no layer."""

    dense: Linear
    how: str = eqx.field(static=True)

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        z = self.dense(x)
        if self.how == "softmax by hand":
            e = jnp.exp(z - z.max(-1, keepdims=True))
            return e / e.sum(-1, keepdims=True)
        if self.how == "sigmoid by hand":
            return 1 / (1 + jnp.exp(-z))
        if self.how == "jax softmax":
            return jax.nn.softmax(z)[..., :]
        if self.how == "jax sigmoid, squeezed":
            return jax.nn.sigmoid(z).squeeze(-1)
        if self.how == "softmax as a gate":
            return z * jax.nn.softmax(z)
        return z / (1 + jnp.abs(z))


def _linear(width: int) -> Linear:
    return Linear(4, width, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (_linear(3), CategoricalCrossEntropy()),
        (Sequential([_linear(3), relu]), CategoricalCrossEntropy()),
        (Sequential([_linear(3), log_softmax]), CategoricalCrossEntropy()),
        (Sequential([softmax, _linear(3)]), CategoricalCrossEntropy()),
        (Squashed(_linear(3), "softmax as a gate"), CategoricalCrossEntropy()),
        (Squashed(_linear(3), "softsign by hand"), CategoricalCrossEntropy()),
        (_linear(1), BinaryCrossEntropy()),
        (Sequential([_linear(1), lambda z: z[..., 0]]), BinaryCrossEntropy()),
        (Sequential([_linear(3), softmax]), SquaredError()),
        (Sequential([_linear(3), softmax]), lambda prediction, target: prediction[:, 0]),
    ],
)
def test_heads_that_fit(model: Any, loss: Any) -> None:
    check_head(model, loss, (4,))


def test_independent_labels_fit_when_the_targets_say_so() -> None:
    check_head(_linear(3), BinaryCrossEntropy(), (4,), target_shape=(3,))
    with pytest.raises(ConfigurationError, match="one output"):
        check_head(_linear(3), BinaryCrossEntropy(), (4,), target_shape=())


@pytest.mark.parametrize(
    ("model", "loss", "words"),
    [
        (Sequential([_linear(3), softmax]), CategoricalCrossEntropy(), r"ends in softmax.*(.|\n)*layers\[1\]"),
        (Sequential([_linear(1), sigmoid]), BinaryCrossEntropy(), r"ends in sigmoid.*(.|\n)*Activation\(sigmoid\)"),
        (Sequential([_linear(3), jax.nn.softmax]), CategoricalCrossEntropy(), "ends in softmax"),
        (Sequential([_linear(3), Sequential([tanh, softmax])]), CategoricalCrossEntropy(), r"layers\[1\].layers\[1\]"),
        (Sequential([_linear(3), sigmoid]), CategoricalCrossEntropy(), "ends in sigmoid"),
        (Squashed(_linear(3), "softmax by hand"), CategoricalCrossEntropy(), "ends in softmax"),
        (Squashed(_linear(3), "jax softmax"), CategoricalCrossEntropy(), "ends in softmax(.|\n)*got: Squashed"),
        (Squashed(_linear(1), "sigmoid by hand"), BinaryCrossEntropy(), "ends in sigmoid"),
        (Squashed(_linear(1), "jax sigmoid, squeezed"), BinaryCrossEntropy(), "ends in sigmoid"),
        (_linear(1), CategoricalCrossEntropy(), "one output a class"),
        (Sequential([_linear(1), lambda z: z[..., 0]]), CategoricalCrossEntropy(), "no class axis"),
        (_linear(3), BinaryCrossEntropy(), "one output an example"),
    ],
)
def test_heads_that_do_not(model: Any, loss: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        check_head(model, loss, (4,))
    assert caught.value.fix


def test_double_precision_model() -> None:
    with jax.enable_x64(True):
        model = Sequential([Linear(4, 3, dtype=jnp.float64, key=jax.random.key(0)), Activation("softmax")])
        with pytest.raises(ConfigurationError, match="ends in softmax"):
            check_head(model, CategoricalCrossEntropy(), (4,), dtype=jnp.float64)
