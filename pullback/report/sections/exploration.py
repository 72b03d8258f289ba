"""The data before the model: balance of the classes, gaps, correlations, means and mean images by class."""

from __future__ import annotations

import math

import numpy as np

from pullback.report.blocks import Block, Column, Figures, Prose, Section, Table
from pullback.report.figures.class_images import class_images_panel
from pullback.report.figures.correlation import correlation_panel
from pullback.report.number_text import DASH, aligned, count_text, fixed, percent_text
from pullback.report.records import Record, mapping, number, number_list, read_optional, records, texts
from pullback.report.run_folder import RunFolder

MOST_CLASSES = 30
MOST_ROWS = 15


def exploration_section(run: RunFolder) -> Section:
    """What `exploration.json` says of the data, or the sentence that the run has none."""
    record = read_optional(run.path / "exploration.json")
    blocks = [*_balance(mapping(record, "balance")), *_gaps(record), *_correlation(record), *_class_means(record)]
    blocks += _class_images(record)
    if not blocks:
        words = "The run recorded no description of its data." if not record else "There is nothing to show of them."
        blocks = [Prose(words)]
    return Section("data", "The data", blocks)


def _balance(record: Record) -> list[Block]:
    classes, counts = texts(record, "classes"), mapping(record, "counts")
    splits = {name: number_list(counts, name) for name in counts}
    splits = {name: values for name, values in splits.items() if classes and len(values) == len(classes)}
    if not classes or "train" not in splits:
        return []
    total = sum(splits["train"]) or 1.0
    order = sorted(range(len(classes)), key=lambda k: -splits["train"][k])
    rows = [
        [classes[k], percent_text(splits["train"][k] / total), *(count_text(int(splits[name][k])) for name in splits)]
        for k in order[:MOST_CLASSES]
    ]
    columns = [Column("class"), Column("share", True), *(Column(name, True) for name in splits)]
    largest, smallest = splits["train"][order[0]], splits["train"][order[-1]]
    ratio = f"the largest class has {largest / smallest:.3g} times the rows of the smallest" if smallest else (
        f"{classes[order[-1]]} has no row to learn from"
    )  # fmt: skip
    caption = f"Rows by class; shares of the training rows, where {ratio}."
    if len(classes) > MOST_CLASSES:
        caption += f" The {MOST_CLASSES} largest of {len(classes)} classes."
    return [Table("Balance of the classes", columns, rows, caption=caption)]


def _gaps(record: Record) -> list[Block]:
    if "missing" not in record:
        return []
    found = [(str(entry.get("column")), number(entry, "share") or 0.0) for entry in records(record, "missing")]
    if not found:
        return [Prose("No column has missing values in the training rows.")]
    found.sort(key=lambda entry: -entry[1])
    rows = [[name, percent_text(share)] for name, share in found[:MOST_ROWS]]
    caption = f"Missing values in the training rows: {_columns(len(found))}"
    caption += f", the {MOST_ROWS} with most gaps." if len(found) > MOST_ROWS else "."
    return [Table("Missing values", [Column("column"), Column("missing", True)], rows, caption=caption)]


def _columns(count: int) -> str:
    return "1 column has gaps" if count == 1 else f"{count} columns have gaps"


def _correlation(record: Record) -> list[Block]:
    about = mapping(record, "correlation")
    names = texts(about, "columns")
    matrix = about.get("matrix")
    if not names or not isinstance(matrix, list) or len(matrix) != len(names) or len(names) < 2:
        return []
    rows = [number_list({"row": row}, "row") for row in matrix]
    if any(len(row) != len(names) for row in rows):
        return []
    return [Figures([correlation_panel(np.array(rows), names, count_text(int(number(record, "rows") or 0)))])]


def _class_means(record: Record) -> list[Block]:
    classes = texts(mapping(record, "balance"), "classes")
    given = records(record, "class_means") if classes else []
    entries = [entry for entry in given if len(number_list(entry, "means")) == len(classes or ())]
    if not classes or not entries:
        return []
    rows = []
    for entry in entries[:MOST_ROWS]:
        means = number_list(entry, "means")
        cells = [DASH if math.isnan(mean) else cell for mean, cell in zip(means, aligned(means), strict=True)]
        rows.append([str(entry.get("column")), *cells, fixed(number(entry, "between") or 0.0, 2)])
    columns = [Column("column"), *(Column(name, True) for name in classes), Column("between", True)]
    caption = (
        "Mean of each numeric column by class, in its own units. Between: share of its variance that lies between the "
        "classes (η²), largest first."
    )
    if len(entries) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(entries)} columns."
    return [Table("Means by class", columns, rows, caption=caption)]


def _class_images(record: Record) -> list[Block]:
    """The mean image of each class that has rows; nothing where the record is of another form."""
    classes = texts(mapping(record, "balance"), "classes") or []
    given = mapping(record, "class_images").get("images")
    if not isinstance(given, list) or len(given) != len(classes):
        return []
    known = [(name, image) for name, image in zip(classes, given, strict=True) if image is not None]
    try:
        images = np.array([image for _, image in known], np.float64) / 255
    except (TypeError, ValueError):
        return []
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not np.isfinite(images).all():
        return []
    return [Figures([class_images_panel(np.clip(images, 0, 1), [name for name, _ in known])])]
