"""Fields of a recipe that are typed with several values, and the options of the commands that take them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from pullback.cli.options import flags, parse
from pullback.cli.recipe_module import RecipeModule
from pullback.cli.run_folders import DEFAULT_FOLDER
from pullback.cli.sweep_axes import take_apart
from pullback.cli.train import unused_folder
from pullback.core.errors import unknown_name
from pullback.optim.table import optimizer_arguments
from pullback.train import Experiment, RecipeRecord
from pullback.train.folder import new_name

GIBIBYTE = 2.0**30


@dataclass(frozen=True)
class SweepFolderOptions:
    """Where many trainings are written, and how they are computed."""

    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder to write into; without it one under runs/ that is named after time, recipe and command."""

    route: Literal["auto", "vmap", "map", "one by one"] = "auto"
    """How members are computed; auto decides by their size."""

    memory: Annotated[float | None, tyro.conf.arg(metavar="GIB")] = None
    """Memory for the members trained at once; without it half of what is free."""

    report: bool = True
    """Write report.html at the end."""

    quiet: bool = False
    """Show no progress."""

    def arguments(self, recipe: RecipeModule, fixed: Any, kind: str, command: list[str]) -> dict[str, Any]:
        """What a sweep or a comparison takes of these, with its folder and what is recorded of its source."""
        return {
            "run_dir": self.run_dir or unused_folder(DEFAULT_FOLDER / new_name(recipe.name, kind)),
            "route": self.route,
            "memory": None if self.memory is None else GIBIBYTE * self.memory,
            "progress": not self.quiet,
            "recipe": RecipeRecord(recipe.name, recipe.path and str(recipe.path), dataclasses.asdict(fixed)),
            "command": ["pullback", *command],
        }


def read_varied(
    recipe: RecipeModule, arguments: list[str], form: type, *, command: str, description: str
) -> tuple[Any, Any, dict[str, list[Any]]]:
    """Fields, options, and the values of every axis in the order in which they were typed."""
    forms = (recipe.form, form)
    typed = take_apart(arguments, flags((form,)), flags((recipe.form,)))
    known = {field.name for field in dataclasses.fields(recipe.form)}
    first = [word for name, values in typed.axes.items() if name in known for word in _words(name, values[0])]

    def parsed(words: list[str]) -> Any:
        return parse(forms, words, command=f"{command} {recipe.label}", description=description + recipe.header)

    fixed, options = parsed(typed.fixed + first)
    axes = {
        name: [
            getattr(parsed([*typed.fixed, *first, *_words(name, value)])[0], name) if name in known else _number(value)
            for value in values
        ]
        for name, values in typed.axes.items()
    }
    return fixed, options, axes


def _words(name: str, value: str) -> list[str]:
    """A value as the option parser takes it; a list of numbers is typed with spaces, in quotation marks."""
    return ["--" + name.replace("_", "-"), *value.split()]


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def check_axes(recipe: RecipeModule, experiment: Experiment, axes: dict[str, list[Any]], form: type) -> None:
    """Raise `ConfigurationError` for an axis that is no field of the recipe and no argument of its optimizer."""
    optimizer = experiment.optimizer
    fields = [field.name for field in dataclasses.fields(recipe.form)]
    arguments = optimizer_arguments(optimizer) if isinstance(optimizer, str) else ()
    known = [f"--{name.replace('_', '-')}" for name in dict.fromkeys((*fields, *arguments))] + flags((form,))
    for name in axes:
        if name not in fields and name not in arguments:
            raise unknown_name("option", f"--{name.replace('_', '-')}", known)
