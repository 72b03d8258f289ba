"""Load a recipe: by name from the literal table, or from a file whose typed path is the consent to run it."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.recipes import RECIPES


class RecipeModule(NamedTuple):
    """A recipe as the commands see it: its fields, and the function from fields to an experiment.

    `finish(fields, experiment, run)`, where a recipe has it, is called after training and returns lines to print.
    """

    name: str
    path: Path | None
    header: str
    form: type
    build: Callable[[Any], Any]
    finish: Callable[[Any, Any, Any], list[str]] | None = None

    @property
    def label(self) -> str:
        """The recipe as it is typed on the command line."""
        return self.name if self.path is None else str(self.path)


def load_recipe(name: str) -> RecipeModule:
    """The recipe `name`: a name of the table, or a path (with a `/`, or ending in `.py`)."""
    if name.endswith(".py") or os.sep in name:
        return _from_file(Path(name))
    if name not in RECIPES:
        if Path(f"{name}.py").is_file():
            raise ConfigurationError(
                f"unknown recipe {name!r}",
                expected=f"one of {', '.join(RECIPES)}, or the path of a file",
                got=repr(name),
                fix=f"to run the file say `pullback train ./{name}.py`",
            )
        raise unknown_name("recipe", name, RECIPES)
    return _checked(importlib.import_module(RECIPES[name][0]), name, None)


def fill(recipe: RecipeModule, fields: dict[str, Any]) -> Any:
    """An instance of the recipe's fields from what a run folder recorded."""
    known = {field.name for field in dataclasses.fields(recipe.form)}
    if known != fields.keys():
        raise ConfigurationError(
            f"the recipe {recipe.label} has other fields than the run was made with",
            expected=", ".join(sorted(known)),
            got=", ".join(sorted(fields)),
            fix="use the version of the recipe that made the run",
        )
    return recipe.form(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def _from_file(path: Path) -> RecipeModule:
    if path.suffix != ".py" or not path.is_file():
        raise ConfigurationError(
            f"there is no recipe file {path}",
            expected="the path of a Python file that defines Recipe and build, or a name from `pullback list`",
            got="a folder" if path.is_dir() else "a file of another kind" if path.is_file() else "nothing at this path",
            fix="check the path",
        )
    return _checked(_execute(path), path.stem, path)


def _execute(path: Path) -> ModuleType:
    """Run the file as a module; its folder comes first on the import path, as for a script."""
    name = f"recipe_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} cannot be loaded as a module", fix="rename it to a plain name.py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and the option parser look the module up by name.
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _failed(path, error) from error
    return module


def _failed(path: Path, error: Exception) -> ConfigurationError:
    if isinstance(error, SyntaxError):
        place = f"line {error.lineno}"
    else:
        inside = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(path.name)]
        place = f"line {inside[-1].lineno}: {inside[-1].line}" if inside else "an imported module"
    return ConfigurationError(
        f"the recipe {path} fails while it is loaded",
        got=f"{type(error).__name__}: {error} ({place})",
        fix="mend the file; `python` on it shows the whole traceback",
    )


def _checked(module: ModuleType, name: str, path: Path | None) -> RecipeModule:
    form, build = getattr(module, "Recipe", None), getattr(module, "build", None)
    if not (isinstance(form, type) and dataclasses.is_dataclass(form) and callable(build)):
        missing = "Recipe" if not (isinstance(form, type) and dataclasses.is_dataclass(form)) else "build"
        raise ConfigurationError(
            f"{path or module.__name__} is not a recipe",
            expected="a frozen dataclass `Recipe` and a function `build(recipe) -> train.Experiment`",
            got=f"no {'dataclass' if missing == 'Recipe' else 'function'} {missing!r}",
            fix="copy a recipe of the library, `pullback list` names them, and change it",
        )
    return RecipeModule(name, path, (module.__doc__ or name).strip(), form, build, getattr(module, "finish", None))
