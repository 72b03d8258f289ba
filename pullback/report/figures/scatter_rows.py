"""Which rows a scatter plot shows when there are too many to tell apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from pullback.core.random import generator
from pullback.report.number_text import count_text

LARGEST_SCATTER = 1000


def scatter_rows(rows: int) -> Int[np.ndarray, " shown"]:
    """All rows, or a fixed random sample of them in their order."""
    if rows <= LARGEST_SCATTER:
        return np.arange(rows)
    return np.sort(generator(0, "report", "scatter").choice(rows, LARGEST_SCATTER, replace=False))


def sample_sentence(rows: int) -> str:
    """What to add to the caption of a sampled plot."""
    return "" if rows <= LARGEST_SCATTER else f" A random {LARGEST_SCATTER} of {count_text(rows)} rows are drawn."
