"""Categorical cross entropy from logits."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from pullback.core.checks import fraction
from pullback.core.errors import ShapeError
from pullback.nn.activations import log_softmax


@functools.partial(jax.jit, static_argnames="label_smoothing")
def categorical_cross_entropy(
    z: Float[Array, "*batch classes"], k: Integer[Array, "*batch"], label_smoothing: float = 0.0
) -> Float[Array, "*batch"]:
    r"""\(-(1-\epsilon)\log p_k - \frac{\epsilon}{K}\sum_j\log p_j\), \(p = \mathrm{softmax}(z)\), class \(k\).

    A class outside \(0 \ldots K-1\) gives NaN, never another class's loss.
    """
    log_p = log_softmax(z)
    classes = jnp.arange(z.shape[-1], dtype=k.dtype)
    loss = -jnp.sum(jnp.where(k[..., None] == classes, log_p, 0.0), axis=-1)
    if label_smoothing:
        loss = (1 - label_smoothing) * loss - label_smoothing * jnp.mean(log_p, axis=-1)
    return jnp.where((k >= 0) & (k < z.shape[-1]), loss, jnp.nan)


@functools.partial(jax.jit, static_argnames="label_smoothing")
def categorical_cross_entropy_of_rows(
    z: Float[Array, "*batch classes"], q: Float[Array, "*batch classes"], label_smoothing: float = 0.0
) -> Float[Array, "*batch"]:
    r"""\(-\sum_j q_j\log p_j\), \(p = \mathrm{softmax}(z)\), with \(q\) replaced by \((1-\epsilon)q + \epsilon/K\)."""
    if label_smoothing:
        q = (1 - label_smoothing) * q + label_smoothing / z.shape[-1]
    return -jnp.sum(q * log_softmax(z), axis=-1)


@dataclasses.dataclass(frozen=True)
class CategoricalCrossEntropy:
    r"""\(-\log p_k\) with \(p = \mathrm{softmax}(z)\), from the logits \(z\) and the class \(k\).

    Parameters
    ----------
    label_smoothing : \(\epsilon\) in [0, 1); the target becomes \(1-\epsilon\) times itself plus \(\epsilon/K\) for
        every one of the \(K\) classes, as in PyTorch.

    Call
    ----
    `loss(logits, target)`: logits `(..., K)` with integer classes `(...)`, or with probability rows `(..., K)`; gives
    `(...)`. Anything else is a `ShapeError`; integer values are checked on the host by `check_targets`.

    Examples
    --------
    >>> CategoricalCrossEntropy()(jnp.array([[0.0, 0.0], [0.0, 1000.0]]), jnp.array([0, 0])).round(4).tolist()
    [0.6930999755859375, 1000.0]

    Source: Bridle, NATO ASI 68, 1990. Smoothing: Szegedy et al., CVPR 2016.
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "categorical_cross_entropy"
    target_kind: ClassVar[str] = "class_index"
    expects_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        fraction("label_smoothing", self.label_smoothing)

    def __call__(self, prediction: Array, target: Array) -> Array:
        integers = jnp.issubdtype(target.dtype, jnp.integer)
        if integers and prediction.ndim >= 1 and target.shape == prediction.shape[:-1]:
            return categorical_cross_entropy(prediction, target, label_smoothing=self.label_smoothing)
        if not integers and prediction.ndim >= 1 and target.shape == prediction.shape:
            rows = target.astype(prediction.dtype)
            return categorical_cross_entropy_of_rows(prediction, rows, label_smoothing=self.label_smoothing)
        raise ShapeError(
            "categorical_cross_entropy takes one class index, or one row of probabilities, an example",
            expected=f"integers of shape {prediction.shape[:-1]}, or probabilities of shape {prediction.shape}",
            got=f"{target.dtype} of shape {target.shape}",
            fix="convert labels with targets.astype('int32') and give them one axis less than the logits",
        )
