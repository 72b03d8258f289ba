"""The estimators that a table can be fitted by, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

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


REGRESSION, BINARY_OR_CLASSES = ("regression",), ("binary", "classification")

TABLE_MODELS: dict[str, TableModel] = {
    "linear_regression": TableModel(learn.LinearRegression, REGRESSION, True),
    "ridge": TableModel(learn.Ridge, REGRESSION),
    "ridge_path": TableModel(partial(learn.RidgePath, alphas=tuple(10.0**k for k in range(-4, 5))), REGRESSION),
    "lasso": TableModel(partial(learn.Lasso, alpha=0.01), REGRESSION),
    "elastic_net": TableModel(partial(learn.ElasticNet, alpha=0.01), REGRESSION),
    "huber": TableModel(learn.HuberRegressor, REGRESSION),
    "quantile": TableModel(learn.QuantileRegressor, REGRESSION),
    "generalized_linear": TableModel(learn.GeneralizedLinearRegressor, REGRESSION, True),
    "poisson_regression": TableModel(partial(learn.GeneralizedLinearRegressor, family="poisson"), REGRESSION, True),
    "gamma_regression": TableModel(partial(learn.GeneralizedLinearRegressor, family="gamma"), REGRESSION, True),
    "mlp_regressor": TableModel(learn.MLPRegressor, REGRESSION),
    "logistic_regression": TableModel(partial(learn.LogisticRegression, C=np.inf), BINARY_OR_CLASSES, True),
    "penalized_logistic_regression": TableModel(learn.LogisticRegression, BINARY_OR_CLASSES),
    "softmax_regression": TableModel(partial(learn.SoftmaxRegression, C=np.inf), BINARY_OR_CLASSES, True),
    "naive_bayes": TableModel(learn.NaiveBayes, BINARY_OR_CLASSES),
    "perceptron": TableModel(learn.Perceptron, BINARY_OR_CLASSES),
    "least_squares_classifier": TableModel(learn.LeastSquaresClassifier, BINARY_OR_CLASSES),
    "one_vs_rest": TableModel(partial(learn.OneVsRest, learn.LogisticRegression()), BINARY_OR_CLASSES),
    "one_vs_one": TableModel(partial(learn.OneVsOne, learn.LogisticRegression()), BINARY_OR_CLASSES),
    "mlp_classifier": TableModel(learn.MLPClassifier, BINARY_OR_CLASSES),
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
