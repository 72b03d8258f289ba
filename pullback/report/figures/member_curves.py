"""Learning curves of all members of a sweep, the best one marked."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from pullback.report.figures.learning_curves import wants_log_scale
from pullback.report.figures.svg import FIRST, SECOND, Panel, drawing_style, inline_svg, light_grid, new_figure
from pullback.report.number_text import label_of, number_text
from pullback.report.sweep_folder import SweepFolder, SweepMember


def member_curves(sweep: SweepFolder, best: SweepMember) -> Panel:
    """The score by epoch of every member."""
    with drawing_style():
        figure = new_figure(5.2, 3.0)
        axes = figure.subplots()
        for member in sweep.members:
            _, curve = epochs = np.arange(1, member.epochs + 1), np.asarray(member.curve, float)
            if member is not best and np.isfinite(curve).any():
                axes.plot(*epochs, color=FIRST, linewidth=0.7, alpha=max(0.15, min(0.6, 12 / len(sweep.members))))
        axes.plot(np.arange(1, best.epochs + 1), best.curve, color=SECOND, linewidth=1.8)
        every = [value for member in sweep.members for value in member.curve if math.isfinite(value)]
        if sweep.score_name != "accuracy" and wants_log_scale(every):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(every) < 1000 * min(every) else (1,)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        light_grid(axes)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
        end = f"Member {best.number}, the best, reached {number_text(best.score)}; it is the thick line."
        what = f"{label_of(sweep.score_name)} of {len(sweep.members)} members by epoch"
        svg = inline_svg(figure, "members", f"{what}. {end}")
    return Panel(what, svg, end)
