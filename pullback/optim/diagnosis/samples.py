"""Samples at which a property of a function is asked."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, DataError
from pullback.core.precision import double_precision
from pullback.linalg.start import as_key
from pullback.optim.minimize_arguments import as_start


def as_samples(points: Any, box: Any, sampler: Any, count: int, key: Any) -> Any:
    """The samples stacked along a first axis, from the one source that was given."""
    given = [name for name, source in (("points", points), ("box", box), ("sampler", sampler)) if source is not None]
    if len(given) != 1:
        raise ConfigurationError(
            "the samples come from one source",
            expected="exactly one of points, box, sampler",
            got=" and ".join(given) or "none of them",
            fix="pass box=(lower, upper) to draw uniformly",
        )
    if positive_integer("samples", count) < 2:
        raise ConfigurationError("one sample has no partner", expected="samples >= 2", got="1", fix="draw more")
    if box is not None:
        return _from_box(*_bounds(box), count, key)
    if sampler is not None:
        return as_start(_drawn(sampler, count, key), "the sample")
    stacked = as_start(points, "points")
    lengths = {leaf.shape[:1] for leaf in jax.tree.leaves(stacked)}
    if len(lengths) != 1 or min(lengths) < (2,):
        raise DataError(
            "points carry a first axis, one entry a sample",
            expected="arrays of shape (samples, ...), with the same number of samples, at least 2",
            got=", ".join(str(leaf.shape) for leaf in jax.tree.leaves(stacked)),
            fix="stack the samples along the first axis",
        )
    return stacked


def _bounds(box: Any) -> tuple[Any, Any]:
    if not isinstance(box, list | tuple) or len(box) != 2:
        raise ConfigurationError(
            "box is not a pair", expected="(lower, upper)", got=repr(box), fix="pass box=(lower, upper)"
        )
    lower, upper = as_start(box[0], "box[0]"), as_start(box[1], "box[1]")
    shapes = [jax.tree.map(np.shape, side) for side in (lower, upper)]
    if shapes[0] != shapes[1]:
        raise ConfigurationError(
            "the sides of box differ in structure",
            expected=f"the shapes of the lower side, {shapes[0]}",
            got=str(shapes[1]),
            fix="give both sides the structure of one sample",
        )
    for low, high in zip(jax.tree.leaves(lower), jax.tree.leaves(upper), strict=True):
        crossed = np.argwhere(~(np.asarray(low) < np.asarray(high)))
        if len(crossed):
            place = tuple(crossed[0])
            raise ConfigurationError(
                "box is empty",
                expected="lower < upper in every entry",
                got=f"{np.asarray(low)[place]} and {np.asarray(high)[place]} in entry {list(map(int, place))}",
                fix="exchange or widen them",
            )
    return lower, upper


@double_precision
def _from_box(lower: Any, upper: Any, count: int, key: Any) -> Any:
    low, unravel = ravel_pytree(lower)
    share = jax.random.uniform(as_key(key, "samples of a box"), (count, low.size), low.dtype)
    return jax.vmap(unravel)(low + share * (ravel_pytree(upper)[0] - low))


@double_precision
def _drawn(sampler: Any, count: int, key: Any) -> Any:
    keys = jax.random.split(as_key(key, "samples"), count)
    return jax.tree.map(jnp.asarray, jax.vmap(sampler)(keys))
