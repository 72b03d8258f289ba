"""A user's function, written with JAX or with NumPy, as a float64 function between vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from pullback.autodiff.coordinates import Coordinates, coordinates, kind
from pullback.core.errors import DerivativeError
from pullback.core.trees import path_string


@dataclass(frozen=True)
class VectorFunction:
    """Values of a function for vectors of its arguments' entries.

    Parameters
    ----------
    inputs, outputs : how the vectors are numbered; `outputs` at the point where it was prepared.
    epsilon : spacing of the results' precision at 1: that of float32 for a function that returns float32.
    call : from a real or complex vector to the vector of results.
    """

    inputs: Coordinates
    outputs: Coordinates
    epsilon: float
    call: Callable[[np.ndarray], np.ndarray]


def vector_function(function: Callable[[Any], Any], inputs: Coordinates) -> VectorFunction:
    """Evaluate `function` once at its point and describe it as a function between vectors.

    Errors
    ------
    `DerivativeError` for results that are not real numbers.

    Examples
    --------
    >>> found = vector_function(lambda x: {"sum": np.sum(x["a"])}, coordinates({"a": np.array([1.0, 2.0])}))
    >>> found.outputs.paths, found.call(np.array([3.0, 4.0])).tolist(), found.epsilon == 2.0**-52
    (('sum',), [7.0], True)
    """
    evaluate = _evaluation(function, inputs)
    result = evaluate(inputs.vector)
    _check_results(result)
    outputs = coordinates(result)
    numbers = outputs.positions

    def call(vector: np.ndarray) -> np.ndarray:
        leaves = jax.tree.leaves(evaluate(vector))
        entries = [np.ravel(np.asarray(leaves[number])) for number in numbers]
        return np.concatenate([np.zeros(0), *entries])

    return VectorFunction(inputs, outputs, max(map(_epsilon, jax.tree.leaves(result)), default=0.0), call)


def _evaluation(function: Callable[[Any], Any], inputs: Coordinates) -> Callable[[np.ndarray], Any]:
    """`function` of a vector: compiled if JAX can trace it, else called with NumPy arrays."""
    compiled = jax.jit(lambda vector: function(inputs.tree(vector)))

    def compiled_call(vector: np.ndarray) -> Any:
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, compiled(vector))

    def plain_call(vector: np.ndarray) -> Any:
        with jax.enable_x64(True), np.errstate(all="ignore"):
            return function(inputs.tree(vector))

    try:
        compiled_call(inputs.vector)
    except Exception:
        # NumPy refuses what JAX traces with, in many ways. An error of the function itself comes again.
        return plain_call
    return compiled_call


def _check_results(result: Any) -> None:
    found = jax.tree_util.tree_leaves_with_path(result)
    kinds = [kind(leaf) for _, leaf in found]
    if "real" in kinds and "complex" not in kinds:
        return
    where, sort = next(
        ((path_string(path), sort) for (path, _), sort in zip(found, kinds, strict=True) if sort != "real"),
        ("", "nothing"),
    )
    raise DerivativeError(
        f"the function returns no real numbers{' at ' + where if where else ''}",
        expected="an array of real numbers, or a nested structure with at least one",
        got=sort,
        fix="return real numbers; for complex ones their real and imaginary parts",
    )


def _epsilon(leaf: Any) -> float:
    return float(jax.numpy.finfo(np.result_type(leaf)).eps) if kind(leaf) == "real" else 0.0
