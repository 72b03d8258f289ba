"""One comparison of a derivative with differences."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Entry:
    """One comparison: a derivative by one mode and by differences.

    Parameters
    ----------
    mode : "forward" or "reverse".
    argument, result : what moved and what was watched, by path and index.
    ours, numerical : the two values.
    uncertainty : estimated error of the differences.
    rounding : the part of it that follows from the precision of the values alone.
    scale : what the error is relative to.
    direction, weights : the vectors behind `argument` and `result`.
    """

    mode: str
    argument: str
    result: str
    ours: float
    numerical: float
    uncertainty: float
    rounding: float
    scale: float
    direction: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)

    @property
    def relative_error(self) -> float:
        """Difference of the values over the scale; infinite where one is not a number."""
        error = abs(self.ours - self.numerical)
        if not np.isfinite(error):
            return np.inf
        return error / self.scale if error else 0.0

    def excess(self, tolerance: float) -> float:
        """Error as a multiple of what is allowed."""
        allowed = tolerance * self.scale + self.rounding
        error = abs(self.ours - self.numerical)
        if not np.isfinite(error):
            return np.inf
        return error / allowed if error else 0.0
