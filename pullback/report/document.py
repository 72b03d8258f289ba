"""The report of a run as one file that needs nothing else to be read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from pullback.core.errors import RunFolderError
from pullback.report.blocks import Findings, Prose, Section
from pullback.report.classification_scores import classification_scores
from pullback.report.comparison_folder import read_comparison_folder
from pullback.report.findings.classification import classification_findings
from pullback.report.findings.finding import Finding
from pullback.report.findings.interval import held_out_findings, interval_finding
from pullback.report.findings.regression import regression_findings
from pullback.report.findings.training import training_findings
from pullback.report.folder_reader import read_run_folder
from pullback.report.number_text import number_text
from pullback.report.original_units import in_target_units, target_location_and_scale
from pullback.report.outcome import Classification, Outcome, Regression, read_outcome
from pullback.report.regression_scores import regression_scores
from pullback.report.run_folder import RunFolder
from pullback.report.scores import Score, collect_scores, disagreements
from pullback.report.sections.baselines import baselines_section
from pullback.report.sections.classes import classes_section
from pullback.report.sections.coefficients import coefficients_section
from pullback.report.sections.comparison_page import comparison_folder_parts, comparison_parts
from pullback.report.sections.coverage import coverage_section
from pullback.report.sections.curves import curves_section
from pullback.report.sections.examples import examples_section
from pullback.report.sections.exploration import exploration_section
from pullback.report.sections.headline import Headline, headline, headline_score
from pullback.report.sections.importance import importance_section
from pullback.report.sections.model import model_section
from pullback.report.sections.probabilities import probabilities_section
from pullback.report.sections.repeat import repeat_section
from pullback.report.sections.residuals import residuals_section
from pullback.report.sections.scores_table import scores_section
from pullback.report.sections.setup import setup_section
from pullback.report.sections.sweep_sections import sweep_headline, sweep_sections
from pullback.report.sweep_folder import SweepFolder, kind_of, read_sweep_folder
from pullback.train import FactorComparison, OptimizerComparison

FILE_NAME = "report.html"


def write(folder: str | Path) -> Path:
    """Write `report.html` into the folder of a run, a sweep or a comparison and return its path.

    The page holds all it shows: no script, no font, no image and no style comes from elsewhere. It is a function of
    the folder's files, so writing it twice gives the same bytes. What a folder lacks is said in a sentence.

    Raises
    ------
    RunFolderError
        if this is not a run folder, it is of another format version, or it cannot be written to.
    """
    path = Path(folder)
    kind = kind_of(path)
    if kind == "comparison":
        page = _page(*comparison_folder_parts(read_comparison_folder(path)))
    else:
        page = render_sweep(read_sweep_folder(path)) if kind == "sweep" else render(read_run_folder(path))
    _write_whole(path / FILE_NAME, page)
    return path / FILE_NAME


def render(run: RunFolder) -> str:
    """The page of a run as HTML."""
    outcome, notes = _outcome(run)
    computed = _computed_scores(outcome)
    scores = collect_scores(run, computed)
    sections = _sections(
        run, outcome, scores, [*run.notes, *notes, *disagreements(run, computed), *_units(run, outcome)]
    )
    return _page(headline(run, outcome, scores), sections)


def render_sweep(sweep: SweepFolder) -> str:
    """The page of a sweep as HTML."""
    return _page(sweep_headline(sweep), sweep_sections(sweep))


def write_comparison(
    found: OptimizerComparison | FactorComparison,
    file: str | Path,
    *,
    name: str = "a problem",
    command: Sequence[str] = (),
) -> Path:
    """Write the report of a comparison that lies in no folder into a file and return its path.

    Raises
    ------
    RunFolderError
        if it cannot be written.
    """
    target = Path(file)
    _write_whole(target, _page(*comparison_parts(found, name, command)))
    return target


def _page(top: Headline, sections: list[Section]) -> str:
    environment = Environment(
        loader=PackageLoader("pullback.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(headline=top, sections=sections)


def _outcome(run: RunFolder) -> tuple[Outcome | None, list[str]]:
    if run.predictions is None:
        return None, []
    outcome = read_outcome(run.predictions, run.data)
    if isinstance(outcome, str):
        return None, [outcome]
    return (in_target_units(outcome, run.preprocessing) if isinstance(outcome, Regression) else outcome), []


def _computed_scores(outcome: Outcome | None) -> list[Score]:
    if isinstance(outcome, Classification):
        return classification_scores(outcome)
    return regression_scores(outcome) if isinstance(outcome, Regression) else []


def _sections(run: RunFolder, outcome: Outcome | None, scores: list[Score], notes: list[str]) -> list[Section]:
    split = run.predictions.split if run.predictions is not None else "held-out"
    sections = [
        Section("findings", "What to know", [Findings(_findings(run, outcome, scores)), *map(Prose, notes)]),
        scores_section(scores, split),
        baselines_section(run),
        coefficients_section(run),
        curves_section(run),
        *_outcome_sections(run, outcome, split),
        coverage_section(run),
        importance_section(run),
        exploration_section(run),
        model_section(run),
        setup_section(run),
        repeat_section(run),
    ]
    return [section for section in sections if section is not None]


def _units(run: RunFolder, outcome: Outcome | None) -> list[str]:
    """The sentence that not everything is in the units of the target, where that is so."""
    _, scale = target_location_and_scale(run.preprocessing)
    if not isinstance(outcome, Regression) or scale == 1:
        return []
    return [
        f"The target was standardized for training: learning curves and importance count in its standard deviation, "
        f"{number_text(scale)}; everything else is in its own units."
    ]


def _outcome_sections(run: RunFolder, outcome: Outcome | None, split: str) -> list[Section]:
    if isinstance(outcome, Classification):
        return [classes_section(outcome, split), probabilities_section(outcome), examples_section(run, outcome)]
    if isinstance(outcome, Regression):
        return [residuals_section(outcome), examples_section(run, outcome)]
    text = "The run stored no predictions that can be looked at one by one, so there are no figures of them."
    return [Section("predictions", "Predictions", [Prose(text)])]


def _findings(run: RunFolder, outcome: Outcome | None, scores: list[Score]) -> list[Finding]:
    main = headline_score(scores)
    width = interval_finding(main.name, main.estimate) if main is not None else None
    found = [*held_out_findings(run), *([width] if width is not None else [])]
    if isinstance(outcome, Classification):
        found += classification_findings(outcome)
    elif isinstance(outcome, Regression):
        found += regression_findings(outcome)
    return found + training_findings(run)


def _write_whole(target: Path, page: str) -> None:
    """Write beside, flush to the disk, rename: a reader sees the old page or the new one, never a part."""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
                stream.write(page)
                stream.flush()
                os.fsync(stream.fileno())
            # A temporary file is private; a report may be read by whoever may read the folder.
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunFolderError(
            f"the report cannot be written to {str(target.parent)!r}",
            expected="a folder that may be written to, on a disk with space left",
            got=error.strerror or str(error),
            fix="free space, or copy the run folder to a place of your own and report on the copy",
        ) from error
