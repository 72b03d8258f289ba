"""The end of a run: the chosen model on held-out data, and all that is written about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pullback.data import Dataset
from pullback.train.calibration import as_columns, calibrate, class_probabilities, with_coverage
from pullback.train.describe import model_record
from pullback.train.held_out import evaluate_dataset, intervals
from pullback.train.importance import explanations
from pullback.train.loop import Loop
from pullback.train.outcome import Run, chosen_model
from pullback.train.prediction import in_units
from pullback.train.saving import chosen
from pullback.train.table_features import table_features

WORST_EXAMPLES = 256


def finish(loop: Loop, notes: tuple[str, ...]) -> Run:
    """Evaluate the chosen model on held-out data and write the results."""
    prepared, position = loop.prepared, loop.position
    assert position.reason is not None
    if loop.log is not None:
        loop.log.write({"event": "finished", "reason": position.reason, "best_epoch": position.best_epoch})
    split = "test" if prepared.test_data is not None else "validation"
    data = prepared.test_data if prepared.test_data is not None else prepared.validation_data
    evaluation: dict[str, dict[str, Any]] = {}
    params, memory = chosen(loop)
    result = None if data is None else evaluate_dataset(loop, params, memory, data)
    if data is not None and result is not None:
        evaluation = {name: asdict(value) for name, value in intervals(prepared.metrics, result.totals).items()}
        if loop.log is not None:
            loop.log.write({"event": "evaluation", "split": split, "metrics": evaluation})
        if loop.folder is not None:
            loop.folder.save_predictions(_predictions(split, data, result.outputs, result.losses))
    _calibrate(loop, None if split != "test" or result is None else result.outputs)
    _explain(loop, data)
    model, memory = chosen_model(loop)
    path = None if loop.folder is None else loop.folder.path
    return Run(model, memory, tuple(loop.history), evaluation, position.reason, path, notes)


def _calibrate(loop: Loop, test_outputs: np.ndarray | None) -> None:
    """Write how wide an interval or set must be, and how often it covers the test rows."""
    rows, test = loop.prepared.calibration_data, loop.prepared.test_data
    if rows is None or loop.folder is None:
        return
    calibration = calibrate(evaluate_dataset(loop, *chosen(loop), rows).outputs, rows.targets, rows.task)
    if test is not None and test_outputs is not None:
        calibration = with_coverage(calibration, test_outputs, test.targets, "test")
    loop.folder.save_json("calibration.json", calibration.to_json())


def _explain(loop: Loop, data: Dataset | None) -> None:
    """Write what the model makes of each column of a table, by held-out rows; no further program is compiled."""
    features = table_features(loop.prepared.train_data, loop.prepared.experiment.preprocessing)
    if loop.folder is None or data is None or not features:
        return
    params, memory = chosen(loop)
    steps = loop.prepared.experiment.preprocessing

    def evaluate(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = Dataset(inputs, targets, data.task, class_names=data.class_names)
        result = evaluate_dataset(loop, params, memory, rows)
        if data.task == "regression":
            return in_units(as_columns(result.outputs), steps), result.losses
        return class_probabilities(result.outputs), result.losses

    # What a layer summary counts is what one row costs.
    cost = model_record(loop.prepared)["multiply_adds"]
    found = explanations(evaluate, data, features, loop.prepared.experiment.seed, cost)
    if found is not None:
        loop.folder.save_json("explanations.json", found)


def _predictions(split: str, data: Any, outputs: np.ndarray, losses: np.ndarray) -> dict[str, np.ndarray]:
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
