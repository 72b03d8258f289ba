"""`pullback train [RECIPE] [--field value ...]`: build the experiment of a recipe, run it, report on it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from pullback.cli.options import flags, parse
from pullback.cli.outcome import print_outcome
from pullback.cli.recipe_module import RecipeModule, load_recipe
from pullback.cli.run_folders import DEFAULT_FOLDER
from pullback.core.errors import ConfigurationError
from pullback.learn.table_run import TableExperiment, run_table
from pullback.recipes import RECIPES
from pullback.train import Experiment, Interrupted, RecipeRecord
from pullback.train import run as run_experiment
from pullback.train.folder import new_id

DEFAULT_RECIPE = "digits"


@dataclass(frozen=True)
class TrainOptions:
    """Options of the command beside the fields of the recipe."""

    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the run; without it runs/<time>-<recipe>-seed<seed>."""

    report: bool = True
    """Write report.html at the end."""

    quiet: bool = False
    """Show no progress."""

    watch_learning_rate: bool = False
    """Say after each epoch whether the learning rate is slow, good, at the edge or diverging."""


def run(arguments: list[str]) -> int:
    """Train and print the result."""
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = load_recipe(arguments[0] if named else DEFAULT_RECIPE)
    check_fields(recipe, TrainOptions)
    fields, options = parse(
        (recipe.form, TrainOptions),
        arguments[1:] if named else arguments,
        command=f"train {recipe.label}",
        description=_description(recipe),
    )
    experiment = recipe.build(fields)
    if options.watch_learning_rate:
        experiment = watched(experiment, recipe)
    folder = options.run_dir or unused_folder(DEFAULT_FOLDER / new_id(recipe.name, experiment.seed))
    record = RecipeRecord(recipe.name, recipe.path and str(recipe.path), dataclasses.asdict(fields))
    command = ["pullback", "train", *arguments]
    try:
        if isinstance(experiment, TableExperiment):
            result = run_table(experiment, run_dir=folder, recipe=record, command=command)
            print("\n".join(result.notes))
        else:
            result = run_experiment(
                experiment, run_dir=folder, recipe=record, command=command, progress=not options.quiet
            )
    except Interrupted:
        print(f"go on with: pullback resume {folder}")
        raise
    if recipe.finish is not None:
        print("\n".join(recipe.finish(fields, experiment, result)))
    print_outcome(folder, report=options.report)
    return 0


def watched(experiment: Any, recipe: RecipeModule) -> Experiment:
    """The experiment with its learning rate watched."""
    if not isinstance(experiment, Experiment):
        raise ConfigurationError(
            f"the recipe {recipe.label} trains no network with these fields, so there is no learning rate to watch",
            expected="a recipe that returns a train.Experiment",
            got=type(experiment).__name__,
            fix="leave --watch-learning-rate out",
        )
    return dataclasses.replace(experiment, watch_learning_rate=experiment.watch_learning_rate or True)


def unused_folder(wanted: Path) -> Path:
    """This folder, or one with a number behind its name that does not exist yet."""
    candidate, number = wanted, 1
    while candidate.exists():
        number += 1
        candidate = wanted.with_name(f"{wanted.name}-{number}")
    return candidate


def check_fields(recipe: RecipeModule, form: type) -> None:
    """Raise where a recipe has a field that the command itself uses, as `form` says."""
    taken = sorted(set(flags((recipe.form,))) & set(flags((form,))))
    if taken:
        raise ConfigurationError(
            f"the recipe {recipe.label} has a field that the command itself uses",
            expected=f"fields other than {', '.join(flags((form,)))}",
            got=", ".join(taken),
            fix="rename the field of the recipe",
        )


def _description(recipe: RecipeModule) -> str:
    others = ", ".join(name for name in RECIPES if name != recipe.name)
    hint = f"\n\nOther recipes: {others}." if others and recipe.path is None else ""
    return recipe.header + hint
