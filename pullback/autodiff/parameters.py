"""What this library knows of the parameters of JAX's primitives: all of it stands in this file.

A rule asks here for what it needs under the name that the literature has for it (the axes of a sum, the body of a
loop), and gets back plain values. When JAX renames a parameter, this file changes and no rule does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from jax.interpreters.partial_eval import dce_jaxpr
from jaxtyping import Array

# An operation that only names a program: what it means is what the program inside means.
CALLS = {
    "jit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "core_closed_call": "call_jaxpr",
    "custom_lin": "call_jaxpr",
}


def apply(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    """The operation of an equation on other operands."""
    params = equation.primitive.get_bind_params(equation.params)
    with equation.ctx.manager:
        outputs = equation.primitive.bind(*operands, **params)
    return list(outputs) if equation.primitive.multiple_results else [outputs]


def called(equation: JaxprEqn) -> ClosedJaxpr | None:
    """The program that an equation only names, `None` for any other operation.

    A call that places its arguments on devices in a way of its own is not only a name.
    """
    parameter = CALLS.get(equation.primitive.name)
    if parameter is None or _places_its_arguments(equation):
        return None
    return closed(equation.params[parameter])


def called_name(equation: JaxprEqn) -> str:
    """The name of the function behind a call."""
    return equation.params.get("name", equation.primitive.name)


def _places_its_arguments(equation: JaxprEqn) -> bool:
    shardings = (*equation.params.get("in_shardings", ()), *equation.params.get("out_shardings", ()))
    return any(type(sharding).__name__ != "UnspecifiedValue" for sharding in shardings)


def closed(program: ClosedJaxpr | Jaxpr) -> ClosedJaxpr:
    """A program with its constants."""
    return program if isinstance(program, ClosedJaxpr) else ClosedJaxpr(program, ())


def constants_of(program: ClosedJaxpr) -> list[Any]:
    """The constants of a program as arrays; NumPy arrays that a function closed over are such constants too."""
    return [value if isinstance(value, jax.Array) else jnp.asarray(value) for value in program.consts]


def without_unused(program: ClosedJaxpr) -> ClosedJaxpr:
    """A program without what none of its results needs, inside its loops too; its operands stay."""
    jaxpr, _ = dce_jaxpr(program.jaxpr, True, instantiate=True)
    return ClosedJaxpr(jaxpr, program.consts)


def opened(program: ClosedJaxpr) -> ClosedJaxpr:
    """A program with its constants as first operands."""
    jaxpr = program.jaxpr
    return ClosedJaxpr(jaxpr.replace(constvars=[], invars=[*jaxpr.constvars, *jaxpr.invars]), ())


def program_of(
    like: Jaxpr, inputs: Sequence[Var], equations: Sequence[JaxprEqn], outputs: Sequence[Var | Literal]
) -> ClosedJaxpr:
    """A program made of some equations of another."""
    effects = set().union(*(equation.effects for equation in equations)) if equations else set()
    return ClosedJaxpr(
        like.replace(constvars=[], invars=list(inputs), outvars=list(outputs), eqns=list(equations), effects=effects),
        (),
    )


@dataclass(frozen=True)
class Loop:
    """`scan`: a body from (constants, carry, slices) to (carry, slices)."""

    body: ClosedJaxpr
    constants: int
    carried: int
    length: int
    reverse: bool

    @property
    def sliced(self) -> int:
        return len(self.body.jaxpr.invars) - self.constants - self.carried


def loop(equation: JaxprEqn) -> Loop:
    """What a `scan` does."""
    params = equation.params
    return Loop(params["jaxpr"], params["num_consts"], params["num_carry"], params["length"], params["reverse"])


def run_loop(like: JaxprEqn, change: Loop, operands: Sequence[Any]) -> list[Any]:
    """Another `scan`, with the settings of the given one for what concerns only its execution."""
    params = dict(
        like.params,
        jaxpr=change.body,
        num_consts=change.constants,
        num_carry=change.carried,
        length=change.length,
        reverse=change.reverse,
    )
    with like.ctx.manager:
        return list(like.primitive.bind(*operands, **params))


def branches(equation: JaxprEqn) -> tuple[ClosedJaxpr, ...]:
    """The programs between which a `cond` chooses; its first operand is the choice."""
    return equation.params["branches"]


def choose(like: JaxprEqn, programs: Sequence[ClosedJaxpr], operands: Sequence[Any]) -> list[Any]:
    """A `cond` between other programs."""
    params = dict(like.params, branches=tuple(programs))
    with like.ctx.manager:
        return list(like.primitive.bind(*operands, **params))


@dataclass(frozen=True)
class Repetition:
    """`while`: a test and a body, each with constants of its own."""

    test: ClosedJaxpr
    test_constants: int
    body: ClosedJaxpr
    body_constants: int


def repetition(equation: JaxprEqn) -> Repetition:
    """What a `while` does."""
    params = equation.params
    return Repetition(params["cond_jaxpr"], params["cond_nconsts"], params["body_jaxpr"], params["body_nconsts"])


def repeat(like: JaxprEqn, change: Repetition, operands: Sequence[Any]) -> list[Any]:
    """Another `while`."""
    params = dict(
        like.params,
        cond_jaxpr=change.test,
        cond_nconsts=change.test_constants,
        body_jaxpr=change.body,
        body_nconsts=change.body_constants,
    )
    with like.ctx.manager:
        return list(like.primitive.bind(*operands, **params))


@dataclass(frozen=True)
class Checkpoint:
    """`jax.checkpoint`: a program whose intermediate values are computed again, but for those that `saves` names."""

    program: ClosedJaxpr
    prevent_elimination: bool
    policy: Any

    def saves(self, equation: JaxprEqn) -> bool:
        """Whether the values of this equation are kept."""
        if self.policy is None:
            return False
        answer = self.policy(equation.primitive, *(atom.aval for atom in equation.invars), **equation.params)
        return answer is True or type(answer).__name__ == "SaveableType"


def checkpoint(equation: JaxprEqn) -> Checkpoint:
    """What a `jax.checkpoint` asks for."""
    params = equation.params
    prevent = params["prevent_cse"]
    return Checkpoint(
        closed(params["jaxpr"]), any(prevent) if isinstance(prevent, tuple) else bool(prevent), params["policy"]
    )


@dataclass(frozen=True)
class Contraction:
    """`dot_general`: which axes of the two operands are summed over, and which they share."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    left_batch: tuple[int, ...]
    right_batch: tuple[int, ...]


