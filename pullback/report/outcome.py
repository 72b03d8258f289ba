r"""Model outputs turned into what the task is about: class probabilities, or predicted quantities.

For K classes the outputs are logits $z$ and $p_k = e^{z_k} / \sum_j e^{z_j}$; for a binary task with one output,
$p_1 = 1 / (1 + e^{-z})$ and $p_0 = 1 - p_1$.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_softmax

from pullback.report.run_folder import Data, Predictions


@dataclass(frozen=True, eq=False)
class Classification:
    """Class probabilities of held-out rows beside their labels."""

    log_probabilities: Float[np.ndarray, "rows classes"]
    observed: Int[np.ndarray, " rows"]
    class_names: tuple[str, ...]
    binary: bool

    @property
    def probabilities(self) -> Float[np.ndarray, "rows classes"]:
        return np.exp(self.log_probabilities)

    @property
    def predicted(self) -> Int[np.ndarray, " rows"]:
        """The most probable class; the first of several that tie."""
        return np.argmax(self.log_probabilities, axis=1)

    @property
    def confusion(self) -> Int[np.ndarray, "classes classes"]:
        """Counts by observed class (row) and predicted class (column)."""
        classes = len(self.class_names)
        cells = self.observed * classes + self.predicted
        return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True, eq=False)
class Regression:
    """Predicted beside observed quantities of held-out rows, one column an output."""

    predicted: Float[np.ndarray, "rows outputs"]
    observed: Float[np.ndarray, "rows outputs"]

    @property
    def residuals(self) -> Float[np.ndarray, "rows outputs"]:
        """Observed minus predicted."""
        return self.observed - self.predicted


Outcome = Classification | Regression


def read_outcome(predictions: Predictions, data: Data) -> Outcome | str:
    """The outcome of a run, or a sentence that says why these predictions cannot be summarized."""
    if not (_is_numeric(predictions.outputs) and _is_numeric(predictions.targets)):
        return "The stored predictions are not numbers."
    bad = ~np.isfinite(predictions.outputs).reshape(len(predictions.outputs), -1).all(axis=1)
    if bad.any():
        rows = f"{bad.sum()} of {len(predictions.outputs)} held-out rows"
        return f"The model's output is not finite for {rows}, so nothing is computed."
    if data.task in ("classification", "binary"):
        return _classification(predictions.outputs, predictions.targets, data)
    if data.task == "regression":
        return _regression(predictions.outputs, predictions.targets)
    return f"Predictions of the task {data.task!r} are not summarized by this report."


def _is_numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "iufb"


def _classification(outputs: np.ndarray, targets: np.ndarray, data: Data) -> Outcome | str:
    labels = targets.reshape(len(targets), -1)
    logits = outputs.reshape(len(outputs), -1).astype(np.float64)
    if outputs.ndim > 2 or labels.shape[1] != 1:
        return (
            f"Outputs of shape {outputs.shape} for targets of shape {targets.shape} are not summarized by this report."
        )
    if logits.shape[1] == 1:
        logits = np.column_stack([np.zeros(len(logits)), logits])
    classes = logits.shape[1]
    observed = labels[:, 0].astype(np.int64)
    if not np.array_equal(observed, labels[:, 0]) or observed.min() < 0 or observed.max() >= classes:
        return f"A stored label is no class index from 0 to {classes - 1}, so nothing is computed."
    named = data.class_names is not None and len(data.class_names) == classes
    return Classification(
        log_softmax(logits, axis=1),
        observed,
        data.class_names if named and data.class_names else tuple(str(label) for label in range(classes)),
        binary=classes == 2,
    )


def _regression(outputs: np.ndarray, targets: np.ndarray) -> Outcome | str:
    predicted = outputs.reshape(len(outputs), -1).astype(np.float64)
    observed = targets.reshape(len(targets), -1).astype(np.float64)
    if predicted.shape != observed.shape or not np.isfinite(observed).all():
        return f"Outputs of shape {outputs.shape} and targets of shape {targets.shape} cannot be compared."
    return Regression(predicted, observed)
