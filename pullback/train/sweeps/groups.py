"""Members that one compiled program serves: they differ in numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from pullback.core.errors import ConfigurationError, PullbackError
from pullback.data import Dataset, epoch_order
from pullback.optim import Solver, get_optimizer
from pullback.optim.schedules import Plateau
from pullback.optim.table import DEFAULT_RATE
from pullback.train.experiment import (
    Experiment,
    Prepared,
    check_numbers,
    evaluation_batch_size,
    prepare,
)
from pullback.train.optimizer import choose_optimizer, with_schedules
from pullback.train.step import Examples
from pullback.train.sweeps.members import Member, of_member
from pullback.train.sweeps.rates import dropout_rates, with_dropout_rates

Numbers = Array | np.ndarray


class Values(NamedTuple):
    """The numbers in which members differ, each with a first axis of members, on the host or on the device.

    Parameters
    ----------
    seed : shape (m,).
    rows : training rows of each, shape (m,).
    settings : of the optimizer, by name, shape (m,); a schedule is the table of its values, shape (m, updates).
    dropout : rates, shape (m, layers).
    """

    seed: Int[Numbers, " m"]
    rows: Int[Numbers, " m"]
    settings: dict[str, Float[Numbers, "m ..."]]
    dropout: Float[Numbers, "m layers"]


class Source(NamedTuple):
    """All rows that some member sees, one data set after the other, and where the rows of each member begin."""

    inputs: np.ndarray
    targets: np.ndarray
    ids: np.ndarray
    offsets: tuple[int, ...]
    rows: tuple[int, ...]


class HeldOut(NamedTuple):
    """Rows that are scored, every data set filled up to whole batches with rows of weight zero.

    Parameters
    ----------
    rows : inputs, targets and weights on the device.
    batches : for every member the number of its first batch, and how many there are; shape (m, 2).
    fewest, most : batches of a member.
    """

    rows: tuple[Array, Array, Array]
    batches: np.ndarray
    fewest: int
    most: int


@dataclass(frozen=True)
class Group:
    """Members of one program, prepared and checked."""

    members: tuple[Member, ...]
    prepared: tuple[Prepared, ...]
    values: Values
    train: Source
    validation: Source | None
    # Parameters and memory of every member before the first step, and what the programs hold as constants.
    params: Any
    memory: Any
    static: Any

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def first(self) -> Prepared:
        return self.prepared[0]

    def order(self, epoch: int, chosen: Sequence[int]) -> np.ndarray:
        """Positions in `train` of every chosen member's rows in the order of an epoch, filled up to whole batches."""
        length = self.first.steps_per_epoch * self.first.batch_size
        drawn: dict[tuple[int, int], np.ndarray] = {}
        orders = np.zeros((len(chosen), length), np.int32)
        for place, index in enumerate(chosen):
            key = (self.members[index].experiment.seed, self.train.rows[index])
            if key not in drawn:
                drawn[key] = epoch_order(key[0], epoch, key[1])
            orders[place, : key[1]] = drawn[key] + self.train.offsets[index]
        return orders

    def optimizer(self, settings: dict[str, Any]) -> Any:
        """The transformation with these settings, numbers of one member inside the compiled program."""
        experiment = self.first.experiment
        if not isinstance(experiment.optimizer, str):
            return self.first.optimizer
        now = {name: _looked_up(value) if value.ndim else value for name, value in settings.items()}
        fixed = {name: value for name, value in experiment.optimizer_arguments.items() if name not in now}
        rate = now.pop("learning_rate", experiment.learning_rate or DEFAULT_RATE)
        return get_optimizer(experiment.optimizer, rate, **fixed, **now)


def _looked_up(table: Array) -> Callable[[Any], Array]:
    return lambda step: table[jnp.minimum(jnp.asarray(step, jnp.int32), len(table) - 1)]


def build_groups(members: Sequence[Member]) -> list[Group]:
    """The members sorted into groups, in the order of their first members, each checked as `fit` checks.

    Raises
    ------
    ConfigurationError, DataError, ShapeError
        as `train.fit`, for the first member that does not fit together.
    """
    sorted_out: dict[Any, list[Member]] = {}
    for member in members:
        sorted_out.setdefault(_signature(member.experiment), []).append(member)
    return [_group(found) for found in sorted_out.values()]


