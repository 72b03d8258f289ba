"""The learning rate of each thing that is compared, chosen on seeds that are not looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import ConfigurationError

# Rates that are tried: neighbours differ by a factor of about 3.
RATES = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-5, 10, 13))
# Seeds by which the rates are chosen; those of the comparison are others, so that no luck is carried over.
FIRST_SEED = 2**20
# The part of the rates, on a logarithmic scale, at which a method ends within so much of its best, is its tolerance.
AS_GOOD = 0.1


@dataclass(frozen=True)
class Tuned:
    """A method at its own rate.

    Attributes
    ----------
    name : of the method.
    learning_rate : at which it ended lowest on the tuning seeds.
    rates, tuning : those tried, and the loss at the end for each problem, rate and tuning seed.
    tolerance : over what factor of rates it ends within a tenth of its best, the smallest over the problems.
    at_edge : whether the chosen rate is the first or last that was tried.
    """

    name: str
    learning_rate: tuple[float, ...]
    rates: tuple[float, ...]
    tuning: Float[np.ndarray, "problems rates seeds"]
    tolerance: float
    at_edge: bool


def tuning_axes(rates: Sequence[float], seeds: int) -> dict[str, list[float] | list[int]]:
    """The axes of a sweep by which rates are chosen."""
    return {"learning_rate": list(rates), "seed": list(range(FIRST_SEED, FIRST_SEED + seeds))}


def check_tuning(rates: Sequence[float], seeds: int) -> None:
    """Raise `ConfigurationError` unless there are positive rates, and a seed or more."""
    positive_integer("tuning_seeds", seeds)
    for rate in rates:
        positive("a learning rate", rate)
    if not rates:
        raise ConfigurationError("there are no rates to try", expected="one or more", got="none", fix="leave rates out")


def tuned(name: str, rates: Sequence[float], tuning: Float[np.ndarray, "problems rates seeds"]) -> Tuned:
    """The method at the rate with the lowest mean on each problem.

    Raises
    ------
    ConfigurationError
        if on a problem it diverges at every rate.
    """
    means = tuning.mean(2)
    if not np.isfinite(means).any(1).all():
        raise ConfigurationError(
            f"{name} diverges at every rate",
            expected="a rate at which every tuning seed ends with a finite loss",
            got=f"none of {len(rates)} rates from {min(rates):.3g} to {max(rates):.3g}",
            fix="pass smaller rates",
        )
    order = np.argsort(rates)
    best = means.argmin(1)
    tolerance = min(_tolerance(np.asarray(rates)[order], row[order]) for row in means)
    chosen = tuple(float(rates[place]) for place in best)
    return Tuned(name, chosen, tuple(map(float, rates)), tuning, tolerance, bool(at_edge(rates, best).any()))


def at_edge(rates: Sequence[float], chosen: Integer[np.ndarray, "*any"]) -> Bool[np.ndarray, "*any"]:
    """Whether the chosen place is that of the smallest or largest of three rates or more."""
    order = np.argsort(rates)
    return np.isin(chosen, order[[0, -1]]) & (len(rates) > 2)


def _tolerance(rates: np.ndarray, means: np.ndarray) -> float:
    """The factor between the ends of the run of rates, around the best, that end within a tenth of it."""
    best = low = high = int(np.argmin(means))
    limit = means[best] + AS_GOOD * abs(means[best])
    while low > 0 and means[low - 1] <= limit:
        low -= 1
    while high < len(means) - 1 and means[high + 1] <= limit:
        high += 1
    return float(rates[high] / rates[low])
