"""A factorial in two drawings: its differences with intervals, and the means by which factors interact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pullback.report.figures.comparison_curves import line_style
from pullback.report.figures.learning_curves import wants_log_scale
from pullback.report.figures.svg import FIRST, INK, MUTED, Panel, drawing_style, inline_svg, light_grid, new_figure
from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import MINUS, label_of, level_text
from pullback.train import FactorComparison
from pullback.train.comparisons.contrasts import JOINED
from pullback.train.comparisons.differences import Difference
from pullback.train.comparisons.factors import level_name

# More rows than these are read better in the table.
ROWS_DRAWN = 20
MINUS_SIGN = f" {MINUS} "
# How far the dots of the seeds stand apart from their line, in levels.
OFFSET = 0.06


def contrast_words(each: Difference) -> str:
    """A difference as it is written."""
    less = ", less the same" if JOINED in each.problem else " less"
    return f"{each.problem.replace('_', ' ')}: {each.first.replace('_', ' ')}{less} {each.second.replace('_', ' ')}"


def _short(each: Difference) -> str:
    """The same beside a drawing: an interaction is the product of two differences."""
    first, second = each.first.replace(" less ", MINUS_SIGN), each.second
    if JOINED not in each.problem:
        return f"{each.problem.replace('_', ' ')} {first}{MINUS_SIGN}{second}"
    at = f"at {each.problem.split(JOINED)[1]} "
    one, other = first.split(f" {at}")
    return f"({one}) × ({other}{MINUS_SIGN}{second.removeprefix(at)})"


def contrast_panel(found: FactorComparison) -> Panel:
    """Every difference with its simultaneous interval, those that are named in color."""
    drawn = found.contrasts[:ROWS_DRAWN]
    with drawing_style():
        figure = new_figure(5.2, 0.26 * len(drawn) + 0.8)
        axes = figure.subplots()
        axes.axvline(0.0, color=MUTED, linewidth=0.8)
        for row, each in enumerate(drawn):
            color, interval = FIRST if each.named else MUTED, each.interval
            axes.plot([interval.lower, interval.upper], [row, row], color=color, linewidth=1.4)
            axes.plot([interval.value], [row], "o", color=color, markersize=4)
        axes.set_yticks(range(len(drawn)), [_short(each) for each in drawn], fontsize=8.5)
        for label, each in zip(axes.get_yticklabels(), drawn, strict=True):
            label.set_color(INK if each.named else MUTED)
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        light_grid(axes, "x")
        axes.set_xlabel(f"difference of the {found.split} {in_sentence(found.score)}")
        named = sum(each.named for each in drawn)
        caption = f"{level_text(found.level)} intervals that hold for all {len(found.contrasts)} differences at once; "
        caption += f"{named} of those drawn are named, in color."
        svg = inline_svg(figure, "contrasts", caption)
    return Panel("Differences between levels", svg, caption)


def interaction_panel(found: FactorComparison, names: Sequence[str]) -> Panel:
    """The mean score by the levels of one factor, a line for each level of another; parallel lines do not interact."""
    along, other = names[0], names[1] if len(names) > 1 else None
    if other is not None and len(found.factors[other]) > len(found.factors[along]):
        along, other = other, along
    scores = _by_level(found, along, other)
    with drawing_style():
        figure = new_figure(4.6, 3.0)
        axes = figure.subplots()
        places = np.arange(scores.shape[1])
        for number, rows in enumerate(scores):
            style = line_style(number)
            means = np.where(np.isfinite(rows).all(1), rows.mean(1), np.nan)
            label = None if other is None else level_name(found.factors[other][number])
            axes.plot(places, means, marker="o", markersize=4, label=label, **style)
            shift = OFFSET * (number - (len(scores) - 1) / 2)
            seeds = np.repeat(places + shift, rows.shape[1])
            axes.plot(seeds, rows.ravel(), "o", color=style["color"], markersize=2, alpha=0.45, linestyle="none")
        axes.set_xticks(places, [level_name(value) for value in found.factors[along]])
        axes.set_xlim(-0.4, len(places) - 0.6)
        if found.score != "accuracy" and wants_log_scale(scores.ravel().tolist()):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        light_grid(axes)
        axes.set_xlabel(along.replace("_", " "))
        axes.set_ylabel(f"{found.split} {in_sentence(found.score)}")
        title = f"{label_of(found.score)} by {along.replace('_', ' ')}"
        caption = "Small dots are seeds, over all other factors."
        if other is not None:
            axes.legend(frameon=False, fontsize=8.5, title=other.replace("_", " "), title_fontsize=8.5)
            title += f" and {other.replace('_', ' ')}"
            caption = "Lines that are not parallel are an interaction; small dots are seeds, over all other factors."
        if not np.isfinite(scores).all():
            caption += " Where a line is broken, a seed diverged."
        svg = inline_svg(figure, f"means-{along}-{other}", f"{title}. {caption}")
    return Panel(title, svg, caption)


def _by_level(found: FactorComparison, along: str, other: str | None) -> np.ndarray:
    """Shape (levels of `other`, levels of `along`, seeds): means over all other factors."""
    axes = {name: place for place, name in enumerate(found.factors)}
    kept = [axes[name] for name in (other, along) if name is not None]
    rest = tuple(place for place in axes.values() if place not in kept)
    # Infinities on both sides do not occur: a score is bad on one side alone.
    means = np.moveaxis(found.scores, kept, range(len(kept))).mean(axis=tuple(range(len(kept), len(kept) + len(rest))))
    return means if other is not None else means[None]
