"""The parts of the report of a factorial comparison."""

from __future__ import annotations

import itertools
import math

import numpy as np

from pullback.prob import Interval
from pullback.prob.factorial import Effect
from pullback.report.blocks import Block, Column, Figures, Findings, Prose, Section, Table
from pullback.report.figures.factorial_effects import contrast_panel, contrast_words, interaction_panel
from pullback.report.figures.svg import Panel
from pullback.report.findings.finding import Finding
from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import level_text, number_text, percent_text
from pullback.report.sections.headline import Headline
from pullback.report.sweep_folder import interval_of
from pullback.train import FactorComparison
from pullback.train.comparisons.contrasts import JOINED
from pullback.train.comparisons.factors import level_name, settings_name

# The interactions that explain most.
PAIRS_DRAWN = 3
CELLS_SHOWN = 16


def factorial_headline(found: FactorComparison, name: str) -> Headline:
    """Which combination is better than all others, or that none is."""
    every = " × ".join(f"{_said(factor)} ({len(levels)})" for factor, levels in found.factors.items())
    words = "No combination is better than all others beyond the noise of the seeds."
    if found.winner is not None:
        words = f"{_said(settings_name(found.winner))} ends better than every other combination, beyond the noise."
    rates = "each at its own learning rate" if found.tuning is not None else "all at the rates they were given"
    return Headline(
        title=f"Settings of {name}",
        kicker=("Comparison",),
        value="",
        words=words,
        lead=f"{every}: every combination on the same {found.scores.shape[-1]} seeds, {rates}.",
        run=name,
        report_command="",
    )


def factorial_sections(found: FactorComparison) -> list[Section]:
    """Findings, effects, differences of levels, the drawings, the combinations."""
    sections = [Section("findings", "What to know", [Findings(_findings(found))])]
    means: list[Block] = [Figures([interaction_panel(found, pair) for pair in _pairs(found)])]
    if found.analysis is None:
        words = "A combination diverged, so that effects are not separated; without its level they would be."
        sections.append(Section("effects", "Effects", [Prose(words), *means]))
    else:
        panels: list[Panel] = [contrast_panel(found)]
        sections.append(Section("effects", "Effects", [_effects(found), *means]))
        sections.append(Section("differences", "Differences", [Figures(panels), _differences(found)]))
    return [*sections, Section("combinations", "Combinations", _cells(found))]


def _said(words: str) -> str:
    return words.replace("_", " ")


def _pairs(found: FactorComparison) -> list[tuple[str, ...]]:
    varying = [name for name, levels in found.factors.items() if len(levels) > 1]
    if len(varying) == 1:
        return [(varying[0],)]
    if found.analysis is None:
        return list(itertools.combinations(varying, 2))[:PAIRS_DRAWN]
    ranked = sorted(found.analysis.effects, key=lambda effect: -effect.share)
    return [effect.factors for effect in ranked if len(effect.factors) == 2][:PAIRS_DRAWN]


def _findings(found: FactorComparison) -> list[Finding]:
    findings = list[Finding]()
    effects = () if found.analysis is None else found.analysis.effects
    findings += [_effect(found, effect) for effect in effects if effect.adjusted < 1 - found.level]
    if effects and not findings:
        text = f"{len(effects)} effects were tested, and none is named."
        findings.append(Finding("No effect beyond the noise", text))
    bad = [int((~np.isfinite(rows)).sum()) for rows in _rows(found)]
    if any(bad):
        which = _said(settings_name(found.combinations[int(np.argmax(bad))]))
        text = f"Most often {which}, on {max(bad)} of {found.scores.shape[-1]} seeds."
        findings.append(
            Finding(f"{sum(map(bool, bad))} of {len(bad)} combinations diverged", text, caution=True)
        )  # fmt: skip
    if found.tuning is not None and found.tuning.at_edge.any():
        edges, text = int(found.tuning.at_edge.sum()), "A wider range may hold better ones, and change the comparison."
        title = f"{edges} of {len(bad)} combinations chose a rate at the edge of those tried"
        findings.append(Finding(title, text, caution=True))
    if found.tuning is None and "learning_rate" not in found.factors:
        text = "It may suit some of them better than others; tuning gives each its own."
        findings.append(Finding("All combinations have the same learning rate", text, caution=True))
    return findings


