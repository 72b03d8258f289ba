"""An estimate with its uncertainty, as one value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """Confidence interval around an estimate.

    Parameters
    ----------
    value : the estimate.
    lower, upper : limits, in the unit of the estimate.
    level : nominal coverage, in (0, 1).
    n : number of independent observations behind the estimate.
    method : how the limits were made, for example "wilson".

    Examples
    --------
    >>> interval = Interval(0.9, 0.826, 0.945, 0.95, 100, "wilson")
    >>> print(interval)
    0.9 [0.826, 0.945] (95% wilson, n = 100)
    >>> 0.85 in interval
    True
    """

    value: float
    lower: float
    upper: float
    level: float
    n: int
    method: str

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def __str__(self) -> str:
        limits = f"[{self.lower:.4g}, {self.upper:.4g}]"
        return f"{self.value:.4g} {limits} ({100 * self.level:g}% {self.method}, n = {self.n})"
