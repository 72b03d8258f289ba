"""Losses at the end of training against the learning rate, with the interval of those that are as good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pullback.train import LearningRateSuggestion


def learning_rate_figure(found: LearningRateSuggestion) -> Figure:
    """Every seed a point, their mean a line, diverged seeds at the top, the interval shaded, the suggestion marked."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    finite = np.where(np.isfinite(found.scores), found.scores, np.nan)
    axes.axvspan(found.lower, found.upper, color="#2f6db5", alpha=0.12, label="as good")
    axes.plot(np.repeat(found.rates, finite.shape[1]), finite.ravel(), ".", color="#888888", label="a seed")
    whole = ~found.diverged
    axes.plot(found.rates[whole], found.means[whole], color="#2f6db5", label="mean")
    if found.diverged.any():
        top = np.nanmax(finite) * np.ones(int(found.diverged.sum()))
        axes.plot(found.rates[found.diverged], top, "x", color="#b53a2f", label="diverged")
    axes.axvline(found.learning_rate, color="#b5702f", label=f"suggested: {found.learning_rate:.3g}")
    axes.axhline(found.start, color="#888888", linestyle=":", label="before training")
    axes.set_xscale("log")
    if np.nanmin(finite) > 0 and found.start > 0:
        axes.set_yscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss at the end")
    axes.legend(fontsize=8)
    return figure


def save_learning_rate_figure(found: LearningRateSuggestion, path: Path) -> None:
    """Write the figure as PNG."""
    learning_rate_figure(found).savefig(path, dpi=120)
