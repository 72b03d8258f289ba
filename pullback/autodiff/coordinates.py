"""Nested arrays as one vector of float64 numbers, and a function of them as a function between vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from pullback.core.trees import path_string

Vector = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Coordinates:
    """The real entries of a nested structure, numbered.

    Parameters
    ----------
    structure, leaves : of the whole; leaves that are no real arrays stay as they are.
    positions : which leaves move.
    paths, shapes : of the moving leaves.
    vector : their entries, one leaf after the other.
    """

    structure: Any
    leaves: tuple[Any, ...]
    positions: tuple[int, ...]
    paths: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    vector: np.ndarray

    @property
    def offsets(self) -> list[int]:
        """Where each moving leaf begins, and the end of the last."""
        return [0, *np.cumsum([int(np.prod(shape)) for shape in self.shapes]).tolist()]

    def parts(self, vector: Any) -> list[Any]:
        """The moving leaves with the entries of `vector`; further axes in front are kept."""
        return [
            vector[..., start:stop].reshape((*vector.shape[:-1], *shape))
            for (start, stop), shape in zip(pairwise(self.offsets), self.shapes, strict=True)
        ]

    def tree(self, vector: Any) -> Any:
        """The whole structure with its moving entries taken from `vector`."""
        leaves = list(self.leaves)
        for position, part in zip(self.positions, self.parts(vector), strict=True):
            # A NumPy array without axes becomes a number, which is what a function of a number expects.
            leaves[position] = part[()] if isinstance(part, np.ndarray) else part
        return jax.tree.unflatten(self.structure, leaves)

    def leaf(self, number: int) -> int:
        """Which moving leaf holds the entry `number`."""
        return int(np.searchsorted(self.offsets, number, side="right")) - 1

    def place(self, number: int) -> str:
        """Path and index of an entry, as Python writes them.

        Examples
        --------
        >>> coordinates({"w": np.zeros((2, 3)), "b": 0.0}).place(5)
        'w[1, 1]'
        """
        leaf = self.leaf(number)
        index = np.unravel_index(number - self.offsets[leaf], self.shapes[leaf])
        text = f"[{', '.join(map(str, index))}]" if index else ""
        return f"{self.paths[leaf]}{text}"


def coordinates(tree: Any) -> Coordinates:
    """Number the real entries of `tree`, in double precision.

    Examples
    --------
    >>> numbered = coordinates((np.float32([1, 2]), 3, "name"))
    >>> numbered.vector.tolist(), numbered.paths
    ([1.0, 2.0], ('[0]',))
    """
    found, structure = jax.tree_util.tree_flatten_with_path(tree)
    leaves = tuple(leaf for _, leaf in found)
    moving = [number for number, leaf in enumerate(leaves) if kind(leaf) == "real"]
    arrays = [np.asarray(leaves[number], np.float64) for number in moving]
    return Coordinates(
        structure,
        leaves,
        tuple(moving),
        tuple(path_string(found[number][0]) for number in moving),
        tuple(array.shape for array in arrays),
        np.concatenate([np.zeros(0), *(array.ravel() for array in arrays)]),
    )


def kind(leaf: Any) -> str:
    """What a leaf is to a derivative: "real", "complex", "integer" (booleans too) or "other".

    Examples
    --------
    >>> [kind(leaf) for leaf in (1.5, np.arange(2), 1j, True, "name")]
    ['real', 'integer', 'complex', 'integer', 'other']
    """
    if isinstance(leaf, bool | int | float | complex):
        dtype = np.dtype(type(leaf))
    elif hasattr(leaf, "dtype") and hasattr(leaf, "shape"):
        dtype = leaf.dtype
    else:
        return "other"
    for name, group in (("complex", np.complexfloating), ("real", np.floating), ("integer", np.integer)):
        if jax.numpy.issubdtype(dtype, group):
            return name
    return "integer" if dtype == np.bool_ else "other"
