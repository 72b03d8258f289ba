"""Data and settings: what would have to be the same for the same result."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from pullback.report.blocks import Block, Column, FactColumns, Facts, Section, Table
from pullback.report.number_text import DASH, count_text, number_text
from pullback.report.records import Record
from pullback.report.run_folder import Data, RunFolder

DIGEST = Markup('<span class="digest">{}</span>')
LONGEST_VALUE = 120


def setup_section(run: RunFolder) -> Section:
    """Data with sizes and content hashes, settings of the fit, fields of the recipe, preparation of the inputs."""
    name = str(run.recipe.get("name") or "")
    fields = run.recipe.get("fields")
    blocks: list[Block] = [
        FactColumns(
            [
                Facts("Settings", _pairs(run.settings)),
                Facts(f"Recipe {name}".strip(), _pairs(fields) if isinstance(fields, dict) else []),
                Facts("Data", _data_pairs(run.data)),
                Facts("Preparation of the inputs", _preparation(run.preprocessing)),
            ]
        )
    ]
    if run.data.sizes:
        blocks.append(_splits(run.data))
    return Section("setup", "Data and settings", blocks)


def _pairs(record: Record) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), value_text(value)) for name, value in record.items()]


def value_text(value: Any) -> str:
    """A value of the configuration in a few words.

    Examples
    --------
    >>> value_text(None), value_text(True), value_text([1, 2]), value_text("adam"), value_text(0.001)
    ('–', 'yes', '1, 2', 'adam', '0.001')
    """
    if value is None or value == [] or value == {}:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return shortened(", ".join(value_text(item) for item in value))
    return shortened(value if isinstance(value, str) else json.dumps(value))


def shortened(words: str) -> str:
    """At most so many characters."""
    return words if len(words) <= LONGEST_VALUE else words[: LONGEST_VALUE - 1] + "…"


def _data_pairs(data: Data) -> list[tuple[str, str]]:
    pairs = [
        ("name", data.name),
        ("task", data.task or DASH),
        ("shape of an input", " × ".join(map(str, data.input_shape)) or DASH),
    ]
    if data.class_names is not None:
        pairs.append((f"{len(data.class_names)} classes", shortened(", ".join(data.class_names))))
    if data.feature_names is not None:
        pairs.append((f"{len(data.feature_names)} features", shortened(", ".join(data.feature_names))))
    return pairs


def _preparation(steps: tuple[Record, ...]) -> list[tuple[str, str]]:
    if not steps:
        return [("none", "the inputs are used as they are")]
    return [(str(step.get("kind", "step")).replace("_", " "), _step_text(step)) for step in steps]


def _step_text(step: Record) -> str:
    parts = [f"{name} {_numbers_text(value)}" for name, value in step.items() if name != "kind"]
    return ", ".join(parts) or DASH


def _numbers_text(value: Any) -> str:
    if isinstance(value, list) and len(value) > 3 and all(isinstance(item, int | float) for item in value):
        return f"{number_text(min(value))} to {number_text(max(value))} over {count_text(len(value))} features"
    return value_text(value)


def _splits(data: Data) -> Table:
    total = sum(data.sizes.values())
    rows = [
        [
            split,
            count_text(size),
            f"{100 * size / total:.0f}%" if total else DASH,
            DIGEST.format(data.sha256.get(split, DASH)),
        ]
        for split, size in data.sizes.items()
    ]
    columns = [Column("split"), Column("rows", True), Column("share", True), Column("SHA-256 of the content")]
    return Table("Splits of the data", columns, rows, caption="Splits; the hash is the same exactly if the data are.")
