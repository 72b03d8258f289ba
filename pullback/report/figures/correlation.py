"""Correlation of every pair of numeric columns, as a table of dots whose area is the size of the correlation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from pullback.report.figures.svg import FIRST, MUTED, RULE, SECOND, Panel, drawing_style, inline_svg, new_figure
from pullback.report.number_text import fixed

LONGEST_NAME = 24


def correlation_panel(matrix: Float[np.ndarray, "columns columns"], names: Sequence[str], rows: str) -> Panel:
    """The lower triangle; a filled dot for a positive correlation, a ring for a negative one."""
    count = len(names)
    side = float(np.clip(0.26 * count + 1.5, 2.4, 7.2))
    with drawing_style():
        figure = new_figure(side + 0.4, side)
        axes = figure.subplots()
        widest = 72 * (side - 1.5) / count
        for row in range(count):
            for column in range(row):
                _dot(axes, column, row, float(matrix[row, column]), widest)
        axes.set_xlim(-0.6, count - 1.4)
        axes.set_ylim(count - 0.4, 0.4)
        shown = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]
        size = float(np.clip(160 / count, 6.0, 9.5))
        axes.set_xticks(range(count - 1), shown[:-1], rotation=90, fontsize=size)
        axes.set_yticks(range(1, count), shown[1:], fontsize=size)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.grid(visible=True, color=RULE, linewidth=0.4)
        axes.set_axisbelow(True)
        words = _strongest(matrix, names)
        svg = inline_svg(figure, "correlation", f"Correlations of {count} columns. {words}")
    return Panel(
        "Correlation",
        svg,
        f"Pearson’s correlation over {rows} training rows: the area of a dot is |r|; filled is positive, a ring "
        f"negative. {words}",
    )


def _dot(axes: Axes, x: int, y: int, value: float, widest: float) -> None:
    if np.isnan(value) or abs(value) < 0.005:
        return
    filled = value > 0
    axes.plot(
        [x], [y], "o", markersize=0.92 * widest * abs(value) ** 0.5, markeredgewidth=0 if filled else 1.3,
        color=FIRST if filled else SECOND, markerfacecolor=FIRST if filled else "none", alpha=0.9, clip_on=False,
        markeredgecolor=MUTED if filled else SECOND,
    )  # fmt: skip


def _strongest(matrix: Float[np.ndarray, "columns columns"], names: Sequence[str]) -> str:
    below = np.tril(np.nan_to_num(matrix), -1)
    row, column = divmod(int(np.argmax(np.abs(below))), len(names))
    value = float(below[row, column])
    return f"The strongest is {fixed(value, 2)}, of {names[column]} and {names[row]}."
