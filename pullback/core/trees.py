"""Names for the leaves of a nested structure of arrays."""

from __future__ import annotations

from typing import Any

import jax
from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey


def path_string(path: tuple[Any, ...]) -> str:
    """A key path as Python writes it: `layers[2].weight`.

    Examples
    --------
    >>> [path_string(path) for path, _ in jax.tree_util.tree_leaves_with_path({"a": [1, 2]})]
    ['a[0]', 'a[1]']
    """
    text = ""
    for key in path:
        if isinstance(key, SequenceKey):
            text += f"[{key.idx}]"
        elif isinstance(key, FlattenedIndexKey):
            text += f"[{key.key}]"
        else:
            name = key.name if isinstance(key, GetAttrKey) else key.key if isinstance(key, DictKey) else str(key)
            text += f".{name}" if text else str(name)
    return text


def flatten_by_path(tree: Any) -> dict[str, Any]:
    """Leaves of `tree` by their path, in the order of the structure.

    Examples
    --------
    >>> flatten_by_path({"weight": 1, "bias": (2, 3)})
    {'bias[0]': 2, 'bias[1]': 3, 'weight': 1}
    """
    return {path_string(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
