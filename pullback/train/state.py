"""Everything that training changes, as one value."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from pullback.core.errors import CheckpointError
from pullback.core.trees import flatten_by_path


class TrainingState(NamedTuple):
    r"""State $s_t$ of the recursion $s_{t+1} = \mathrm{step}(s_t, \text{batch}_t)$.

    Everything random is a function of the seed and of `step`, so nothing else is needed to go on exactly.

    Parameters
    ----------
    params : trainable arrays of the model, $\theta_t$.
    memory : state of layers that remember (batch norm), mirrored as a nested dict.
    optimizer : the optimizer's own state; schedules count in it.
    average : exponential moving average of `params`, or None.
    step : number of updates since the start, $t$.
    totals : sufficient statistics of the current epoch.
    first_bad : first update whose loss was not finite, or -1.
    """

    params: PyTree
    memory: dict[str, Any]
    optimizer: PyTree
    average: PyTree
    step: Int[Array, ""]
    totals: dict[str, Any]
    first_bad: Int[Array, ""]


def to_host(tree: PyTree) -> PyTree:
    """Copies of all leaves in host memory; random keys become their raw data."""
    return jax.tree.map(_leaf_to_host, tree)


def _leaf_to_host(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.array(leaf, copy=True)


def to_device(template: PyTree, host: PyTree) -> PyTree:
    """Inverse of `to_host`, with keys restored where `template` has keys. Always fresh buffers, fit to be donated."""
    return jax.tree.map(_leaf_to_device, template, host)


def _leaf_to_device(template: Any, value: np.ndarray) -> Array:
    if jnp.issubdtype(template.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.array(value), impl=jax.random.key_impl(template))
    return jnp.array(value, dtype=template.dtype)


def named_arrays(tree: PyTree, prefix: str) -> dict[str, np.ndarray]:
    """Host leaves by `prefix/path`, ready for a file of named arrays."""
    return {f"{prefix}/{path}": np.asarray(leaf) for path, leaf in flatten_by_path(tree).items()}


def from_named_arrays(template: PyTree, arrays: dict[str, np.ndarray], prefix: str, source: str) -> PyTree:
    """Rebuild `template`'s structure from named arrays; a missing, surplus or misshapen array is an error."""
    expected = {f"{prefix}/{path}": leaf for path, leaf in flatten_by_path(to_host(template)).items()}
    found = {name for name in arrays if name.startswith(f"{prefix}/")}
    for name, leaf in expected.items():
        got = arrays.get(name)
        if got is None or got.shape != leaf.shape or got.dtype != leaf.dtype:
            raise CheckpointError(
                f"{source} does not fit this model and optimizer at {name}",
                expected=f"{leaf.shape} {leaf.dtype}",
                got="nothing" if got is None else f"{got.shape} {got.dtype}",
                fix="pass the model and optimizer that the run was started with",
            )
    if surplus := sorted(found - expected.keys()):
        raise CheckpointError(
            f"{source} holds an array that this model and optimizer do not have",
            expected=f"{len(expected)} arrays",
            got=f"{surplus[0]} ({len(surplus)} surplus)",
            fix="pass the model and optimizer that the run was started with",
        )
    return jax.tree.unflatten(jax.tree.structure(template), [arrays[name] for name in expected])
