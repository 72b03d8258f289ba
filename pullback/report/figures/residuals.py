r"""Residuals $r_i = y_i - \hat y_i$ of a regression, looked at in three ways."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from scipy.special import betaincinv, ndtri

from pullback.report.figures.scatter_rows import sample_sentence, scatter_rows
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
from pullback.report.number_text import number_text, percent_text

Values = Float[np.ndarray, " rows"]
Groups = Float[np.ndarray, " groups"]
SMALLEST_SMOOTHED = 45
ROWS_A_GROUP, MOST_GROUPS = 15, 20
ENVELOPE_LEVEL = 0.95


def residual_panels(predicted: Values, observed: Values, identifier: str = "residuals") -> list[Panel]:
    """Predicted against observed, residuals against predicted, and the normal quantile plot of the residuals."""
    return [
        _predicted_observed(predicted, observed, f"{identifier}-fit"),
        _residuals_predicted(predicted, observed, f"{identifier}-spread"),
        _normal_quantiles(observed - predicted, f"{identifier}-normal"),
    ]


def _points(axes: Axes, x: Values, y: Values) -> None:
    size = 3.2 if len(x) <= 300 else 2.2
    axes.plot(x, y, "o", color=FIRST, markersize=size, markeredgewidth=0, alpha=0.6 if len(x) <= 300 else 0.4)


def _predicted_observed(predicted: Values, observed: Values, identifier: str) -> Panel:
    shown = scatter_rows(len(predicted))
    with drawing_style():
        figure = new_figure(3.7, 3.5)
        axes = figure.subplots()
        low, high = (float(f(np.concatenate([predicted, observed]))) for f in (np.min, np.max))
        margin = 0.04 * (high - low) or 1.0
        axes.plot([low - margin, high + margin], [low - margin, high + margin], color=MUTED, linewidth=0.9)
        _points(axes, predicted[shown], observed[shown])
        axes.set(
            xlabel="predicted",
            ylabel="observed",
            xlim=(low - margin, high + margin),
            ylim=(low - margin, high + margin),
        )
        axes.set_aspect("equal")
        light_grid(axes, "both")
        axes.yaxis.set_major_locator(axes.xaxis.get_major_locator())
        correlation = _correlation(predicted, observed)
        svg = inline_svg(
            figure,
            identifier,
            f"Scatter plot of observed against predicted values, {len(predicted)} rows. {correlation}",
        )
    return Panel(
        "Observed against predicted",
        svg,
        f"On the line, prediction and observation agree. {correlation}{sample_sentence(len(predicted))}",
    )


def _correlation(predicted: Values, observed: Values) -> str:
    if np.ptp(predicted) == 0 or np.ptp(observed) == 0:
        return "One of the two does not vary."
    return f"Their correlation is {number_text(float(np.corrcoef(predicted, observed)[0, 1]))}."


def _residuals_predicted(predicted: Values, observed: Values, identifier: str) -> Panel:
    residuals = observed - predicted
    shown = scatter_rows(len(predicted))
    with drawing_style():
        figure = new_figure(3.7, 3.5)
        axes = figure.subplots()
        axes.axhline(0, color=MUTED, linewidth=0.9)
        _points(axes, predicted[shown], residuals[shown])
        smoothed = len(predicted) >= SMALLEST_SMOOTHED
        if smoothed:
            axes.plot(*running_median(predicted, residuals), color=SECOND)
        axes.set(xlabel="predicted", ylabel="observed − predicted")
        light_grid(axes)
        svg = inline_svg(figure, identifier, f"Residuals against predicted values, {len(predicted)} rows.")
    line = (
        "The line is the running median; it should stay near zero and the spread should not grow."
        if smoothed
        else ("The points should scatter evenly about zero.")
    )
    return Panel("Residuals against predicted", svg, line + sample_sentence(len(predicted)))


def running_median(x: Values, y: Values) -> tuple[Groups, Groups]:
    """Median of y over equal groups of rows that neighbor in x, at the median x of each group."""
    order = np.argsort(x, kind="stable")
    groups = np.array_split(order, int(np.clip(len(x) // ROWS_A_GROUP, 1, MOST_GROUPS)))
    return np.array([np.median(x[group]) for group in groups]), np.array([np.median(y[group]) for group in groups])


def _normal_quantiles(residuals: Values, identifier: str) -> Panel:
    deviation = float(residuals.std())
    standardized = np.sort((residuals - residuals.mean()) / (deviation or 1.0))
    expected, lower, upper = normal_order_statistics(len(standardized))
    outside = float(np.mean((standardized < lower) | (standardized > upper)))
    shown = scatter_rows(len(standardized))
    with drawing_style():
        figure = new_figure(3.7, 3.5)
        axes = figure.subplots()
        axes.fill_between(expected[shown], lower[shown], upper[shown], color=INK, alpha=0.09, linewidth=0)
        axes.plot(expected[shown], expected[shown], color=MUTED, linewidth=0.9)
        _points(axes, expected[shown], standardized[shown])
        axes.set(xlabel="normal quantile", ylabel="standardized residual")
        light_grid(axes, "both")
        text = f"{percent_text(outside, 0)} of the points lie outside the band."
        svg = inline_svg(figure, identifier, f"Normal quantile plot of {len(residuals)} residuals. {text}")
    return Panel(
        "Normal quantiles of the residuals",
        svg,
        "Normal residuals follow the line; each stays in the band with probability "
        f"{percent_text(ENVELOPE_LEVEL, 0)}. {text}" + sample_sentence(len(residuals)),
    )


def normal_order_statistics(rows: int) -> tuple[Values, Values, Values]:
    r"""Median and pointwise limits of the order statistics of `rows` normal values.

    The k-th smallest of n uniform values follows $\mathrm{Beta}(k, n + 1 - k)$; its quantiles are carried over by
    $\Phi^{-1}$.
    """
    rank = np.arange(1.0, rows + 1)
    lower, median, upper = (
        ndtri(betaincinv(rank, rows + 1 - rank, probability))
        for probability in ((1 - ENVELOPE_LEVEL) / 2, 0.5, (1 + ENVELOPE_LEVEL) / 2)
    )
    return median, lower, upper
