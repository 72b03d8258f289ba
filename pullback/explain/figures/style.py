"""The look of figures: colors that color-blind readers tell apart, and no state outside the figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib
from matplotlib.figure import Figure

INK, MUTED, RULE = "#1f2328", "#57606a", "#d0d7de"
# The palette of Okabe and Ito (2008), without its yellow, which is too light for lines on white.
VERMILION, BLUE, GREEN = "#d55e00", "#0072b2", "#009e73"
COLORS = (BLUE, VERMILION, GREEN, "#cc79a7", "#56b4e9", "#e69f00", INK)
LINES = ("-", "--", "-.", ":")

SETTINGS: dict[Any, Any] = {
    "figure.facecolor": "white",
    "figure.dpi": 144,
    "savefig.dpi": 144,
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
}


@contextmanager
def drawing_style() -> Iterator[None]:
    """The house style, whatever the user's own matplotlib settings are; they are back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Figure:
    """An empty figure of this size in inches, apart from pyplot; "compressed" keeps axes of fixed aspect together."""
    figure = Figure(figsize=(width, height), layout=layout)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
    return figure


def above(least: float, highest: float) -> str:
    """The label of an axis of values above the least one, which goes without saying where it is next to nothing."""
    return "value" if abs(least) <= 1e-6 * highest else f"value − {least:.4g}" if least > 0 else f"value + {-least:.4g}"
