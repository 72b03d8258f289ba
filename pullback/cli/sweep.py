"""`pullback sweep RECIPE --field values ...`: train a recipe for every combination of values, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from pullback.cli.recipe_module import RecipeModule, load_recipe
from pullback.cli.sweep_outcome import print_sweep
from pullback.cli.sweep_source import sweep_source
from pullback.cli.train import DEFAULT_RECIPE, check_fields
from pullback.cli.varied_fields import SweepFolderOptions, check_axes, read_varied
from pullback.core.errors import ConfigurationError
from pullback.train import Interrupted
from pullback.train import sweep as run_sweep

HELP = """Trains the recipe for every combination of values, in as few compiled programs as possible.

A field is varied by several values: --learning-rate 1e-4:1e-1:16log (or 0:0.5:6lin), --dropout 0,0.2,0.5,
--hidden "64,64 64". So is an argument of the recipe's optimizer, such as --momentum. --seeds 4 is --seed 0,1,2,3.

"""


@dataclass(frozen=True)
class SweepOptions(SweepFolderOptions):
    """Options of the command beside the fields of the recipe."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Train with the seeds 0 to N - 1."""


def run(arguments: list[str]) -> int:
    """Train all members and print the best."""
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = load_recipe(arguments[0] if named else DEFAULT_RECIPE)
    check_fields(recipe, SweepOptions)
    fixed, options, axes = _read(recipe, arguments[1:] if named else arguments)
    source = sweep_source(recipe, fixed)
    check_axes(recipe, source(**{name: axes[name][0] for name in axes if hasattr(fixed, name)}), axes, SweepOptions)
    shared = options.arguments(recipe, fixed, "sweep", ["sweep", *arguments])
    folder = shared["run_dir"]
    try:
        run_sweep(source, axes, **shared)
    except Interrupted:
        print(f"go on with: pullback resume {folder}")
        raise
    print_sweep(folder, report=options.report)
    return 0


def _read(recipe: RecipeModule, arguments: list[str]) -> tuple[Any, SweepOptions, dict[str, list[Any]]]:
    fixed, options, axes = read_varied(recipe, arguments, SweepOptions, command="sweep", description=HELP)
    if options.seeds:
        if options.seeds < 0 or "seed" in axes or not hasattr(fixed, "seed"):
            raise ConfigurationError(
                "--seeds counts the seeds of a recipe",
                expected="a positive number, of a recipe that has a seed, without --seed beside it",
                got=f"--seeds {options.seeds}",
                fix="say --seeds 4, or --seed 3,5,8",
            )
        axes["seed"] = list(range(options.seeds))
    if not axes:
        raise ConfigurationError(
            "there is nothing to sweep",
            expected="a field with several values",
            got="one value for every field",
            fix="say for example --learning-rate 1e-4:1e-1:8log --seeds 4",
        )
    return fixed, options, axes
