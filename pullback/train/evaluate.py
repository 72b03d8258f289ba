"""Evaluation and prediction in batches of one fixed size, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError
from pullback.nn.probe import probe
from pullback.nn.state import has_memory, init_state
from pullback.train.program import Programs
from pullback.train.step import add_rows, call_model, init_totals


class Evaluation(NamedTuple):
    """Result over a whole data set: statistics, and row by row the outputs and losses."""

    totals: dict[str, Any]
    outputs: np.ndarray
    losses: np.ndarray


def evaluation_function(static: Any, loss: Any, metrics: tuple[Any, ...]) -> Callable[..., Any]:
    """The function compiled for evaluation: one batch, with the statistics carried along."""

    def run(
        params: list[Array], memory: dict[str, Any], totals: dict[str, Any], batch: tuple[Array, Array, Array]
    ) -> tuple[dict[str, Any], Array, Array]:
        inputs, targets, weights = batch
        model = eqx.combine(jax.tree.unflatten(static.structure, params), static.rest)
        outputs, _ = call_model(model, memory, inputs, None, False)
        losses = loss(outputs, targets)
        return add_rows(totals, metrics, outputs, targets, losses, weights), outputs, losses

    return run


def evaluation_program(
    programs: Programs, static: Static, loss: Any, metrics: tuple[Any, ...], arguments: tuple[Any, ...]
) -> Callable[..., Any]:
    """The compiled evaluation for arguments of these shapes."""
    return programs.get("evaluation", evaluation_function(static, loss, metrics), arguments)


def padded_batches(arrays: tuple[Any, ...], size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Batches of exactly `size` rows with a weight a row; the last is filled with copies of its first row."""
    total = len(arrays[0])
    for start in range(0, total, size):
        count = min(size, total - start)
        rows = np.minimum(np.arange(start, start + size), start + count - 1) if count < size else None
        parts = tuple(np.asarray(a[start : start + size] if rows is None else a[rows]) for a in arrays)
        yield *parts, (np.arange(size) < count).astype(np.float32)


class Static(NamedTuple):
    """The part of a model that a program is compiled for, and the structure of the other part."""

    rest: Any
    structure: Any


def split_model(model: Any) -> tuple[list[Array], Static]:
    """Trainable arrays as a flat list, and all the rest."""
    params, rest = eqx.partition(model, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(params)
    return leaves, Static(rest, structure)


def evaluate_arrays(
    programs: Programs,
    static: Static,
    loss: Any,
    metrics: tuple[Any, ...],
    params: list[Array],
    memory: dict[str, Any],
    inputs: np.ndarray,
    targets: np.ndarray,
    batch_size: int,
) -> Evaluation:
    """Statistics, outputs and losses of a model over arrays in host memory."""
    totals = init_totals(metrics)
    outputs, losses = [], []
    for *batch, weights in padded_batches((inputs, targets), batch_size):
        arguments = (params, memory, totals, (*map(jax.numpy.asarray, batch), jax.numpy.asarray(weights)))
        program = evaluation_program(programs, static, loss, metrics, arguments)
        totals, batch_outputs, batch_losses = program(*arguments)
        count = int(weights.sum())
        outputs.append(np.asarray(batch_outputs)[:count])
        losses.append(np.asarray(batch_losses)[:count])
    return Evaluation(totals, np.concatenate(outputs), np.concatenate(losses))


def predict(model: Any, inputs: Any, state: dict[str, Any] | None = None, batch_size: int = 256) -> np.ndarray:
    r"""Outputs $f_\theta(x_i)$ of a trained model for all rows, in bounded memory.

    Parameters
    ----------
    model : a model that meets the layer contract.
    inputs : shape (n, ...), anything that slices to arrays row by row: NumPy, a memory map, JAX.
    state : memory of the model (`Run.state`); needed by a model with memory.
    batch_size : rows computed at once; memory beyond the outputs is that of one batch.

    Returns
    -------
    NumPy array of shape (n, ...), row i for `inputs[i]`.

    Raises
    ------
    DataError
        if there are no rows or the state of a model with memory is missing.
    ShapeError
        if a layer cannot take the rows; names the layer.

    Examples
    --------
    >>> from pullback import nn
    >>> model = nn.Linear(3, 2, key=jax.random.key(0))
    >>> predict(model, np.ones((5, 3), np.float32), batch_size=2).shape
    (5, 2)
    """
    positive_integer("batch_size", batch_size)
    memory = _memory(model, state)
    if len(inputs) == 0:
        raise DataError("there are no rows to predict", expected="at least one row", got="0 rows", fix="pass rows")
    size = min(batch_size, len(inputs))
    check_rows(model, memory, inputs, size)
    leaves, static = split_model(model)

    def run(params: list[Array], memory: dict[str, Any], batch: Array) -> Array:
        whole = eqx.combine(jax.tree.unflatten(static.structure, params), static.rest)
        return call_model(whole, memory, batch, None, False)[0]

    programs, outputs = Programs(), []
    for batch, weights in padded_batches((inputs,), size):
        arguments = (leaves, memory, jax.numpy.asarray(as_input(batch)))
        program = programs.get("prediction", run, arguments)
        outputs.append(np.asarray(program(*arguments))[: int(weights.sum())])
    return np.concatenate(outputs)


def as_input(array: Any) -> np.ndarray:
    """Host array in a dtype the device takes as it is: float64 becomes float32 while double precision is off."""
    array = np.asarray(array)
    return array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)


def check_rows(model: Any, memory: dict[str, Any], inputs: Any, size: int) -> jax.ShapeDtypeStruct:
    """Shape of the outputs for `size` rows, found without computing; a layer that cannot take them is named."""
    row = as_input(inputs[:1])
    batch = jax.ShapeDtypeStruct((size, *row.shape[1:]), row.dtype)
    probed = probe(model, lambda path, module, x, y: y)
    return jax.eval_shape(lambda x: call_model(probed, memory, x, None, False)[0], batch)


def _memory(model: Any, state: dict[str, Any] | None) -> dict[str, Any]:
    if not has_memory(model):
        return {}
    if not state:
        raise DataError(
            "the model has layers with memory, and their state is missing",
            expected=f"state with the entries {', '.join(init_state(model))}",
            got="no state",
            fix="pass state=run.state",
        )
    return state
