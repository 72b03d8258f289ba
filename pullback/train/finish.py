"""The end of a run: the chosen model on held-out data, and all that is written about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pullback.data import Dataset
from pullback.train.describe import model_record
from pullback.train.held_out import evaluate_dataset, intervals
from pullback.train.learning_rate_finding import rate_finding, rate_summary, shares_of
from pullback.train.loop import Loop
from pullback.train.outcome import Run, chosen_model
from pullback.train.results import prediction_arrays, save_calibration, save_explanations
from pullback.train.saving import chosen


def finish(loop: Loop, notes: tuple[str, ...]) -> Run:
    """Evaluate the chosen model on held-out data and write the results."""
    prepared, position = loop.prepared, loop.position
    assert position.reason is not None
    notes = (*notes, *watched_rate(loop))
    if loop.log is not None:
        loop.log.write({"event": "finished", "reason": position.reason, "best_epoch": position.best_epoch})
    split = "test" if prepared.test_data is not None else "validation"
    data = prepared.test_data if prepared.test_data is not None else prepared.validation_data
    evaluation: dict[str, dict[str, Any]] = {}
    params, memory = chosen(loop)

    def evaluate(rows: Dataset) -> tuple[np.ndarray, np.ndarray]:
        found = evaluate_dataset(loop, params, memory, rows)
        return found.outputs, found.losses

    result = None if data is None else evaluate_dataset(loop, params, memory, data)
    if data is not None and result is not None:
        evaluation = {name: asdict(value) for name, value in intervals(prepared.metrics, result.totals).items()}
        if loop.log is not None:
            loop.log.write({"event": "evaluation", "split": split, "metrics": evaluation})
        if loop.folder is not None:
            loop.folder.save_predictions(prediction_arrays(split, data, result.outputs, result.losses))
            # What a layer summary counts is what one row costs.
            cost = lambda: model_record(prepared)["multiply_adds"]  # noqa: E731
            steps, seed = prepared.experiment.preprocessing, prepared.experiment.seed
            save_explanations(loop.folder, evaluate, data, prepared.train_data, steps, seed=seed, cost=cost)
    if loop.folder is not None and prepared.calibration_data is not None:
        outputs = None if split != "test" or result is None else result.outputs
        save_calibration(loop.folder, evaluate, prepared.calibration_data, prepared.test_data, outputs)
    model, memory = chosen_model(loop)
    path = None if loop.folder is None else loop.folder.path
    return Run(model, memory, tuple(loop.history), evaluation, position.reason, path, notes)


def watched_rate(loop: Loop) -> tuple[str, ...]:
    """Log and tell what was seen of the learning rate, if it was watched; the lines that were told."""
    prepared = loop.prepared
    whole = prepared.batch_size >= len(prepared.train_data)
    summary, found = rate_summary(loop.history), rate_finding(shares_of(loop.history), whole)
    if summary is None:
        return ()
    lines = (summary,) if found is None else (summary, found.text)
    if loop.log is not None:
        factor = None if found is None else found.factor
        label = None if found is None else found.label
        loop.log.write({"event": "learning rate", "summary": summary, "stayed": label, "factor": factor})
    for line in lines:
        loop.progress.note(line)
    return lines
