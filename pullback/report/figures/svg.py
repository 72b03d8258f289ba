"""Inline SVG from matplotlib: page colors instead of fixed ones, no state outside, the same bytes every time."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Each color stands for a variable of the style sheet, which has a light, a dark and a printed value for it.
INK, MUTED, RULE = "#010101", "#020202", "#030303"
FIRST, SECOND = "#040404", "#050505"
COLOR_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", FIRST: "first", SECOND: "second"}

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pullback",
    "text.parse_math": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "font.size": 9.5,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Panel:
    """One drawing with its heading and the sentence that says what to see in it."""

    title: str
    svg: Markup
    caption: str


@contextmanager
def drawing_style() -> Iterator[None]:
    """The house style, whatever the user's own matplotlib settings are; they are back afterwards."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A glyph that the layout font lacks is drawn by the reader's own font.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def new_figure(width: float = 3.7, height: float = 2.7) -> Figure:
    """An empty figure of this size in inches, apart from pyplot."""
    return Figure(figsize=(width, height))


def light_grid(axes: Axes, axis: str = "y") -> None:
    """Hairlines behind the data."""
    axes.grid(visible=True, axis=axis, color=RULE, linewidth=0.5)  # pyright: ignore[reportArgumentType]
    axes.set_axisbelow(True)
    axes.tick_params(length=3, width=0.8)


def inline_svg(figure: Figure, name: str, description: str) -> Markup:
    """The figure as an `<svg>` element whose identifiers begin with `name` and whose label is `description`."""
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return Markup(_for_page(stream.getvalue(), name, description))


def _for_page(svg: str, name: str, description: str) -> str:
    svg = svg[svg.index("<svg") :]
    # The style element would speak to the whole page, not to this drawing alone.
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r" font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r' id="(?:figure|axes|patch|line2d|text|matplotlib|xtick|ytick)[^"]*"', "", svg)
    svg = re.sub(r'( id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    for color, variable in COLOR_VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    svg = re.sub(r' (d|x|y|transform)="([^"]*)"', _with_short_numbers, svg)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    width = float(size[1]) if size else 0
    return re.sub(
        r"<svg [^>]*?viewBox=\"([^\"]*)\"[^>]*>",
        lambda match: (
            f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{match[1]}" role="img" '
            f'aria-label="{escape(description)}" style="max-width: {width * 1.5:.0f}px">'
        ),
        svg,
        count=1,
    )


def _with_short_numbers(match: re.Match[str]) -> str:
    short = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", match[2])
    return f' {match[1]}="{" ".join(short.split())}"'
