"""How several minimizations came down, side by side: value and gradient norm against evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from pullback.core.errors import ConfigurationError
from pullback.explain.figures.style import COLORS, LINES, MUTED, RULE, above, drawing_style, new_figure
from pullback.optim import OptimizationResult

# Beyond this ratio of evaluations the short runs vanish on a linear axis.
LOG_RATIO = 30


def trace_figure(results: Mapping[str, OptimizationResult], *, best: float | None = None) -> Figure:
    r"""Value above the best one and gradient norm of several minimizations against evaluations, on log scales.

    The left panel shows $f(x_k) - f_{\text{best}}$, the right one $\lVert \nabla f(x_k) \rVert$; the dot is the end.

    Parameters
    ----------
    results : results of `minimize` for one start, by the name that the legend shows.
    best : $f_{\text{best}}$; by default the least value among all traces, or zero if that is zero but for rounding.
        Values that do not differ from it beyond rounding are not drawn.

    Raises
    ------
    ConfigurationError
        for no result, or a result of many starts.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def f(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> runs = {name: minimize(f, [-1.2, 1.0], method=name) for name in ("bfgs", "newton")}
    >>> [axes.get_ylabel() for axes in trace_figure(runs).axes]
    ['value', 'gradient norm']
    """
    _check(results)
    least = _least(results) if best is None else float(best)
    with drawing_style():
        figure = new_figure(8.4, 3.9)
        left, right = figure.subplots(1, 2)
        for place, (name, result) in enumerate(results.items()):
            trace = result.trace
            evaluations = np.asarray(trace.evaluations)
            gap = np.asarray(trace.value, np.float64) - least
            style = {"color": COLORS[place % len(COLORS)], "linestyle": LINES[place // len(COLORS) % len(LINES)]}
            rounding = 4 * np.finfo(np.asarray(trace.value).dtype).eps * max(abs(least), 1e-300)
            _curve(left, evaluations, np.where(gap > rounding, gap, np.nan), name, style)
            _curve(right, evaluations, np.asarray(trace.gradient_norm, np.float64), name, style)
        wide = _spread(results)
        for axes, label in ((left, above(least, 0.0)), (right, "gradient norm")):
            _dress(axes, label, wide)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5), fontsize=9)
        return figure


def _least(results: Mapping[str, OptimizationResult]) -> float:
    values = np.concatenate([np.asarray(result.trace.value, np.float64) for result in results.values()])
    least, largest = float(np.nanmin(values)), float(np.nanmax(np.abs(values)))
    # What is zero but for rounding need not be subtracted, and its way there can be shown.
    return 0.0 if abs(least) <= np.finfo(np.float64).eps * largest else least


def _check(results: Mapping[str, OptimizationResult]) -> None:
    if not results:
        raise ConfigurationError("no result to draw", expected="at least one", got="none", fix="pass {'name': result}")
    for name, result in results.items():
        if not isinstance(result, OptimizationResult) or np.ndim(result.value):
            got = "many starts" if isinstance(result, OptimizationResult) else type(result).__name__
            raise ConfigurationError(
                f"{name!r} is not the result of one minimization",
                expected="what minimize returns for one start",
                got=got,
                fix="run each start alone, with many=False",
            )


def _curve(axes: Axes, x: Any, y: Any, name: str, style: dict[str, Any]) -> None:
    y = np.where(y > 0, y, np.nan)
    axes.plot(x, y, label=name, linewidth=1.7, **style)
    drawn = np.flatnonzero(np.isfinite(y))
    if len(drawn):
        last = drawn[-1]
        axes.plot(x[last : last + 1], y[last : last + 1], "o", color=style["color"], markersize=4.5)


def _spread(results: Mapping[str, OptimizationResult]) -> bool:
    lasts = [int(np.asarray(result.trace.evaluations)[-1]) for result in results.values()]
    return max(lasts) > LOG_RATIO * max(1, min(lasts))


def _dress(axes: Axes, label: str, wide: bool) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=9))
    axes.yaxis.set_minor_formatter(NullFormatter())
    if wide:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="evaluations of the function", ylabel=label)
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", color=MUTED, length=3)
    for axis in (axes.xaxis, axes.yaxis):
        for text in axis.get_ticklabels():
            text.set_parse_math(True)
