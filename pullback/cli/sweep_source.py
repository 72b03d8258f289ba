"""A recipe as the source of a sweep: a function from settings to the experiment of its fields."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from pullback.cli.recipe_module import RecipeModule
from pullback.core.errors import ConfigurationError
from pullback.train import Experiment


def sweep_source(recipe: RecipeModule, fixed: Any) -> Callable[..., Experiment]:
    """Takes any of the recipe's fields by name; the others are those of `fixed`."""

    def source(**chosen: Any) -> Experiment:
        experiment = recipe.build(dataclasses.replace(fixed, **chosen))
        if not isinstance(experiment, Experiment):
            raise ConfigurationError(
                f"these fields of the recipe {recipe.label} are fitted at once",
                expected="a model that is trained in epochs",
                got=type(experiment).__name__,
                fix="leave the field that chose the estimator out, or use scikit-learn's search",
            )
        return experiment

    keyword = inspect.Parameter.KEYWORD_ONLY
    fields = [inspect.Parameter(field.name, keyword) for field in dataclasses.fields(fixed)]
    # What the sweep asks, to tell fields of the recipe from arguments of its optimizer.
    source.__signature__ = inspect.Signature(fields)  # pyright: ignore[reportFunctionMemberAccess]
    return source
