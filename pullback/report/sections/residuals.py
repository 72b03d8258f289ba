"""Residuals of a regression, one row of drawings an output."""

from __future__ import annotations

from dataclasses import replace

from pullback.report.blocks import Block, Figures, Prose, Section
from pullback.report.figures.residuals import residual_panels
from pullback.report.outcome import Regression

MOST_OUTPUTS = 4


def residuals_section(outcome: Regression) -> Section:
    """Three drawings for each of the first outputs."""
    outputs = outcome.predicted.shape[1]
    blocks: list[Block] = []
    for output in range(min(outputs, MOST_OUTPUTS)):
        panels = residual_panels(outcome.predicted[:, output], outcome.observed[:, output], f"residuals{output}")
        named = (
            panels if outputs == 1 else [replace(panel, title=f"Output {output}: {panel.title}") for panel in panels]
        )
        blocks.append(Figures(named))
    if outputs > MOST_OUTPUTS:
        blocks.append(Prose(f"The first {MOST_OUTPUTS} of {outputs} outputs are drawn."))
    return Section("residuals", "Residuals", blocks)
