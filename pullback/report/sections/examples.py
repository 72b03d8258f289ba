"""The rows with the largest loss, shown as what they are: images, or the values of their features."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Num

from pullback.report.blocks import Block, Column, ImageExample, Images, Prose, Section, Table
from pullback.report.figures.images import are_images, image_addresses
from pullback.report.number_text import aligned, count_text, fixed
from pullback.report.original_units import original_units
from pullback.report.outcome import Classification, Outcome
from pullback.report.run_folder import Predictions, RunFolder

FEWEST_IMAGES, MOST_IMAGES = 12, 24
TABLE_EXAMPLES = 8
MOST_FEATURES = 40


def examples_section(run: RunFolder, outcome: Outcome) -> Section:
    """The most wrong examples of a classification, or the largest residuals of a regression."""
    title = "Most wrong examples" if isinstance(outcome, Classification) else "Largest residuals"
    predictions = run.predictions
    if predictions is None or predictions.inputs is None or not len(predictions.inputs):
        return Section("examples", title, [Prose("The run kept no inputs of its held-out rows.")])
    order = np.argsort(-_loss(predictions, outcome)[predictions.inputs_row], kind="stable")
    if isinstance(outcome, Classification) and are_images(predictions.inputs):
        return Section("examples", title, _images(predictions, outcome, order))
    if predictions.inputs.ndim == 2:
        return Section("examples", title, _table(run, predictions, predictions.inputs, outcome, order))
    shape = " × ".join(map(str, predictions.inputs.shape[1:]))
    return Section("examples", title, [Prose(f"Inputs of shape {shape} are not drawn by this report.")])


def _loss(predictions: Predictions, outcome: Outcome) -> np.ndarray:
    if predictions.loss is not None and np.isfinite(predictions.loss).all():
        return predictions.loss
    if isinstance(outcome, Classification):
        return -outcome.log_probabilities[np.arange(len(outcome.observed)), outcome.observed]
    return np.mean(outcome.residuals**2, axis=1)


def _images(predictions: Predictions, outcome: Classification, order: Int[np.ndarray, " kept"]) -> list[Block]:
    assert predictions.inputs is not None
    wrong_rows = outcome.predicted != outcome.observed
    wrong = int(wrong_rows.sum())
    shown = order[: int(np.clip(wrong, FEWEST_IMAGES, MOST_IMAGES))]
    rows = predictions.inputs_row[shown]
    images = predictions.inputs[shown]
    examples = [
        _image_example(outcome, int(row), int(predictions.index[row]), address)
        for row, address in zip(rows, image_addresses(images), strict=True)
    ]
    height, width = images.shape[1:3]
    return [Prose(_images_sentence(outcome, wrong, rows)), Images(examples, f"{width / height:.4g}")]


def _images_sentence(outcome: Classification, wrong: int, rows: Int[np.ndarray, " shown"]) -> str:
    shown_wrong = int(np.sum(outcome.predicted[rows] != outcome.observed[rows]))
    total = len(outcome.observed)
    if not wrong:
        return f"All {count_text(total)} examples are classified correctly; these {len(rows)} have the largest loss."
    return (
        f"{count_text(wrong)} of {count_text(total)} examples are classified wrongly. Shown are the {len(rows)} of "
        "largest loss, "
        f"{shown_wrong} of them wrong: the observed class, then the model’s answer (✗), each with its probability."
    )


def _image_example(outcome: Classification, row: int, index: int, address: str) -> ImageExample:
    observed, predicted = int(outcome.observed[row]), int(outcome.predicted[row])
    names, probabilities = outcome.class_names, outcome.probabilities[row]
    wrong = observed != predicted
    return ImageExample(
        address=address,
        description=f"Row {index}: observed {names[observed]}, predicted {names[predicted]}",
        observed=names[observed],
        observed_probability=fixed(float(probabilities[observed]), 2),
        answer=names[predicted] if wrong else "",
        answer_probability=fixed(float(probabilities[predicted]), 2),
        row=f"row {index}",
    )


def _table(
    run: RunFolder,
    predictions: Predictions,
    inputs: Num[np.ndarray, "kept features"],
    outcome: Outcome,
    order: Int[np.ndarray, " kept"],
) -> list[Block]:
    shown = order[:TABLE_EXAMPLES]
    rows = predictions.inputs_row[shown]
    values, units = original_units(inputs[shown], run.preprocessing)
    names = _feature_names(run, inputs.shape[1])
    answers = _answers(outcome, rows)
    lines = [
        *([label, *cells] for label, cells in answers.items()),
        *([name, *aligned(values[:, place].tolist())] for place, name in enumerate(names)),
    ]
    columns = [Column("row"), *(Column(str(int(predictions.index[row])), True) for row in rows)]
    left_out = inputs.shape[1] - len(names)
    caption = (
        f"{_wrong_sentence(outcome)}Each column is one held-out example, named by its row in the source; largest "
        f"loss first. Features are {units}."
        + (f" {count_text(left_out)} further features are left out." if left_out else "")
    )
    return [Table("Examples of largest loss", columns, lines, caption=caption)]


def _wrong_sentence(outcome: Outcome) -> str:
    if not isinstance(outcome, Classification):
        return ""
    wrong = int(np.sum(outcome.predicted != outcome.observed))
    return f"{count_text(wrong)} of {count_text(len(outcome.observed))} examples are classified wrongly (✗). "


def _feature_names(run: RunFolder, features: int) -> list[str]:
    names = run.data.feature_names
    if names is None or len(names) != features:
        names = tuple(f"feature {place}" for place in range(features))
    return list(names[:MOST_FEATURES])


def _answers(outcome: Outcome, rows: Int[np.ndarray, " shown"]) -> dict[str, list[str]]:
    if isinstance(outcome, Classification):
        names, probabilities = outcome.class_names, outcome.probabilities
        return {
            "observed": [names[outcome.observed[row]] for row in rows],
            "predicted": [
                f"{'' if outcome.predicted[row] == outcome.observed[row] else '✗ '}{names[outcome.predicted[row]]}"
                for row in rows
            ],
            "probability of the observed class": [
                fixed(float(probabilities[row, outcome.observed[row]]), 3) for row in rows
            ],
        }
    lines = {}
    for output in range(outcome.predicted.shape[1]):
        suffix = "" if outcome.predicted.shape[1] == 1 else f", output {output}"
        for what, values in (
            ("observed", outcome.observed),
            ("predicted", outcome.predicted),
            ("residual", outcome.residuals),
        ):
            lines[f"{what}{suffix}"] = aligned(values[rows, output].tolist())
    return lines
