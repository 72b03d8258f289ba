"""The rows of a table as an estimator takes them: checked, in float64, padded to a bucket of the number of rows."""

from __future__ import annotations

from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Num
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from pullback.core.errors import ConfigurationError, DataError, unknown_name

# Below this number of rows powers of two, above steps of an eighth of a power of two: at most 12.5% of padding.
FINE_ABOVE = 512
FEWEST = 32

Targets = Num[np.ndarray, "rows *outputs"]


class Rows(NamedTuple):
    """Rows that a pure fit takes; those beyond `rows` repeat the first with weight zero.

    Parameters
    ----------
    X : inputs.
    y : targets: numbers, or the index of the class.
    weight : how often each row counts.
    rows : how many are not padding.
    """

    X: Float[np.ndarray, "rows features"]
    y: Targets
    weight: Float[np.ndarray, " rows"]
    rows: int


def bucket(rows: int) -> int:
    """The number of rows, not less, for which a program is compiled.

    Examples
    --------
    >>> [bucket(rows) for rows in (3, 33, 500, 513, 1000, 100_000)]
    [32, 64, 512, 576, 1024, 106496]
    """
    power = 1 << max(rows - 1, FEWEST - 1).bit_length()
    if power <= FINE_ABOVE:
        return power
    step = power // 16
    return -(-rows // step) * step


def regression_rows(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, many_outputs: bool = False, pad: bool = True
) -> Rows:
    """Inputs, real targets and weights for `fit` of a regressor.

    Errors
    ------
    `ValueError` as scikit-learn raises it for what is no table of finite numbers, `DataError` for weights that are
    negative, not finite, all zero or of another number.
    """
    X, y = validate_data(
        estimator, X, y, dtype=np.float64, order="C", y_numeric=True, multi_output=many_outputs, ensure_min_samples=1
    )
    return _rows(X, np.asarray(y, np.float64), sample_weight, pad)


def classification_rows(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    class_weight: Any = None,
    pad: bool = True,
) -> tuple[Rows, np.ndarray]:
    """Inputs, index of the class and weights for `fit` of a classifier, and the classes in their order.

    Errors
    ------
    As `regression_rows`, and `DataError` if all rows with weight are of one class.
    """
    X, y = validate_data(estimator, X, y, dtype=np.float64, order="C", ensure_min_samples=1)
    check_classification_targets(y)
    weight = checked_weight(sample_weight, len(X))
    present = weight > 0
    classes = np.unique(y[present])
    if len(classes) < 2:
        raise DataError(
            f"{type(estimator).__name__} needs two classes or more",
            expected="targets of at least 2 classes among the rows with weight",
            got=f"1 class, {classes.tolist()[0]!r}",
            fix="add rows of another class; a constant needs no model",
        )
    X, y, weight = X[present], y[present], weight[present]
    index = np.searchsorted(classes, y)
    if class_weight is not None:
        weight = weight * _factors(class_weight, classes, index, weight)[index]
    return _padded(X, index, weight, pad), classes


def padded_values(values: Any, present: np.ndarray, length: int) -> np.ndarray:
    """Further values, one for each row given to `fit`: those of the rows with weight, then the padding's.

    Errors
    ------
    `DataError` unless there is one value a row.
    """
    entries = np.asarray(values)
    if entries.shape != present.shape:
        raise DataError(
            "offset, exposure, trials and clusters have an entry for each row",
            expected=f"shape {present.shape}",
            got=f"shape {entries.shape}",
            fix="pass one value for each row of X",
        )
    kept = entries[present]
    return np.concatenate([kept, np.repeat(kept[:1], length - len(kept), axis=0)])


def padded_clusters(clusters: Any, sample_weight: Any, y: Any, rows: Rows) -> Any:
    """Labels of the clusters as `padded_values`, or None where there are none."""
    if clusters is None:
        return None
    return padded_values(clusters, checked_weight(sample_weight, len(np.asarray(y))) > 0, len(rows.X))


def prediction_rows(estimator: Any, X: Any) -> Float[np.ndarray, "rows features"]:
    """Inputs for `predict`, with the columns of the fit."""
    check_is_fitted(estimator)
    return np.asarray(validate_data(estimator, X, dtype=np.float64, reset=False))


def checked_weight(sample_weight: Any, rows: int) -> Float[np.ndarray, " rows"]:
    """Weights as float64, one a row; ones where none are given.

    Errors
    ------
    `DataError` for weights that are negative, not finite, all zero, or not one a row.

    Examples
    --------
    >>> checked_weight([1, 0, 2], 3)
    array([1., 0., 2.])
    """
    if sample_weight is None:
        return np.ones(rows)
    if isinstance(sample_weight, Number):
        sample_weight = np.full(rows, sample_weight)
    weight = check_array(sample_weight, ensure_2d=False, dtype="float64", input_name="sample_weight")
    if weight.shape != (rows,):
        raise DataError(
            f"sample_weight has the shape {weight.shape}",
            expected=f"one weight a row, shape ({rows},)",
            got=f"shape {weight.shape}",
            fix="pass one number for each row of X",
        )
    if np.any(weight < 0):
        first = int(np.flatnonzero(weight < 0)[0])
        raise DataError(
            "sample_weight holds negative values",
            expected="weights of zero or more",
            got=f"{weight[first]:g} in row {first}",
            fix="leave out the rows that shall not count",
        )
    if not np.any(weight > 0):
        raise DataError(
            "sample_weight is all zero",
            expected="at least one row with a weight above zero",
            got=f"zero in all {rows} rows",
            fix="give weight to the rows that shall count",
        )
    return weight


def _factors(class_weight: Any, classes: np.ndarray, index: np.ndarray, weight: np.ndarray) -> np.ndarray:
    if isinstance(class_weight, str) and class_weight == "balanced":
        return weight.sum() / (len(classes) * np.bincount(index, weights=weight))
    if not isinstance(class_weight, dict):
        raise ConfigurationError(
            "class_weight is not understood",
            expected="None, 'balanced' or a dict from class to weight",
            got=repr(class_weight),
            fix="pass 'balanced' to let every class count alike",
        )
    known = classes.tolist()
    for name in class_weight:
        if name not in known:
            raise unknown_name("class of class_weight", str(name), map(str, known))
    return np.array([float(class_weight.get(name, 1.0)) for name in known])


def _rows(X: Any, y: Any, sample_weight: Any, pad: bool) -> Rows:
    weight = checked_weight(sample_weight, len(X))
    present = weight > 0
    if not np.all(present):
        X, y, weight = X[present], y[present], weight[present]
    return _padded(X, y, weight, pad)


def _padded(X: Any, y: Any, weight: Any, pad: bool) -> Rows:
    count = len(X)
    missing = bucket(count) - count if pad else 0
    if not missing:
        return Rows(X, y, weight, count)
    # The first row again, and not zeros: a logarithm of the padding must stay finite.
    return Rows(
        np.concatenate([X, np.repeat(X[:1], missing, axis=0)]),
        np.concatenate([y, np.repeat(y[:1], missing, axis=0)]),
        np.concatenate([weight, np.zeros(missing)]),
        count,
    )
