"""What the caller brings, checked on the host row by row: labels, scores, probabilities and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from pullback.core.errors import DataError

# A vector as people have it: NumPy, a list, a column of pandas.
Vector = Any


def class_labels(name: str, values: Vector) -> Shaped[np.ndarray, " rows"]:
    """Labels of any one kind (numbers, strings, booleans), none of them missing.

    Raises
    ------
    DataError
        unless they are one vector with at least one row; for a missing label, with its row.
    """
    # NumPy turns a list of strings and numbers into strings.
    labels = _vector(name, np.array(values, object) if isinstance(values, list | tuple) else values)
    missing = _missing(labels)
    if missing.any():
        raise _at_row(name, labels, missing, "a label in every row", "remove the row, or give it a label of its own")
    if labels.dtype == object:
        is_text = np.array([isinstance(label, str) for label in labels], bool)
        if is_text.any() and not is_text.all():
            raise DataError(
                f"{name} mix strings and numbers",
                expected="numbers alone or strings alone",
                got=f"{labels[is_text][0]!r} and {labels[~is_text][0]!r}",
                fix=f"convert {name} to one kind",
            )
        labels = np.array(labels.tolist())
    return labels


def finite_numbers(name: str, values: Vector) -> Float[np.ndarray, " rows"]:
    """Numbers in float64, one a row, all finite; DataError with the row of one that is not."""
    numbers = _numbers(name, _vector(name, values))
    bad = ~np.isfinite(numbers)
    if bad.any():
        raise _at_row(name, numbers, bad, "finite numbers", "find out where the number comes from")
    return numbers


def finite_rows(name: str, values: Any) -> Float[np.ndarray, "rows columns"]:
    """A matrix in float64, one row an example, all finite; DataError with the row of a number that is not."""
    numbers = _numbers(name, np.asarray(values))
    if numbers.ndim != 2 or not numbers.size:
        raise DataError(
            f"{name} are not one row an example",
            expected="shape (n, K)",
            got=f"{numbers.shape}",
            fix="pass a matrix with a column a class",
        )
    bad = np.asarray(~np.isfinite(numbers).all(axis=1))
    if bad.any():
        raise _at_row(name, numbers, bad, "finite numbers", "find out where the number comes from")
    return numbers


def probabilities(name: str, values: Vector) -> Float[np.ndarray, " rows"]:
    """Probabilities in float64, one a row; DataError with the row of one outside [0, 1]."""
    numbers = finite_numbers(name, values)
    bad = (numbers < 0) | (numbers > 1)
    if bad.any():
        raise _at_row(name, numbers, bad, "probabilities in [0, 1]", "pass probabilities, not logits")
    return numbers


def row_weights(weights: Vector | None, rows: int) -> Float[np.ndarray, " rows"]:
    """How many rows each row stands for: 1 without weights.

    Raises
    ------
    DataError
        unless there is one a row, finite and not negative, and they sum to at least 1.
    """
    if weights is None:
        return np.ones(rows)
    counts = finite_numbers("sample weights", weights)
    same_length("sample weights", counts, "rows", np.empty(rows))
    if (counts < 0).any():
        raise _at_row("sample weights", counts, counts < 0, "weights of zero or more", "count each row 0 times or more")
    if counts.sum() < 1:
        raise DataError(
            "the sample weights count less than one row",
            expected="weights that say how many rows each row stands for, with a sum of at least 1",
            got=f"a sum of {counts.sum():.6g}",
            fix="pass counts; weights that were divided by their sum no longer know the number of rows",
        )
    return counts


def same_length(name: str, values: np.ndarray, other_name: str, others: np.ndarray) -> None:
    """DataError unless both have as many rows."""
    if len(values) != len(others):
        raise DataError(
            f"{name} and {other_name} differ in length",
            expected="one of each a row",
            got=f"{len(values)} and {len(others)}",
            fix="take both from the same rows",
        )


def binary_truth(values: Vector, positive: Any = None) -> Bool[np.ndarray, " rows"]:
    """Whether each row is of the positive class.

    Without `positive`, the labels must be 0 and 1, False and True, or -1 and 1, and the larger one is positive.

    Raises
    ------
    DataError
        for a missing label, more than two labels, a `positive` that does not occur, labels from which the positive one
        cannot be told, or one class only.
    """
    labels = class_labels("labels", values)
    found = np.unique(labels)
    if len(found) > 2:
        odd = ~np.isin(labels, found[:2])
        raise _at_row(
            "labels", labels, odd, f"two classes, such as {found[0]!s} and {found[1]!s}", "score two at a time"
        )
    if positive is None:
        if not set(found.tolist()) <= {0, 1} and not set(found.tolist()) <= {-1, 1}:
            raise DataError(
                "the labels do not say which class is positive",
                expected="0 and 1, False and True, or -1 and 1",
                got=" and ".join(map(str, found.tolist())),
                fix=f"pass positive={found[-1].item()!r}",
            )
        positive = 1
    is_positive = np.asarray(labels == positive)
    if is_positive.all() or not is_positive.any():
        raise DataError(
            "only one class occurs",
            expected="rows of the positive class and rows of the other",
            got=f"{int(is_positive.sum())} positive rows of {len(labels)}",
            fix="score rows of both classes",
        )
    return is_positive


def class_indices(
    name: str, labels: Shaped[np.ndarray, " rows"], classes: Sequence[Any]
) -> Shaped[np.ndarray, " rows"]:
    """Place of each label among the classes; DataError with the row of a label that is none of them."""
    known = np.asarray(classes)
    order = np.argsort(known, kind="stable")
    place = np.minimum(np.searchsorted(known[order], labels), len(known) - 1)
    unknown = known[order][place] != labels
    if np.any(unknown):
        names = ", ".join(map(str, known.tolist()))
        raise _at_row(name, labels, unknown, f"one of {names}", "add the label to the list, or correct the row")
    return order[place]


def _vector(name: str, values: Vector) -> np.ndarray:
    vector = np.asarray(values)
    if vector.ndim == 2 and vector.shape[1] == 1:
        vector = vector[:, 0]
    if vector.ndim != 1 or not vector.size:
        raise DataError(
            f"{name} are not one a row",
            expected="a vector with at least one row",
            got=f"shape {vector.shape}",
            fix="pass one value a row",
        )
    return vector


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} are not numbers", expected="numbers", got=f"{values.dtype} values", fix="convert them to numbers"
        ) from error


def _missing(labels: np.ndarray) -> np.ndarray:
    if labels.dtype == object:
        return np.array([label is None or label != label for label in labels], bool)
    return np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(len(labels), bool)


def _at_row(name: str, values: np.ndarray, bad: np.ndarray, expected: str, fix: str) -> DataError:
    rows = np.flatnonzero(bad)
    others = f", and {len(rows) - 1} more such rows" if len(rows) > 1 else ""
    return DataError(
        f"{name} cannot be used",
        expected=expected,
        got=f"{values[rows[0]]} in row {rows[0]}{others}",
        fix=fix,
    )
