"""What was taken for what, and how well each class is recognized."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from pullback.prob import wilson_interval
from pullback.report.blocks import Block, Column, ConfusionCell, ConfusionMatrix, Figures, Prose, Section, Table
from pullback.report.figures.confusion_matrix import confusion_panel
from pullback.report.number_text import DASH, count_text, fixed, percent_text, range_text
from pullback.report.outcome import Classification

LEVEL = 0.95
LARGEST_TABLE = 16
MOST_CONFUSIONS = 20
WITH_LIMITS = Markup("{}<small>{}</small>")


def classes_section(outcome: Classification, split: str) -> Section:
    """Confusion matrix (a drawing with its commonest errors where there are many classes) and scores by class."""
    many = len(outcome.class_names) > LARGEST_TABLE
    matrix: list[Block] = (
        [Figures([confusion_panel(outcome.confusion)]), _commonest_confusions(outcome)]
        if many
        else [_matrix(outcome, split)]
    )
    return Section("classes", "Classes", [*matrix, class_table(outcome)])


def _matrix(outcome: Classification, split: str) -> ConfusionMatrix:
    confusion = outcome.confusion
    rows = confusion.sum(axis=1)
    return ConfusionMatrix(
        class_names=outcome.class_names,
        rows=[
            (
                name,
                [_cell(int(count), int(rows[k]), k == j) for j, count in enumerate(confusion[k])],
                count_text(int(rows[k])),
            )
            for k, name in enumerate(outcome.class_names)
        ],
        column_totals=[count_text(int(total)) for total in confusion.sum(axis=0)],
        total=count_text(int(confusion.sum())),
        caption=f"Each {split} example by its observed class (row) and the predicted one (column): number, and "
        "percentage of "
        "the row. Errors are shaded by the square root of their percentage, so that rare ones show.",
    )


def _cell(count: int, row: int, hit: bool) -> ConfusionCell:
    if not count:
        return ConfusionCell("0" if hit else "·", "", "none", "")
    share = count / row
    shade = share if hit else share**0.5
    return ConfusionCell(count_text(count), percent_text(share), "hit" if hit else "miss", f"{shade:.3f}")


def _commonest_confusions(outcome: Classification) -> Block:
    errors = outcome.confusion - np.diag(np.diag(outcome.confusion))
    order = np.argsort(-errors, axis=None, kind="stable")[:MOST_CONFUSIONS]
    sizes = outcome.confusion.sum(axis=1)
    pairs = [(int(place) // len(errors), int(place) % len(errors)) for place in order]
    rows = [
        [
            outcome.class_names[k],
            outcome.class_names[j],
            count_text(int(errors[k, j])),
            percent_text(float(errors[k, j] / sizes[k])),
        ]
        for k, j in pairs
        if errors[k, j]
    ]
    if not rows:
        return Prose("No example was classified wrongly.")
    columns = [Column("observed"), Column("predicted"), Column("number", True), Column("of the class", True)]
    return Table("Most frequent confusions", columns, rows, caption="The most frequent confusions.")


def class_table(outcome: Classification) -> Table:
    """Precision, recall and specificity of each class with Wilson intervals, and F1."""
    confusion = outcome.confusion
    rows = [_class_row(confusion, k, name) for k, name in enumerate(outcome.class_names)]
    columns = [
        Column("class"), Column("rows", True), Column("recall", True), Column("precision", True),
        Column("specificity", True), Column("F1", True),
    ]  # fmt: skip
    return Table(
        "Scores by class",
        columns,
        rows,
        caption="Recall: share of the rows of a class that are recognized. Precision: share of the answers that "
        "are right. "
        "Specificity: share of the other rows that are not taken for the class. Beside each its "
        f"{percent_text(LEVEL, 0)} "
        "Wilson interval.",
        folded="" if len(rows) <= 2 * LARGEST_TABLE else f"Scores of all {len(rows)} classes",
    )


def _class_row(confusion: np.ndarray, k: int, name: str) -> list[str | Markup]:
    hits, observed, predicted = int(confusion[k, k]), int(confusion[k].sum()), int(confusion[:, k].sum())
    others = int(confusion.sum()) - observed
    f1 = fixed(2 * hits / (observed + predicted), 3) if observed + predicted else DASH
    return [
        name,
        count_text(observed),
        _proportion(hits, observed),
        _proportion(hits, predicted),
        _proportion(others - (predicted - hits), others),
        f1,
    ]


def _proportion(successes: int, n: int) -> str | Markup:
    if not n:
        return DASH
    interval = wilson_interval(successes, n, LEVEL)
    return WITH_LIMITS.format(fixed(interval.value, 3), f" {range_text(interval.lower, interval.upper, 3)}")
