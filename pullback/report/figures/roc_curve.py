"""True against false positive rate of a binary classifier over all thresholds."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from pullback.metrics import roc_curve
from pullback.report.figures.svg import FIRST, INK, MUTED, Panel, drawing_style, inline_svg, light_grid, new_figure
from pullback.report.number_text import fixed


def roc_panel(score: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> Panel | None:
    """The ROC curve with the point of the threshold 1/2; None unless both classes occur."""
    if positive.all() or not positive.any():
        return None
    curve = roc_curve(positive, score)
    at_half = (float(np.mean(score[~positive] > 0.5)), float(np.mean(score[positive] > 0.5)))
    rates = f"true positive rate {fixed(at_half[1], 3)}, false positive rate {fixed(at_half[0], 3)}"
    text = f"The dot is the threshold 0.5: {rates}."
    with drawing_style():
        figure = new_figure(3.7, 3.5)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=FIRST, drawstyle="default")
        axes.plot(*at_half, "o", color=INK, markersize=5, clip_on=False)
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_aspect("equal")
        light_grid(axes, "both")
        svg = inline_svg(figure, "roc", f"ROC curve. {text}")
    return Panel("ROC curve", svg, f"{text} The diagonal is what chance gives.")
