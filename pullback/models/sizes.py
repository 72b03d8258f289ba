"""Lists of sizes as architectures take them."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError


def positive_integers(name: str, values: Sequence[int]) -> tuple[int, ...]:
    """`values` as a tuple of integers of one or more, or a `ConfigurationError` that shows what was given.

    Examples
    --------
    >>> positive_integers("hidden", [128, 64])
    (128, 64)
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ConfigurationError(
            f"{name} is not a list of sizes",
            expected="a list of integers >= 1",
            got=repr(values),
            fix=f"write {name}=({values},)" if isinstance(values, int) else f"pass {name} as a list of integers",
        )
    return tuple(positive_integer(name, value) for value in values)
