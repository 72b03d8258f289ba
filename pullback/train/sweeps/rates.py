"""Rates of dropout as values of a program instead of constants of it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import jax

from pullback.nn import Dropout


def dropout_rates(model: Any) -> tuple[float, ...]:
    """The rate of every dropout layer, in the order of the model."""
    return tuple(layer.rate for layer in jax.tree.leaves(model, is_leaf=_is_dropout) if _is_dropout(layer))


def with_dropout_rates(model: Any, rates: Sequence[Any]) -> Any:
    """The model with these rates, numbers or arrays, in the order of `dropout_rates`."""
    left = iter(rates)
    return jax.tree.map(
        lambda node: _with_rate(node, next(left)) if _is_dropout(node) else node, model, is_leaf=_is_dropout
    )


def _is_dropout(node: Any) -> bool:
    return isinstance(node, Dropout)


def _with_rate(layer: Dropout, rate: Any) -> Dropout:
    # Past the constructor, whose check is for numbers.
    clone = copy.copy(layer)
    object.__setattr__(clone, "rate", rate)
    return clone
