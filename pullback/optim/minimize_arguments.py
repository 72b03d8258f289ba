"""What `minimize` takes, checked before anything is compiled, and put into arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import ConfigurationError, DataError, DerivativeError
from pullback.core.trees import path_string
from pullback.linalg.product import check_finite
from pullback.optim.methods.method import Method
from pullback.optim.objective import Bounds
from pullback.optim.result_shape import result_shape


def as_start(x0: Any, name: str = "x0") -> Any:
    """The start with arrays of floats for leaves; lists of plain numbers count as vectors."""
    if isinstance(x0, list | tuple) and all(isinstance(leaf, int | float) for leaf in jax.tree.leaves(x0)):
        x0 = _as_array(x0, name)
    if not sum(np.size(leaf) for leaf in jax.tree.leaves(x0)):
        raise DataError(
            f"{name} holds no number",
            expected="a number, an array or a container of them",
            got=repr(x0),
            fix=f"pass {name} with one number for each unknown",
        )
    return jax.tree_util.tree_map_with_path(partial(_as_float, name), x0)


def _as_array(numbers: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(numbers, np.float64)
    except ValueError:
        raise DataError(
            f"{name} is a list of lists of different lengths",
            expected="a rectangular list of numbers, an array, or a dictionary of arrays",
            got=repr(numbers),
            fix="pass a dictionary of arrays where parts differ in shape",
        ) from None


def _as_float(name: str, path: Any, leaf: Any) -> Any:
    name = f"{name}{'.' if path and not path_string(path).startswith('[') else ''}{path_string(path)}"
    if isinstance(leaf, jax.Array):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise _not_real(name, leaf.dtype)
        check_finite(name, leaf)
        return leaf
    array = np.asarray(leaf)
    if array.dtype.kind not in "fiu":
        raise _not_real(name, array.dtype)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    check_finite(name, array)
    return array


def _not_real(name: str, dtype: Any) -> DataError:
    return DataError(
        f"{name} is not an array of real numbers",
        expected="real numbers",
        got=str(dtype),
        fix=f"convert {name}, for example by .astype(float)",
    )


def check_starts(start: Any) -> None:
    """That all arrays of the start carry one first axis of the same length."""
    lengths = {leaf.shape[:1] for leaf in jax.tree.leaves(start)}
    if lengths in ({()}, {(0,)}) or len(lengths) > 1:
        raise DataError(
            "with many=True the arrays of x0 carry a first axis, one entry a start",
            expected="arrays of shape (starts, ...), with the same number of starts, one at least",
            got=_shapes(start),
            fix="stack the starts, or pass many=False",
        )


def shapes_of(start: Any, many: bool = False) -> Any:
    """The start without its numbers; of `many` starts that of one."""

    def of(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape[1:] if many else leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype))

    return jax.tree.map(of, start)


def check_function(f: Any, x: Any, args: Any, squares: bool = False) -> None:
    """That `f` gives one real number, or with `squares` the residuals of a sum of squares."""
    check_args(args)
    leaves = jax.tree.leaves(result_shape(f, x, args))
    if len(leaves) != 1:
        raise DerivativeError(
            "f does not return one array",
            expected="residuals, one array" if squares else "one real number",
            got=f"{len(leaves)} arrays",
            fix="return the value alone",
        )
    result = leaves[0]
    if not jnp.issubdtype(result.dtype, jnp.floating):
        raise DerivativeError(
            "the result of f is not a real number",
            expected="a floating number",
            got=f"{result.dtype}",
            fix="compute it from the argument by operations on real numbers; rounding and counting have no gradient",
        )
    if result.size != 1 and not squares:
        raise DerivativeError(
            "the result of f is not one number",
            expected="shape ()",
            got=f"shape {result.shape}",
            fix="return its sum or mean; residuals whose squares are summed are for method='levenberg_marquardt'",
        )


def check_gradient(gradient: Any, x0: Any, args: Any, method: Method) -> None:
    """That the gradient the user brought has the structure, shapes and types of `x0`, and that it is of use."""
    if method.squares:
        raise ConfigurationError(
            f"{type(method).__name__} has no use for a gradient",
            expected="the residuals alone: their Jacobian is derived",
            got="gradient=",
            fix="leave gradient out",
        )
    found = result_shape(gradient, x0, args, "gradient")
    wanted = jax.eval_shape(lambda x: x, x0)
    if jax.tree.structure(found) != jax.tree.structure(wanted):
        raise DerivativeError(
            "gradient returns another structure than x0",
            expected=_shapes(wanted),
            got=_shapes(found),
            fix="return one array for each array of x0, in the same container",
        )
    for (path, want), have in zip(jax.tree_util.tree_leaves_with_path(wanted), jax.tree.leaves(found), strict=True):
        if want.shape != have.shape or want.dtype != have.dtype:
            raise DerivativeError(
                f"gradient returns another shape or type than x0{path_string(path)}",
                expected=f"{want.dtype} of shape {want.shape}",
                got=f"{have.dtype} of shape {have.shape}",
                fix="return the derivative by each entry of x0",
            )


def _shapes(tree: Any) -> str:
    shapes = jax.tree.map(lambda leaf: leaf.shape, tree)
    return f"an array of shape {shapes}" if jax.tree.structure(tree).num_nodes == 1 else f"arrays of shapes {shapes}"


def as_box(bounds: Any, x0: Any, method: Method) -> Bounds | None:
    """The bounds as two vectors, checked."""
    if bounds is None:
        return None
    if not method.bounded:
        raise ConfigurationError(
            f"{type(method).__name__} does not keep to bounds",
            expected="a method that does: lbfgs, projected_gradient, nelder_mead, coordinate_descent",
            got="bounds",
            fix="choose one of these, or transform the variable",
        )
    pairs = isinstance(bounds, list) and all(isinstance(side, tuple) for side in bounds)
    if pairs or not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise ConfigurationError(
            "bounds is not a pair of lower and upper bounds",
            expected="(lower, upper), each a number, or of the structure of x0",
            got=repr(bounds),
            fix="pass bounds=tuple(zip(*bounds))" if pairs else "pass bounds=(lower, upper)",
        )
    lower, upper = (_bound(side, x0, name) for side, name in zip(bounds, ("lower", "upper"), strict=True))
    if isinstance(lower, np.ndarray) and isinstance(upper, np.ndarray):
        _check_order(lower, upper)
    return Bounds(jnp.asarray(lower), jnp.asarray(upper))


def _check_order(lower: np.ndarray, upper: np.ndarray) -> None:
    for name, side in (("lower", lower), ("upper", upper)):
        if np.isnan(side).any():
            raise ConfigurationError(
                f"the {name} bound is not a number everywhere",
                expected="numbers, infinite where there is no bound",
                got=f"nan in entry {int(np.flatnonzero(np.isnan(side))[0])}",
                fix="write -inf and inf where there is no bound",
            )
    crossed = np.flatnonzero(lower > upper)
    if len(crossed):
        k = int(crossed[0])
        raise ConfigurationError(
            "bounds cross",
            expected="lower <= upper in every entry",
            got=f"{float(lower[k])} and {float(upper[k])} in entry {k} ({len(crossed)} of {lower.size} entries cross)",
            fix="exchange or widen them",
        )


def _bound(side: Any, x0: Any, name: str) -> Any:
    """One side as a vector: of NumPy where its numbers are known, so that it can be checked."""
    leaves = jax.tree.leaves(x0)
    plain = isinstance(side, list | tuple) and all(isinstance(leaf, int | float) for leaf in jax.tree.leaves(side))
    side = np.asarray(side, np.float64) if plain else side
    sides = [side] * len(leaves) if not isinstance(side, dict) and np.ndim(side) == 0 else jax.tree.leaves(side)
    traced = any(isinstance(part, jax.core.Tracer) for part in sides)
    numbers = jnp if traced else np
    try:
        full = [numbers.broadcast_to(part, leaf.shape).reshape(-1) for part, leaf in zip(sides, leaves, strict=True)]
    except ValueError:
        raise ConfigurationError(
            f"the {name} bound does not fit x0",
            expected=f"a number, or the structure and shapes of x0: {_shapes(x0)}",
            got=str(jax.tree.map(np.shape, side)),
            fix="pass one bound for each entry of x0",
        ) from None
    return numbers.concatenate([part.astype(leaf.dtype) for part, leaf in zip(full, leaves, strict=True)])


def check_args(args: Any) -> None:
    """That the further arguments are a tuple: an array would be taken apart into its rows."""
    if not isinstance(args, tuple | list):
        raise ConfigurationError(
            "args is not a tuple",
            expected="a tuple of the arguments that follow the first",
            got=type(args).__name__,
            fix="pass args=(a,) for one argument a",
        )


def as_arrays(values: Any, dtype: Any) -> Any:
    """Options and arguments that are numbers as arrays, so that another number does not compile the program again."""
    return jax.tree.map(lambda leaf: as_array(leaf, dtype) if isinstance(leaf, float) else leaf, values)


def as_array(number: Any, dtype: Any) -> Any:
    """The number as an array; one of the host, which costs a call less than one of JAX."""
    return jnp.asarray(number, dtype) if isinstance(number, jax.Array) else np.asarray(number, dtype)
