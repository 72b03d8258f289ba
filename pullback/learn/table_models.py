"""The estimators that a table can be fitted by, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pullback import learn
from pullback.core.errors import ConfigurationError, unknown_name


@dataclass(frozen=True)
class TableModel:
    """An estimator for tables.

    Parameters
    ----------
    make : from options by name to the estimator.
    tasks : "regression", "binary" (two classes), "classification" (two classes or more).
    original_units : whether numbers keep their units, so that coefficients are read per unit; a penalty and a network
        want them standardized.
    """

    make: Callable[..., Any]
    tasks: tuple[str, ...]
    original_units: bool = False


REGRESSION, BINARY, CLASSES = ("regression",), ("binary",), ("binary", "classification")

TABLE_MODELS: dict[str, TableModel] = {
    "linear_regression": TableModel(learn.LinearRegression, REGRESSION, True),
    "naive_bayes": TableModel(learn.NaiveBayes, CLASSES),
    "perceptron": TableModel(learn.Perceptron, CLASSES),
    "least_squares_classifier": TableModel(learn.LeastSquaresClassifier, CLASSES),
}


def make_table_model(name: str, task: str, options: dict[str, str]) -> tuple[Any, bool]:
    """The estimator `name` with these options, and whether it wants columns in their own units.

    Errors
    ------
    ConfigurationError
        for a name outside the table, one of another task, or an option that the estimator lacks.

    Examples
    --------
    >>> make_table_model("ridge", "regression", {"alpha": "0.5"})
    (Ridge(alpha=0.5), False)
    """
    if name not in TABLE_MODELS:
        raise unknown_name("model", name, ("network", *TABLE_MODELS))
    model = TABLE_MODELS[name]
    if task not in model.tasks:
        fitting = ["network", *(other for other, entry in TABLE_MODELS.items() if task in entry.tasks)]
        raise ConfigurationError(
            f"the model {name} is not for this target",
            expected=f"for a target of the kind {task}: {', '.join(fitting)}",
            got=f"{name}, for {' or '.join(model.tasks)}",
            fix="choose another model, or say what the target means with --task",
        )
    estimator = model.make()
    known = estimator.get_params()
    for option in options:
        if option not in known:
            raise unknown_name(f"option of {name}", option, known)
    return estimator.set_params(**{option: _value(text) for option, text in options.items()}), model.original_units


def _value(text: str) -> Any:
    """A number, a truth value or a name, as it is typed."""
    named = {"true": True, "false": False, "none": None}
    if text.lower() in named:
        return named[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
