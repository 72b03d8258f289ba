"""`pullback compare RECIPE --optimizers a,b,c`: optimizers at their own rates, on the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pullback.cli.options import parse
from pullback.cli.recipe_module import load_recipe
from pullback.cli.sweep_source import sweep_source
from pullback.cli.train import DEFAULT_RECIPE, check_fields
from pullback.core.errors import ConfigurationError
from pullback.report import write_comparison
from pullback.train import compare_optimizers

HELP = """Trains copies of the recipe with each optimizer at many learning rates, then at its best one on further seeds
that all optimizers share, and names differences that are larger than the noise.

"""


@dataclass(frozen=True)
class CompareOptions:
    """Options of the command beside the fields of the recipe."""

    optimizers: Annotated[str, tyro.conf.arg(metavar="A,B,...")] = "sgd,momentum,adam"
    """Names of the optimizers, with commas between them."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 8
    """Seeds of the comparison, at least three."""

    tuning_seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 3
    """Other seeds, by which each optimizer's rate is chosen."""

    trial_epochs: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Epochs of each training; without it those of the recipe."""

    report: Annotated[Path | None, tyro.conf.arg(metavar="HTML")] = None
    """Write a report into this file."""

    target: Annotated[float | None, tyro.conf.arg(metavar="LOSS")] = None
    """Loss to be reached; without it the median of those at the end."""


def run(arguments: list[str]) -> int:
    """Print the comparison."""
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = load_recipe(arguments[0] if named else DEFAULT_RECIPE)
    check_fields(recipe, CompareOptions)
    fields, options = parse(
        (recipe.form, CompareOptions),
        arguments[1:] if named else arguments,
        command=f"compare {recipe.label}",
        description=HELP + recipe.header,
    )
    if not hasattr(fields, "seed"):
        raise ConfigurationError(
            f"the recipe {recipe.label} has no seed",
            expected="a recipe with the field seed",
            got=", ".join(vars(fields)) or "no fields",
            fix="give the recipe that field",
        )
    if options.report is not None and not options.report.resolve().parent.is_dir():
        raise ConfigurationError(
            "the report has no folder to lie in",
            expected="a file in a folder that exists",
            got=str(options.report),
            fix="make the folder first",
        )
    found = compare_optimizers(
        {recipe.name: sweep_source(recipe, fields)},
        [name.strip() for name in options.optimizers.split(",") if name.strip()],
        seeds=options.seeds,
        tuning_seeds=options.tuning_seeds,
        epochs=options.trial_epochs,
        targets=None if options.target is None else {recipe.name: options.target},
    )
    print(found)
    if options.report is not None:
        written = write_comparison(found, options.report, name=recipe.name, command=["pullback", "compare", *arguments])
        print(f"report: {written}")
    return 0
