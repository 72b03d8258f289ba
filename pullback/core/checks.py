"""Checks of single settings; each returns the value it was given or raises a `ConfigurationError`."""

from __future__ import annotations

import math

from pullback.core.errors import ConfigurationError


def _number(name: str, value: float, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(
            f"{name} is not a finite number", expected=expected, got=repr(value), fix=f"pass {name} as a number"
        )
    return value


def positive(name: str, value: float) -> float:
    """`value` if it is a finite number above zero.

    Examples
    --------
    >>> positive("learning_rate", 0.1)
    0.1
    """
    if _number(name, value, "a number > 0") <= 0:
        raise ConfigurationError(
            f"{name} must be positive", expected="a number > 0", got=repr(value), fix=f"choose {name} above zero"
        )
    return value


def non_negative(name: str, value: float) -> float:
    """`value` if it is a finite number of zero or more."""
    if _number(name, value, "a number >= 0") < 0:
        raise ConfigurationError(
            f"{name} must not be negative", expected="a number >= 0", got=repr(value), fix=f"choose {name} >= 0"
        )
    return value


def fraction(name: str, value: float) -> float:
    """`value` if it lies in the half-open interval [0, 1)."""
    if not 0 <= _number(name, value, "a number in [0, 1)") < 1:
        raise ConfigurationError(
            f"{name} must be a fraction", expected="a number in [0, 1)", got=repr(value), fix=f"choose 0 <= {name} < 1"
        )
    return value


def positive_integer(name: str, value: int) -> int:
    """`value` if it is an integer of one or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"{name} must be a positive integer", expected="an integer >= 1", got=repr(value), fix=f"choose {name} >= 1"
        )
    return value
