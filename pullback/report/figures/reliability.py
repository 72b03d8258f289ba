"""Predicted probability against observed frequency, with the number of rows behind each point."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pullback.metrics import ReliabilityBin
from pullback.report.figures.svg import FIRST, INK, MUTED, Panel, drawing_style, inline_svg, light_grid, new_figure
from pullback.report.number_text import count_text

LOG_COUNT_RATIO = 30


def reliability_panel(bins: Sequence[ReliabilityBin], event: str) -> Panel:
    """The reliability diagram above a histogram of the predicted probabilities; `event` says what they predict."""
    rows = sum(part.accuracy.n for part in bins)
    counts = [part.accuracy.n for part in bins]
    missed = [part for part in bins if part.confidence not in part.accuracy]
    with drawing_style():
        figure = new_figure(3.7, 4.1)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        for part in bins:
            axes.plot([part.confidence] * 2, [part.accuracy.lower, part.accuracy.upper], color=FIRST, linewidth=1.4)
        axes.plot(
            [part.confidence for part in bins], [part.accuracy.value for part in bins], "o", color=FIRST,
            markersize=5.5, clip_on=False,
        )  # fmt: skip
        axes.set(ylabel="observed frequency", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        light_grid(axes, "both")
        log_scale = max(counts) > LOG_COUNT_RATIO * min(counts)
        below.bar(
            [(part.lower + part.upper) / 2 for part in bins], counts,
            [0.94 * (part.upper - part.lower) for part in bins], color=FIRST, alpha=0.45, linewidth=0, log=log_scale,
        )  # fmt: skip
        for part in bins:
            below.annotate(
                count_text(part.accuracy.n), ((part.lower + part.upper) / 2, part.accuracy.n), xytext=(0, 2),
                textcoords="offset points", ha="center", va="bottom", fontsize=7.5, color=INK,
            )  # fmt: skip
        below.set(xlabel=f"predicted probability {event}", ylabel="rows")
        below.set_yticks([], minor=False)
        below.set_yticks([], minor=True)
        below.spines["left"].set_visible(False)
        below.margins(y=0.28)
        if log_scale:
            below.set_ylim(0.5, math.exp(1.28 * math.log(2 * max(counts))) / 2)
        svg = inline_svg(
            figure,
            "reliability",
            f"Reliability diagram of {rows} rows in {len(bins)} bins that hold any. {_reading(missed, bins)}",
        )
    return Panel(
        "Reliability",
        svg,
        "On the dotted line, what is predicted with probability p happens with frequency p. Bars are 95% Wilson "
        "intervals. "
        f"{_reading(missed, bins)} Below: rows in each bin{' (logarithmic)' if log_scale else ''}.",
    )


def _reading(missed: Sequence[ReliabilityBin], bins: Sequence[ReliabilityBin]) -> str:
    if not missed:
        return "Every interval reaches the line."
    return f"{len(missed)} of {len(bins)} intervals miss the line."
