"""What a prediction and its target must look like, in one place for every metric."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool

from pullback.core.errors import ShapeError


def is_binary(prediction: Array, target: Array) -> bool:
    """Whether the prediction is one logit an example, from the shapes alone.

    Raises
    ------
    ShapeError
        unless the prediction has the target's shape (one logit), or that shape and a last axis of 1 (one logit) or
        of K >= 2 (one logit a class).
    """
    if prediction.shape == target.shape:
        return True
    if prediction.shape[:-1] != target.shape:
        raise ShapeError(
            "the predictions do not fit the labels",
            expected=f"logits of shape {(*target.shape, 'K')}, or {target.shape} if binary",
            got=f"predictions of shape {prediction.shape}, labels of shape {target.shape}",
            fix="give the model one output a class (one in all if binary), and pass class indices as labels",
        )
    return prediction.shape[-1] == 1


def binary_logit(prediction: Array, target: Array) -> Array:
    """One logit an example, in the shape of the target."""
    return prediction.reshape(target.shape)


def same_shape(prediction: Array, target: Array) -> Array:
    """The prediction in the shape of a real target; a last axis of 1 that the target lacks is taken away.

    Raises
    ------
    ShapeError
        for any other difference: real targets are never broadcast.
    """
    if prediction.shape == (*target.shape, 1):
        return prediction[..., 0]
    if prediction.shape != target.shape:
        raise ShapeError(
            "the predictions do not have the shape of the targets",
            expected=f"{target.shape}",
            got=f"{prediction.shape}",
            fix="reshape the targets, or change the out_features of the last layer",
        )
    return prediction


def row_mask(weight: Array | None, values: Array) -> Bool[Array, " *shape"]:
    """Whether each value counts: the weight of its row is not zero.

    Raises
    ------
    ShapeError
        unless there is one weight a row.
    """
    if weight is None:
        return jnp.ones(values.shape, jnp.bool_)
    if weight.shape != values.shape[:1]:
        raise ShapeError(
            "the weights are not one a row",
            expected=f"{values.shape[:1]}",
            got=f"{weight.shape}",
            fix="pass a vector with 1 for each row and 0 for each padding row",
        )
    rows = (weight != 0).reshape(weight.shape + (1,) * (values.ndim - 1))
    return jnp.broadcast_to(rows, values.shape)


def example_mean(values: Array) -> Array:
    """One value an example: the mean over all axes but the first."""
    return values.mean(axis=tuple(range(1, values.ndim))) if values.ndim > 1 else values
