"""`pullback tune RECIPE [--field value ...]`: suggest a learning rate, with the interval and the reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pullback.cli.options import parse
from pullback.cli.recipe_module import load_recipe
from pullback.cli.sweep_source import sweep_source
from pullback.cli.train import DEFAULT_RECIPE, check_fields
from pullback.core.errors import ConfigurationError
from pullback.report.figures.learning_rate_figure import save_learning_rate_figure
from pullback.train import suggest_learning_rate

HELP = """Trains copies of the recipe at many learning rates and seeds, and says which rates end lowest.
Nothing is written but the picture, where one is asked for.

"""


@dataclass(frozen=True)
class TuneOptions:
    """Options of the command beside the fields of the recipe."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 8
    """Seeds at each learning rate to begin with, at least two."""

    most_seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 32
    """Seeds at the rates near the best, where the suggestion still depends on them."""

    trial_epochs: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Epochs of each trial; without it those of the recipe."""

    smallest: Annotated[float, tyro.conf.arg(metavar="RATE")] = 1e-5
    """The smallest learning rate that is tried."""

    largest: Annotated[float, tyro.conf.arg(metavar="RATE")] = 10.0
    """The largest."""

    picture: Annotated[Path | None, tyro.conf.arg(metavar="PNG")] = None
    """Draw the losses against the learning rates into this file."""


def run(arguments: list[str]) -> int:
    """Print the suggestion."""
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = load_recipe(arguments[0] if named else DEFAULT_RECIPE)
    check_fields(recipe, TuneOptions)
    fields, options = parse(
        (recipe.form, TuneOptions),
        arguments[1:] if named else arguments,
        command=f"tune {recipe.label}",
        description=HELP + recipe.header,
    )
    if not hasattr(fields, "learning_rate") or not hasattr(fields, "seed"):
        raise ConfigurationError(
            f"the recipe {recipe.label} has no learning rate to tune",
            expected="a recipe with the fields learning_rate and seed",
            got=", ".join(vars(fields)) or "no fields",
            fix="give the recipe those fields",
        )
    found = suggest_learning_rate(
        sweep_source(recipe, fields),
        seeds=options.seeds,
        most_seeds=options.most_seeds,
        first_seed=fields.seed,
        epochs=options.trial_epochs,
        smallest=options.smallest,
        largest=options.largest,
    )
    print(f"learning rate {found.learning_rate:.3g}, as good from {found.lower:.3g} to {found.upper:.3g}")
    for sentence in found.reason.split("; "):
        print(f"  {sentence}")
    print("\n  learning rate  mean loss of the seeds")
    for rate, mean in zip(found.rates, found.means, strict=True):
        mark = "  <- as good" if found.lower <= rate <= found.upper else ""
        print(f"  {rate:13.3g}  {'diverged' if math.isinf(mean) else f'{mean:.5g}'}{mark}")
    if options.picture is not None:
        save_learning_rate_figure(found, options.picture)
        print(f"\npicture: {options.picture}")
    print(f"\ntrain with it: pullback train {recipe.label} --learning-rate {found.learning_rate:.3g}")
    return 0
