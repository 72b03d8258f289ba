"""The members of a sweep: every combination of the values of its axes, each an experiment of its own."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import numpy as np

from pullback.core.errors import ConfigurationError, PullbackError, unknown_name
from pullback.data import Dataset
from pullback.optim.table import optimizer_arguments
from pullback.train.experiment import Experiment

Source = Experiment | Callable[..., Experiment]
Axes = Mapping[str, Iterable[Any]]

FIELDS = tuple(each.name for each in dataclasses.fields(Experiment))


@dataclass(frozen=True)
class Member:
    """One experiment of a sweep.

    Parameters
    ----------
    number : from 0, in the order of the axes, the last of which changes quickest.
    settings : its value on every axis.
    experiment : what `train.run` would run alone.
    """

    number: int
    settings: dict[str, Any]
    experiment: Experiment


def combinations(axes: Axes) -> list[dict[str, Any]]:
    """Every combination of the values, in the order of the axes.

    Raises
    ------
    ConfigurationError
        if there is no axis, or one has no value or a value twice.

    Examples
    --------
    >>> combinations({"learning_rate": [0.1, 0.2], "seed": [0]})
    [{'learning_rate': 0.1, 'seed': 0}, {'learning_rate': 0.2, 'seed': 0}]
    """
    values = {name: [_plain(value) for value in given] for name, given in axes.items()}
    for name, given in values.items() or [("axes", [])]:
        if not given or len({repr(value) for value in given}) < len(given):
            raise ConfigurationError(
                f"{name} does not span a sweep",
                expected="at least one value, none of them twice",
                got=repr(given),
                fix='pass for example {"learning_rate": [1e-3, 1e-2], "seed": [0, 1]}',
            )
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def build_members(source: Source, axes: Axes) -> list[Member]:
    """The experiments of all combinations.

    A source that is an experiment is changed in the fields and the optimizer's arguments that the axes name. One that
    is a function is called with the values of the axes it takes; the others are changed in what it returns.

    Raises
    ------
    ConfigurationError
        for an axis that neither the function, nor the experiment, nor its optimizer has.
    """
    settings = combinations(axes)
    taken = _parameters(source, settings[0])
    maker = _Maker(source, taken)
    experiments = [maker.make(each, settings) for each in settings]
    return [Member(number, each, made) for number, (each, made) in enumerate(zip(settings, experiments, strict=True))]


class _Maker:
    """Calls a function as seldom as possible: what only hands a number through is changed in what was made before."""

    def __init__(self, source: Source, taken: frozenset[str]) -> None:
        self._source, self._taken = source, taken
        self._made: dict[str, Experiment] = {}
        self._data: dict[Any, Any] = {}
        self._through: frozenset[str] | None = None

    def make(self, settings: dict[str, Any], every: list[dict[str, Any]]) -> Experiment:
        if isinstance(self._source, Experiment):
            return changed(self._source, settings)
        if self._through is None:
            self._through = frozenset(name for name in self._taken if self._hands_through(name, every))
        heavy = {name: value for name, value in settings.items() if name in self._taken - self._through}
        key = repr(sorted(heavy.items()))
        if key not in self._made:
            self._made[key] = self._call(settings)
        return changed(self._made[key], {name: value for name, value in settings.items() if name not in heavy})

    def _call(self, settings: dict[str, Any]) -> Experiment:
        assert callable(self._source)
        try:
            made = self._source(**{name: value for name, value in settings.items() if name in self._taken})
        except PullbackError as error:
            raise of_member(error, settings) from None
        if not isinstance(made, Experiment):
            raise ConfigurationError(
                "the function does not return an experiment",
                expected="a train.Experiment",
                got=type(made).__name__,
                fix="return train.Experiment(model=..., train_data=..., loss=...)",
            )
        return self._with_shared_data(made)

    def _with_shared_data(self, made: Experiment) -> Experiment:
        """The experiment with rows that an earlier one has, instead of a copy of them."""
        sets = {name: getattr(made, name) for name in FIELDS if name.endswith("_data")}
        shared = {name: self._seen(data) for name, data in sets.items() if data is not None}
        return replace(made, **{name: data for name, data in shared.items() if data is not sets[name]})

    def _seen(self, data: Any) -> Any:
        if isinstance(data, Dataset):
            arrays = (data.inputs, data.targets, data.indices)
            about = (data.task, data.name, data.class_names, data.feature_names)
        elif isinstance(data, tuple) and len(data) == 2:
            arrays, about = data, ()
        else:
            return data
        digest = hashlib.sha256()
        for array in map(np.ascontiguousarray, arrays):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array.data)
        return self._data.setdefault((about, digest.hexdigest()), data)

    def _hands_through(self, name: str, every: list[dict[str, Any]]) -> bool:
        """Whether two calls that differ in this number alone differ in the experiment's number of that name alone."""
        values = list(dict.fromkeys(each[name] for each in every if isinstance(each[name], float)))
        if len(values) < 3 or name == "seed":
            return False
        first, last = (self._call(every[0] | {name: value}) for value in (values[0], values[-1]))
        if name != "learning_rate" and name not in first.optimizer_arguments:
            return False
        return _value(first, name) == values[0] and _equal(changed(first, {name: values[-1]}), last)


