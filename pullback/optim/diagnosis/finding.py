"""What a diagnosis finds, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One thing that was found, with the numbers that say so.

    Attributes
    ----------
    name : short and fixed, to be asked for in programs.
    message : one sentence.
    evidence : the numbers in it, by name.

    Examples
    --------
    >>> print(Finding("zig-zag", "each step turns back", {"turn": -0.9}))
    zig-zag: each step turns back
    """

    name: str
    message: str
    evidence: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"
