"""The product of learning rate and curvature by epoch, as a share of the edge, among the bands of its labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from pullback.report.figures.svg import FIRST, INK, MUTED, Panel, drawing_style, inline_svg, light_grid, new_figure
from pullback.report.number_text import number_text
from pullback.report.run_folder import Epoch
from pullback.train.learning_rate_watch import EDGE_SHARE, LABELS, SLOW_SHARE

LOWEST = 0.01


def learning_rate_share(epochs: Sequence[Epoch]) -> Panel | None:
    """The panel, or None for a run whose rate was not watched, or of a method without an edge."""
    looks = [(epoch.epoch, epoch.curvature) for epoch in epochs if epoch.curvature is not None]
    labels = [look.label for _, look in looks if look.label is not None]
    known = [(number, look.share) for number, look in looks if look.share is not None and np.isfinite(look.share)]
    if not known:
        return None
    steps, shares = (np.array(column) for column in zip(*known, strict=True))
    counts = Counter(labels)
    said = ", ".join(f"{label} at {counts[label]}" for label in LABELS if counts[label])
    caption = (
        f"From {number_text(shares[0])} to {number_text(shares[-1])} of the edge of stability, "
        f"largest {number_text(shares.max())}; {said} of {len(labels)} looks."
    )
    with drawing_style():
        figure = new_figure()
        axes = figure.subplots()
        axes.plot(steps, shares, color=INK, linewidth=1.2, marker="o" if len(steps) == 1 else None, markersize=5)
        if shares.min() > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        low, high = axes.get_ylim()
        # A schedule that ends near zero would leave no height for the bands.
        low, high = min(max(low, LOWEST), SLOW_SHARE / 2), max(high, 2.0)
        axes.set_ylim(low, high)
        axes.axhspan(SLOW_SHARE, EDGE_SHARE, color=FIRST, alpha=0.12, linewidth=0)
        axes.axhline(1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
        for label, height in zip(LABELS, (SLOW_SHARE * 0.72, 0.47, 0.945, 1.35), strict=True):
            axes.annotate(
                label, (1, height), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                va="center", color=MUTED, fontsize=8.5, annotation_clip=False,
            )  # fmt: skip
        light_grid(axes)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
        svg = inline_svg(figure, "share", f"Learning rate times curvature by epoch. {caption}")
    return Panel("Learning rate times curvature", svg, caption)
