"""A function of two unknowns as a map, or of many as a plane through them, with the path of a minimization on it."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import fill
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogFormatterSciNotation, LogLocator

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, DataError
from pullback.core.precision import double_precision
from pullback.explain.figures.plane import Plane, plane_of, window
from pullback.explain.figures.style import BLUE, INK, MUTED, RULE, VERMILION, above, drawing_style, new_figure
from pullback.optim import OptimizationResult

# From a deep blue valley to nearly white heights: one hue, so that lightness alone tells the height.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#16456b", "#4a86b5", "#9dc3dd", "#dbe9f3", "#fbfcfd"])
# Heights are told apart over at most so many powers of ten.
DECADES = 8.0
# Up to here each point of the path gets a dot.
DOTTED = 80
# Characters of the caption that fit beneath the picture.
CAPTION_WIDTH = 95


def landscape(
    f: Callable[..., Any],
    path: Any,
    *,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    directions: Any = None,
    names: tuple[str, str] | None = None,
    title: str | None = None,
    levels: int = 24,
    resolution: int = 221,
) -> Figure:
    r"""The map of a function with the path of a minimization drawn on it.

    Contours lie at heights $f - f_{\min}$ that grow by a constant factor, so that the bottom of a valley shows as well
    as its walls; $f_{\min}$ is the least value seen. A function of one unknown is drawn as its graph. Of more than two
    unknowns the plane $c + a\,u + b\,v$ through the end $c$ of the path is drawn, along given directions or along the
    two in which the path extends most (its principal components); the path is projected onto it, and the picture says
    how much of it that hides.

    Parameters
    ----------
    f : the function, or the residuals that a method for sums of squares was given.
    path : the result of `minimize` for one start with `keep_path=True`, or points, shape (points, n).
    args : further arguments of `f`.
    bounds : ((lowest, highest), (lowest, highest)) of the two axes; by default the surroundings of the path.
    directions : two vectors of n numbers that span the plane.
    names : labels of the two axes.
    title : by default the method.
    levels, resolution : number of contours, and of grid points along an axis.

    Returns
    -------
    A matplotlib figure, apart from pyplot; `figure.savefig("path.png")` writes it.

    Raises
    ------
    DataError, ShapeError, ConfigurationError
        for a result without path or of many starts, a function that is nowhere finite, directions or bounds that do
        not fit.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def f(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> figure = landscape(f, minimize(f, [-1.2, 1.0], keep_path=True), resolution=41)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title(loc="left")
    ('x[0]', 'BFGS')

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS (2018): planes of
    principal components of paths.
    """
    positive_integer("levels", levels)
    positive_integer("resolution", resolution)
    points, like = _points(path)
    squares = isinstance(path, OptimizationResult) and bool(getattr(path.method, "squares", False))
    with drawing_style():
        if points.shape[1] == 1:
            return _graph(f, path, points, like, args, squares, bounds, names, title, resolution)
        plane = plane_of(points, directions, names)
        (left, right), (bottom, top) = window(plane.path, bounds)
        across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
        grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
        heights = _values(f, like, args, plane, np.concatenate([grid, plane.path]), squares)
        height = (top - bottom) / (right - left)
        fixed = 1 / 3 < height < 3
        tall = float(np.clip(5.2 * height, 3.0, 6.0))
        figure = new_figure(6.6, tall + 0.9, "compressed" if fixed else "constrained")
        axes = figure.subplots()
        _map(figure, axes, across, up, heights[: len(grid)].reshape(resolution, resolution), heights, levels)
        _path(axes, plane.path)
        axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=plane.labels[0], ylabel=plane.labels[1])
        if fixed:
            axes.set_aspect("equal")
        axes.set_title(title if title is not None else _name(path), loc="left")
        _caption(figure, axes, [_end(path), plane.note])
        return figure


def _points(path: Any) -> tuple[np.ndarray, Any]:
    """The points as rows, and one point in the structure that the function takes."""
    if isinstance(path, OptimizationResult):
        if path.trace.x is None:
            raise ConfigurationError(
                "the result does not hold its path",
                expected="the result of a minimization that kept its points",
                got="trace.x is None",
                fix="call minimize with keep_path=True",
            )
        if np.ndim(path.value):
            raise ConfigurationError(
                "the result is one of many starts",
                expected="the result of one start",
                got=f"{np.size(path.value)} starts",
                fix="run the start in question alone, with many=False",
            )
        leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(path.trace.x)]
        rows, like = np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1), path.x
    else:
        rows = np.asarray(path, np.float64)
        if rows.ndim != 2 or not rows.size:
            raise DataError(
                "path is not a list of points",
                expected="an array of shape (points, n), or the result of minimize with keep_path=True",
                got=f"shape {rows.shape}",
                fix="stack the points as rows",
            )
        like = rows[0]
    rows = rows[np.all(np.isfinite(rows), axis=1)]
    if not len(rows):
        raise DataError("path holds no finite point", expected="finite numbers", got="none", fix="pass finite points")
    return rows, like


def _values(f: Any, like: Any, args: Any, plane: Plane, coordinates: Any, squares: bool) -> np.ndarray:
    host = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), like)
    values = _heights(f, host, args, plane.center, plane.first, plane.second, coordinates, squares)
    values = np.asarray(values)
    if not np.any(np.isfinite(values)):
        raise DataError(
            "f is nowhere finite in the picture", expected="finite values", got="none", fix="choose other bounds"
        )
    return values


@double_precision
def _heights(
    f: Any, like: Any, args: Any, center: Any, first: Any, second: Any, coordinates: Any, squares: bool
) -> Any:
    return _compiled(f, like, args, center, first, second, coordinates, squares)


@eqx.filter_jit
def _compiled(
    f: Any, like: Any, args: Any, center: Any, first: Any, second: Any, coordinates: Any, squares: bool
) -> Any:
    flat, unravel = ravel_pytree(like)

    def value(pair: Any) -> Any:
        x = (center + pair[0] * first + pair[1] * second).astype(flat.dtype)
        found = f(unravel(x), *args)
        return jnp.sum(found**2) / 2 if squares else jnp.reshape(found, ())

    return jax.lax.map(value, jnp.asarray(coordinates), batch_size=1024)


def _map(figure: Figure, axes: Axes, across: Any, up: Any, heights: Any, seen: Any, levels: int) -> None:
    least = float(np.min(seen[np.isfinite(seen)]))
    rise = heights - least
    finite = rise[np.isfinite(rise)]
    highest = float(finite.max()) if finite.size else 0.0
    # A grey ground shows where the function is not defined.
    axes.set_facecolor(RULE)
    if not highest > 0:
        axes.text(0.5, 0.5, "constant here", transform=axes.transAxes, ha="center", color=MUTED)
        return
    positive = finite[finite > 0]
    lowest = max(float(np.quantile(positive, 0.005)), highest * 10**-DECADES)
    lowest = min(lowest, highest / 10)
    steps = np.geomspace(lowest, highest * (1 + 1e-9), levels)
    shown = np.ma.masked_invalid(np.clip(rise, lowest, None))
    filled = axes.contourf(across, up, shown, steps, cmap=HEIGHTS, norm=LogNorm(lowest, highest))
    axes.contour(across, up, shown, steps[1:-1], colors="white", linewidths=0.5, alpha=0.75)
    bar = figure.colorbar(filled, ax=axes, shrink=0.9, aspect=28, pad=0.02)
    bar.ax.yaxis.set_major_locator(LogLocator(numticks=9))
    bar.ax.yaxis.set_major_formatter(LogFormatterSciNotation())
    bar.ax.minorticks_off()
    for label in bar.ax.get_yticklabels():
        label.set_parse_math(True)
    bar.set_label(above(least, lowest))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _path(axes: Axes, path: np.ndarray) -> None:
    halo = [withStroke(linewidth=3.2, foreground="white")]
    marker = "o" if len(path) <= DOTTED else ""
    axes.plot(
        path[:, 0], path[:, 1], color=VERMILION, linewidth=1.5, marker=marker, markersize=3.2,
        markeredgewidth=0, path_effects=halo, label=f"path, {len(path) - 1} steps", zorder=4,
    )  # fmt: skip
    _ends(axes, path)


def _ends(axes: Axes, path: np.ndarray) -> None:
    for place, label, shape, size in ((0, "start", "o", 9), (-1, "end", "*", 15)):
        axes.plot(
            [path[place, 0]], [path[place, 1]], shape, markersize=size, color="white" if place == 0 else VERMILION,
            markeredgecolor=VERMILION if place == 0 else "white", markeredgewidth=2 if place == 0 else 1.0,
            linestyle="none", label=label, zorder=5,
        )  # fmt: skip


def _graph(
    f: Any,
    path: Any,
    points: np.ndarray,
    like: Any,
    args: Any,
    squares: bool,
    bounds: Any,
    names: Any,
    title: Any,
    n: int,
) -> Figure:
    low, high = float(points.min()), float(points.max())
    margin = 0.25 * (high - low) or 1.0
    left, right = (low - margin, high + margin) if bounds is None else map(float, np.ravel(bounds)[:2])
    line = np.linspace(left, right, n)
    plane = Plane(np.zeros(1), np.ones(1), np.zeros(1), np.c_[points, 0 * points], names or ("x", "value"))
    pairs = np.concatenate([np.c_[line, 0 * line], plane.path])
    values = _values(f, like, args, plane, pairs, squares)
    figure = new_figure(6.6, 4.4)
    axes = figure.subplots()
    axes.plot(line, values[:n], color=BLUE, linewidth=1.8, zorder=2)
    _path(axes, np.c_[points[:, 0], values[n:]])
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set(xlim=(left, right), xlabel=plane.labels[0], ylabel=plane.labels[1])
    axes.set_title(title if title is not None else _name(path), loc="left")
    _caption(figure, axes, [_end(path)])
    return figure


def _name(path: Any) -> str:
    return type(path.method).__name__ if isinstance(path, OptimizationResult) else ""


def _end(path: Any) -> str:
    if not isinstance(path, OptimizationResult):
        return ""
    return f"{path.message}: value {float(path.value):.6g} after {int(path.steps)} steps"


def _caption(figure: Figure, axes: Axes, lines: list[str]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8.5, handletextpad=0.5,
        columnspacing=1.2, borderaxespad=0.3, handlelength=1.6,
    )  # fmt: skip
    text = "\n".join(fill(line, CAPTION_WIDTH) for line in lines if line)
    if text:
        figure.supxlabel(text, x=0.02, ha="left", fontsize=8.5, color=INK)
