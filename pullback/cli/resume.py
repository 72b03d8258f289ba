"""`pullback resume RUN`: continue a run from its last whole checkpoint.

A run of a recipe of the library is built again from the recorded fields. A recipe file is run only if its path is
typed again: what a run folder says never makes code run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from pullback.cli.comparison_outcome import print_comparison
from pullback.cli.options import parse
from pullback.cli.outcome import print_outcome
from pullback.cli.recipe_module import fill, load_recipe
from pullback.cli.run_folders import find_run
from pullback.cli.sweep_outcome import print_sweep
from pullback.cli.sweep_source import sweep_source
from pullback.core.errors import ConfigurationError
from pullback.learn.table_run import ESTIMATOR_FILE
from pullback.recipes import RECIPES
from pullback.train import Experiment, Interrupted, Run, resume, resume_comparison, resume_run, resume_sweep
from pullback.train.comparisons.optimizers import OF as OPTIMIZERS
from pullback.train.folder import read_config


@dataclass(frozen=True)
class ResumeOptions:
    """Which run, and how."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Path of a run folder, or its id under runs/ (the beginning is enough)."""

    recipe: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Recipe file to build the experiment from, for a run that a file started."""

    report: bool = True
    """Write report.html at the end."""

    quiet: bool = False
    """Show no progress."""


def run(arguments: list[str]) -> int:
    """Go on with a run and print the result."""
    (options,) = parse(
        (ResumeOptions,), arguments, command="resume", description="Continue a run from its last whole checkpoint."
    )
    folder = find_run(options.run)
    about = read_config(folder)
    kind = about.get("kind", "run")
    try:
        if kind == "sweep":
            resume_sweep(_source(folder, about, options), folder, progress=not options.quiet)
        elif kind == "comparison":
            source = _source(folder, about, options)
            named = {about["recipe"]["name"]: source} if about["design"]["of"] == OPTIMIZERS else source
            resume_comparison(named, folder, progress=not options.quiet)
        else:
            _resumed(folder, options)
    except Interrupted:
        print(f"go on with: pullback resume {folder}")
        raise
    outcomes = {"sweep": print_sweep, "comparison": print_comparison}
    outcomes.get(kind, print_outcome)(folder, report=options.report)
    return 0


def _source(folder: Path, about: dict[str, Any], options: ResumeOptions) -> Callable[..., Experiment]:
    """The recipe as the source of a sweep's members."""
    recorded: dict[str, Any] = about["recipe"] or {}
    name = str(options.recipe) if options.recipe is not None else recorded.get("name")
    if options.recipe is None and (recorded.get("path") is not None or name not in RECIPES):
        what = f"the {about['kind']} needs what made its members"
        raise _needs_its_source(what, folder, recorded, f"pullback.train.resume_{about['kind']}")
    recipe = load_recipe(str(name))
    return sweep_source(recipe, fill(recipe, recorded.get("fields") or {}))


def _resumed(folder: Path, options: ResumeOptions) -> Run:
    if (folder / ESTIMATOR_FILE).is_file():
        raise ConfigurationError(
            f"{folder.name} is no training that could go on",
            expected="a run that was trained in epochs",
            got="an estimator, which was fitted at once",
            fix=f"use it: pullback predict {folder} FILE, pullback report {folder}",
        )
    recorded: dict[str, Any] = read_config(folder)["recipe"] or {}
    progress = not options.quiet
    name = str(options.recipe) if options.recipe is not None else recorded.get("name")
    if options.recipe is not None or (recorded.get("path") is None and name in RECIPES):
        recipe = load_recipe(str(name))
        fields = fill(recipe, recorded.get("fields") or {})
        experiment = recipe.build(fields)
        result = resume_run(experiment, folder, progress=progress)
        if recipe.finish is not None:
            print("\n".join(recipe.finish(fields, experiment, result)))
        return result
    try:
        return resume(folder, progress=progress)
    except ConfigurationError as error:
        raise _needs_its_source(error.what, folder, recorded, "pullback.train.resume") from error


def _needs_its_source(what: str, folder: Path, recorded: dict[str, Any], function: str) -> ConfigurationError:
    file = recorded.get("path") or "PATH"
    return ConfigurationError(
        what,
        expected="the recipe file that started the run",
        got=f"a run of {file}" if recorded else "a run started from Python",
        fix=f"pullback resume {folder} --recipe {file}" if recorded else f"call {function} from Python",
    )
