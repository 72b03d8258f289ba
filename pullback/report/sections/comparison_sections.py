"""The parts of the report of a comparison of optimizers."""

from __future__ import annotations

import math

import numpy as np

from pullback.report.blocks import Column, Figures, Findings, Section, Table
from pullback.report.figures.comparison_curves import profile_curves, rate_curves
from pullback.report.findings.finding import Finding
from pullback.report.number_text import number_text
from pullback.report.sections.headline import Headline
from pullback.train import OptimizerComparison

NEVER = "not reached"


def comparison_headline(found: OptimizerComparison, name: str) -> Headline:
    """Which optimizer is better than all others, or that none is."""
    methods = ", ".join(method.name for method in found.methods)
    words = (
        f"{found.winner} ends lower than every other optimizer, beyond the noise of the seeds."
        if found.winner
        else "No optimizer is better than all others beyond the noise of the seeds."
    )
    return Headline(
        title=f"Optimizers on {name}",
        kicker=("Comparison",),
        value=found.winner or "",
        words=words,
        lead=f"{methods}: each at its own learning rate, on {len(found.seeds)} seeds that had no part in choosing it.",
        run=name,
        report_command="",
    )


def comparison_sections(found: OptimizerComparison) -> list[Section]:
    """Findings, a table a problem, the differences, the curves."""
    panels = [rate_curves(found, number) for number in range(len(found.problems))] + [profile_curves(found)]
    return [
        Section("findings", "What to know", [Findings(_findings(found))]),
        Section("methods", "Methods", [_methods(found, number) for number in range(len(found.problems))]),
        Section("differences", "Differences", [_differences(found)]),
        Section("curves", "Rates and time to the target", [Figures(panels)]),
    ]


def _findings(found: OptimizerComparison) -> list[Finding]:
    count = len(found.differences)
    named = [each for each in found.differences if each.named]
    findings = [
        Finding(
            f"{_better(each.first, each.second, each.interval.value)} on {each.problem}",
            f"The losses differ by {number_text(abs(each.interval.value))} in the mean of {each.interval.n} paired "
            f"seeds, p = {number_text(each.adjusted)} corrected for {count} comparisons.",
        )
        for each in named
    ]
    if not named:
        findings.append(Finding("No difference beyond the noise", f"{count} pairs were tested, and none is named."))
    findings += [
        Finding(
            f"The rate of {method.name} is at the edge of those tried",
            "A wider range may hold a better one, and change the comparison.",
            caution=True,
        )
        for method in found.methods
        if method.at_edge
    ]
    diverged = [
        method.name for number, method in enumerate(found.methods) if not np.isfinite(found.scores[:, number]).all()
    ]
    findings += [
        Finding(f"{name} diverged on some seeds", "They are left out of its differences.", caution=True)
        for name in diverged
    ]
    return findings


def _better(first: str, second: str, difference: float) -> str:
    low, high = (first, second) if difference < 0 else (second, first)
    return f"{low} ends lower than {high}"


def _methods(found: OptimizerComparison, problem: int) -> Table:
    columns = [
        Column("method"), Column("learning rate", True), Column("mean loss", True), Column("spread", True),
        Column("updates to the target", True), Column("tolerates rates over", True),
    ]  # fmt: skip
    rows = []
    for number, method in enumerate(found.methods):
        scores, updates = found.scores[problem, number], float(np.median(found.updates[problem, number]))
        whole = np.isfinite(scores)
        rows.append(
            [
                method.name,
                number_text(method.learning_rate[problem]),
                number_text(float(scores[whole].mean())) if whole.any() else "diverged",
                number_text(float(scores[whole].std(ddof=1))) if whole.sum() > 1 else "",
                f"{updates:.0f}" if math.isfinite(updates) else NEVER,
                f"a factor of {number_text(method.tolerance)}",
            ]
        )
    target = number_text(found.targets[problem])
    caption = f"Target loss {target}; updates are the median of {len(found.seeds)} seeds."
    return Table(found.problems[problem], columns, rows, caption=caption)


def _differences(found: OptimizerComparison) -> Table:
    columns = [
        Column("problem"), Column("pair"), Column("difference of losses", True), Column("simultaneous interval", True),
        Column("p, corrected", True), Column("named"),
    ]  # fmt: skip
    rows = [
        [
            each.problem,
            f"{each.first} less {each.second}",
            number_text(each.interval.value),
            f"{number_text(each.interval.lower)} to {number_text(each.interval.upper)}",
            number_text(each.adjusted),
            "yes" if each.named else "no",
        ]
        for each in found.differences
        if each.interval.n > 1
    ]
    level = found.differences[0].interval.level if found.differences else 0.95
    caption = f"Intervals hold at {level:.0%} for all pairs at once; p-values are corrected by Holm's method."
    return Table("Differences", columns, rows, caption=caption)
