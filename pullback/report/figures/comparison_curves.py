"""Optimizers side by side: the loss against the rate of each, and how often each is near the quickest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pullback.report.figures.learning_curves import wants_log_scale
from pullback.report.figures.svg import (
    FIRST,
    INK,
    MUTED,
    SECOND,
    Panel,
    drawing_style,
    inline_svg,
    light_grid,
    new_figure,
)
from pullback.report.number_text import number_text
from pullback.train import OptimizerComparison

COLORS = (FIRST, SECOND, INK, MUTED)
DASHES = ("-", "--", ":", "-.")
# To this many times the updates of the quickest.
FURTHEST = 10.0


def rate_curves(found: OptimizerComparison, problem: int) -> Panel:
    """The mean loss on the tuning seeds against the learning rate, a line a method, the chosen rates marked."""
    with drawing_style():
        figure = new_figure(5.2, 3.0)
        axes = figure.subplots()
        every = []
        for number, method in enumerate(found.methods):
            order = np.argsort(method.rates)
            rates, means = np.array(method.rates)[order], method.tuning[problem].mean(1)[order]
            whole = np.isfinite(means)
            every += means[whole].tolist()
            axes.plot(rates[whole], means[whole], label=method.name, **line_style(number))
            chosen = method.learning_rate[problem]
            axes.plot([chosen], [means[rates == chosen][0]], "o", color=line_style(number)["color"], markersize=5)
        axes.set_xscale("log")
        _plain(axes.xaxis, (1,))
        if wants_log_scale(every):
            axes.set_yscale("log")
            _plain(axes.yaxis, (1, 2, 5))
        _finish(axes, "learning rate")
        name = found.problems[problem]
        rates_text = ", ".join(f"{m.name} {number_text(m.learning_rate[problem])}" for m in found.methods)
        caption = f"The chosen rates are marked: {rates_text}. Where a line ends, a seed diverged."
        svg = inline_svg(figure, f"rates{problem}", f"Loss against learning rate on {name}. {caption}")
    return Panel(f"Loss on the tuning seeds by learning rate, {name}", svg, caption)


def profile_curves(found: OptimizerComparison) -> Panel:
    """The performance profile of the updates to the target loss."""
    with drawing_style():
        figure = new_figure(5.2, 3.0)
        axes = figure.subplots()
        factors = np.geomspace(1, FURTHEST, 200)
        profile = found.profile(factors.tolist())
        for number, method in enumerate(found.methods):
            axes.step(factors, profile[:, number], where="post", label=method.name, **line_style(number))
        axes.set_ylim(-0.02, 1.05)
        axes.set_xscale("log")
        _plain(axes.xaxis, (1, 2, 5))
        _finish(axes, "times the updates of the quickest")
        runs = math.prod(found.updates.shape) // len(found.methods)
        caption = f"Share of {runs} runs that reach the target loss within so many times the quickest's updates."
        svg = inline_svg(figure, "profile", caption)
    return Panel("Performance profile", svg, caption)


def line_style(number: int) -> dict[str, Any]:
    """Color and dashes of a line, told apart from those before it."""
    return {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number // len(COLORS) % len(DASHES)]}


def _plain(axis: Axis, steps: tuple[int, ...]) -> None:
    """Numbers as they are spoken on a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _finish(axes: Axes, label: str) -> None:
    light_grid(axes)
    axes.set_xlabel(label)
    axes.legend(frameon=False, fontsize=8.5)
