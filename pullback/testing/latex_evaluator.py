"""Evaluates an equation that was read back, in double precision with NumPy.

Every value is an array whose last axes are the indices in force, in the order in which they came into force, and whose
axes before those are the leading ones that the equation does not write. Indices count from zero, axes of length one
have none, and an entry beyond the edge of an array is NaN unless the equation says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special

from pullback.testing.latex_parser import Line, Page, Tree

OVER: dict[str, Callable[..., Any]] = {
    r"\sum": np.sum,
    r"\prod": np.prod,
    r"\max": np.max,
    r"\min": np.min,
    r"\operatorname{mean}": np.mean,
    r"\operatorname{argmax}": np.argmax,
    r"\operatorname{argmin}": np.argmin,
    r"\bigwedge": np.all,
    r"\bigvee": np.any,
}
NEUTRAL = {r"\sum": 0.0, r"\prod": 1.0, r"\max": -np.inf, r"\min": np.inf}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    r"\arccos": np.arccos,
    r"\arcsin": np.arcsin,
    r"\arctan": np.arctan,
    r"\cos": np.cos,
    r"\cosh": np.cosh,
    r"\exp": np.exp,
    r"\log": np.log,
    r"\log\Gamma": scipy.special.gammaln,
    r"\max": lambda *values: np.max(np.broadcast_arrays(*values), axis=0),
    r"\min": lambda *values: np.min(np.broadcast_arrays(*values), axis=0),
    r"\operatorname{arcosh}": np.arccosh,
    r"\operatorname{arsinh}": np.arcsinh,
    r"\operatorname{artanh}": np.arctanh,
    r"\operatorname{atan2}": np.arctan2,
    r"\operatorname{erf}": scipy.special.erf,
    r"\operatorname{erfc}": scipy.special.erfc,
    r"\operatorname{rem}": np.fmod,
    r"\operatorname{round}": np.round,
    r"\operatorname{sign}": np.sign,
    r"\operatorname{trunc}": np.trunc,
    r"\psi": scipy.special.digamma,
    r"\sigma": scipy.special.expit,
    r"\sin": np.sin,
    r"\sinh": np.sinh,
    r"\tan": np.tan,
    r"\tanh": np.tanh,
}
# Operators on whole arrays; the second operand of `solve` has as many axes as its result.
OPERATORS: dict[str, Callable[..., Any]] = {
    r"\operatorname{cholesky}": np.linalg.cholesky,
    r"\operatorname{det}": np.linalg.det,
    r"\operatorname{inv}": np.linalg.inv,
    r"\operatorname{solve}": np.linalg.solve,
    r"\operatorname{sort}": lambda x: np.sort(x, axis=-1),
}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": np.add,
    "and": np.logical_and,
    "bracket": lambda holds: np.asarray(holds, float),
    "ceil": np.ceil,
    "cube_root": np.cbrt,
    "div": np.divide,
    "eq": np.equal,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "mod": np.mod,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": lambda holds: np.asarray(holds) == 0,
    "or": np.logical_or,
    "pow": np.power,
    "sqrt": np.sqrt,
}


@dataclass(frozen=True)
class Scope:
    """What is known at one place of a formula: arrays, functions, values beyond edges, indices in force."""

    arrays: dict[str, np.ndarray]
    functions: Mapping[str, Page]
    outside: Mapping[str, Any]
    indices: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Number of indices in force."""
        return len(self.indices)

    def within(self, letter: str, size: int) -> Scope:
        """The scope in which one more index runs from zero."""
        older = {name: values[..., None] for name, values in self.indices.items() if name != letter}
        hidden = {f"{name}'": values[..., None] for name, values in self.indices.items() if name == letter}
        newest = np.arange(size).reshape((1,) * self.depth + (size,))
        return Scope(self.arrays, self.functions, self.outside, {**older, **hidden, letter: newest})


def evaluate(
    page: Page,
    arrays: Mapping[str, np.ndarray],
    functions: Mapping[str, Page],
    shapes: Sequence[tuple[int, ...]],
) -> list[np.ndarray]:
    """The results of an equation.

    Parameters
    ----------
    arrays : values by the LaTeX of their names; axes of length one are dropped.
    functions : definitions of the named functions, by LaTeX.
    shapes : of the results without axes of length one; as many of the first lines are results.
    """
    known = {name: np.squeeze(np.asarray(value)) for name, value in arrays.items()}
    with np.errstate(all="ignore"):
        results = values_of_page(page, known, functions, shapes)
    return [
        np.broadcast_to(value, np.broadcast_shapes(value.shape, shape))
        for value, shape in zip(results, shapes, strict=True)
    ]


