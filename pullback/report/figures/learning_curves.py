"""Loss, metrics and learning rate by epoch, with the epoch whose weights were kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

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
from pullback.report.number_text import label_of, number_text
from pullback.report.run_folder import Epoch

# A curve that spans more than this ratio hides its end on a linear scale.
LOG_SCALE_RATIO = 20.0


def learning_curves(epochs: Sequence[Epoch], best: int | None) -> list[Panel]:
    """One panel for the loss, one for each other metric, one for a learning rate that changes."""
    names = list(dict.fromkeys(name for epoch in epochs for name in (*epoch.train, *epoch.validation)))
    names.sort(key=lambda name: name != "loss")
    panels = [_metric_panel(epochs, name, best, f"curve{number}") for number, name in enumerate(names)]
    rates = [epoch.learning_rate for epoch in epochs if epoch.learning_rate is not None]
    if len(rates) == len(epochs) > 1 and min(rates) != max(rates):
        panels.append(_learning_rate_panel(epochs, rates, best))
    return panels


def wants_log_scale(values: Sequence[float]) -> bool:
    """Whether all finite values are positive and their ratio is large."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) > LOG_SCALE_RATIO * min(finite)


def _metric_panel(epochs: Sequence[Epoch], name: str, best: int | None, identifier: str) -> Panel:
    steps = np.array([epoch.epoch for epoch in epochs])
    curves = {
        "training": np.array([epoch.train.get(name, math.nan) for epoch in epochs]),
        "validation": np.array([epoch.validation.get(name, math.nan) for epoch in epochs]),
    }
    curves = {label: values for label, values in curves.items() if np.isfinite(values).any()}
    log_scale = name != "accuracy" and wants_log_scale(np.concatenate([*curves.values(), []]).tolist())
    with drawing_style():
        figure = new_figure()
        axes = figure.subplots()
        for label, values in curves.items():
            _draw_curve(axes, steps, values, label)
        if log_scale:
            _log_axis(axes)
        _mark_best(axes, steps, curves, best)
        _epoch_axis(axes)
        _label_ends(axes, steps, curves)
        svg = inline_svg(figure, identifier, _description(name, steps, curves, best))
    scale = " The scale is logarithmic." if log_scale else ""
    return Panel(label_of(name), svg, f"{_best_sentence(curves, steps, best)}{scale}")


def _draw_curve(axes: Axes, steps: np.ndarray, values: np.ndarray, label: str) -> None:
    color, style = (FIRST, (0, (4, 2))) if label == "training" else (SECOND, "solid")
    marker = "o" if len(steps) == 1 else None
    axes.plot(steps, values, color=color, linestyle=style, marker=marker, markersize=5)


def _log_axis(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    narrow = high / low < 1000
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _epoch_axis(axes: Axes) -> None:
    light_grid(axes)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))


def _mark_best(axes: Axes, steps: np.ndarray, curves: dict[str, np.ndarray], best: int | None) -> None:
    if best is None or best not in steps:
        return
    axes.axvline(best, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    for label, values in curves.items():
        color = FIRST if label == "training" else SECOND
        axes.plot([best], values[steps == best][-1:], marker="o", color=color, markersize=4.5, linestyle="none")
    axes.annotate(
        f"kept: {best}", (best, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", color=MUTED, fontsize=8.5,
    )  # fmt: skip


def _label_ends(axes: Axes, steps: np.ndarray, curves: dict[str, np.ndarray]) -> None:
    """Names beside the ends of the curves, pushed apart where the ends lie close."""
    ends = {label: values[np.isfinite(values)][-1] for label, values in curves.items()}
    heights = {
        label: axes.transAxes.inverted().transform(axes.transData.transform((0, end)))[1] for label, end in ends.items()
    }
    close = len(heights) == 2 and abs(heights["training"] - heights["validation"]) < 0.09
    for label, end in ends.items():
        other = [height for name, height in heights.items() if name != label]
        push = (
            (6 if heights[label] > other[0] or (heights[label] == other[0] and label == "training") else -6)
            if close
            else 0
        )
        axes.annotate(
            label, (steps[-1], end), xytext=(6, push), textcoords="offset points", va="center", fontsize=9,
            color=FIRST if label == "training" else SECOND, annotation_clip=False,
        )  # fmt: skip


def _best_sentence(curves: dict[str, np.ndarray], steps: np.ndarray, best: int | None) -> str:
    at = best if best in steps else int(steps[-1])
    values = {label: values[steps == at][-1] for label, values in curves.items()}
    parts = [f"{label} {number_text(value)}" for label, value in values.items() if math.isfinite(value)]
    where = f"At epoch {at}, whose weights were kept" if best in steps else f"At epoch {at}"
    return f"{where}: {', '.join(parts)}." if parts else ""


def _description(name: str, steps: np.ndarray, curves: dict[str, np.ndarray], best: int | None) -> str:
    return (
        f"{label_of(name)} by epoch, {' and '.join(curves)}, epochs {steps[0]} to {steps[-1]}. "
        f"{_best_sentence(curves, steps, best)}"
    )


def _learning_rate_panel(epochs: Sequence[Epoch], rates: list[float], best: int | None) -> Panel:
    steps = np.array([epoch.epoch for epoch in epochs])
    with drawing_style():
        figure = new_figure()
        axes = figure.subplots()
        axes.plot(steps, rates, color=INK, linewidth=1.2)
        axes.set_ylim(bottom=0)
        _mark_best(axes, steps, {}, best)
        _epoch_axis(axes)
        text = f"From {number_text(rates[0])} to {number_text(rates[-1])}, largest {number_text(max(rates))}."
        svg = inline_svg(figure, "rate", f"Learning rate by epoch. {text}")
    return Panel("Learning rate", svg, text)
