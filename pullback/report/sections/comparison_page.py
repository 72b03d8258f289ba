"""The page of a comparison, whatever was compared."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from pullback.report.blocks import Column, Findings, Section, Table
from pullback.report.comparison_folder import ComparisonFolder
from pullback.report.findings.finding import Finding
from pullback.report.sections.comparison_sections import comparison_headline, comparison_sections
from pullback.report.sections.factorial_sections import factorial_headline, factorial_sections
from pullback.report.sections.headline import Headline, moment_text
from pullback.report.sections.repeat_many import repeat_many
from pullback.train import FactorComparison, OptimizerComparison

Parts = tuple[Headline, list[Section]]


def comparison_parts(found: OptimizerComparison | FactorComparison, name: str, command: Sequence[str]) -> Parts:
    """Headline and sections of a comparison that lies in no folder."""
    top, sections = _parts(found, name)
    return top, [*sections, repeat_many("comparison", command, {}, (), {})] if command else sections


def comparison_folder_parts(folder: ComparisonFolder) -> Parts:
    """Headline and sections of a comparison in its folder, finished or not."""
    name = str(folder.recipe.get("name") or "a model")
    varied = {"seed", "learning_rate"}
    if folder.found is None:
        top, sections = _unfinished(folder, name)
    else:
        top, sections = _parts(folder.found, name)
        varied |= set(folder.found.factors) if isinstance(folder.found, FactorComparison) else {"optimizer"}
    top = replace(
        top,
        kicker=tuple(item for item in (f"Comparison {folder.id}", moment_text(folder.created)) if item),
        run=folder.id,
        report_command=shlex.join(["pullback", "report", folder.id]),
    )
    sections += [_sweeps(folder)] if folder.ended else []
    return top, [*sections, repeat_many("comparison", folder.command, folder.recipe, varied, folder.environment)]


def _parts(found: OptimizerComparison | FactorComparison, name: str) -> Parts:
    if isinstance(found, FactorComparison):
        return factorial_headline(found, name), factorial_sections(found)
    return comparison_headline(found, name), comparison_sections(found)


def _unfinished(folder: ComparisonFolder, name: str) -> Parts:
    text = f"{len(folder.ended)} of {folder.planned} sweeps have ended. `pullback resume` continues the comparison."
    top = Headline(f"A comparison on {name}", (), "", "It has no result yet.", "", folder.id, "")
    return top, [Section("findings", "What to know", [Findings([Finding("Not finished", text, caution=True)])])]


def _sweeps(folder: ComparisonFolder) -> Section:
    link = Markup('<a href="sweeps/{0}/">{0}</a>')
    rows = [[link.format(name)] for name in folder.ended]
    caption = "Each is the folder of a sweep, for `pullback report`; its members are runs."
    return Section("sweeps", "Sweeps", [Table("Sweeps", [Column("folder")], rows, caption=caption)])
