"""The score of a sweep against one of its axes: a point a seed, their mean and its interval, what diverged on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pullback.report.figures.learning_curves import wants_log_scale
from pullback.report.figures.svg import (
    FIRST,
    MUTED,
    SECOND,
    Panel,
    drawing_style,
    inline_svg,
    light_grid,
    new_figure,
)
from pullback.report.number_text import label_of, number_text
from pullback.report.sweep_folder import Setting

# Values whose ratios are equal within this share are spaced along a logarithm.
EQUAL_RATIOS = 0.2


class Response(NamedTuple):
    """Settings that differ along one axis alone."""

    axis: str
    settings: tuple[Setting, ...]

    @property
    def values(self) -> list[Any]:
        return [setting.values[self.axis] for setting in self.settings]


def response_panel(response: Response, score: str, others: str, identifier: str) -> Panel:
    """One panel; `others` says at which values the other axes were held."""
    with drawing_style():
        figure = new_figure()
        axes = figure.subplots()
        places = _axis(axes, response.values)
        light_grid(axes)
        scores = [member.score for setting in response.settings for member in setting.members]
        if wants_log_scale(scores) and score != "accuracy":
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        for place, setting in zip(places, response.settings, strict=True):
            _draw(axes, place, setting)
        means = [(place, s.mean) for place, s in zip(places, response.settings, strict=True)]
        finite = [(place, mean.value) for place, mean in means if mean is not None]
        axes.plot([place for place, _ in finite], [value for _, value in finite], color=SECOND)
        axes.set_xlabel(response.axis.replace("_", " "))
        text = _sentence(response, score)
        svg = inline_svg(figure, identifier, f"{label_of(score)} by {response.axis.replace('_', ' ')}. {text}")
    return Panel(f"{label_of(score)} by {response.axis.replace('_', ' ')}", svg, f"{text}{others}")


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether all values are numbers."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def is_log_spaced(values: Sequence[Any]) -> bool:
    """Whether at least three positive values have about the same ratios, or two a large one.

    Examples
    --------
    >>> is_log_spaced([1e-3, 1e-2, 1e-1]), is_log_spaced([1.0, 2.0, 3.0]), is_log_spaced([0.001, 0.1])
    (True, False, True)
    """
    if len(values) < 2 or not is_numeric(values) or min(values) <= 0:
        return False
    logs = np.log(np.sort(np.asarray(values, float)))
    steps = np.diff(logs)
    if len(values) == 2:
        return bool(steps[0] > math.log(10) - 1e-9)
    return bool(np.ptp(steps) <= EQUAL_RATIOS * steps.mean() and steps.mean() > math.log(1.3))


def _axis(axes: Axes, values: Sequence[Any]) -> list[float]:
    """Where the values stand, with the scale that suits them."""
    if is_numeric(values):
        if is_log_spaced(values):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        return [float(value) for value in values]
    axes.set_xticks(range(len(values)), [str(value) for value in values])
    axes.margins(x=0.15)
    return [float(place) for place in range(len(values))]


def _draw(axes: Axes, place: float, setting: Setting) -> None:
    finite = [member.score for member in setting.members if math.isfinite(member.score)]
    axes.plot([place] * len(finite), finite, "o", color=FIRST, markersize=3.5, alpha=0.7, linestyle="none")
    mean = setting.mean
    if mean is not None and math.isfinite(mean.upper):
        axes.plot([place, place], [mean.lower, mean.upper], color=SECOND, linewidth=1.0)
    if setting.diverged:
        axes.plot(
            [place], [1.0], "v", transform=axes.get_xaxis_transform(), color=MUTED, markersize=6, clip_on=False
        )  # fmt: skip


def _sentence(response: Response, score: str) -> str:
    finite = [(setting.mean, setting) for setting in response.settings if setting.mean is not None]
    if not finite:
        return "Every setting had a member that diverged."
    low, high = (pick(mean.value for mean, _ in finite) for pick in (min, max))
    diverged = sum(setting.diverged > 0 for setting in response.settings)
    said = f"Means from {number_text(low)} to {number_text(high)}; a dot a member, a line through their means, "
    said += "a bar for the 95% interval of a mean."
    return said + (f" {diverged} of {len(response.settings)} values diverged, marked on top." if diverged else "")