def contraction(equation: JaxprEqn) -> Contraction:
    """The axes of a `dot_general`."""
    (left, right), (left_batch, right_batch) = equation.params["dimension_numbers"]
    return Contraction(*(tuple(map(int, axes)) for axes in (left, right, left_batch, right_batch)))


def contract(like: JaxprEqn, left: Any, right: Any, axes: Contraction, dtype: Any = None) -> Array:
    """A `dot_general` at the precision of the given one.

    `dtype` is that of the accumulated result: a cotangent has the type of the operand that it belongs to.
    """
    params = like.params
    return lax.dot_general(
        left,
        right,
        ((axes.left, axes.right), (axes.left_batch, axes.right_batch)),
        precision=params["precision"],
        preferred_element_type=params["preferred_element_type"] if dtype is None else dtype,
    )


def is_placed_contraction(equation: JaxprEqn) -> bool:
    """Whether a `dot_general` says how its result lies on devices."""
    return equation.params["out_sharding"] is not None


def axes(equation: JaxprEqn) -> tuple[int, ...]:
    """The axes that a reduction sums, multiplies or compares over."""
    return tuple(map(int, equation.params["axes"]))


def axis(equation: JaxprEqn) -> int:
    """The one axis along which a cumulative operation, a concatenation, a sort or a choice of the largest runs."""
    params = equation.params
    found = next(int(params[name]) for name in ("axis", "dimension", "reduction_dimension") if name in params)
    rank = max(len(array_type(atom).shape) for atom in (equation.invars[0], equation.outvars[0]))
    return found % rank


