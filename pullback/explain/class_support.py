"""What a classifier says of each class, and the slice through the space of features on which it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pullback.core.errors import ConfigurationError, DataError

# The window reaches beyond the rows by this share of their range.
MARGIN = 0.06


@dataclass(frozen=True, eq=False)
class ClassSupport:
    """What an estimator says of each class at some points.

    Parameters
    ----------
    classes : the labels.
    values : (points, K) probabilities, or decision values, minus and plus one value if there are two classes.
    probable : whether they are probabilities.
    threshold : probability from which the second of two classes is the answer.
    """

    classes: tuple[Any, ...]
    values: np.ndarray
    probable: bool
    threshold: float = 0.5

    @property
    def margins(self) -> np.ndarray:
        """(points, K) positive where the class is the answer, zero on its boundary."""
        if len(self.classes) == 2:
            above = self.values[:, 1] - (self.threshold if self.probable else 0.0)
            return np.stack([-above, above], axis=1)
        best = np.sort(self.values, axis=1)
        others = np.where(self.values == best[:, -1:], best[:, -2:-1], best[:, -1:])
        return self.values - others

    @property
    def answers(self) -> np.ndarray:
        """(points,) place of the class that is the answer."""
        if len(self.classes) == 2:
            return (self.margins[:, 1] >= 0).astype(int)
        return self.values.argmax(axis=1)

    @property
    def sureness(self) -> np.ndarray:
        """(points,) from 0 on the boundary, or where no class is preferred, to 1."""
        own = np.take_along_axis(self.margins, self.answers[:, None], axis=1)[:, 0]
        if self.probable and len(self.classes) == 2:
            return own / np.where(self.answers == 1, 1 - self.threshold, self.threshold)
        if self.probable:
            share = 1 / len(self.classes)
            return np.clip((self.values.max(axis=1) - share) / (1 - share), 0, 1)
        return own / (own + np.median(own) + np.finfo(float).tiny)


def class_support(estimator: Any, points: Any, threshold: float = 0.5) -> ClassSupport:
    """Probabilities of the estimator at the points, or its decision values if it has none.

    Raises
    ------
    ConfigurationError
        if the estimator has neither.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [2.0]], ["no", "yes"])
    >>> support = class_support(model, np.array([[1.0]]))
    >>> support.classes, support.values.round(3).tolist()
    (('no', 'yes'), [[0.5, 0.5]])
    """
    classes = tuple(np.asarray(estimator.classes_).tolist())
    for name, probable in (("predict_proba", True), ("decision_function", False)):
        if hasattr(estimator, name):
            values = np.asarray(getattr(estimator, name)(points), np.float64)
            values = np.stack([-values, values], axis=1) if values.ndim == 1 else values
            if values.shape[1] != len(classes):
                break
            return ClassSupport(classes, values, probable, threshold)
    raise ConfigurationError(
        f"{type(estimator).__name__} does not say how sure it is of each class",
        expected="predict_proba or decision_function, with a value a class",
        got="neither",
        fix="wrap it, for example in sklearn.calibration.CalibratedClassifierCV",
    )


@dataclass(frozen=True, eq=False)
class Slice:
    """Rows, the one or two columns that are drawn, and what the others are held at.

    Parameters
    ----------
    rows : the rows as the estimator takes them.
    places : the columns that are drawn, in the order of `names`.
    fixed : one row, the values at which all columns are held.
    labels : (n,) or None.
    note : which columns are held where, in words.
    """

    rows: Any
    places: tuple[int, ...]
    names: tuple[str, ...]
    fixed: list[Any]
    labels: np.ndarray | None
    note: str

    @property
    def columns(self) -> np.ndarray:
        """The drawn columns of the rows, (n, 1) or (n, 2)."""
        frame = pd.DataFrame(self.rows)
        return np.stack([frame.iloc[:, place].to_numpy(np.float64) for place in self.places], axis=1)

    @property
    def window(self) -> list[tuple[float, float]]:
        """Limits of each drawn column, a little wider than its range."""
        lowest, highest = self.columns.min(axis=0), self.columns.max(axis=0)
        reach = np.where(highest > lowest, MARGIN * (highest - lowest), 1.0)
        return [(low.item(), high.item()) for low, high in zip(lowest - reach, highest + reach, strict=True)]

    def points(self, grid: np.ndarray) -> Any:
        """Rows with these values in the drawn columns, as the estimator takes them."""
        if isinstance(self.rows, pd.DataFrame):
            held = {name: [value] * len(grid) for name, value in zip(self.rows.columns, self.fixed, strict=True)}
            drawn = {self.rows.columns[place]: grid[:, k] for k, place in enumerate(self.places)}
            return pd.DataFrame(held | drawn)
        points = np.tile(np.asarray(self.fixed, np.float64), (len(grid), 1))
        points[:, list(self.places)] = grid
        return points


def slice_of(X: Any, y: Any, features: Sequence[int | str] | None, at: Mapping[int | str, Any] | None) -> Slice:
    """The slice through these rows.

    Raises
    ------
    ConfigurationError
        for columns that do not exist, and for other than one or two.
    DataError
        for rows and labels of different lengths, or no rows.
    """
    rows = X if isinstance(X, pd.DataFrame) else np.asarray(X, np.float64)
    frame = pd.DataFrame(rows)
    names = [str(name) if isinstance(rows, pd.DataFrame) else f"x[{name}]" for name in frame.columns]
    chosen = list(range(len(names))) if features is None else [_place(feature, names) for feature in features]
    if not 1 <= len(chosen) <= 2 or len(set(chosen)) < len(chosen):
        raise ConfigurationError(
            "a picture shows one feature or two",
            expected="one or two columns",
            got=", ".join(names[place] for place in chosen) or "none",
            fix=f"pass features, for example features=({names[0]!r},)",
        )
    labels = None if y is None else np.asarray(y).reshape(-1)
    if not len(frame) or (labels is not None and len(labels) != len(frame)):
        raise DataError(
            "rows and labels do not fit together",
            expected="one label a row, and at least one row",
            got=f"{len(frame)} rows" + ("" if labels is None else f", {len(labels)} labels"),
            fix="pass the labels of these rows",
        )
    fixed = [_middle(frame.iloc[:, place]) for place in range(len(names))]
    for feature, value in (at or {}).items():
        fixed[_place(feature, names)] = value
    others = [place for place in range(len(names)) if place not in chosen]
    said = ", ".join(f"{names[place]} = {_text(fixed[place])}" for place in others[:3])
    more = f" and {len(others) - 3} more held" if len(others) > 3 else ""
    return Slice(rows, tuple(chosen), tuple(names[place] for place in chosen), fixed, labels, said + more)


def _place(feature: int | str, names: list[str]) -> int:
    if isinstance(feature, str) and feature in names:
        return names.index(feature)
    if not isinstance(feature, str) and 0 <= feature < len(names):
        return int(feature)
    raise ConfigurationError(
        f"there is no column {feature!r}",
        expected=f"one of {', '.join(names)}, or a place 0 .. {len(names) - 1}",
        got=repr(feature),
        fix="choose a column of X",
    )


def _middle(column: pd.Series) -> Any:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return float(column.median())
    return column.mode().iloc[0]


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
