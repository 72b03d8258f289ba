"""What a target must look like: while tracing (shapes) and on the host (values, with row and value)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pullback.core.errors import DataError, ShapeError

Shape = tuple[int, ...]


def aligned(loss: str, prediction: Array, target: Array) -> tuple[Array, Array]:
    """Prediction and target of one common shape and dtype; nothing is ever broadcast.

    The single exception: a prediction `(..., 1)` with a target `(...)` loses its last axis.
    """
    if prediction.ndim == target.ndim + 1 and prediction.shape[-1] == 1:
        prediction = jnp.squeeze(prediction, -1)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{loss} compares arrays of the same shape and never broadcasts",
            expected=f"a target of shape {prediction.shape}",
            got=f"a target of shape {target.shape}",
            fix="reshape the targets, or change the width of the last layer",
        )
    return prediction, target.astype(prediction.dtype)


def example_mean(values: Array) -> Array:
    """One value an example: the mean over every axis but the first."""
    return values if values.ndim < 2 else jnp.mean(values, axis=tuple(range(1, values.ndim)))


def _first(bad: np.ndarray, targets: np.ndarray) -> tuple[str, str]:
    """Row and value of the first bad entry, and how many there are."""
    position = tuple(int(index) for index in np.argwhere(bad)[0])
    value = targets[position].item()
    place = f"row {position[0]}" + (f", column {', '.join(map(str, position[1:]))}" if position[1:] else "")
    count = int(bad.sum())
    return f"{value!r} in {place}", f" ({count} such values)" if count > 1 else ""


def _refuse(bad: np.ndarray, targets: np.ndarray, what: str, expected: str, fix: str) -> None:
    if bad.any():
        found, more = _first(bad, targets)
        raise DataError(what, expected=expected, got=found + more, fix=fix)


def _check_numeric(targets: np.ndarray) -> None:
    if targets.dtype.kind not in "biuf":
        raise DataError(
            "the targets are not numbers",
            expected="integers or real numbers",
            got=f"dtype {targets.dtype}",
            fix="encode the targets as numbers first; class names become 0, 1, ...",
        )
    if targets.dtype.kind == "f":
        _refuse(~np.isfinite(targets), targets, "a target is not finite", "finite numbers", "drop or repair that row")


def _check_shape(targets: np.ndarray, shapes: tuple[Shape, ...]) -> None:
    if targets.shape not in shapes:
        raise ShapeError(
            "the targets do not have the shape that the model's output asks for",
            expected=" or ".join(dict.fromkeys(map(str, shapes))),
            got=str(targets.shape),
            fix="reshape the targets, or change the width of the last layer",
        )


def _without_unit_axis(outputs_shape: Shape) -> tuple[Shape, ...]:
    return (outputs_shape, outputs_shape[:-1]) if outputs_shape[-1:] == (1,) else (outputs_shape,)


def _check_class_index(targets: np.ndarray, outputs_shape: Shape) -> None:
    if targets.ndim == len(outputs_shape) and targets.dtype.kind == "f":
        _check_shape(targets, (outputs_shape,))
        _check_probability_rows(targets)
        return
    _check_shape(targets, (outputs_shape[:-1],))
    classes = outputs_shape[-1]
    if targets.dtype.kind not in "iu":
        whole = targets == np.floor(targets) if targets.dtype.kind == "f" else np.ones(targets.shape, bool)
        fix = "number the classes 0, 1, ... as integers"
        _refuse(~whole, targets, "a class label is not an integer", f"integers 0 to {classes - 1}", fix)
        raise DataError(
            "class labels must be of an integer type",
            expected=f"integers 0 to {classes - 1}",
            got=f"dtype {targets.dtype}",
            fix="convert them with targets.astype('int32')",
        )
    _refuse(
        (targets < 0) | (targets >= classes),
        targets,
        "a class label is out of range",
        f"integers 0 to {classes - 1}, since the model has {classes} outputs",
        "number the classes from 0, or give the last layer one output a class",
    )


def _check_probability_rows(targets: np.ndarray) -> None:
    fix = "normalize each row, or pass class indices"
    _refuse((targets < 0) | (targets > 1), targets, "a class probability is out of range", "numbers in [0, 1]", fix)
    totals = targets.sum(axis=-1)
    _refuse(np.abs(totals - 1) > 1e-3, totals, "the class probabilities of a row do not sum to 1", "a sum of 1", fix)


def _check_binary(targets: np.ndarray, outputs_shape: Shape) -> None:
    _check_shape(targets, _without_unit_axis(outputs_shape))
    if targets.dtype.kind != "b":
        _refuse(
            (targets < 0) | (targets > 1),
            targets,
            "a binary label is out of range",
            "0 or 1 (or a probability between)",
            "number the two classes 0 and 1; for more classes use categorical_cross_entropy",
        )


def _check_real(targets: np.ndarray, outputs_shape: Shape) -> None:
    _check_shape(targets, _without_unit_axis(outputs_shape))


CHECKS: dict[str, Callable[[np.ndarray, Shape], None]] = {
    "class_index": _check_class_index,
    "binary": _check_binary,
    "real": _check_real,
}


def check_targets(loss: Any, targets: np.ndarray, outputs_shape: Shape) -> None:
    r"""Check all targets on the host before training; the message names the row and the value.

    Parameters
    ----------
    loss : a loss with `target_kind`; a plain function has none, and then only finite numbers and the number of rows
        are asked for.
    targets : NumPy array, one row an example.
    outputs_shape : shape of the model's output for the same examples, `(n, ...)`.

    Errors
    ------
    `DataError` for a label that is negative, too large, not an integer or NaN; `ShapeError` for a wrong shape.

    Examples
    --------
    >>> from pullback.nn.losses import CategoricalCrossEntropy
    >>> try:
    ...     check_targets(CategoricalCrossEntropy(), np.array([0, 2, 10]), (3, 10))
    ... except DataError as error:
    ...     print(error)
    a class label is out of range
      expected: integers 0 to 9, since the model has 10 outputs
      got: 10 in row 2
      to do: number the classes from 0, or give the last layer one output a class
    """
    targets = np.asarray(targets)
    _check_numeric(targets)
    if targets.shape[:1] != tuple(outputs_shape[:1]):
        raise ShapeError(
            "there is not one target an example",
            expected=f"{outputs_shape[0]} targets" if outputs_shape else "one target",
            got=f"targets of shape {targets.shape}",
            fix="give as many targets as inputs, in the same order",
        )
    check = CHECKS.get(getattr(loss, "target_kind", ""))
    if check is not None:
        check(targets, tuple(outputs_shape))
