"""The evaluation trace of a function at a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from pullback.autodiff.arguments import check_cotangent, check_inputs, check_tangents, described, trace_function
from pullback.autodiff.evaluation import piece as write
from pullback.autodiff.evaluation.evaluation_trace import EvaluationTrace, shown
from pullback.autodiff.evaluation.labels import closed_over, function_name, leaf_names, parameter_names
from pullback.autodiff.evaluation.lines import lines_of
from pullback.autodiff.evaluation.recorder import record
from pullback.autodiff.evaluation.view import NOTHING, View
from pullback.core.errors import DerivativeError


def trace(
    function: Callable[..., Any], *args: Any, tangents: Sequence[Any] | None = None, cotangent: Any = None
) -> EvaluationTrace:
    r"""The evaluation trace of a function: each intermediate \(v_i\) with expression, value, tangent and adjoint.

    \[ v_i = \varphi_i(v_j)_{j \prec i}, \qquad
       \dot v_i = \sum_{j \prec i} \frac{\partial \varphi_i}{\partial v_j}\, \dot v_j, \qquad
       \bar v_j = \sum_{i \succ j} \Big(\frac{\partial \varphi_i}{\partial v_j}\Big)^{\!\top} \bar v_i . \]

    The rows are the operations of the traced program. What computes nothing (an index, a transpose), and a product of
    a value with a known number, stands in the expression that uses it. A named function (`jax.jit`), a layer
    (`jax.named_scope`, `nn.probe`), a conditional and a loop are one row each, which `open` writes out.

    Parameters
    ----------
    function : of arrays, or of nested containers of arrays.
    args : its arguments; what is no number or array is passed on as it is.
    tangents : the direction \(\dot x\), built like `args`. Left out, it is 1 in every entry of the first argument that
        has a derivative, and 0 in all others.
    cotangent : \(\bar y\), built like the result; 1 for a result that is one number.

    Returns
    -------
    An `EvaluationTrace`; all its numbers are on the host, as NumPy arrays of the types that the function has.

    Raises
    ------
    DerivativeError : for a result that is not one number without `cotangent`, for arguments without a derivative, for
        directions that do not fit.

    Examples
    --------
    >>> print(trace(lambda x, y: jnp.log(x) + x * y - jnp.sin(y), 2.0, 5.0))
    f
         expression  value      tangent  adjoint
    ────────────────────────────────────────────
    x                2          1        5.5
    y                5          0        1.71634
    ────────────────────────────────────────────
    v_1  log(x)      0.693147   0.5      1
    v_2  x · y       10         5        1
    v_3  v_1 + v_2   10.6931    5.5      1
    v_4  sin(y)      -0.958924  0        -1
    v_5  v_3 - v_4   11.6521    5.5      1

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 2; the example and its numbers
    A. G. Baydin et al., Automatic differentiation in machine learning: a survey, JMLR 18, 2018, tables 2 and 3.
    """
    arrays = jax.tree.map(lambda leaf: leaf if _is_numeric(leaf) else None, tuple(args))
    check_inputs(arrays, range(len(args)), holomorphic=False, allow_int=True)
    _check_arguments(arrays)

    def of_arrays(*values: Any) -> Any:
        return function(*jax.tree.map(_filled, values, tuple(args), is_leaf=lambda leaf: leaf is None))

    traced = trace_function(of_arrays, arrays)
    if traced is None:
        raise DerivativeError(
            "the function decides in Python on the value of an argument",
            expected="a function that is one program for all values of its arguments",
            got="an `if`, `while`, `float()` or `int()` on a value that depends on an argument",
            fix="write jnp.where or jax.lax.cond for the choice, jax.lax.while_loop for the loop",
        )
    directions = _directions(arrays, tangents)
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in traced.program.jaxpr.outvars]
    seeds = _seeds(jax.tree.unflatten(traced.output_structure, shapes), cotangent)
    recording = record(traced.program, traced.leaves, directions, seeds)
    names = leaf_names(parameter_names(function, len(args)), arrays)
    inputs = [(p, write.variable(n), NOTHING) for p, n in zip(recording.inputs, names, strict=True)]
    known = closed_over(function)
    constants = {place: known[key] for place, key in recording.constants.items() if key in known}
    lines = lines_of(recording, recording.steps, inputs, recording.outputs, constants=constants)
    view = View(
        function_name(function),
        recording,
        lines,
        recording.outputs,
        jnp.result_type(float) == np.float64,
    )
    outputs = [[numbers.get(p) for p in recording.outputs] for numbers in (recording.values, recording.tangents)]
    value, tangent = (jax.tree.unflatten(traced.output_structure, numbers) for numbers in outputs)
    gradient = jax.tree.unflatten(traced.structure, [recording.adjoints.get(place) for place in recording.inputs])
    return shown(view, value, tangent, gradient)


def _is_numeric(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | int | float | complex) and not isinstance(leaf, bool)


def _filled(value: Any, original: Any) -> Any:
    return original if value is None else value


def _check_arguments(arrays: tuple[Any, ...]) -> None:
    leaves = jax.tree_util.tree_leaves_with_path(arrays)
    for path, leaf in leaves:
        if isinstance(leaf, jax.core.Tracer):
            raise DerivativeError(
                f"argument {path[0].idx} has no value yet",
                expected="numbers and arrays with values, since an evaluation trace shows them",
                got="an array inside jax.jit, jax.vmap, jax.grad or another transformation",
                fix="call trace outside, on numbers and arrays themselves",
            )
    if not any(jnp.issubdtype(jnp.result_type(leaf), jnp.inexact) for _, leaf in leaves):
        found = sorted({str(jnp.result_type(leaf)) for _, leaf in leaves})
        raise DerivativeError(
            "no argument of the function given to trace has a derivative",
            expected="at least one argument of real numbers",
            got=", ".join(found) or "no numbers at all",
            fix="write numbers with a decimal point, or convert integers, for example x.astype(float)",
        )


def _directions(arrays: tuple[Any, ...], tangents: Sequence[Any] | None) -> list[Any]:
    """The direction of each array; integers have none."""
    if tangents is not None:
        given = jax.tree.map(lambda leaf: leaf if _is_numeric(leaf) or _is_empty(leaf) else None, tuple(tangents))
        return check_tangents(given, arrays)
    real = [
        [jnp.issubdtype(jnp.result_type(leaf), jnp.inexact) for leaf in jax.tree.leaves(argument)]
        for argument in arrays
    ]
    first = next(position for position, flags in enumerate(real) if any(flags))
    return [
        jnp.full(jnp.shape(leaf), float(position == first), jnp.result_type(leaf)) if flag else None
        for position, (argument, flags) in enumerate(zip(arrays, real, strict=True))
        for leaf, flag in zip(jax.tree.leaves(argument), flags, strict=True)
    ]


def _is_empty(leaf: Any) -> bool:
    """Whether it is the direction of an integer."""
    return getattr(leaf, "dtype", None) == jax.dtypes.float0


def _seeds(result: Any, cotangent: Any) -> list[Any]:
    """The cotangent of each result."""
    leaves = jax.tree.leaves(result)
    if cotangent is not None:
        return check_cotangent(cotangent, result)
    if len(leaves) != 1 or leaves[0].shape != ():
        raise DerivativeError(
            "the adjoints of a function whose result is not one number need a cotangent",
            expected="a result of shape (), or cotangent=, built like the result",
            got=f"a result that is {described(result)}",
            fix="pass cotangent=jnp.ones_like(result) for the sum of all entries, or reduce the result to one number",
        )
    if not jnp.issubdtype(leaves[0].dtype, jnp.floating):
        raise DerivativeError(
            "the result of the function given to trace has no derivative",
            expected="a real number",
            got=str(leaves[0].dtype),
            fix="return a real number, for example by .astype(float) or jnp.real",
        )
    return [jnp.ones((), leaves[0].dtype)]
