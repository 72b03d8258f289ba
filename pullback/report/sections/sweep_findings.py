"""What a sweep says: the best setting, whether it stands out, whether it lies at an edge, what diverged."""

from __future__ import annotations

import math

from pullback.prob import Interval
from pullback.report.figures.responses import is_numeric
from pullback.report.findings.finding import Finding
from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import count_text, number_text
from pullback.report.sweep_folder import Setting, SweepFolder, interval_of


def sweep_findings(sweep: SweepFolder) -> list[Finding]:
    """Findings, most important first."""
    settings = [setting for setting in sweep.settings if setting.mean is not None]
    found = [_unfinished(sweep), _diverged(sweep)]
    if settings:
        found = [_runner_up(sweep, settings), *(_edge(sweep, settings[0], name) for name in sweep.choices), *found]
    found.append(_plan(sweep))
    return [finding for finding in found if finding is not None]


def named(values: dict[str, object]) -> str:
    """A setting in words."""
    return ", ".join(f"{name.replace('_', ' ')} {value_text(value)}" for name, value in values.items())


def value_text(value: object) -> str:
    """A value of an axis, numbers with the digits that they need."""
    if isinstance(value, float):
        return f"{value:g}"
    return " × ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _runner_up(sweep: SweepFolder, settings: list[Setting]) -> Finding | None:
    if len(settings) < 2:
        return None
    best, second = settings[:2]
    difference = paired_difference(best, second)
    score, other = in_sentence(sweep.score_name), named(second.values)
    if difference is None or math.isinf(difference.upper):
        text = f"Next is {other}. With one member a setting nobody can say whether the difference is more than chance."
        return Finding("Seeds would tell how far the best is ahead", text, caution=True)
    limits = f"{number_text(difference.lower)} to {number_text(difference.upper)}"
    text = f"Next is {other}; over {difference.n} pairs the {score} differs by {number_text(difference.value)} "
    text += f"(95% interval {limits}, of these two alone)."
    if difference.lower <= 0 <= difference.upper:
        return Finding("The best and the next cannot be told apart", text, caution=True)
    return Finding("The best differs from the next", text)


def paired_difference(best: Setting, second: Setting) -> Interval | None:
    """Of two settings over the members that share seed and fold."""
    return interval_of([a.score - b.score for a, b in zip(best.members, second.members, strict=False)])


def _edge(sweep: SweepFolder, best: Setting, name: str) -> Finding | None:
    values = sweep.axes[name]
    if len(values) < 3 or not is_numeric(values):
        return None
    value = best.values[name]
    if min(values) < value < max(values):
        return None
    side = "smallest" if value == min(values) else "largest"
    words = name.replace("_", " ")
    return Finding(
        f"The best {words} is the {side} that was tried",
        f"It is {value_text(value)}; a wider range may hold a better one.",
        caution=True,
    )


def _diverged(sweep: SweepFolder) -> Finding | None:
    bad = [member for member in sweep.members if member.diverged]
    if not bad:
        return None
    first = bad[0]
    text = f"The first is member {first.number}, {named(first.settings)}: {first.reason}. The others did not notice."
    return Finding(f"{len(bad)} of {count_text(len(sweep.members))} members diverged", text, caution=True)


def _plan(sweep: SweepFolder) -> Finding | None:
    if not sweep.plans:
        return None
    programs = "one program" if len(sweep.plans) == 1 else f"{len(sweep.plans)} programs, one a shape"
    return Finding("How it was computed", f"In {programs}; {'; '.join(dict.fromkeys(sweep.plans))}.")


def _unfinished(sweep: SweepFolder) -> Finding | None:
    if sweep.finished:
        return None
    text = f"{len(sweep.members)} of {sweep.planned} members have ended. `pullback resume` continues the sweep."
    return Finding("Not finished", text, caution=True)