def runs_backward(equation: JaxprEqn) -> bool:
    """Whether a cumulative operation starts at the end of its axis."""
    return equation.params["reverse"]


def broadcast_axes(equation: JaxprEqn) -> tuple[int, ...]:
    """Where the operand's axes lie in the result of `broadcast_in_dim`."""
    return tuple(map(int, equation.params["broadcast_dimensions"]))


def permutation(equation: JaxprEqn) -> tuple[int, ...]:
    """The order of axes that `transpose` makes."""
    return tuple(map(int, equation.params["permutation"]))


def reading_order(equation: JaxprEqn) -> tuple[int, ...] | None:
    """The order of axes in which `reshape` reads its operand, `None` for that in which they stand."""
    order = equation.params["dimensions"]
    return None if order is None else _integers(order)


def exponent(equation: JaxprEqn) -> int:
    """The exponent of `integer_pow`."""
    return equation.params["y"]


def array_type(atom: Any) -> Any:
    """Shape and type of a variable or literal of a program."""
    return atom.aval


def aval_struct(aval: Any) -> jax.ShapeDtypeStruct:
    """Shape and type of a value, to trace a function with."""
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=getattr(aval, "weak_type", False))


def new_equation(function: Any, operands: Sequence[Var | Literal], result: Var | None = None) -> JaxprEqn:
    """The one equation of a function of `jax.lax`, for an existing result or a new one."""
    structs = [jax.ShapeDtypeStruct(array_type(atom).shape, array_type(atom).dtype) for atom in operands]
    (traced,) = jax.make_jaxpr(function)(*structs).jaxpr.eqns
    if result is None:
        result = Var(traced.outvars[0].aval)
    return traced.replace(invars=list(operands), outvars=[result])