def _effect(found: FactorComparison, effect: Effect) -> Finding:
    first, *rest = map(_said, effect.factors)
    named = [each for each in found.contrasts if each.named and each.problem == JOINED.join(effect.factors)]
    text = f"It explains {percent_text(effect.share)} of the variation, p = {number_text(effect.adjusted)} "
    text += "corrected for all effects. "
    may = "" if named else "may "
    if rest:
        title = f"The effect of {first} {may}depend{'' if may else 's'} on {rest[0]}"
    else:
        title = f"{first[0].upper()}{first[1:]} {may}make{'' if may else 's'} a difference"
    if not named:
        text += "No single difference within it is larger than its own noise; more seeds would tell."
        return Finding(title, text, caution=True)
    most = max(named, key=lambda each: abs(each.interval.value))
    limits = f"{number_text(most.interval.lower)} to {number_text(most.interval.upper)}"
    text += f"Largest difference: {contrast_words(most)}, {number_text(most.interval.value)} ({limits})."
    return Finding(title, text)


def _effects(found: FactorComparison) -> Table:
    assert found.analysis is not None
    columns = [
        Column("effect"), Column("share of the variation", True), Column("degrees of freedom", True),
        Column("F", True), Column("p, corrected", True),
    ]  # fmt: skip
    rows = [
        [
            _said(" × ".join(effect.factors)),
            percent_text(effect.share),
            str(effect.degrees_of_freedom),
            number_text(effect.statistic),
            number_text(effect.adjusted),
        ]
        for effect in found.analysis.effects
    ]
    freedom = found.analysis.residual_degrees_of_freedom
    caption = f"Analysis of variance with seeds as blocks, {freedom} degrees of freedom for the noise; p-values are "
    return Table("Effects", columns, rows, caption=caption + "corrected by Holm's method.")


def _differences(found: FactorComparison) -> Table:
    columns = [
        Column("difference"), Column(f"{found.split} {in_sentence(found.score)}", True),
        Column("simultaneous interval", True), Column("p, corrected", True), Column("named"),
    ]  # fmt: skip
    rows = [
        [
            contrast_words(each),
            number_text(each.interval.value),
            f"{number_text(each.interval.lower)} to {number_text(each.interval.upper)}",
            number_text(each.adjusted),
            "yes" if each.named else "no",
        ]
        for each in found.contrasts
    ]
    caption = (
        f"Means over all other factors, paired over seeds. Intervals hold at {level_text(found.level)} for all at "
        "once; a difference is named where its effect is and its own corrected p-value is small."
    )
    folded = f"All {len(rows)} differences" if len(rows) > CELLS_SHOWN else ""
    return Table("Differences between levels", columns, rows, caption=caption, folded=folded)


def _rows(found: FactorComparison) -> np.ndarray:
    """The scores, a row a combination."""
    return found.scores.reshape(-1, found.scores.shape[-1])


def _cells(found: FactorComparison) -> list[Block]:
    columns = [
        *(Column(_said(name)) for name in found.factors),
        *([Column("learning rate", True)] if found.tuning is not None else []),
        Column(f"mean {found.split} {in_sentence(found.score)}", True), Column("95% interval", True),
        Column("spread", True), Column("diverged", True),
    ]  # fmt: skip
    scores = _rows(found)
    intervals = [interval_of(row.tolist()) for row in scores]
    order = sorted(range(len(scores)), key=lambda place: _rank(intervals[place], found.higher_is_better))
    rows = [_cell(found, place, scores[place], intervals[place]) for place in order]
    caption = "The best first; intervals are of each combination alone, and cannot be compared by whether they overlap."
    shown = Table("Combinations", columns, rows[:CELLS_SHOWN], caption=caption)
    more = Table("All combinations", columns, rows, folded=f"All {len(rows)} combinations")
    return [shown] if len(rows) <= CELLS_SHOWN else [shown, more]


def _rank(mean: Interval | None, higher_is_better: bool) -> float:
    if mean is None:
        return math.inf
    return -mean.value if higher_is_better else mean.value


def _cell(found: FactorComparison, place: int, scores: np.ndarray, mean: Interval | None) -> list[str]:
    whole = scores[np.isfinite(scores)]
    rate = []
    if found.tuning is not None:
        edge = ", at the edge" if found.tuning.at_edge.ravel()[place] else ""
        rate = [f"{number_text(float(found.tuning.learning_rate.ravel()[place]))}{edge}"]
    return [
        *map(level_name, found.combinations[place].values()),
        *rate,
        "" if mean is None else number_text(mean.value, 4),
        "" if mean is None else f"{number_text(mean.lower, 4)} to {number_text(mean.upper, 4)}",
        number_text(float(whole.std(ddof=1))) if len(whole) > 1 else "",
        str(len(scores) - len(whole) or ""),
    ]
