r"""Random streams by name: every draw is a pure function of (seed, names), never of order, worker or clock.

A name is hashed with SHA-256, so streams with different names are independent and adding one never shifts another.
"""

from __future__ import annotations

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int


def _integer(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")


def stream(seed: int | Array, *names: str | int | Array) -> Array:
    """Typed JAX key of the stream `names` under `seed`.

    Strings name the purpose, integers (or traced integer scalars) the epoch, step or sample.

    Examples
    --------
    >>> bool((stream(0, "dropout", 3) == stream(0, "dropout", 3)).all())
    True
    >>> bool((stream(0, "dropout", 3) == stream(0, "shuffle", 3)).all())
    False
    """
    key = jax.random.key(seed)
    for name in names:
        key = jax.random.fold_in(key, _integer(name) if isinstance(name, str) else name)
    return key


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy generator of the same kind of stream, for work on the host.

    Examples
    --------
    >>> generator(0, "shuffle", 1).permutation(4).tolist() == generator(0, "shuffle", 1).permutation(4).tolist()
    True
    """
    words = [_integer(name) if isinstance(name, str) else int(name) for name in names]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def row_keys(key: Array, indices: Int[Array, " rows"]) -> Array:
    """One key a sample, from the sample's own index: the same sample draws the same numbers in any batch."""
    return jax.vmap(lambda index: jax.random.fold_in(key, index))(indices)


def split(key: Array | None, num: int) -> list[Array] | list[None]:
    """`num` keys from one key, or from an array of keys elementwise; `None` gives `num` times `None`.

    Examples
    --------
    >>> rows = row_keys(stream(0, "dropout"), jnp.arange(5))
    >>> [keys.shape for keys in split(rows, 2)]
    [(5,), (5,)]
    """
    if key is None:
        return [None] * num
    fold = jax.random.fold_in
    for _ in range(key.ndim):
        fold = jax.vmap(fold, in_axes=(0, None))
    return [fold(key, jnp.uint32(position)) for position in range(num)]
