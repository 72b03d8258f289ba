"""What a model's outputs say: a class with probabilities and a set, or a value with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pullback.core.errors import ConfigurationError
from pullback.data import TablePreprocessing
from pullback.train.calibration import Calibration, Outputs, as_columns, class_probabilities

DEFAULT_LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predictions of n rows; what does not belong to the task is None.

    Parameters
    ----------
    task : "classification", "binary" or "regression".
    class_names : one name a class, or None.
    probabilities : of each class.
    values : predicted values, one column an output, in the units of the targets as they were given.
    level : probability with which a set or interval covers, or None if the run was not calibrated.
    sets : which classes belong to the conformal set of each row.
    lower, upper : limits of the conformal intervals; infinite where the calibration rows were too few.
    """

    task: str
    class_names: tuple[str, ...] | None
    probabilities: Float[np.ndarray, "rows classes"] | None = None
    values: Float[np.ndarray, "rows outputs"] | None = None
    level: float | None = None
    sets: Bool[np.ndarray, "rows classes"] | None = None
    lower: Float[np.ndarray, "rows outputs"] | None = None
    upper: Float[np.ndarray, "rows outputs"] | None = None

    @property
    def classes(self) -> Int[np.ndarray, " rows"] | None:
        """The most probable class of each row; the first of several that tie."""
        return None if self.probabilities is None else np.argmax(self.probabilities, axis=1)


def interpret(
    outputs: Outputs,
    about: dict[str, Any],
    preprocessing: tuple[Any, ...] = (),
    calibration: Calibration | None = None,
    level: float | None = None,
) -> Prediction:
    """Outputs of a model as predictions.

    Parameters
    ----------
    about : `config["data"]` of the run: task and class names.
    level : between 0 and 1; None is 0.9 where there is a calibration.

    Raises
    ------
    ConfigurationError
        if a level is asked for that is not between 0 and 1, or of a run that was not calibrated.

    Examples
    --------
    >>> found = interpret(np.array([[0.0, np.log(3.0)]]), {"task": "classification", "class_names": ["no", "yes"]})
    >>> found.probabilities, found.classes
    (array([[0.25, 0.75]]), array([1]))
    """
    level = resolved_level(calibration, level)
    if about["task"] == "regression":
        return _regression(outputs, preprocessing, calibration, level)
    probabilities = class_probabilities(outputs)
    names = about["class_names"] or [str(number) for number in range(probabilities.shape[1])]
    sets = None if calibration is None or level is None else calibration.sets(probabilities, level)
    return Prediction(about["task"], tuple(names), probabilities=probabilities, level=level, sets=sets)


def resolved_level(calibration: Calibration | None, level: float | None) -> float | None:
    """The level that is meant, or the error that it cannot be had."""
    if calibration is not None:
        return calibration.bound(DEFAULT_LEVEL if level is None else level).level
    if level is None:
        return None
    raise ConfigurationError(
        "the run was not calibrated, so its predictions have no intervals or sets",
        expected="a run folder with calibration.json",
        got=f"level {level:g}",
        fix="leave the level out, or train with calibration_data: rows used for nothing else",
    )


def _regression(
    outputs: np.ndarray, preprocessing: tuple[Any, ...], calibration: Calibration | None, level: float | None
) -> Prediction:
    values = as_columns(outputs)
    lower = upper = None
    if calibration is not None and level is not None:
        lower, upper = (in_units(limit, preprocessing) for limit in calibration.intervals(values, level))
    return Prediction("regression", None, values=in_units(values, preprocessing), level=level, lower=lower, upper=upper)


def in_units(values: np.ndarray, preprocessing: tuple[Any, ...]) -> np.ndarray:
    """Standardized targets in the units in which they were given; others as they are."""
    for step in preprocessing:
        if isinstance(step, TablePreprocessing):
            values = step.in_units(values)
    return values
