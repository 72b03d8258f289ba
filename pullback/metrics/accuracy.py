"""Share of examples whose most likely class is the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Int

from pullback.metrics.metric import ProportionMetric
from pullback.metrics.predictions import binary_logit, is_binary


@dataclass(frozen=True)
class Accuracy(ProportionMetric):
    r"""$\frac{1}{n} \sum_i \mathbf{1}[\hat y_i = y_i]$, $\hat y_i$ the class of the largest logit.

    Predictions are logits (n, K), or (n,) and (n, 1) for two classes, where class 1 is predicted above zero; targets
    are class indices (n,). Equal logits go to the lower class. The interval is Wilson's.

    Examples
    --------
    >>> accuracy = Accuracy()
    >>> logits = jnp.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    >>> stats = accuracy.update(accuracy.init(), logits, jnp.array([0, 1, 1]))
    >>> print(accuracy.interval(stats))
    0.6667 [0.2077, 0.9385] (95% wilson, n = 3)
    """

    higher_is_better: ClassVar[bool] = True
    target_kinds: ClassVar[tuple[str, ...]] = ("class_index", "binary")

    @property
    def name(self) -> str:
        return "accuracy"

    def successes(self, prediction: Array, target: Array) -> Array:
        return predicted_class(prediction, target) == target.astype(jnp.int32)


def predicted_class(prediction: Array, target: Array) -> Int[Array, " *batch"]:
    """Class of the largest logit, int32, in the shape of the target."""
    if is_binary(prediction, target):
        return (binary_logit(prediction, target) > 0).astype(jnp.int32)
    return jnp.argmax(prediction, axis=-1).astype(jnp.int32)