def _signature(experiment: Experiment) -> Any:
    model = with_dropout_rates(experiment.model, [0.5] * len(dropout_rates(experiment.model)))
    params, rest = eqx.partition(model, eqx.is_inexact_array)
    leaves = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(params))
    constants = tuple(_constant(leaf) for leaf in jax.tree.leaves(rest))
    optimizer = experiment.optimizer if isinstance(experiment.optimizer, str) else id(experiment.optimizer)
    others = tuple(
        repr(getattr(experiment, name))
        for name in ("loss", "epochs", "batch_size", "metrics", "patience", "monitor", "ema_decay", "accumulate_steps")
    )
    kinds = tuple((n, _kind(value)) for n, value in sorted(experiment.optimizer_arguments.items()))
    functions = (experiment.value_and_grad, _identity(experiment.augment), callable(experiment.learning_rate))
    shapes = tuple(
        _shape(getattr(experiment, f"{name}_data"), experiment.batch_size) for name in ("train", "validation", "test")
    )
    # Of other batches the sums would differ by a rounding.
    scored = evaluation_batch_size([_rows(data) for data in _held_out(experiment)], experiment.batch_size)
    structures = (jax.tree.structure(params), jax.tree.structure(rest))
    return structures, leaves, constants, optimizer, kinds, others, functions, shapes, scored


def _held_out(experiment: Experiment) -> list[Any]:
    sets = (experiment.validation_data, experiment.test_data, experiment.calibration_data)
    return [data for data in sets if data is not None]


def _rows(data: Any) -> int:
    return len(data) if isinstance(data, Dataset) else len(data[0])


def _identity(function: Any) -> Any:
    """Equal for functions that are equal, as the dataclasses of the library are; else for the same object alone."""
    return function if isinstance(function, Hashable) else id(function)


def _constant(leaf: Any) -> Any:
    return (leaf.shape, str(leaf.dtype), np.asarray(leaf).tobytes()) if eqx.is_array(leaf) else repr(leaf)


def _kind(value: Any) -> Any:
    """A number, whatever it is, and a function of updates can be traced; anything else is a constant."""
    if callable(value):
        return "schedule"
    return "number" if isinstance(value, float) else repr(value)


