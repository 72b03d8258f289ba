"""An array as what stands at each of its places: the value of a variable of a program, written in indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.explain.expression import ZERO, Node

Shape = tuple[int, ...]


class View:
    """An array of a known shape whose entries are expressions, worked out on demand and once for each place."""

    def __init__(self, shape: Shape, dtype: Any, entry: Callable[..., Node]) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self._entry = entry
        self._known: dict[tuple[Node, ...], Node] = {}

    def at(self, *subscripts: Node) -> Node:
        """The entry at these subscripts, one an axis; along an axis of size one it is always the first."""
        assert len(subscripts) == len(self.shape)
        place = tuple(ZERO if size == 1 else sub for sub, size in zip(subscripts, self.shape, strict=True))
        if place not in self._known:
            self._known[place] = self._entry(*place)
        return self._known[place]

    def aligned(self, *subscripts: Node) -> Node:
        """The entry for an elementwise operation of a larger rank: a scalar stands for every place."""
        return self.at() if not self.shape else self.at(*subscripts)
