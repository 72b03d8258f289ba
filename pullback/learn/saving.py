"""Fitted estimators as files: arrays and a description, nothing that could run when the file is opened."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from pullback import __version__
from pullback.core.errors import ConfigurationError, DataError
from pullback.learn.saved_types import SAVED_TYPES
from pullback.train.checkpoint import write_whole

FORMAT = "1"
KEY = "pullback.estimator"
# A description nested deeper than this is no estimator's.
DEEPEST = 50


def save(estimator: Any, path: str | Path, *, types: Iterable[type] = ()) -> None:
    """Write an estimator, or a pipeline of estimators, fitted or not, as one safetensors file.

    Parameters
    ----------
    estimator : of this library, or one of scikit-learn's that `SAVED_TYPES` lists: pipelines, column transformers,
        scalers, encoders, imputers, searches over them.
    path : file to write, whole or not at all.
    types : further classes whose attributes are arrays, numbers, names and containers of these; to be passed to `load`
        too.

    Errors
    ------
    ConfigurationError
        for a class outside the table, or an attribute that is no data, such as a function; its path is named.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(scaler, f"{folder}/scaler.safetensors")
    ...     print(load(f"{folder}/scaler.safetensors").transform([[3.0]]))
    [[2.]]
    """
    writer = _Writer(_table(types))
    tree = writer.encode(estimator, type(estimator).__name__)
    description = {"format": FORMAT, "pullback": __version__, "estimator": tree}
    content = safetensors.numpy.save(writer.arrays, metadata={KEY: json.dumps(description)})
    write_whole(Path(path), content)


def load(path: str | Path, *, types: Iterable[type] = ()) -> Any:
    """The estimator of a file that `save` wrote; opening it runs no code of the file.

    Errors
    ------
    DataError
        for a file that is damaged, of another kind, of another format version, or that names a class which neither
        the table nor `types` holds.
    """
    path = Path(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            description = json.loads((file.metadata() or {})[KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, KeyError, ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise _damaged(path, f"format {description.get('format') if isinstance(description, dict) else description!r}")
    try:
        return _Reader(_table(types), arrays).decode(description["estimator"], 0)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, DataError):
            raise
        raise _damaged(path, str(error) or type(error).__name__) from error


def _table(types: Iterable[type]) -> dict[str, type]:
    return {kind.__name__: kind for kind in (*SAVED_TYPES, *types)}


def _damaged(path: Path, found: str) -> DataError:
    return DataError(
        f"{path.name} is no estimator that this library saved",
        expected=f"a safetensors file of format {FORMAT} as learn.save writes it",
        got=found[:200],
        fix="save the estimator again",
    )


class _Writer:
    def __init__(self, table: dict[str, type]) -> None:
        self._table = table
        self.arrays: dict[str, np.ndarray] = {}

    def encode(self, value: Any, path: str) -> Any:
        if value is None or isinstance(value, bool | str | int) and type(value) in (bool, str, int):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        for kind, encode in self._encoders().items():
            if isinstance(value, kind):
                return encode(value, path)
        if isinstance(value, type) and issubclass(value, np.generic):
            return {"scalar_type": np.dtype(value).name}
        if self._table.get(type(value).__name__) is type(value):
            state = {name: self.encode(item, f"{path}.{name}") for name, item in _state(value).items()}
            return {"class": type(value).__name__, "state": state}
        raise ConfigurationError(
            f"{path} cannot be saved",
            expected="numbers, names, arrays, containers of these, and objects of the classes that are listed",
            got=f"{type(value).__module__}.{type(value).__name__}",
            fix="leave it out, or pass its class in types=(...) to save and load if its attributes are such data",
        )

    def _encoders(self) -> dict[type, Callable[[Any, str], Any]]:
        return {
            np.ndarray: self._array,
            np.generic: lambda value, path: {"scalar": self._array(np.asarray(value), path)},
            tuple: lambda value, path: (
                {"tuple": self._items(value, path)} if type(value) is tuple else self._named(value, path)
            ),
            list: lambda value, path: {"list": self._items(value, path)},
            dict: lambda value, path: {
                "dict": [[self.encode(key, path), self.encode(item, f"{path}[{key!r}]")] for key, item in value.items()]
            },
            slice: lambda value, path: {"slice": self._items((value.start, value.stop, value.step), path)},
            np.dtype: lambda value, path: {"dtype": value.str},
        }

    def _items(self, values: Iterable[Any], path: str) -> list[Any]:
        return [self.encode(item, f"{path}[{number}]") for number, item in enumerate(values)]

    def _named(self, value: Any, path: str) -> Any:
        if self._table.get(type(value).__name__) is not type(value):
            return {"tuple": self._items(value, path)}
        return {"named": type(value).__name__, "items": self._items(value, path)}

    def _array(self, value: np.ndarray, path: str) -> Any:
        if value.dtype.kind in "biuf":
            name = str(len(self.arrays))
            self.arrays[name] = np.ascontiguousarray(value).reshape(value.shape)
            return {"array": name}
        if value.dtype.kind not in "OU":
            raise ConfigurationError(
                f"{path} cannot be saved",
                expected="numbers or strings",
                got=f"an array of {value.dtype}",
                fix="convert it",
            )
        items = self._items(value.ravel().tolist(), path)
        return {"objects": items, "dtype": value.dtype.str, "shape": list(value.shape)}


class _Reader:
    def __init__(self, table: dict[str, type], arrays: dict[str, np.ndarray]) -> None:
        self._table = table
        self._arrays = arrays

    def decode(self, tree: Any, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST}")
        if tree is None or isinstance(tree, bool | int | float | str):
            return tree
        deeper = depth + 1
        match tree:
            case {"float": "nan" | "inf" | "-inf" as text}:
                return float(text)
            case {"array": str(name)}:
                return self._arrays[name]
            case {"scalar": dict(inner)}:
                return self.decode(inner, deeper)[()]
            case {"objects": list(items), "dtype": str(kind), "shape": list(shape)}:
                return self._objects(items, kind, shape, deeper)
            case {"tuple": list(items)}:
                return tuple(self.decode(item, deeper) for item in items)
            case {"list": list(items)}:
                return [self.decode(item, deeper) for item in items]
            case {"dict": list(pairs)}:
                return {self.decode(key, deeper): self.decode(item, deeper) for key, item in pairs}
            case {"slice": [start, stop, step]}:
                return slice(start, stop, step)
            case {"dtype": str(name)}:
                return _plain_dtype(name)
            case {"scalar_type": str(name)}:
                return _plain_dtype(name).type
            case {"named": str(name), "items": list(items)}:
                return self._class(name)(*(self.decode(item, deeper) for item in items))
            case {"class": str(name), "state": dict(state)}:
                return _rebuilt(self._class(name), {key: self.decode(item, deeper) for key, item in state.items()})
        raise ValueError(f"{str(tree)[:60]} is not understood")

    def _objects(self, items: list[Any], kind: str, shape: list[int], depth: int) -> np.ndarray:
        dtype = np.dtype(kind)
        if dtype.kind not in "OU":
            raise ValueError(f"an array of {kind}")
        values = np.empty(len(items), dtype=object)
        values[:] = [self.decode(item, depth) for item in items]
        return values.astype(dtype).reshape(shape)

    def _class(self, name: str) -> type:
        if name not in self._table:
            raise DataError(
                f"the file holds an object of the class {name!r}, which is not among those that may be loaded",
                expected="a class of this library or of pullback.learn.SAVED_TYPES",
                got=name,
                fix=f"if you trust it and know the class, pass types=({name},)",
            )
        return self._table[name]


def _state(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(vars(value))


def _rebuilt(kind: type, state: dict[str, Any]) -> Any:
    if any(not name.isidentifier() or name.startswith("__") for name in state):
        raise ValueError("an attribute whose name is none")
    if dataclasses.is_dataclass(kind) and set(state) != {field.name for field in dataclasses.fields(kind)}:
        raise ValueError(f"fields of {kind.__name__} of another version")
    # Not by its constructor: a fitted estimator is more than its parameters.
    built = object.__new__(kind)
    for name, item in state.items():
        object.__setattr__(built, name, item)
    return built


def _plain_dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(name)
    if dtype.kind not in "biufOU":
        raise ValueError(f"the dtype {name}")
    return dtype