def _shape(data: Any, batch_size: int) -> Any:
    if data is None:
        return None
    inputs, targets = (data.inputs, data.targets) if isinstance(data, Dataset) else map(np.asarray, data)
    # A size that is no size is refused where the members are checked, with the setting that it has.
    return (
        -(-len(inputs) // max(batch_size, 1)),
        inputs.shape[1:],
        targets.shape[1:],
        str(inputs.dtype),
        str(targets.dtype),
    )


def _group(members: list[Member]) -> Group:
    prepared = _prepared(members)
    first = prepared[0]
    rates = [dropout_rates(member.experiment.model) for member in members]
    params, static = _partitioned(prepared, rates[0])
    validation = None if first.validation_data is None else _source([each.validation_data for each in prepared])
    train = _source([each.train_data for each in prepared])
    values = Values(
        np.asarray([member.experiment.seed for member in members], np.int32),
        np.asarray(train.rows, np.int32),
        _settings(prepared),
        np.asarray(rates, np.float32).reshape(len(members), -1),
    )
    return Group(
        members=tuple(members),
        prepared=tuple(prepared),
        values=values,
        train=train,
        validation=validation,
        params=_stacked(params),
        memory=_stacked([each.memory for each in prepared]),
        static=static,
    )


def _partitioned(prepared: Sequence[Prepared], dropout: Sequence[float]) -> tuple[list[Any], Any]:
    """The parameters of every member, and what all models have besides; equal models are looked at once."""
    found: dict[int, tuple[Any, Any]] = {}
    for each in prepared:
        model = each.experiment.model
        if id(model) not in found:
            params, static = eqx.partition(with_dropout_rates(model, dropout), eqx.is_inexact_array)
            found[id(model)] = (jax.tree.map(np.asarray, params), static)
    own = [found[id(each.experiment.model)] for each in prepared]
    return [params for params, _ in own], own[0][1]


def _stacked(trees: list[Any]) -> Any:
    """With a first axis of members, on the host: stacking on the device would be compiled for every shape."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def _prepared(members: list[Member]) -> list[Prepared]:
    """Each experiment prepared; one whose data are another's is only looked at where it differs."""
    found: dict[Any, Prepared] = {}
    prepared = []
    for member in members:
        experiment = member.experiment
        data = tuple(id(getattr(experiment, f"{n}_data")) for n in ("train", "validation", "test", "calibration"))
        try:
            if data not in found:
                found[data] = prepare(experiment)
            like = found[data]
            prepared.append(like if like.experiment is experiment else _prepared_like(like, experiment))
            _check_sweepable(prepared[-1])
        except PullbackError as error:
            raise of_member(error, member.settings) from None
    return prepared


def _prepared_like(like: Prepared, experiment: Experiment) -> Prepared:
    check_numbers(experiment)
    experiment = with_schedules(experiment, like.steps_per_epoch)
    optimizer = choose_optimizer(experiment, like.steps_per_epoch, like.metrics)
    return replace(like, experiment=experiment, optimizer=optimizer)


def _check_sweepable(prepared: Prepared) -> None:
    if prepared.experiment.on_non_finite != "stop":
        raise ConfigurationError(
            "a member of a sweep that is not finite ends, and the others go on",
            expected='on_non_finite="stop"',
            got=f"on_non_finite={prepared.experiment.on_non_finite!r}",
            fix="leave it out, or call train.fit for each setting",
        )
    solver = isinstance(prepared.optimizer, Solver)
    if solver or isinstance(prepared.experiment.learning_rate, Plateau):
        what = "a solver, which sees the objective" if solver else "a plateau, which waits for validation scores"
        raise ConfigurationError(
            f"a sweep cannot follow {what}",
            expected="an optimizer that is given the gradient, at a rate that is a number or a schedule",
            got=f"optimizer={prepared.experiment.optimizer!r}, learning_rate={prepared.experiment.learning_rate!r}",
            fix="call train.fit for each setting",
        )


def _source(sets: Sequence[Dataset | None]) -> Source:
    unique: dict[int, Dataset] = {id(data): data for data in sets if data is not None}
    starts, position = {}, 0
    for key, data in unique.items():
        starts[key] = position
        position += len(data)
    parts = list(unique.values())
    rows = tuple(0 if data is None else len(data) for data in sets)
    return Source(
        inputs=_joined([data.inputs for data in parts]),
        targets=_joined([data.targets for data in parts]),
        ids=_joined([data.indices for data in parts]),
        offsets=tuple(starts[id(data)] for data in sets),
        rows=rows,
    )


def _joined(parts: list[Any]) -> np.ndarray:
    return np.asarray(parts[0]) if len(parts) == 1 else np.concatenate(parts)


def _settings(prepared: Sequence[Prepared]) -> dict[str, Numbers]:
    """What differs among the members, and every schedule, as arrays."""
    experiments = [each.experiment for each in prepared]
    if not isinstance(experiments[0].optimizer, str):
        return {}
    found = {}
    rates = [DEFAULT_RATE if each.learning_rate is None else each.learning_rate for each in experiments]
    given: dict[str, list[Any]] = {"learning_rate": rates} | {
        name: [each.optimizer_arguments[name] for each in experiments] for name in experiments[0].optimizer_arguments
    }
    updates = prepared[0].steps_per_epoch * experiments[0].epochs
    for name, values in given.items():
        if callable(values[0]):
            found[name] = jnp.stack([_table(schedule, updates) for schedule in values])
        elif len(set(map(repr, values))) > 1:
            found[name] = np.asarray(values, jnp.result_type(float))
    return found


def _table(schedule: Callable[[Any], Any], updates: int) -> Float[Array, " updates"]:
    return jax.vmap(lambda step: jnp.asarray(schedule(step), jnp.result_type(float)))(jnp.arange(updates))


def held_out_of(source: Source, size: int) -> HeldOut:
    """The rows on the device, in batches of `size`."""
    firsts: dict[int, int] = {}
    places, weights = list[np.ndarray](), list[np.ndarray]()
    for offset, rows in zip(source.offsets, source.rows, strict=True):
        if offset not in firsts:
            filled = np.arange(-(-rows // size) * size)
            firsts[offset] = sum(map(len, places)) // size
            places.append(offset + np.minimum(filled, rows - 1))
            weights.append((filled < rows).astype(np.float32))
    chosen = np.concatenate(places)
    counts = [-(-rows // size) for rows in source.rows]
    batches = np.array([(firsts[offset], n) for offset, n in zip(source.offsets, counts, strict=True)], np.int32)
    arrays = jax.device_put((source.inputs[chosen], source.targets[chosen], np.concatenate(weights)))
    return HeldOut(arrays, batches, min(counts), max(counts))


def data_of(source: Source) -> Examples:
    """The rows on the device."""
    inputs, targets, ids = jax.device_put((source.inputs, source.targets, source.ids))
    return Examples(inputs, targets, ids)
