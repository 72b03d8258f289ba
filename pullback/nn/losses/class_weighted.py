"""A loss of labels in which some classes count more than others."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from pullback.core.errors import ConfigurationError


def class_weighted(
    loss: Float[Array, "*shape"], weights: Float[Array, " classes"], k: Integer[Array, "*target"]
) -> Float[Array, "*shape"]:
    r"""\(w_k\,\ell\), class by class."""
    return loss * jnp.take(weights, k, mode="clip").reshape(loss.shape)


@dataclasses.dataclass(frozen=True)
class ClassWeighted:
    r"""\(w_k\,\ell(f, k)\): the loss of each example times the weight of its class \(k\).

    With \(w_k = n / (K n_k)\) every class counts alike, and the mean weight of the \(n\) rows is one. PyTorch's
    `CrossEntropyLoss(weight)` divides the sum by the sum of weights of each batch instead of by its rows.

    Parameters
    ----------
    loss : a loss of class indices, or of labels 0 and 1.
    weights : \(w_k > 0\), one a class.

    Examples
    --------
    >>> from pullback.nn.losses import CategoricalCrossEntropy
    >>> loss = ClassWeighted(CategoricalCrossEntropy(), (1.0, 3.0))
    >>> [round(float(value), 4) for value in loss(jnp.zeros((2, 2)), jnp.array([0, 1]))]
    [0.6931, 2.0794]

    Source: King and Zeng, Political Analysis 9, 2001.
    """

    loss: Callable[[Array, Array], Array]
    weights: tuple[float, ...]

    def __init__(self, loss: Any, weights: Sequence[float]) -> None:
        if getattr(loss, "target_kind", None) not in ("class_index", "binary"):
            raise ConfigurationError(
                "class weights need a loss of labels",
                expected="categorical_cross_entropy or binary_cross_entropy",
                got=getattr(loss, "name", repr(loss)),
                fix="leave the class weights out",
            )
        numbers = tuple(float(weight) for weight in weights)
        if len(numbers) < 2 or any(not math.isfinite(number) or number <= 0 for number in numbers):
            raise ConfigurationError(
                "these are no class weights", expected="one number > 0 a class", got=f"{numbers}", fix="use 1 for each"
            )
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "weights", numbers)

    @property
    def name(self) -> str:
        """Name of the inner loss, marked as weighted."""
        return f"class_weighted_{getattr(self.loss, 'name', 'loss')}"

    @property
    def target_kind(self) -> str:
        """That of the inner loss."""
        return getattr(self.loss, "target_kind", "")

    @property
    def expects_logits(self) -> bool:
        """That of the inner loss."""
        return getattr(self.loss, "expects_logits", False)

    def __call__(self, prediction: Array, target: Array) -> Array:
        losses = self.loss(prediction, target)
        return class_weighted(losses, jnp.asarray(self.weights, losses.dtype), target.astype(jnp.int32))
