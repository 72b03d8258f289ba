"""Losses: `loss(prediction, target)` returns one value an example; means, weights and masks belong to the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxtyping import Array

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.nn.losses.absolute_error import AbsoluteError
from pullback.nn.losses.binary_cross_entropy import BinaryCrossEntropy
from pullback.nn.losses.categorical_cross_entropy import CategoricalCrossEntropy
from pullback.nn.losses.class_weighted import ClassWeighted
from pullback.nn.losses.heads import check_head
from pullback.nn.losses.huber import Huber
from pullback.nn.losses.squared_error import SquaredError
from pullback.nn.losses.targets import check_targets

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "ClassWeighted",
    "Huber",
    "SquaredError",
    "check_head",
    "check_targets",
    "get_loss",
]

LOSSES: dict[str, Callable[..., Any]] = {
    "absolute_error": AbsoluteError,
    "binary_cross_entropy": BinaryCrossEntropy,
    "categorical_cross_entropy": CategoricalCrossEntropy,
    "huber": Huber,
    "squared_error": SquaredError,
}


def get_loss(name_or_loss: str | Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """The loss of that name with its default settings, or the loss itself.

    Examples
    --------
    >>> get_loss("huber")
    Huber(delta=1.0)
    """
    if isinstance(name_or_loss, str):
        if name_or_loss not in LOSSES:
            raise unknown_name("loss", name_or_loss, LOSSES)
        return LOSSES[name_or_loss]()
    if isinstance(name_or_loss, type) or not callable(name_or_loss):
        raise ConfigurationError(
            "a loss is a name or a function of prediction and target",
            expected=f"one of {', '.join(LOSSES)}, or a function",
            got=repr(name_or_loss),
            fix="pass a name, a loss such as Huber(delta=1.0), or a function",
        )
    return name_or_loss