def values_of_page(
    page: Page,
    arrays: Mapping[str, np.ndarray],
    functions: Mapping[str, Page],
    shapes: Sequence[tuple[int, ...]] | None = None,
) -> list[np.ndarray]:
    """The values of the lines that are results, the lines taken in an order in which each knows what it reads."""
    known = dict(arrays)
    count = 1 if shapes is None else len(shapes)
    outside = {name: value_of(tree, Scope({}, functions, {})) for name, tree in page.outside.items()}
    results: dict[int, np.ndarray] = {}
    waiting = list(range(len(page.lines)))
    while waiting:
        ready = [number for number in waiting if _read(page.lines[number]) <= set(known)]
        if not ready:
            missing = {name for number in waiting for name in _read(page.lines[number])} - set(known)
            raise ValueError(f"nothing defines {sorted(missing)}")
        for number in ready:
            line = page.lines[number]
            sizes = None
            if shapes is not None and number < count:
                written = len(line.subscripts or line.indices)
                sizes = shapes[number][len(shapes[number]) - written :]
            value = value_of_line(line, Scope(known, functions, outside), sizes)
            if number < count:
                results[number] = value
            if line.parameters is None:
                known[line.name] = value
            waiting.remove(number)
    return [results[number] for number in range(count)]


def value_of_line(line: Line, scope: Scope, sizes: Sequence[int] | None = None) -> np.ndarray:
    """The array that a line defines: unwritten axes, then its indices."""
    inner = scope
    left = line.subscripts or tuple(("name", letter, ()) for letter in line.indices)
    for letter in line.indices:
        alone = ("name", letter, ()) in left and sizes is not None
        size = line.ranges.get(letter)
        if size is None:
            size = sizes[left.index(("name", letter, ()))] if alone and sizes else _size(letter, line.body, scope)
        inner = inner.within(letter, size)
    value = np.asarray(value_of(line.body, inner))
    limits = tuple(
        inner.indices[letter].shape[-1 - (len(line.indices) - 1 - n)] for n, letter in enumerate(line.indices)
    )
    value = np.broadcast_to(value, np.broadcast_shapes(value.shape, limits)) if limits else value
    return _placed(value, line, inner, sizes) if line.subscripts and sizes is not None else value


def _placed(value: np.ndarray, line: Line, scope: Scope, sizes: Sequence[int]) -> np.ndarray:
    """Values put where the subscripts of the left side say."""
    leading = value.shape[: value.ndim - len(line.indices)]
    result = np.full((*leading, *sizes), np.nan)
    places = [np.asarray(value_of(tree, scope)).astype(np.int64) for tree in line.subscripts]
    result[(..., *np.broadcast_arrays(*places))] = value
    return result


def _names(tree: Any, bound: frozenset[str]) -> Iterator[str]:
    """Names of arrays that a tree reads."""
    if not isinstance(tree, tuple):
        return
    if tree and tree[0] == "over":
        bound = bound | set(tree[2])
    if tree and tree[0] == "name" and len(tree) == 3 and tree[1] not in bound:
        yield tree[1]
    for part in tree:
        yield from _names(part, bound)


def _read(line: Line) -> set[str]:
    """Names of arrays that a line reads."""
    return set(_names(line.body, frozenset(line.indices)))


def value_of(tree: Tree, scope: Scope) -> Any:
    """The value of an expression at all values of the indices in force."""
    kind = tree[0]
    if kind == "number":
        return np.float64(tree[1])
    if kind == "name":
        return scope.indices[tree[1]] if tree[1] in scope.indices else _element(tree, scope)
    if kind == "over":
        return _over(tree, scope)
    if kind == "cases":
        return _cases(tree, scope)
    if kind == "call":
        return _call(tree, scope)
    return OPERATIONS[kind](*(value_of(part, scope) for part in tree[1:]))


def _element(tree: Tree, scope: Scope) -> Any:
    _, name, subscripts = tree
    array = scope.arrays[name]
    return take(array, [value_of(sub, scope) for sub in subscripts], scope.depth, scope.outside.get(name, np.nan))


def take(array: np.ndarray, subscripts: Sequence[Any], depth: int, outside: Any) -> np.ndarray:
    """Entries of an array at computed subscripts of its last axes, for each of its leading places."""
    leading = array.ndim - len(subscripts)
    if not subscripts:
        return array.reshape(array.shape + (1,) * depth)
    places: list[np.ndarray] = [
        np.arange(array.shape[axis]).reshape((-1,) + (1,) * (leading - 1 - axis + depth)) for axis in range(leading)
    ]
    inside: Any = True
    for subscript, size in zip(subscripts, array.shape[leading:], strict=True):
        whole = np.asarray(subscript)
        number = whole.astype(np.int64)
        assert (number == whole).all(), "a subscript is not an integer"
        inside = inside & (number >= 0) & (number < size)
        places.append(np.clip(number, 0, size - 1))
    return np.where(inside, array[tuple(places)], outside)


def _size(letter: str, body: Tree, scope: Scope) -> int:
    """How far an index runs: the length of the axes at which it stands alone."""
    sizes = set(_sizes(letter, body, scope))
    if len(sizes) != 1:
        raise ValueError(f"the index {letter} runs over {sorted(sizes)}")
    return sizes.pop()


