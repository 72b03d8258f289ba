"""A confusion matrix of many classes as a picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from pullback.report.figures.svg import FIRST, MUTED, SECOND, Panel, drawing_style, inline_svg, new_figure


def confusion_panel(confusion: Int[np.ndarray, "classes classes"]) -> Panel:
    """Shares of each row as squares whose area is the share; classes by number, to keep the picture legible."""
    classes = len(confusion)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    with drawing_style():
        figure = new_figure(5.6, 5.4)
        axes = figure.subplots()
        width = 5.0 * 72 / classes
        for color, cells in ((FIRST, np.eye(classes, dtype=bool)), (SECOND, ~np.eye(classes, dtype=bool))):
            observed, predicted = np.nonzero(cells & (confusion > 0))
            axes.scatter(
                predicted,
                observed,
                s=shares[observed, predicted] * (0.8 * width) ** 2,
                marker="s",
                color=color,
                linewidths=0,
            )
        axes.set(xlabel="predicted class, by number", ylabel="observed class, by number")
        axes.set(xlim=(-1, classes), ylim=(classes, -1))
        axes.set_aspect("equal")
        axes.tick_params(length=3, color=MUTED)
        right = int(np.diag(confusion).sum())
        text = f"{right} of {int(confusion.sum())} lie on the diagonal."
        svg = inline_svg(figure, "confusion", f"Confusion matrix of {classes} classes. {text}")
    caption = f"The area of a square is its share of the row; errors stand off the diagonal. {text}"
    return Panel("Confusion matrix", svg, caption)
