"""A choice by a value: within a compiled program by the program, outside of one before anything is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Bool

from pullback.linalg.product import known


def branch(predicate: Bool[Array, ""], yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """`yes()` where the predicate holds, else `no()`; of values that are known only the chosen side is compiled."""
    if known(predicate):
        return yes() if bool(predicate) else no()
    return jax.lax.cond(predicate, yes, no)
