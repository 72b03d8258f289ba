"""Check of the updates at which a schedule changes."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError


def check_boundaries(name: str, boundaries: Sequence[int]) -> None:
    """ConfigurationError unless the boundaries are positive integers that increase, at least one."""
    for boundary in boundaries:
        positive_integer(name, boundary)
    if not boundaries or list(boundaries) != sorted(set(boundaries)):
        raise ConfigurationError(
            f"{name} do not increase",
            expected="at least one update number, each larger than the one before",
            got=str(tuple(boundaries)),
            fix=f"sort the {name} and drop repeated ones",
        )
