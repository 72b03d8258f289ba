"""Check of the updates at which a schedule changes."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError


def check_boundaries(name: str, boundaries: Sequence[float]) -> None:
    """ConfigurationError unless the boundaries are positive and increase, at least one."""
    for boundary in boundaries:
        positive(name, boundary)
    if not boundaries or list(boundaries) != sorted(set(boundaries)):
        raise ConfigurationError(
            f"{name} do not increase",
            expected="at least one update number, each larger than the one before",
            got=str(tuple(boundaries)),
            fix=f"sort the {name} and drop repeated ones",
        )