@dataclass(frozen=True)
class Windows:
    """The windows of a `reduce_window`, an entry an axis; `spacing` lies between the elements of the operand."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    spacing: tuple[int, ...]
    dilation: tuple[int, ...]


def windows(equation: JaxprEqn) -> Windows:
    """The windows over which a `reduce_window`, or a selection from windows, runs."""
    params = equation.params
    sizes = _integers(params["window_dimensions"])
    ones = (1,) * len(sizes)
    spacing, dilation = (_integers(params.get(name, ones)) for name in ("base_dilation", "window_dilation"))
    return Windows(sizes, _integers(params["window_strides"]), _pairs(params["padding"]), spacing, dilation)


def window_reduction(equation: JaxprEqn) -> ClosedJaxpr:
    """The program by which a general `reduce_window` joins two elements."""
    return ClosedJaxpr(equation.params["jaxpr"], equation.params["consts"])


def selects_largest(equation: JaxprEqn) -> bool:
    """Whether a selection from windows takes the largest element, not the smallest."""
    return equation.params["select_prim"].name == "ge"


def pick_selected(like: JaxprEqn, values: Any, by: Any) -> Array:
    """From each window the value where `by` is largest; the transpose of `place_selected`."""
    ones = (1,) * values.ndim
    params = dict(base_dilation=ones, window_dilation=ones) | like.params
    return lax.select_and_gather_add_p.bind(values, by, **params)


def place_selected(like: JaxprEqn, values: Any, by: Any) -> Array:
    """A value for each window added where `by` is largest in it."""
    chosen = ("select_prim", "window_dimensions", "window_strides", "padding")
    return lax.select_and_scatter_add_p.bind(values, by, **{name: like.params[name] for name in chosen})


def _integers(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(int, values))


def _pairs(values: Sequence[Any]) -> tuple[tuple[int, int], ...]:
    return tuple((int(low), int(high)) for low, high in values)


@dataclass(frozen=True)
class Correlation:
    """`conv_general_dilated`; the axes of each array in the order batch, channels, spatial (kernel: out, in, spatial).

    `spacing` lies between the elements of the image, `dilation` between those of the kernel.
    """

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    spacing: tuple[int, ...]
    dilation: tuple[int, ...]
    image: tuple[int, ...]
    kernel: tuple[int, ...]
    result: tuple[int, ...]
    channel_groups: int
    batch_groups: int


def correlation(equation: JaxprEqn) -> Correlation:
    """What a `conv_general_dilated` does."""
    params = equation.params
    image, kernel, result = map(_integers, params["dimension_numbers"])
    return Correlation(
        strides=_integers(params["window_strides"]),
        padding=_pairs(params["padding"]),
        spacing=_integers(params["lhs_dilation"]),
        dilation=_integers(params["rhs_dilation"]),
        image=image,
        kernel=kernel,
        result=result,
        channel_groups=params["feature_group_count"],
        batch_groups=params["batch_group_count"],
    )


def correlate(like: JaxprEqn, image: Any, kernel: Any, change: Correlation) -> Array:
    """Another `conv_general_dilated`, with the precision of the given one."""
    return lax.conv_general_dilated(
        image,
        kernel,
        change.strides,
        change.padding,
        lhs_dilation=change.spacing,
        rhs_dilation=change.dilation,
        dimension_numbers=lax.ConvDimensionNumbers(change.image, change.kernel, change.result),
        feature_group_count=change.channel_groups,
        batch_group_count=change.batch_groups,
        precision=like.params["precision"],
        preferred_element_type=like.params["preferred_element_type"],
    )


def is_placed(equation: JaxprEqn) -> bool:
    """Whether an operation says how its result lies on devices."""
    return equation.params.get("out_sharding") is not None


def multiply(like: JaxprEqn, left: Any, right: Any, dtype: Any) -> Array:
    """A product of elements; `dtype` is its type where the given `mul` names one of its own."""
    return lax.mul(left, right, out_dtype=None if like.params.get("out_dtype") is None else dtype)


def gather_again(like: JaxprEqn, operand: Any, indices: Any) -> Array:
    """The gather of another operand; what lies outside is zero."""
    params = dict(like.params, fill_value=0)
    return like.primitive.bind(operand, indices, **params)


def add_gathered(like: JaxprEqn, shape: tuple[int, ...], indices: Any, values: Any) -> Array:
    """The transpose of a `gather`: each value added to zeros where it came from."""
    params, numbers = like.params, like.params["dimension_numbers"]
    return lax.scatter_add(
        lax.full(shape, 0, values.dtype),
        indices,
        values,
        lax.ScatterDimensionNumbers(
            update_window_dims=numbers.offset_dims,
            inserted_window_dims=numbers.collapsed_slice_dims,
            scatter_dims_to_operand_dims=numbers.start_index_map,
            operand_batching_dims=numbers.operand_batching_dims,
            scatter_indices_batching_dims=numbers.start_indices_batching_dims,
        ),
        indices_are_sorted=params["indices_are_sorted"],
        unique_indices=params["unique_indices"],
        mode=params["mode"],
    )


def writes_each_place_once(equation: JaxprEqn) -> bool:
    """Whether a `scatter` promises that no place is written twice."""
    return equation.params["unique_indices"]


def scatter_by(function: Any, like: JaxprEqn, operand: Any, indices: Any, updates: Any) -> Array:
    """A function such as `lax.scatter_add`, at the places of a given `scatter`."""
    params = like.params
    return function(
        operand,
        indices,
        updates,
        params["dimension_numbers"],
        indices_are_sorted=params["indices_are_sorted"],
        unique_indices=params["unique_indices"],
        mode=params["mode"],
    )


def gather_scattered(like: JaxprEqn, operand: Any, indices: Any, shape: tuple[int, ...]) -> Array:
    """What stands where a `scatter` writes updates of this shape; zero where it writes nothing."""
    params, numbers = like.params, like.params["dimension_numbers"]
    single = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    widths = iter(shape[axis] for axis in numbers.update_window_dims)
    return lax.gather(
        operand,
        indices,
        lax.GatherDimensionNumbers(
            offset_dims=numbers.update_window_dims,
            collapsed_slice_dims=numbers.inserted_window_dims,
            start_index_map=numbers.scatter_dims_to_operand_dims,
            operand_batching_dims=numbers.operand_batching_dims,
            start_indices_batching_dims=numbers.scatter_indices_batching_dims,
        ),
        tuple(1 if axis in single else next(widths) for axis in range(operand.ndim)),
        indices_are_sorted=params["indices_are_sorted"],
        unique_indices=params["unique_indices"],
        mode=params["mode"],
        fill_value=0,
    )


def scattered_axes(equation: JaxprEqn, rank: int) -> tuple[int, ...]:
    """The axes of the updates of a `scatter` that run over its indices."""
    windows = equation.params["dimension_numbers"].update_window_dims
    return tuple(axis for axis in range(rank) if axis not in windows)


def strided(equation: JaxprEqn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where a `slice` starts on each axis, and its strides."""
    starts = _integers(equation.params["start_indices"])
    strides = equation.params["strides"]
    return starts, (1,) * len(starts) if strides is None else _integers(strides)


