"""A whole experiment as one value, and its checks before the first step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr
from jaxtyping import Array

from pullback.autodiff import equations
from pullback.core.checks import fraction, positive_integer
from pullback.core.errors import ConfigurationError, DataError, PullbackError, ShapeError, unknown_name
from pullback.data import Dataset
from pullback.metrics import Metric, get_metrics
from pullback.nn.losses import check_head, check_targets, get_loss
from pullback.nn.probe import probe
from pullback.nn.state import has_memory, init_state
from pullback.optim import Optimizer
from pullback.optim.schedules import Plateau
from pullback.optim.stability_edge import has_stability_edge
from pullback.train.evaluate import as_input
from pullback.train.optimizer import choose_optimizer, with_schedules
from pullback.train.step import call_model

Data = Dataset | tuple[Any, Any]
ON_NON_FINITE = ("stop", "restart")


@dataclass(frozen=True)
class Experiment:
    """What `fit` takes, as a value that a recipe returns and a run folder describes; the fields are those of `fit`.

    Besides, `preprocessing` are the steps that made the inputs, in their order; `notes` are what a recipe has to say of
    its data, shown before the first step.
    """

    model: Any
    train_data: Data | None
    loss: Any
    optimizer: str | Optimizer = "adam"
    learning_rate: float | Callable[..., Any] | Plateau | None = None
    optimizer_arguments: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 10
    batch_size: int = 64
    validation_data: Data | None = None
    test_data: Data | None = None
    calibration_data: Data | None = None
    metrics: tuple[str | Metric, ...] = ()
    seed: int = 0
    value_and_grad: Callable[..., Any] = jax.value_and_grad
    augment: Callable[[Array, Array], Array] | None = None
    patience: int | None = None
    monitor: str = "loss"
    ema_decay: float | None = None
    accumulate_steps: int = 1
    on_non_finite: str = "stop"
    max_restarts: int = 3
    watch_learning_rate: bool | int = False
    preprocessing: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """An experiment whose every name is resolved and every value checked."""

    experiment: Experiment
    train_data: Dataset
    validation_data: Dataset | None
    test_data: Dataset | None
    calibration_data: Dataset | None
    loss: Any
    optimizer: Optimizer
    metrics: tuple[Metric, ...]
    memory: dict[str, Any]
    batch_size: int
    key_per_row: bool
    convolutional: bool
    notes: tuple[str, ...] = field(default=())

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.train_data) // self.batch_size)

    @property
    def evaluation_batch_size(self) -> int:
        sets = (self.validation_data, self.test_data, self.calibration_data)
        return evaluation_batch_size([len(data) for data in sets if data is not None], self.batch_size)


def evaluation_batch_size(held_out: Sequence[int], batch_size: int) -> int:
    """Rows that are evaluated at once, for held-out sets of so many rows."""
    return min(max(held_out, default=1), max(256, batch_size))


def prepare(experiment: Experiment) -> Prepared:
    """Check everything that can be checked before the first step; nothing is written and nothing computed."""
    notes: list[str] = []
    check_numbers(experiment)
    _check_model(experiment.model)
    loss = get_loss(experiment.loss)
    sets = {
        name: _dataset(getattr(experiment, f"{name}_data"), loss, name, notes)
        for name in ("train", "validation", "test", "calibration")
    }
    train_data = sets["train"]
    if train_data is None:
        raise DataError(
            "there are no training data", expected="a Dataset or (inputs, targets)", got="None", fix="pass train_data"
        )
    sets = {name: _matching(train_data, data, name) for name, data in sets.items()}
    metrics = get_metrics(experiment.metrics, train_data.num_classes)
    _check_metrics(metrics, loss)
    _check_monitor(experiment, metrics)
    batch_size = _batch_size(experiment, train_data, notes)
    steps_per_epoch = -(-len(train_data) // batch_size)
    experiment = with_schedules(experiment, steps_per_epoch)
    optimizer = choose_optimizer(experiment, steps_per_epoch, metrics)
    if experiment.watch_learning_rate and not has_stability_edge(experiment.optimizer):
        which = (
            experiment.optimizer if isinstance(experiment.optimizer, str) else "an optimizer that is not given by name"
        )
        notes.append(f"no curvature bounds the rate of {which}: the curvature is logged, without a label")
    outputs, key_per_row, convolutional = _dry_run(experiment, train_data, batch_size, notes)
    check_head(experiment.model, loss, train_data.inputs.shape[1:])
    _check_outputs(loss, outputs, sets)
    _check_calibration(experiment, sets["calibration"])
    return Prepared(
        experiment=experiment,
        train_data=train_data,
        validation_data=sets["validation"],
        test_data=sets["test"],
        calibration_data=sets["calibration"],
        loss=loss,
        optimizer=optimizer,
        metrics=metrics,
        memory=init_state(experiment.model),
        batch_size=batch_size,
        key_per_row=key_per_row,
        convolutional=convolutional,
        notes=(*experiment.notes, *notes),
    )


def check_numbers(experiment: Experiment) -> None:
    """Raise for a setting out of its range, before anything is looked at that costs time."""
    for name in ("epochs", "batch_size", "accumulate_steps", "max_restarts"):
        positive_integer(name, getattr(experiment, name))
    if experiment.patience is not None:
        positive_integer("patience", experiment.patience)
    if not isinstance(experiment.watch_learning_rate, bool):
        positive_integer("watch_learning_rate", experiment.watch_learning_rate)
    if experiment.on_non_finite not in ON_NON_FINITE:
        raise unknown_name("on_non_finite", experiment.on_non_finite, ON_NON_FINITE)
    if experiment.ema_decay is not None:
        fraction("ema_decay", experiment.ema_decay)
    if isinstance(experiment.seed, bool) or not isinstance(experiment.seed, int) or not 0 <= experiment.seed < 2**31:
        raise ConfigurationError(
            "seed must be a non-negative integer", expected="0 <= seed < 2**31", got=repr(experiment.seed), fix="use 0"
        )
    if experiment.patience is not None and experiment.validation_data is None:
        raise ConfigurationError(
            "early stopping needs validation data",
            expected="validation_data beside patience",
            got=f"patience={experiment.patience} without validation_data",
            fix="pass validation_data, or leave patience out",
        )
    size, parts = experiment.batch_size, experiment.accumulate_steps
    if size % parts:
        raise ConfigurationError(
            "the batch cannot be cut into equal parts",
            expected="batch_size a multiple of accumulate_steps",
            got=f"batch_size={size}, accumulate_steps={parts}",
            fix=f"choose batch_size={-(-size // parts) * parts}",
        )


def _check_model(model: Any) -> None:
    if not isinstance(model, eqx.Module) or not callable(model):
        raise ConfigurationError(
            "the model is not an equinox.Module that can be called",
            expected="an equinox.Module with __call__(x, *, key=None, training=False)",
            got=type(model).__name__,
            fix="derive the model from equinox.Module",
        )
    if not any(eqx.is_inexact_array(leaf) for leaf in jax.tree.leaves(model)):
        raise ConfigurationError(
            "the model has nothing to train", expected="at least one floating array", got="none", fix="add a layer"
        )
    parameters = inspect.signature(type(model).__call__).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    missing = {"key", "training"} - {parameter.name for parameter in parameters}
    if missing:
        memory = ", state" if has_memory(model) else ""
        raise ConfigurationError(
            f"the model's __call__ does not take {' and '.join(sorted(missing))}",
            expected=f"__call__(self, x{memory}, *, key=None, training=False)",
            got=f"{type(model).__name__}.__call__{inspect.signature(type(model).__call__)}",
            fix="add the keyword arguments; a model without randomness may ignore them",
        )


def _dataset(data: Data | None, loss: Any, name: str, notes: list[str]) -> Dataset | None:
    if data is None:
        return None
    if not isinstance(data, Dataset):
        task = {"class_index": "classification", "binary": "binary", "real": "regression"}[loss.target_kind]
        inputs, targets = _pair(data, name)
        data = Dataset(inputs=inputs, targets=targets, task=task, name=name)
    inputs, targets = as_input(data.inputs), as_input(data.targets)
    if inputs.dtype != data.inputs.dtype:
        notes.append(f"{name} inputs are cast from {data.inputs.dtype} to {inputs.dtype}")
    unchanged = inputs is data.inputs and targets is data.targets
    return data if unchanged else replace(data, inputs=inputs, targets=targets)


def _pair(data: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(data, tuple | list) and len(data) == 2:
        return np.asarray(data[0]), np.asarray(data[1])
    raise DataError(
        f"{name} data are not understood",
        expected="a Dataset or a pair (inputs, targets)",
        got=type(data).__name__,
        fix="pass (inputs, targets) as two arrays",
    )


def _matching(train_data: Dataset, data: Dataset | None, name: str) -> Dataset | None:
    if data is None or data is train_data:
        return data
    if data.inputs.shape[1:] != train_data.inputs.shape[1:] or data.inputs.dtype != train_data.inputs.dtype:
        raise ShapeError(
            f"{name} inputs differ from the training inputs",
            expected=f"(n, {', '.join(map(str, train_data.inputs.shape[1:]))}) {train_data.inputs.dtype}",
            got=f"{data.inputs.shape} {data.inputs.dtype}",
            fix="prepare all parts in the same way",
        )
    if train_data.class_names is not None and (data.num_classes or 0) < (train_data.num_classes or 0):
        return replace(data, class_names=train_data.class_names)
    return data


def _check_metrics(metrics: tuple[Metric, ...], loss: Any) -> None:
    for metric in metrics:
        if loss.target_kind not in metric.target_kinds:
            raise ConfigurationError(
                f"the metric {metric.name} does not belong to the loss {loss.name}",
                expected=f"a metric for targets of the kind {loss.target_kind}",
                got=f"{metric.name}, for {' or '.join(metric.target_kinds)}",
                fix="choose another metric",
            )


def _check_monitor(experiment: Experiment, metrics: tuple[Metric, ...]) -> None:
    known = ["loss", *(metric.name for metric in metrics)]
    if experiment.monitor not in known:
        raise unknown_name("monitor", experiment.monitor, known)


def _batch_size(experiment: Experiment, data: Dataset, notes: list[str]) -> int:
    size = experiment.batch_size
    if size <= len(data):
        return size
    parts = experiment.accumulate_steps
    smaller = -(-len(data) // parts) * parts
    notes.append(f"batch_size {size} is larger than the {len(data)} training rows: every batch is the whole data set")
    return smaller


def convolves(program: ClosedJaxpr) -> bool:
    """Whether a traced program holds a convolution, which decides how it is best compiled on a CPU."""
    return any(equation.primitive.name == "conv_general_dilated" for equation in equations(program))


class _Trace(NamedTuple):
    outputs: jax.ShapeDtypeStruct
    key_per_row: bool
    convolutional: bool


def _dry_run(experiment: Experiment, data: Dataset, batch_size: int, notes: list[str]) -> _Trace:
    """Trace one training call of the model, which finds every wrong shape and names the layer, without computing."""
    rows = batch_size // experiment.accumulate_steps
    probed = probe(experiment.model, lambda path, module, x, y: y)
    memory = init_state(experiment.model)
    inputs = jax.ShapeDtypeStruct((rows, *data.inputs.shape[1:]), data.inputs.dtype)
    if experiment.augment is not None:
        inputs = _augmented_shape(experiment.augment, inputs)
    one_key = jax.eval_shape(lambda: jax.random.key(0))
    row_keys = jax.ShapeDtypeStruct((rows,), one_key.dtype)

    def call(x: Array, key: Array) -> Any:
        return call_model(probed, memory, x, key, True)[0]

    try:
        program, outputs = jax.make_jaxpr(call, return_shape=True)(inputs, row_keys)
        return _Trace(outputs, True, convolves(program))
    except (PullbackError, TypeError, ValueError, IndexError) as error:
        try:
            program, outputs = jax.make_jaxpr(call, return_shape=True)(inputs, one_key)
        except (PullbackError, TypeError, ValueError, IndexError):
            raise error from None
        notes.append("the model takes one random key a step, not one a row: its randomness depends on the batch")
        return _Trace(outputs, False, convolves(program))


def _augmented_shape(augment: Callable[[Array, Array], Array], inputs: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
    one_key = jax.eval_shape(lambda: jax.random.key(0))
    result = jax.eval_shape(augment, one_key, jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype))
    if result.shape != inputs.shape[1:]:
        raise ShapeError(
            "the augmentation changes the shape of an example",
            expected=f"{inputs.shape[1:]}",
            got=f"{result.shape}",
            fix="crop after padding, so that the shape stays",
        )
    return jax.ShapeDtypeStruct((inputs.shape[0], *result.shape), result.dtype)


def _check_outputs(loss: Any, outputs: jax.ShapeDtypeStruct, sets: dict[str, Dataset | None]) -> None:
    for data in sets.values():
        if data is None:
            continue
        check_targets(loss, data.targets, (len(data), *outputs.shape[1:]))
        targets = jax.ShapeDtypeStruct((outputs.shape[0], *data.targets.shape[1:]), data.targets.dtype)
        losses = jax.eval_shape(loss, outputs, targets)
        if losses.shape != (outputs.shape[0],):
            raise ShapeError(
                f"the loss {loss.name} does not give one value an example",
                expected=f"{(outputs.shape[0],)}",
                got=f"{losses.shape} for outputs {outputs.shape} and targets {targets.shape}",
                fix="reduce the loss over all axes but the first",
            )
    if not jnp.issubdtype(outputs.dtype, jnp.floating):
        raise ShapeError("the model's outputs are not real numbers", expected="float", got=str(outputs.dtype))


def _check_calibration(experiment: Experiment, data: Dataset | None) -> None:
    if data is None:
        return
    for name in ("train", "validation", "test"):
        if getattr(experiment, f"{name}_data") is experiment.calibration_data:
            raise ConfigurationError(
                f"the calibration data are the {name} data",
                expected="rows that are used for nothing else",
                got=f"calibration_data is {name}_data",
                fix="split off rows of their own: data.split(..., {'calibration': 0.1, ...})",
            )
    if data.task != "regression" and data.targets[0].size != 1:
        raise DataError(
            "sets of classes are calibrated for one label a row",
            expected="targets of shape (n,)",
            got=f"{data.targets.shape}",
            fix="leave calibration_data out",
        )
