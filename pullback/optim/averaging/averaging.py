"""What an average of parameters is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Int


class AveragingState(NamedTuple):
    """Parameters seen so far, and their average."""

    seen: Int[Array, ""]
    average: Any


class Averaging(NamedTuple):
    r"""An average $\bar\theta$ of the parameters $\theta_1, \theta_2, \dots$ after each update.

    Parameters
    ----------
    init : from the parameters at the start, to the state.
    update : from the state and the parameters after one more update, to the state.
    value : from the state to the average, a tree like the parameters.
    """

    init: Callable[[Any], AveragingState]
    update: Callable[[AveragingState, Any], AveragingState]
    value: Callable[[AveragingState], Any]
