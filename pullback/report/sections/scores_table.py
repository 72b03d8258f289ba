"""Every score with its interval, the rows behind it and how the interval was made."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from pullback.report.blocks import Block, Column, Prose, Section, Table
from pullback.report.number_text import count_text, decimals_for, fixed, label_of, level_text, range_text
from pullback.report.run_folder import Estimate
from pullback.report.scores import Score

METHODS = {
    "wilson": "Wilson score",
    "t": "Student’s t",
    "bca bootstrap": "bootstrap, BCa",
    "percentile bootstrap": "bootstrap, percentile",
    "delong": "DeLong",
    "dirichlet": "Dirichlet posterior",
}
CELL = Markup("{}<small>{}</small>")
# A mark on a line from the smallest limit to 1, with its interval: 100 units wide.
WHISKER = Markup(
    '<svg class="whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
    '<path d="M0 5H100" stroke="var(--rule)" stroke-width="1" vector-effect="non-scaling-stroke"/>'
    '<path d="M{} 5H{}" stroke="var(--first)" stroke-width="4" vector-effect="non-scaling-stroke"/>'
    '<path d="M{} 0V10" stroke="var(--ink)" stroke-width="2" vector-effect="non-scaling-stroke"/></svg>'
)


def scores_section(scores: Sequence[Score], split: str) -> Section:
    """The table of scores, or the sentence that there are none."""
    if not scores:
        return Section("scores", "Scores", [Prose("The run recorded no evaluation and stored no predictions.")])
    start = _scale_start(scores)
    columns = [
        Column("score"), Column("value", True, "strong"), Column("interval", True),
        *([] if start is None else [Column(f"{fixed(start, 1)} to 1")]), Column("rows", True), Column("level", True),
        Column("method"),
    ]  # fmt: skip
    blocks: list[Block] = [
        Table(f"Scores on {split} data", columns, [_row(score, start) for score in scores], caption=f"On {split} data.")
    ]
    return Section("scores", "Scores", blocks)


def _row(score: Score, start: float | None) -> list[str | Markup]:
    estimate = score.estimate
    decimals = decimals_for(estimate.value, estimate.half_width)
    method = METHODS.get(estimate.method or "", estimate.method or "")
    return [
        CELL.format(label_of(score.name), score.meaning),
        fixed(estimate.value, decimals),
        limits_text(estimate, decimals),
        *([] if start is None else [_whisker(estimate, start) if score.unit_range else ""]),
        count_text(estimate.n),
        level_text(estimate.level) if estimate.level is not None and estimate.lower is not None else "",
        method,
    ]


def limits_text(estimate: Estimate, decimals: int) -> str:
    """The two limits, or words that there are none."""
    if estimate.lower is None or estimate.upper is None:
        return "none"
    return range_text(estimate.lower, estimate.upper, decimals)


def _scale_start(scores: Sequence[Score]) -> float | None:
    """Where the drawn scale begins: a tenth at or below every limit; None if no score is drawn."""
    limits = [
        score.estimate.value if score.estimate.lower is None else score.estimate.lower
        for score in scores
        if score.unit_range
    ]
    return math.floor(10 * min(*limits, 0.9)) / 10 if limits else None


def _whisker(estimate: Estimate, start: float) -> Markup:
    lower, upper = (estimate.lower, estimate.upper) if estimate.lower is not None else (estimate.value, estimate.value)
    places = [f"{100 * ((place or 0.0) - start) / (1 - start):.1f}" for place in (lower, upper, estimate.value)]
    return WHISKER.format(*places)
