"""`pullback sweep RECIPE --field values ...`: train a recipe for every combination of values, and compare."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from pullback.cli.options import flags, parse
from pullback.cli.recipe_module import RecipeModule, load_recipe
from pullback.cli.run_folders import DEFAULT_FOLDER
from pullback.cli.sweep_axes import take_apart
from pullback.cli.sweep_outcome import print_sweep
from pullback.cli.sweep_source import sweep_source
from pullback.cli.train import DEFAULT_RECIPE, check_fields, unused_folder
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.table import optimizer_arguments
from pullback.train import Experiment, Interrupted, RecipeRecord
from pullback.train import sweep as run_sweep
from pullback.train.folder import new_name

GIBIBYTE = 2.0**30
HELP = """Trains the recipe for every combination of values, in as few compiled programs as possible.

A field is varied by several values: --learning-rate 1e-4:1e-1:16log (or 0:0.5:6lin), --dropout 0,0.2,0.5,
--hidden "64,64 64". So is an argument of the recipe's optimizer, such as --momentum. --seeds 4 is --seed 0,1,2,3.

"""


@dataclass(frozen=True)
class SweepOptions:
    """Options of the command beside the fields of the recipe."""

    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Train with the seeds 0 to N - 1."""

    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the sweep; without it runs/<time>-<recipe>-sweep."""

    route: Literal["auto", "vmap", "map", "one by one"] = "auto"
    """How members are computed; auto measures."""

    memory: Annotated[float | None, tyro.conf.arg(metavar="GIB")] = None
    """Memory for the members trained at once; without it half of what is free."""

    report: bool = True
    """Write report.html at the end."""

    quiet: bool = False
    """Show no progress."""


def run(arguments: list[str]) -> int:
    """Train all members and print the best."""
    named = bool(arguments) and not arguments[0].startswith("-")
    recipe = load_recipe(arguments[0] if named else DEFAULT_RECIPE)
    check_fields(recipe, SweepOptions)
    fixed, options, axes = _read(recipe, arguments[1:] if named else arguments)
    source = sweep_source(recipe, fixed)
    _check_axes(recipe, source(**{name: axes[name][0] for name in axes if hasattr(fixed, name)}), axes)
    folder = options.run_dir or unused_folder(DEFAULT_FOLDER / new_name(recipe.name, "sweep"))
    try:
        run_sweep(
            source,
            axes,
            run_dir=folder,
            route=options.route,
            memory=None if options.memory is None else GIBIBYTE * options.memory,
            progress=not options.quiet,
            recipe=RecipeRecord(recipe.name, recipe.path and str(recipe.path), dataclasses.asdict(fixed)),
            command=["pullback", "sweep", *arguments],
        )
    except Interrupted:
        print(f"go on with: pullback resume {folder}")
        raise
    print_sweep(folder, report=options.report)
    return 0


def _read(recipe: RecipeModule, arguments: list[str]) -> tuple[Any, SweepOptions, dict[str, list[Any]]]:
    """Fields, options, and the values of every axis in the order in which they were typed."""
    forms = (recipe.form, SweepOptions)
    typed = take_apart(arguments, flags((SweepOptions,)), flags((recipe.form,)))
    known = {field.name for field in dataclasses.fields(recipe.form)}
    first = [word for name, values in typed.axes.items() if name in known for word in _words(name, values[0])]

    def parsed(words: list[str]) -> Any:
        return parse(forms, words, command=f"sweep {recipe.label}", description=HELP + recipe.header)

    fixed, options = parsed(typed.fixed + first)
    axes = {
        name: [
            getattr(parsed([*typed.fixed, *first, *_words(name, value)])[0], name) if name in known else _number(value)
            for value in values
        ]
        for name, values in typed.axes.items()
    }
    if options.seeds:
        if options.seeds < 0 or "seed" in axes or "seed" not in known:
            raise ConfigurationError(
                "--seeds counts the seeds of a recipe",
                expected="a positive number, of a recipe that has a seed, without --seed beside it",
                got=f"--seeds {options.seeds}",
                fix="say --seeds 4, or --seed 3,5,8",
            )
        axes["seed"] = list(range(options.seeds))
    return fixed, options, axes


def _words(name: str, value: str) -> list[str]:
    """A value as the option parser takes it; a list of numbers is typed with spaces, in quotation marks."""
    return ["--" + name.replace("_", "-"), *value.split()]


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _check_axes(recipe: RecipeModule, experiment: Experiment, axes: dict[str, list[Any]]) -> None:
    optimizer = experiment.optimizer
    fields = [field.name for field in dataclasses.fields(recipe.form)]
    arguments = optimizer_arguments(optimizer) if isinstance(optimizer, str) else ()
    known = [f"--{name.replace('_', '-')}" for name in dict.fromkeys((*fields, *arguments))] + flags((SweepOptions,))
    for name in axes:
        if name not in fields and name not in arguments:
            raise unknown_name("option", f"--{name.replace('_', '-')}", known)
    if not axes:
        raise ConfigurationError(
            "there is nothing to sweep",
            expected="a field with several values",
            got="one value for every field",
            fix="say for example --learning-rate 1e-4:1e-1:8log --seeds 4",
        )
