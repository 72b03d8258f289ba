"""The parts of the report of a sweep."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from markupsafe import Markup

from pullback.report.blocks import Block, Column, Figures, Findings, Prose, Section, Table
from pullback.report.figures.heat_map import heat_map
from pullback.report.figures.member_curves import member_curves
from pullback.report.figures.responses import Response, response_panel
from pullback.report.figures.svg import Panel
from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import number_text
from pullback.report.sections.headline import Headline, moment_text
from pullback.report.sections.repeat_many import repeat_many
from pullback.report.sections.sweep_findings import named, sweep_findings, value_text
from pullback.report.sweep_folder import Setting, SweepFolder, SweepMember

SETTINGS_SHOWN, MEMBERS_SHOWN = 10, 40


def sweep_headline(sweep: SweepFolder) -> Headline:
    """What was swept and the best of it."""
    recipe = str(sweep.recipe.get("name") or "")
    best = next((setting for setting in sweep.settings if setting.mean is not None), None)
    mean = None if best is None else best.mean
    words = "No setting has a result yet." if sweep.members else "No member has ended yet."
    value = ""
    if best is not None and mean is not None:
        value = number_text(mean.value)
        many = len(best.members)
        score = f"{sweep.split} {in_sentence(sweep.score_name)}"
        limits = f", 95% interval {number_text(mean.lower)} to {number_text(mean.upper)}"
        over = f", the mean of {many} members{limits if math.isfinite(mean.upper) else ''}" if many > 1 else ""
        words = f"The best {score}{over}, with {named(best.values)}."
    axes = " × ".join(f"{name.replace('_', ' ')} ({len(values)})" for name, values in sweep.axes.items())
    return Headline(
        title=f"{recipe or 'A model'} on {sweep.data}, swept" if recipe != sweep.data else f"{recipe}, swept",
        kicker=tuple(item for item in (f"Sweep {sweep.id}", moment_text(sweep.created)) if item),
        value=value,
        words=words,
        lead=f"{len(sweep.members)} of {sweep.planned} members: {axes}; up to {sweep.epochs} epochs each.",
        run=sweep.id,
        report_command=shlex.join(["pullback", "report", sweep.id]),
    )


def sweep_sections(sweep: SweepFolder) -> list[Section]:
    """All sections for which there is something to show."""
    findings: list[Block] = [Findings(sweep_findings(sweep)), *map(Prose, sweep.notes)]
    sections = [Section("findings", "What to know", findings)]
    if sweep.members:
        settings = sweep.settings
        sections += [_responses(sweep, settings), _settings(sweep, settings), _curves(sweep), _members(sweep)]
    return [*sections, repeat_many("sweep", sweep.command, sweep.recipe, sweep.axes, sweep.environment)]


def _responses(sweep: SweepFolder, settings: Sequence[Setting]) -> Section:
    best = settings[0]
    panels = [
        _response(sweep, settings, best, name, number)
        for number, name in enumerate(sweep.choices)
        if len(sweep.axes[name]) > 1
    ]
    varied = [name for name in sweep.choices if len(sweep.axes[name]) > 1]
    if len(varied) >= 2:
        panels.append(_heat(sweep, settings, best, (varied[0], varied[1])))
    blocks: list[Block] = [Figures(panels)] if panels else [Prose("There is no axis but repetitions.")]
    return Section("response", "Response", blocks)


def _response(sweep: SweepFolder, settings: Sequence[Setting], best: Setting, name: str, number: int) -> Panel:
    along = [setting for setting in settings if _agrees(setting, best, (name,))]
    along.sort(key=lambda setting: sweep.axes[name].index(setting.values[name]))
    return response_panel(
        Response(name, tuple(along)), sweep.score_name, _held(sweep, best, (name,)), f"response{number}"
    )


def _heat(sweep: SweepFolder, settings: Sequence[Setting], best: Setting, names: tuple[str, str]) -> Panel:
    values = (sweep.axes[names[0]], sweep.axes[names[1]])
    means = {
        (values[0].index(setting.values[names[0]]), values[1].index(setting.values[names[1]])): (
            None if setting.mean is None else setting.mean.value
        )
        for setting in settings
        if _agrees(setting, best, names)
    }
    return heat_map(names, values, means, sweep.score_name, sweep.higher_is_better, _held(sweep, best, names))


def _agrees(setting: Setting, best: Setting, free: Sequence[str]) -> bool:
    return all(setting.values[name] == best.values[name] for name in setting.values if name not in free)


def _held(sweep: SweepFolder, best: Setting, free: Sequence[str]) -> str:
    others = {name: best.values[name] for name in sweep.choices if name not in free and len(sweep.axes[name]) > 1}
    return f" At {named(others)}." if others else ""


def _settings(sweep: SweepFolder, settings: Sequence[Setting]) -> Section:
    score = f"{sweep.split} {in_sentence(sweep.score_name)}"
    others = [name for name in settings[0].members[0].scores if name != sweep.score_name]
    columns = [
        *(Column(name.replace("_", " "), True) for name in sweep.choices),
        Column(score, True), Column("95% interval", True), Column("members", True), Column("diverged", True),
        *(Column(f"{sweep.split} {in_sentence(name)}", True) for name in others),
    ]  # fmt: skip
    rows = [_setting_row(sweep, setting, others) for setting in settings]
    blocks: list[Block] = [Table("Settings", columns, rows[:SETTINGS_SHOWN], caption="The best first.")]
    if len(rows) > SETTINGS_SHOWN:
        blocks.append(Table("All settings", columns, rows, folded=f"All {len(rows)} settings"))
    return Section("settings", "Settings", blocks)


def _setting_row(sweep: SweepFolder, setting: Setting, others: Sequence[str]) -> list[str]:
    mean = setting.mean
    limits = ""
    if mean is not None and math.isfinite(mean.upper):
        limits = f"{number_text(mean.lower)} to {number_text(mean.upper)}"
    return [
        *(value_text(setting.values[name]) for name in sweep.choices),
        "" if mean is None else number_text(mean.value, 4),
        limits,
        str(len(setting.members)),
        str(setting.diverged or ""),
        *("" if mean is None else number_text(_mean(setting.members, name), 4) for name in others),
    ]


def _mean(members: Sequence[SweepMember], name: str) -> float:
    return math.fsum(member.scores.get(name, math.nan) for member in members) / len(members)


def _curves(sweep: SweepFolder) -> Section:
    pick = max if sweep.higher_is_better else min
    return Section("curves", "Learning curves", [Figures([member_curves(sweep, pick(sweep.members, key=_score))])])


def _score(member: SweepMember) -> float:
    return member.score


def _members(sweep: SweepFolder) -> Section:
    ordered = sorted(sweep.members, key=_score, reverse=sweep.higher_is_better)
    width = len(str(sweep.planned - 1))
    columns = [
        Column("member"), *(Column(name.replace("_", " "), True) for name in sweep.axes),
        Column(f"{sweep.split} {in_sentence(sweep.score_name)}", True), Column("epochs", True), Column("ended"),
    ]  # fmt: skip
    link = Markup('<a href="members/{0}/">{0}</a>')
    rows = [
        [
            link.format(f"{member.number:0{width}d}"),
            *(value_text(member.settings[name]) for name in sweep.axes),
            number_text(member.score, 4) if math.isfinite(member.score) else "",
            str(member.epochs),
            member.reason,
        ]
        for member in ordered
    ]
    folded = f"All {len(rows)} members" if len(rows) > MEMBERS_SHOWN else ""
    caption = "Each is the folder of a run, for `pullback predict` and `pullback report`; the best first."
    return Section("members", "Members", [Table("Members", columns, rows, caption=caption, folded=folded)])
