"""Check of a confidence level."""

from __future__ import annotations

from pullback.core.checks import fraction, positive


def confidence_level(level: float) -> float:
    """`level` if it lies strictly between 0 and 1; a percentage such as 95 is refused."""
    return fraction("level", positive("level", level))
