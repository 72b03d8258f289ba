"""What a classifier answers where: its classes and probabilities along one feature, or over two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pullback.core.checks import fraction, positive, positive_integer
from pullback.core.errors import ConfigurationError
from pullback.explain.class_support import ClassSupport, Slice, class_support, slice_of
from pullback.explain.figures.style import COLORS, INK, MUTED, RULE, drawing_style, new_figure

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST_CLASSES = len(COLORS)


def decision_boundary(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    features: Sequence[int | str] | None = None,
    at: Mapping[int | str, Any] | None = None,
    threshold: float = 0.5,
    resolution: int = 201,
    title: str | None = None,
) -> Figure:
    r"""The answers of a classifier over one or two features, with the line where they change.

    Over two features the plane has the color of the answer, the deeper the surer; the line is the boundary, for two
    classes $P(1 \mid x) = t$ with dotted lines where the probability is 1/4 and 3/4. Along one feature the curve is
    $P(1 \mid x)$, or one a class, and vertical lines are the boundary. Without probabilities the decision function
    takes their place, with its boundary at zero. Rows that the classifier answers wrongly have a dark rim.

    Parameters
    ----------
    estimator : fitted, with `classes_` and `predict_proba` or `decision_function`.
    X : rows as the estimator takes them, an array or a data frame; the window holds them all.
    y : their labels, to draw the rows; without them only the answers are drawn.
    features : one or two columns, by place or by name; by default all if there are one or two.
    at : values of the other columns, by default their medians (the most frequent value of what is no number).
    threshold : t, the probability from which the second of two classes is the answer.
    resolution : grid points along an axis.

    Returns
    -------
    A matplotlib figure, apart from pyplot; `figure.savefig("boundary.png")` writes it.

    Raises
    ------
    ConfigurationError
        for an estimator without `predict_proba` and `decision_function`, or with more than seven classes; for columns
        that do not exist; for more than two columns without `features`.
    DataError
        for rows and labels of different lengths.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> figure = decision_boundary(LogisticRegression().fit(X, y), X, y)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('x[0]', 'probability of 1')
    """
    positive_integer("resolution", resolution)
    fraction("threshold", positive("threshold", threshold))
    cut = slice_of(X, y, features, at)
    classes = getattr(estimator, "classes_", None)
    if classes is None or not 2 <= len(classes) <= MOST_CLASSES:
        raise ConfigurationError(
            "the estimator cannot be drawn",
            expected=f"a fitted classifier of 2 to {MOST_CLASSES} classes",
            got="no classes_" if classes is None else f"{len(classes)} classes",
            fix="fit it first, or draw some of the classes against the others",
        )
    with drawing_style():
        if len(cut.names) == 1:
            return _along(estimator, cut, threshold, resolution, title)
        return _over(estimator, cut, threshold, resolution, title)


def _over(estimator: Any, cut: Slice, threshold: float, resolution: int, title: str | None) -> Figure:
    (left, right), (bottom, top) = cut.window
    across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    support = class_support(estimator, cut.points(grid), threshold)
    figure = new_figure(6.4, 4.8)
    axes = figure.subplots()
    shade = _shades(support).reshape(resolution, resolution, 3)
    axes.imshow(shade, origin="lower", extent=(left, right, bottom, top), aspect="auto", interpolation="bilinear")
    margins = support.margins.reshape(resolution, resolution, -1)
    for k in range(1 if len(support.classes) == 2 else 0, len(support.classes)):
        values = margins[..., k]
        if values.min() < 0 < values.max():
            axes.contour(across, up, values, levels=[0.0], colors=INK, linewidths=1.5)
    if support.probable and len(support.classes) == 2:
        quarters = support.values[:, 1].reshape(resolution, resolution)
        levels = [level for level in (0.25, 0.75) if quarters.min() < level < quarters.max()]
        if levels:
            axes.contour(across, up, quarters, levels=levels, colors=INK, linewidths=0.9, linestyles=":")
    _rows(axes, estimator, cut, threshold)
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=cut.names[0], ylabel=cut.names[1])
    _finish(figure, axes, cut, support, title)
    return figure


def _along(estimator: Any, cut: Slice, threshold: float, resolution: int, title: str | None) -> Figure:
    left, right = cut.window[0]
    across = np.linspace(left, right, 4 * resolution)
    support = class_support(estimator, cut.points(across[:, None]), threshold)
    figure = new_figure(6.4, 3.7)
    axes = figure.subplots()
    shown = (1,) if len(support.classes) == 2 else range(len(support.classes))
    for k in shown:
        axes.plot(across, support.values[:, k], color=COLORS[k], linewidth=1.8)
    for place in boundary_points(across, support):
        axes.axvline(place, color=INK, linewidth=1.1)
    if len(support.classes) == 2:
        level = threshold if support.probable else 0.0
        axes.axhline(level, color=MUTED, linewidth=0.9, linestyle=":")
    _rows(axes, estimator, cut, threshold)
    named = f" of {support.classes[1]}" if len(support.classes) == 2 else ""
    axes.set(xlim=(left, right), xlabel=cut.names[0])
    axes.set_ylabel(("probability" if support.probable else "decision function") + named)
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    _finish(figure, axes, cut, support, title)
    return figure


def boundary_points(across: np.ndarray, support: ClassSupport) -> list[float]:
    """Where the answer changes along one feature, by a straight line between grid points.

    Examples
    --------
    >>> x = np.linspace(0, 1, 11)
    >>> rising = ClassSupport(("no", "yes"), np.stack([1 - x, x], axis=1), probable=True, threshold=0.45)
    >>> [round(place, 3) for place in boundary_points(10 * x, rising)]
    [4.5]
    """
    answer, found = support.answers, []
    for i in np.flatnonzero(answer[1:] != answer[:-1]).tolist():
        before, after = support.margins[i, answer[i]], support.margins[i + 1, answer[i]]
        share = before / (before - after) if before > after else 0.5
        found.append(float(across[i] + share * (across[i + 1] - across[i])))
    return found


def _shades(support: ClassSupport) -> np.ndarray:
    colors = np.array([to_rgb(color) for color in COLORS[: len(support.classes)]])
    depth = 0.10 + 0.40 * support.sureness[:, None]
    return 1 - depth * (1 - colors[support.answers])


def _rows(axes: Axes, estimator: Any, cut: Slice, threshold: float) -> None:
    if cut.labels is None:
        return
    support = class_support(estimator, cut.rows, threshold)
    wrong = np.asarray(support.classes)[support.answers] != cut.labels
    heights = cut.columns[:, 1] if len(cut.names) == 2 else _rug(axes, support, cut.labels)
    for k, label in enumerate(support.classes):
        for missed in (False, True):
            rows = (cut.labels == label) & (wrong == missed)
            axes.scatter(
                cut.columns[rows, 0],
                heights[rows],
                s=26 if missed else 18,
                marker=MARKERS[k],
                color=COLORS[k],
                edgecolors=INK if missed else "white",
                linewidths=1.1 if missed else 0.4,
                zorder=4 if missed else 3,
                clip_on=False,
            )


def _rug(axes: Axes, support: ClassSupport, labels: np.ndarray) -> np.ndarray:
    """Heights of the rows of one feature: a band a class, below the curves or at their ends."""
    lower, upper = (0.0, 1.0) if support.probable else axes.get_ylim()
    many, step = len(support.classes), 0.07 * (upper - lower)
    bands = {label: lower - step * (many - k) for k, label in enumerate(support.classes)}
    if many == 2:
        bands[support.classes[1]] = upper + step
    spread = step * 0.5 * (np.modf(np.arange(len(labels)) * 0.6180339887)[0] - 0.5)
    axes.set_ylim(min(bands.values()) - step, max(upper, *bands.values()) + step)
    if support.probable:
        axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6))
    return np.array([bands.get(label, lower) for label in labels.tolist()]) + spread


def _finish(figure: Figure, axes: Axes, cut: Slice, support: ClassSupport, title: str | None) -> None:
    axes.set_title(title or "Decision boundary", loc="left")
    axes.tick_params(color=MUTED, length=3)
    handles = [
        Line2D([], [], color=COLORS[k], marker=MARKERS[k], linestyle="", label=str(label))
        for k, label in enumerate(support.classes)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 7), fontsize=9)
    if cut.note:
        axes.annotate(
            cut.note, (1, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", ha="right",
            va="bottom", fontsize=8, color=MUTED,
        )  # fmt: skip
