"""The axes of a sweep as they are typed: `1e-4:1e-1:16log`, `0:0.5:6lin`, `0,0.2,0.5`."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from pullback.core.errors import ConfigurationError

NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"
GRID = re.compile(rf"({NUMBER}):({NUMBER}):([0-9]+)(log|lin)")
# Enough for a rate, and few enough to be read.
DIGITS = 6


class Typed(NamedTuple):
    """A command line taken apart: what stays as it is, and the values of every axis as text."""

    fixed: list[str]
    axes: dict[str, list[str]]


def take_apart(arguments: list[str], options: list[str], fields: list[str]) -> Typed:
    """Options of the command and fields with one value stay; fields with several values, and all else, are axes.

    Parameters
    ----------
    options : flags of the command itself.
    fields : flags of the recipe.
    """
    fixed, axes = list[str](), dict[str, list[str]]()
    place = 0
    while place < len(arguments):
        flag, equals, value = arguments[place].partition("=")
        end = place + 1
        while end < len(arguments) and not arguments[end].startswith("--"):
            end += 1
        given = ([value] if equals else []) + arguments[place + 1 : end]
        flag = flag.replace("_", "-") if flag.startswith("--") else flag
        varied = len(given) == 1 and ("," in given[0] or GRID.fullmatch(given[0]) is not None)
        if flag.startswith("--") and flag not in options and given and (varied or flag not in fields):
            axes[flag.removeprefix("--").replace("-", "_")] = values_of(flag, given)
        else:
            fixed += [flag, *given]
        place = end
    return Typed(fixed, axes)


def values_of(flag: str, given: list[str]) -> list[str]:
    """The values of one axis, each as it would be typed alone.

    Examples
    --------
    >>> values_of("--learning-rate", ["1e-3:1e-1:3log"]), values_of("--dropout", ["0,0.2"])
    (['0.001', '0.01', '0.1'], ['0', '0.2'])
    """
    values = [part for word in given for part in word.split(",")]
    return [number for value in values for number in _grid(flag, value)]


def _grid(flag: str, value: str) -> list[str]:
    match = GRID.fullmatch(value)
    if match is None:
        return [value]
    low, high, count, kind = float(match[1]), float(match[2]), int(match[3]), match[4]
    if count < 2 or (kind == "log" and min(low, high) <= 0):
        raise ConfigurationError(
            f"{flag} {value} spans nothing",
            expected="from:to:Nlog between positive numbers, or from:to:Nlin, with N at least 2",
            got=value,
            fix=f"say for example {flag} 1e-4:1e-1:16log",
        )
    space = np.geomspace if kind == "log" else np.linspace
    return [_written(number) for number in space(low, high, count).tolist()]


def _written(number: float) -> str:
    short = float(f"{number:.{DIGITS}g}")
    return str(int(short)) if short.is_integer() and abs(short) < 1e15 else repr(short)
