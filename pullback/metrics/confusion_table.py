"""The confusion matrix of labels as people have them, and every score of it with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import DataError, unknown_name
from pullback.metrics.classification_summary import ClassificationSummary, matrix_text
from pullback.metrics.confusion_intervals import (
    F_SCORES,
    RATES,
    WHOLE,
    accuracy_interval,
    average_interval,
    class_interval,
    whole_interval,
)
from pullback.metrics.rows import Vector, class_indices, class_labels, row_weights, same_length
from pullback.prob import Interval

TABLE_SCORES = ("accuracy", *WHOLE, *RATES, *F_SCORES)
SUMMARY_RATES = ("precision", "recall", "specificity", "f1")


@dataclass(frozen=True, eq=False)
class ConfusionTable:
    """Counts of true against predicted labels; made by `confusion_table`.

    Parameters
    ----------
    labels : the K classes, in the order of the rows and columns.
    counts : (K, K), rows the true class; integers, or sums of weights.
    """

    labels: tuple[Any, ...]
    counts: np.ndarray

    @property
    def n(self) -> float:
        """Number of rows, or the sum of their weights."""
        return self.counts.sum().item()

    def score(
        self,
        name: str,
        *,
        label: Any = None,
        average: str | None = None,
        beta: float = 1.0,
        zero_division: float = math.nan,
        level: float = 0.95,
    ) -> Interval:
        """One score with its n and its interval, made as `pullback.metrics.confusion_intervals` says.

        A score that is 0 / 0 has the value `zero_division`, limits that are all it can be, and in place of the method
        the reason. Averages leave classes that are NaN out.

        Parameters
        ----------
        name : one of `TABLE_SCORES`; "sensitivity" is the recall of the positive class.
        label : the class whose rate is asked for; of two classes the second one by default, the positive one.
        average : "macro", "micro" or "weighted" over the classes; "macro" by default if there are more than two.
        beta : weight of recall against precision in "f_beta".
        zero_division : what 0 / 0 counts as.
        level : nominal coverage.

        Raises
        ------
        ConfigurationError
            for a name or an average that is not in the list.
        DataError
            for a label that is not in the table.

        Examples
        --------
        >>> table = confusion_table(["no", "no", "yes", "yes", "yes"], ["no", "yes", "yes", "yes", "no"])
        >>> print(table.score("precision", label="yes"))
        0.6667 [0.2077, 0.9385] (95% wilson, n = 3)
        """
        if name not in TABLE_SCORES:
            raise unknown_name("score", name, TABLE_SCORES)
        if name == "accuracy":
            return accuracy_interval(self.counts, level)
        if name in WHOLE:
            return whole_interval(self.counts, name, zero_division, level)
        beta = beta if name == "f_beta" else 1.0
        if average is None and (label is not None or len(self.labels) == 2):
            k = 1 if label is None else int(class_indices("the label", np.asarray([label]), self.labels)[0])
            return class_interval(self.counts, k, self.labels[k], name, beta, zero_division, level)
        return average_interval(self.counts, name, average or "macro", beta, zero_division, level)

    def summary(self, level: float = 0.95) -> ClassificationSummary:
        """Rates of every class and scores of the whole table, each with its interval, as a table to print.

        Examples
        --------
        >>> summary = confusion_table([0, 0, 0, 1, 1], [0, 0, 1, 1, 1]).summary()
        >>> print(summary.overall["accuracy"])
        0.8 [0.3755, 0.9638] (95% wilson, n = 5)
        """
        classes = {
            label: {name: self.score(name, label=label, level=level) for name in SUMMARY_RATES} for label in self.labels
        }
        overall = {name: self.score(name, level=level) for name in ("accuracy", *WHOLE)}
        if len(self.labels) > 2:
            overall |= {f"{name}, macro": self.score(name, average="macro", level=level) for name in SUMMARY_RATES}
        return ClassificationSummary(self.counts, classes, overall, level)

    def __str__(self) -> str:
        return matrix_text(self.labels, self.counts)


def confusion_table(
    true: Vector, predicted: Vector, *, sample_weight: Vector | None = None, labels: Sequence[Any] | None = None
) -> ConfusionTable:
    r"""$C_{jk} = \sum_i w_i \, \mathbf{1}[y_i = j, \hat y_i = k]$.

    Parameters
    ----------
    true, predicted : (n,) labels of one kind: integers, strings, booleans.
    sample_weight : (n,) how many rows each row stands for, 1 by default.
    labels : the classes in the order wanted, by default those that occur, sorted; the second of two is the positive
        one.

    Raises
    ------
    DataError
        with row and value, for a missing label, one that is not among `labels`, or a weight that is no count; for
        vectors of different lengths.

    Examples
    --------
    >>> table = confusion_table(["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "dog"])
    >>> print(table)
    true \ predicted  cat  dog
    cat                 1    1
    dog                 0    2
    >>> print(table.score("recall", label="cat"))
    0.5 [0.09453, 0.9055] (95% wilson, n = 2)
    """
    y, called = class_labels("true labels", true), class_labels("predicted labels", predicted)
    same_length("true labels", y, "predicted labels", called)
    if (y.dtype.kind in "US") != (called.dtype.kind in "US"):
        raise DataError(
            "true and predicted labels are of different kinds",
            expected="both numbers or both strings",
            got=f"{y.dtype} and {called.dtype}",
            fix="convert one to the other's kind",
        )
    classes = np.union1d(y, called).tolist() if labels is None else list(labels)
    if len(set(classes)) < len(classes) or not classes:
        raise DataError(
            "the list of labels is empty or names one twice",
            expected="every class once",
            got=f"{classes}",
            fix="leave the repeated label out",
        )
    k = len(classes)
    cells = class_indices("true labels", y, classes) * k + class_indices("predicted labels", called, classes)
    weights = row_weights(sample_weight, len(y))
    counts = np.bincount(cells, weights, k * k).reshape(k, k)
    whole = counts.astype(np.int64)
    return ConfusionTable(tuple(classes), whole if (whole == counts).all() else counts)