def _sizes(letter: str, tree: Any, scope: Scope) -> Iterator[int]:
    if not isinstance(tree, tuple):
        return
    if tree and tree[0] == "name" and len(tree) == 3 and tree[1] in scope.arrays:
        array = scope.arrays[tree[1]]
        for position, subscript in enumerate(tree[2]):
            if subscript == ("name", letter, ()):
                yield array.shape[array.ndim - len(tree[2]) + position]
    if tree and tree[0] == "over" and letter in tree[2]:
        return
    if tree and tree[0] == "call" and len(tree) == 4 and ("name", letter, ()) in tree[3]:
        result = _result(tree, scope)
        for position, subscript in enumerate(tree[3]):
            if subscript == ("name", letter, ()):
                yield result.shape[result.ndim - len(tree[3]) + position]
    for part in tree:
        yield from _sizes(letter, part, scope)


def _over(tree: Tree, scope: Scope) -> Any:
    _, token, letters, above, body = tree
    if above is not None:
        (letter,) = letters
        last = np.asarray(value_of(above, scope))
        inner = scope.within(letter, int(last.max()) + 1)
        allowed = inner.indices[letter] <= last[..., None]
        value = np.where(allowed, value_of(body, inner), NEUTRAL.get(token, np.nan))
        return OVER[token](value, axis=-1)
    inner = scope
    for letter in letters:
        inner = inner.within(letter, _size(letter, body, scope))
    value = np.asarray(value_of(body, inner))
    limits = tuple(inner.indices[letter].shape[-len(letters) + n] for n, letter in enumerate(letters))
    value = np.broadcast_to(value, np.broadcast_shapes(value.shape, (1,) * scope.depth + limits))
    if token.endswith(("argmax}", "argmin}")):
        return OVER[token](value, axis=-1)
    return OVER[token](value, axis=tuple(range(-len(letters), 0)))


def _cases(tree: Tree, scope: Scope) -> Any:
    *branches, (value, _) = tree[1]
    result = value_of(value, scope)
    for value, condition in reversed(branches):
        result = np.where(value_of(condition, scope), value_of(value, scope), result)
    return result


def _call(tree: Tree, scope: Scope) -> Any:
    _, function, arguments, subscripts = tree
    if function in scope.functions or function in OPERATORS:
        return _pick(_result(tree, scope), subscripts, scope)
    return FUNCTIONS[function](*(value_of(argument, scope) for argument in arguments))


def _result(tree: Tree, scope: Scope) -> np.ndarray:
    """The whole result of a named function at the place of the call."""
    _, function, arguments, subscripts = tree
    if function not in scope.functions:
        return _operated(function, arguments, len(subscripts), scope)
    page = scope.functions[function]
    parameters = page.lines[0].parameters
    assert parameters is not None
    arrays = {
        parameter: _whole(argument, max(_rank(parameter, line.body) for line in page.lines), scope)
        for parameter, argument in zip(parameters, arguments, strict=True)
    }
    return values_of_page(page, arrays, scope.functions)[0]


def _operated(function: str, arguments: Sequence[Tree], rank: int, scope: Scope) -> np.ndarray:
    """The whole result of an operator, of `rank` axes, at the place of the call."""
    if function == r"\operatorname{sort}":
        return OPERATORS[function](_whole(arguments[0], 1, scope))
    matrix = _whole(arguments[0], 2, scope)
    if len(arguments) == 1:
        return np.asarray(OPERATORS[function](matrix))
    right = _whole(arguments[1], rank, scope)
    return OPERATORS[function](matrix, right) if rank == 2 else OPERATORS[function](matrix, right[..., None])[..., 0]


def _pick(result: np.ndarray, subscripts: Sequence[Tree], scope: Scope) -> Any:
    """Entries of a function's result, whose leading axes are already those of the place of the call."""
    values = [np.asarray(value_of(sub, scope)) for sub in subscripts]
    if not values:
        return result
    leading = result.ndim - len(values)
    aligned = [np.broadcast_to(value, np.broadcast_shapes(value.shape, (1,) * leading)) for value in values]
    return take(result, aligned, 0, np.nan)


def _rank(parameter: str, body: Any) -> int:
    """How many subscripts a parameter of a function has in its definition."""
    if not isinstance(body, tuple):
        return 0
    if body and body[0] == "name" and len(body) == 3 and body[1] == parameter:
        return len(body[2])
    return max((_rank(parameter, part) for part in body), default=0)


def _whole(tree: Tree, rank: int, scope: Scope) -> np.ndarray:
    """An argument of a function: the place of the call, then `rank` axes of its own."""
    if rank == 0:
        return np.asarray(value_of(tree, scope))
    kind, name, subscripts = tree
    assert kind == "name"
    array = scope.arrays[name]
    before = [value_of(sub, scope) for sub in subscripts if sub is not None]
    leading = array.ndim - rank - len(before)
    if not before:
        return array.reshape(array.shape[:leading] + (1,) * scope.depth + array.shape[leading:])
    shape = array.shape
    flat = array.reshape(*shape[: array.ndim - rank], -1)
    columns = [take(flat[..., n], before, scope.depth, np.nan) for n in range(flat.shape[-1])]
    stacked = np.stack(np.broadcast_arrays(*columns), axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *shape[array.ndim - rank :])
