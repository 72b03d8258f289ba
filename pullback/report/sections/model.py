"""The model, layer by layer."""

from __future__ import annotations

import json

from pullback.report.blocks import Block, Column, Prose, Section, Table
from pullback.report.number_text import count_text
from pullback.report.run_folder import LayerRow, RunFolder

LONGEST_TABLE = 40


def model_section(run: RunFolder) -> Section:
    """Path, type, output shape, parameters and multiply-adds of every layer, with totals."""
    model = run.model
    if model is None:
        return Section("model", "Model", [Prose("The run folder does not describe its model.")])
    arguments = ", ".join(f"{name} = {json.dumps(value)}" for name, value in model.arguments.items())
    origin = (
        f"Architecture {model.architecture}"
        if model.architecture
        else "An architecture " + (model.source or "not named")
    )
    blocks: list[Block] = [Prose(f"{origin}{f' with {arguments}' if arguments else ''}.")]
    if model.rows:
        blocks.append(_layers(model.rows, model.parameters, model.multiply_adds))
    elif model.parameters is not None:
        blocks.append(Prose(f"It has {count_text(model.parameters)} parameters."))
    return Section("model", "Model", blocks)


def _layers(rows: tuple[LayerRow, ...], parameters: int | None, multiply_adds: int | None) -> Table:
    columns = [
        Column("layer", style="code"), Column("type"), Column("output shape", True), Column("parameters", True),
        Column("multiply-adds", True),
    ]  # fmt: skip
    return Table(
        "Layers of the model",
        columns,
        [
            [row.path or "model", row.type, row.output_shape, _figure(row.parameters), _figure(row.multiply_adds)]
            for row in rows
        ],
        total=("total", "", "", count_text(parameters), count_text(multiply_adds)),
        caption="Multiply-adds are those of one example in the forward pass.",
        folded="" if len(rows) <= LONGEST_TABLE else f"All {len(rows)} layers",
    )


def _figure(value: int | None) -> str:
    # A dash reads faster than a zero in a column of counts.
    return "–" if value == 0 else count_text(value)
