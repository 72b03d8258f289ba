"""The model in training on held-out rows: compiled ahead, evaluated, its scores as numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from pullback.data import Dataset
from pullback.metrics.metric import two_float
from pullback.prob import Interval, mean_interval
from pullback.train.evaluate import Evaluation, evaluate_arrays, evaluation_program
from pullback.train.loop import Loop, evaluated_params
from pullback.train.step import init_totals


def validation_program(loop: Loop, data: Dataset) -> None:
    """Compile the evaluation before the training data take memory beside the compiler."""
    prepared, size = loop.prepared, loop.prepared.evaluation_batch_size
    batch = tuple(jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype) for array in (data.inputs, data.targets))
    params, totals = jax.tree.leaves(evaluated_params(loop)), init_totals(prepared.metrics)
    arguments = (params, loop.state.memory, totals, (*batch, jax.ShapeDtypeStruct((size,), jnp.float32)))
    evaluation_program(loop.programs, loop.static, prepared.loss, prepared.metrics, arguments)


def validate(loop: Loop, data: Dataset) -> Evaluation:
    """Evaluate the current parameters."""
    params = jax.tree.leaves(evaluated_params(loop))
    return evaluate_dataset(loop, params, loop.state.memory, data)


def evaluate_dataset(loop: Loop, params: list[Array], memory: dict[str, Any], data: Dataset) -> Evaluation:
    """Evaluate these parameters with this memory."""
    prepared = loop.prepared
    size = prepared.evaluation_batch_size
    loss, metrics = prepared.loss, prepared.metrics
    return evaluate_arrays(loop.programs, loop.static, loss, metrics, params, memory, data.inputs, data.targets, size)


def scores(metrics: tuple[Any, ...], totals: dict[str, Any]) -> dict[str, float]:
    """The loss and every metric as numbers."""
    count = int(totals["loss"]["count"])
    loss = two_float(totals["loss"]["total"]) / count
    return {"loss": loss} | {metric.name: metric.compute(totals[metric.name]) for metric in metrics}


def intervals(metrics: tuple[Any, ...], totals: dict[str, Any], level: float = 0.95) -> dict[str, Interval]:
    """The loss and every metric with their intervals."""
    loss = totals["loss"]
    of_loss = mean_interval(int(loss["count"]), two_float(loss["total"]), two_float(loss["squares"]), level)
    return {"loss": of_loss} | {metric.name: metric.interval(totals[metric.name], level) for metric in metrics}
