"""What the labels of a whole run say of its learning rate, in one sentence with a thing to try."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.train.learning_rate_watch import EDGE_SHARE, LABELS, SLOW_SHARE


class RateFinding(NamedTuple):
    """A label that stayed, why it is said, and the factor on the rate that is worth a try."""

    label: str
    text: str
    factor: float


def rate_finding(shares: Sequence[float | None], whole_batches: bool) -> RateFinding | None:
    """What to change where the rate stayed slow, at the edge or diverging; None where it did not.

    Slow has to be all of the looks, since a schedule that ends near zero is slow in the end; the others half of them.

    Parameters
    ----------
    shares : of the edge at every look; None or NaN where the curvature was not finite.
    whole_batches : whether every batch held all rows; else noise may forbid a rate that the curvature allows.

    Examples
    --------
    >>> rate_finding([0.3, 0.94, 0.97], True).text
    'the learning rate is at the edge: at 2 of 3 looks curvature times rate was 90% of the edge or more: try x 0.5'
    >>> rate_finding([0.3, 0.5, 0.1], True) is None
    True
    """
    known = np.array([math.inf if share is None or math.isnan(share) else share for share in shares])
    if not known.size:
        return None
    beyond, near = int(np.sum(known >= 1)), int(np.sum(known >= EDGE_SHARE))
    if 2 * beyond >= known.size:
        return _too_large("diverging", beyond, known.size, "beyond the edge")
    if 2 * near >= known.size:
        return _too_large("at the edge", near, known.size, f"{EDGE_SHARE:.0%} of the edge or more")
    return _slow(float(known.max()), whole_batches) if np.all(known < SLOW_SHARE) else None


def _too_large(label: str, count: int, looks: int, part: str) -> RateFinding:
    text = f"the learning rate is {label}: at {count} of {looks} looks curvature times rate was {part}"
    return RateFinding(label, f"{text}: try x 0.5", 0.5)


def _slow(largest: float, whole_batches: bool) -> RateFinding:
    text = f"curvature times rate was never above {largest:.2g} of the edge"
    if not whole_batches:
        text = (
            f"the learning rate is slow by the curvature alone: {text}: try x 2, unless the noise of batches forbids it"
        )
        return RateFinding("slow", text, 2.0)
    # To the middle of what is good, but not on a leap where the curvature may be another.
    factor = float(f"{min(10.0, 0.5 / largest):.1g}") if largest > 0 else 10.0
    return RateFinding("slow", f"the learning rate is slow: {text}: try x {factor:g}", factor)


def shares_of(records: Iterable[Mapping[str, Any]]) -> list[float | None]:
    """The share of the edge at every look with a label, from the records of epochs."""
    looks = [record["curvature"] for record in records if "curvature" in record]
    return [look["share"] for look in looks if look["label"] is not None]


def rate_summary(records: Sequence[Mapping[str, Any]]) -> str | None:
    """How often each label was given, in one line; None without labels.

    Examples
    --------
    >>> look = {"share": 0.5, "label": "good"}
    >>> rate_summary([{"epoch": 1, "curvature": look}, {"epoch": 2, "curvature": look}])
    'learning rate by the curvature: good at 2 of 2 looks'
    """
    labels = [record["curvature"]["label"] for record in records if "curvature" in record]
    counts = Counter(label for label in labels if label is not None)
    if not counts:
        return None
    named = ", ".join(f"{label} at {counts[label]}" for label in LABELS if counts[label])
    return f"learning rate by the curvature: {named} of {counts.total()} looks"
