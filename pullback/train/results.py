"""What a run folder keeps of held-out rows: outputs, calibration, and what the model makes of each column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.data import Dataset
from pullback.train.calibration import as_columns, calibrate, class_probabilities, with_coverage
from pullback.train.folder import RunFolder
from pullback.train.importance import explanations
from pullback.train.prediction import in_units
from pullback.train.table_features import table_features

WORST_EXAMPLES = 256

# Outputs, and the loss of each row.
Evaluate = Callable[[Dataset], tuple[np.ndarray, np.ndarray]]


def prediction_arrays(split: str, data: Dataset, outputs: np.ndarray, losses: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays of `predictions.npz`; inputs are kept for the rows of largest loss."""
    worst = np.argsort(-losses, kind="stable")[:WORST_EXAMPLES].astype(np.int32)
    return {
        "split": np.array(split),
        "index": data.indices,
        "outputs": outputs,
        "targets": data.targets,
        "loss": losses,
        "inputs": data.inputs[worst],
        "inputs_row": worst,
    }


def save_calibration(
    folder: RunFolder, evaluate: Evaluate, rows: Dataset, test: Dataset | None, test_outputs: np.ndarray | None
) -> None:
    """Write how wide an interval or set must be by these rows, and how often it covers the test rows."""
    calibration = calibrate(evaluate(rows)[0], rows.targets, rows.task)
    if test is not None and test_outputs is not None:
        calibration = with_coverage(calibration, test_outputs, test.targets, "test")
    folder.save_json("calibration.json", calibration.to_json())


def save_explanations(
    folder: RunFolder,
    evaluate: Evaluate,
    data: Dataset,
    train: Dataset,
    preprocessing: tuple[Any, ...],
    *,
    seed: int,
    cost: Callable[[], int],
) -> None:
    """Write what the model makes of each column of a table, by held-out rows; `cost()` is what one row costs."""
    features = table_features(train, preprocessing)
    if not features:
        return

    def look(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        outputs, losses = evaluate(Dataset(inputs, targets, data.task, class_names=data.class_names))
        if data.task == "regression":
            return in_units(as_columns(outputs), preprocessing), losses
        return class_probabilities(outputs), losses

    found = explanations(look, data, features, seed, cost())
    if found is not None:
        folder.save_json("explanations.json", found)
