"""Mean scores over two axes of a sweep as a shaded grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.report.figures.svg import FIRST, INK, MUTED, Panel, drawing_style, inline_svg, new_figure
from pullback.report.number_text import label_of, number_text

# More cells than this hold no number that can be read.
WRITTEN_CELLS = 80


def heat_map(
    names: tuple[str, str],
    values: tuple[Sequence[Any], Sequence[Any]],
    means: Mapping[tuple[int, int], float | None],
    score: str,
    higher_is_better: bool,
    others: str,
) -> Panel:
    """Rows are the values of the first axis, columns those of the second; the darker, the better."""
    rows, columns = (list(each) for each in values)
    ranks = _ranks(means, higher_is_better)
    with drawing_style():
        figure = new_figure(max(3.0, 0.5 * len(columns) + 1.4), max(2.2, 0.32 * len(rows) + 1.0))
        axes = figure.subplots()
        size = 7.5 if len(columns) <= 8 else 6.5
        for (row, column), mean in means.items():
            best = ranks.get((row, column)) == 1.0
            shade = 0.04 + 0.5 * ranks.get((row, column), 0.0)
            axes.fill_between([column - 0.47, column + 0.47], row - 0.46, row + 0.46, color=FIRST, alpha=shade, lw=0)
            if mean is None or len(means) <= WRITTEN_CELLS or best:
                word = "×" if mean is None else number_text(mean)
                color = MUTED if mean is None else INK
                weight = "bold" if best else "normal"
                axes.text(column, row, word, ha="center", va="center", color=color, fontsize=size, weight=weight)
        axes.set_xticks(range(len(columns)), [_label(value) for value in columns], fontsize=8, rotation=_turn(columns))
        axes.set_yticks(range(len(rows)), [_label(value) for value in rows], fontsize=8)
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(-0.5, len(rows) - 0.5)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_ylabel(names[0].replace("_", " "))
        axes.set_xlabel(names[1].replace("_", " "))
        what = f"{label_of(score)} over {names[0].replace('_', ' ')} and {names[1].replace('_', ' ')}"
        svg = inline_svg(figure, f"heat-{names[0]}-{names[1]}", what)
    crossed = " A cross: a member diverged." if any(mean is None for mean in means.values()) else ""
    return Panel(what, svg, f"Mean over the members of a setting; the darker, the better.{crossed}{others}")


def _ranks(means: Mapping[tuple[int, int], float | None], higher_is_better: bool) -> dict[tuple[int, int], float]:
    """From 0, the worst, to 1, the best: ranks, because one bad setting would make all others one shade."""
    finite = {place: mean for place, mean in means.items() if mean is not None and math.isfinite(mean)}
    order = sorted(finite, key=lambda place: finite[place] if higher_is_better else -finite[place])
    return {place: (1.0 + number) / len(order) for number, place in enumerate(order)}


def _label(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _turn(values: Sequence[Any]) -> float:
    return 45.0 if float(np.mean([len(_label(value)) for value in values])) * len(values) > 32 else 0.0