def of_member(error: PullbackError, settings: Mapping[str, Any]) -> PullbackError:
    """The same error with the member that it is about."""
    said = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    error.what = f"{error.what}, in the member with {said}"
    return error


def changed(experiment: Experiment, settings: Mapping[str, Any]) -> Experiment:
    """The experiment with these fields and arguments of its optimizer."""
    fields = {name: value for name, value in settings.items() if name in FIELDS}
    arguments = {name: value for name, value in settings.items() if name not in FIELDS}
    if arguments:
        fields["optimizer_arguments"] = {**experiment.optimizer_arguments, **arguments}
    return replace(experiment, **fields)


def _value(experiment: Experiment, name: str) -> Any:
    return experiment.learning_rate if name == "learning_rate" else experiment.optimizer_arguments[name]


def _equal(one: Experiment, other: Experiment) -> bool:
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        if name.endswith("_data"):
            same = a is b or (a is not None and b is not None and _same_data(a, b))
        elif name == "model":
            same = _same_model(a, b)
        else:
            same = repr(a) == repr(b)
        if not same:
            return False
    return True


def _same_model(one: Any, other: Any) -> bool:
    """On the host, since comparing on the device would be compiled for every shape."""
    (a, structure), (b, other_structure) = (jax.tree.flatten(each) for each in (one, other))
    return structure == other_structure and all(map(_same_leaf, a, b))


def _same_leaf(one: Any, other: Any) -> bool:
    if eqx.is_array(one) and eqx.is_array(other):
        return one.dtype == other.dtype and np.array_equal(np.asarray(one), np.asarray(other))
    return one is other or repr(one) == repr(other)


def _same_data(one: Any, other: Any) -> bool:
    a, b = ((each.inputs, each.targets) if hasattr(each, "inputs") else tuple(each) for each in (one, other))
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def _parameters(source: Source, settings: dict[str, Any]) -> frozenset[str]:
    if isinstance(source, Experiment):
        _check_known(settings, source, frozenset())
        return frozenset()
    if not callable(source):
        raise ConfigurationError(
            "there is nothing to sweep",
            expected="a train.Experiment, or a function that returns one",
            got=type(source).__name__,
            fix="wrap what fit takes in train.Experiment(...)",
        )
    parameters = inspect.signature(source).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return frozenset(settings)
    taken = frozenset(frozenset(each.name for each in parameters) & settings.keys())
    if missing := frozenset(settings) - taken:
        made = source(**{name: settings[name] for name in taken})
        _check_known({name: settings[name] for name in missing}, made, taken)
    return taken


def _check_known(settings: Mapping[str, Any], experiment: Experiment, taken: frozenset[str]) -> None:
    optimizer = experiment.optimizer
    arguments = optimizer_arguments(optimizer) if isinstance(optimizer, str) else ()
    known = {*FIELDS, *arguments, *taken} - {"optimizer_arguments", "preprocessing", "notes"}
    for name in settings:
        if name not in known:
            raise unknown_name("axis", name, known)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic | jax.Array) and np.ndim(value) == 0 else value
