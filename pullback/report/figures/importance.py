"""Permutation importance as points with their intervals, and partial dependence as curves with bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pullback.report.figures.svg import FIRST, MUTED, SECOND, Panel, drawing_style, inline_svg, light_grid, new_figure

LONGEST_NAME = 28
Grid = Float[np.ndarray, " grid"]


@dataclass(frozen=True, eq=False)
class Curve:
    """Mean prediction at each grid value with its limits."""

    name: str
    value: Grid
    lower: Grid
    upper: Grid


def importance_panel(
    names: Sequence[str], value: Sequence[float], lower: Sequence[float], upper: Sequence[float], caption: str
) -> Panel:
    """One line a column, the most important at the top."""
    with drawing_style():
        figure = new_figure(5.4, 0.24 * len(names) + 0.9)
        axes = figure.subplots()
        places = np.arange(len(names))
        axes.axvline(0, color=MUTED, linewidth=0.9)
        axes.hlines(places, lower, upper, color=FIRST, linewidth=1.6)
        axes.plot(value, places, "o", color=FIRST, markersize=5)
        axes.set_yticks(places, [shortened(name) for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set(xlabel="rise of the loss when the column is shuffled")
        axes.tick_params(axis="y", length=0)
        light_grid(axes, "x")
        axes.tick_params(axis="y", length=0)
        svg = inline_svg(
            figure, "importance", f"Permutation importance of {len(names)} columns; {names[0]} matters most."
        )
    return Panel("Permutation importance", svg, caption)


def dependence_panel(
    column: str, grid: Grid, labels: Sequence[str] | None, curves: Sequence[Curve], quantity: str, number: int
) -> Panel:
    """One column: curves over numbers, points with intervals over labels."""
    with drawing_style():
        figure = new_figure(3.7, 2.9)
        axes = figure.subplots()
        x = np.arange(len(grid)) if labels is not None else grid
        for place, (curve, color) in enumerate(zip(curves, (FIRST, SECOND), strict=False)):
            if labels is not None:
                at = x + 0.12 * (place - (len(curves) - 1) / 2)
                axes.vlines(at, curve.lower, curve.upper, color=color, linewidth=1.6)
                axes.plot(at, curve.value, "o", color=color, markersize=4.5, label=curve.name)
            else:
                axes.fill_between(x, curve.lower, curve.upper, color=color, alpha=0.16, linewidth=0)
                axes.plot(x, curve.value, color=color, linestyle="--" if place else "-", label=curve.name)
        if labels is not None:
            axes.set_xticks(x, [shortened(label, 14) for label in labels], rotation=90 if len(labels) > 4 else 0)
        else:
            axes.locator_params(axis="x", nbins=5)
        axes.set(ylabel=quantity, xlabel=column if labels is None else "")
        if len(curves) > 1:
            axes.legend(frameon=False, fontsize=8, handlelength=1.8, borderaxespad=0.2)
        light_grid(axes)
        reach = [float(curve.value.max() - curve.value.min()) for curve in curves]
        svg = inline_svg(figure, f"dependence{number}", f"Partial dependence on {column}.")
    words = f"Over the range shown the mean prediction moves by {max(reach):.3g}."
    return Panel(column, svg, words)


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """At most so many characters."""
    return name if len(name) <= longest else name[: longest - 1] + "…"