def padding(equation: JaxprEqn) -> tuple[tuple[int, int, int], ...]:
    """What `pad` puts before, behind and between the elements of each axis."""
    return tuple((int(low), int(high), int(between)) for low, high, between in equation.params["padding_config"])


def pieces(equation: JaxprEqn) -> tuple[int, ...]:
    """The sizes of the pieces that `split` makes."""
    return _integers(equation.params["sizes"])


def repetitions(equation: JaxprEqn) -> tuple[int, ...]:
    """How often `tile` repeats each axis."""
    return _integers(equation.params["reps"])


@dataclass(frozen=True)
class Triangular:
    """`triangular_solve`: on which side the matrix stands, which triangle of it is read, and how."""

    left: bool
    lower: bool
    transpose: bool
    unit_diagonal: bool


def triangular(equation: JaxprEqn) -> Triangular:
    """What a `triangular_solve` solves."""
    params = equation.params
    return Triangular(params["left_side"], params["lower"], params["transpose_a"], params["unit_diagonal"])


def triangular_solve(like: JaxprEqn, matrix: Array, side: Array, *, transpose: bool) -> Array:
    """Another `triangular_solve`, by the matrix or by its transpose."""
    (found,) = [like.primitive.bind(matrix, side, **dict(like.params, transpose_a=transpose))]
    return found


@dataclass(frozen=True)
class LinearSolve:
    """`custom_linear_solve`: the program that multiplies by the matrix, and the number of operands before the sides."""

    multiply: ClosedJaxpr
    multiply_constants: int
    constants: int


def linear_solve(equation: JaxprEqn) -> LinearSolve:
    """What a `custom_linear_solve` solves."""
    lengths, programs = equation.params["const_lengths"], equation.params["jaxprs"]
    return LinearSolve(programs.matvec, lengths.matvec, sum(lengths))


def solve_transposed(like: JaxprEqn, constants: Sequence[Any], sides: Sequence[Any]) -> list[Any]:
    """The solution of the transposed system; the parts of the equation exchange their roles."""
    lengths, programs = like.params["const_lengths"], like.params["jaxprs"]
    parts, start = {}, 0
    for name, length in zip(lengths._fields, lengths, strict=True):
        parts[name] = list(constants[start : start + length])
        start += length
    order = ("vecmat", "matvec", "transpose_solve", "solve")
    params = dict(
        like.params,
        const_lengths=type(lengths)(*(getattr(lengths, name) for name in order)),
        jaxprs=type(programs)(*(getattr(programs, name) for name in order)),
    )
    operands = [value for name in order for value in parts[name]]
    return list(like.primitive.bind(*operands, *sides, **params))


def fourier(equation: JaxprEqn) -> tuple[str, tuple[int, ...]]:
    """The kind of a discrete Fourier transform (`FFT`, `IFFT`, `RFFT`, `IRFFT`), and the lengths of its last axes."""
    kind = equation.params["fft_type"]
    return getattr(kind, "name", str(kind)), _integers(equation.params["fft_lengths"])
