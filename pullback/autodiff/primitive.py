r"""Primitives of our own: an operation whose derivative we write, and every transformation of JAX that follows from it.

One `Rule` says all there is to say about an operation; JVP, transpose, batching, lowering and shapes are derived from
it. Two forms of it occur.

A **multilinear** operation is linear in each of some operands by itself. For the operand \(v\),

\[ D f(v, r)[\dot v] = f(\dot v, r), \qquad f(\cdot, r)^\top \bar y = \text{transposes}[v](\bar y, r), \]

which covers a linear operator that depends on residuals \(r\) (one entry in `transposes`) and a bilinear operation
such as convolution (two entries).

A **nonlinear** operation names its tangent map :math:`\dot y = T(y, x)[\dot x]`, itself built of multilinear
operations, so that reverse mode and every higher order come from the same two lines.

A rule of this kind, unlike `jax.custom_vjp`, serves forward mode, Hessians of either order, `vmap`, `scan` and
rematerialisation. All contact with the interpreters of JAX stays in this file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, JaxprEqn, Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array


@dataclass(frozen=True)
class Rule:
    """All that is known about one operation.

    Parameters
    ----------
    name : how the operation reads in a jaxpr.
    implementation : pure function of arrays and of hashable settings passed by keyword. A tuple is returned
        if `multiple_results`.
    transposes : for each operand (by position) in which the operation is linear, the function
        `(cotangent, *operands, **settings) -> cotangent of that operand`; in the operand's own place stands what is
        known of it, an object with `shape` and `dtype`.
    tangent : for a nonlinear operation, `(outputs, operands, tangents, **settings) -> tangents of the outputs`. A
        tangent that is known to be zero, in or out, is `None`.
    leading : operands that may carry further leading axes, over which the operation repeats itself.
    batch : how a mapped axis elsewhere is absorbed: `(operands, axes, size, **settings) -> (output, axis)`, an axis
        being `None` for an operand that is not mapped. Without it the implementation is mapped by `jax.vmap`.
    multiple_results : whether the implementation returns a tuple.
    platforms : implementations that replace the general one on a named platform ("cpu", "cuda", ...).
    """

    name: str
    implementation: Callable[..., Any]
    transposes: Mapping[int, Callable[..., Any]] = field(default_factory=dict)
    tangent: Callable[..., Sequence[Any]] | None = None
    leading: tuple[int, ...] = ()
    batch: Callable[..., tuple[Any, Any]] | None = None
    multiple_results: bool = False
    platforms: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


class Operation(Primitive):
    """A primitive of ours."""

    def bind(self, *operands: Any, **params: Any) -> Any:
        """Apply the operation to arrays, with its settings by keyword."""
        return super().bind(*_varying_alike(operands), **params)


_RULES: dict[Primitive, Rule] = {}


def define(rule: Rule) -> Operation:
    """The primitive that `rule` describes; call it by `.bind(*arrays, **settings)`.

    Examples
    --------
    The square, with its derivative as a rule:

    >>> scale = define(Rule("scale", lambda v, r: v * r, transposes={0: lambda ct, v, r: scale.bind(ct, r)}))
    >>> square = define(Rule("square_", lambda x: x * x, tangent=lambda y, x, v: (2 * scale.bind(v[0], x[0]),)))
    >>> jax.grad(lambda x: square.bind(x))(3.0), jax.grad(jax.grad(lambda x: square.bind(x)))(3.0)
    (Array(6., dtype=float32, weak_type=True), Array(2., dtype=float32, weak_type=True))
    """
    primitive = Operation(rule.name)
    primitive.multiple_results = rule.multiple_results
    _RULES[primitive] = rule
    compiled = _compiled(primitive.bind)
    traced = _compiled(rule.implementation)

    def evaluate(*operands: Any, **params: Any) -> Any:
        # Compiling is what calls the implementation; with compilation switched off this would never end.
        with jax.disable_jit(False):
            return compiled(_settings(params), *operands)

    def abstract(*avals: Any, **params: Any) -> Any:
        outputs = traced.trace(_settings(params), *map(_on_one_device, avals)).jaxpr.out_avals
        # All operands were made to vary alike, so the results vary with them.
        outputs = [output.update_manual_axis_type(avals[0].manual_axis_type) for output in outputs]
        return outputs if rule.multiple_results else outputs[0]

    primitive.def_impl(evaluate)
    primitive.def_abstract_eval(abstract)
    for platform, function in {None: rule.implementation, **rule.platforms}.items():
        mlir.register_lowering(primitive, _lowering(function, rule.multiple_results), platform=platform)
    derivative = _multilinear_jvp if rule.tangent is None else _nonlinear_jvp
    ad.primitive_jvps[primitive] = lambda primals, tangents, /, **params: derivative(
        primitive, primals, tangents, params
    )
    if rule.transposes:
        ad.primitive_transposes[primitive] = lambda cotangent, /, *operands, **params: _transpose(
            rule, cotangent, operands, params
        )
    batching.primitive_batchers[primitive] = lambda operands, mapped, /, **params: _batch(
        primitive, operands, mapped, params
    )
    return primitive


def rule_of(primitive: Primitive) -> Rule | None:
    """The rule behind a primitive of ours; `None` for one of JAX's own."""
    return _RULES.get(primitive)


def implementation(primitive: Primitive) -> Callable[..., Any] | None:
    """The function behind a primitive of ours; `None` for one of JAX's own."""
    rule = _RULES.get(primitive)
    return None if rule is None else rule.implementation


def inner_jaxpr(equation: JaxprEqn) -> ClosedJaxpr | None:
    """What an equation of ours computes, in JAX's own operations; `None` for an equation of JAX's own.

    Examples
    --------
    >>> twice = define(Rule("twice", lambda x: x + x, transposes={0: lambda ct, x: twice.bind(ct)}))
    >>> equation = jax.make_jaxpr(lambda x: twice.bind(x))(1.0).eqns[0]
    >>> equation.primitive, inner_jaxpr(equation).eqns[0].primitive
    (twice, add)
    """
    rule = _RULES.get(equation.primitive)
    if rule is None:
        return None
    avals = [variable.aval for variable in equation.invars]
    return _compiled(rule.implementation).trace(_settings(equation.params), *avals).jaxpr


def transposed(function: Callable[[Array], Array], shape: tuple[int, ...], cotangent: Array) -> Array:
    """What the transpose of the linear `function` of an array of that shape makes of `cotangent`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> transposed(lambda x: 2 * x[1:], (3,), jnp.array([1.0, 5.0])).tolist()
    [0.0, 2.0, 10.0]
    """
    operand = jax.ShapeDtypeStruct(shape, cotangent.dtype)
    return jax.linear_transpose(function, operand)(cotangent)[0]


def _varying_alike(operands: Sequence) -> list:
    """Inside `shard_map`, mark all operands as differing between devices if one does; their cotangents then add up."""
    axes = [jax.typeof(operand).manual_axis_type.varying for operand in operands]
    union = frozenset().union(*axes)
    return [
        operand if own == union else jax.lax.pcast(operand, tuple(sorted(union - own)), to="varying")
        for operand, own in zip(operands, axes, strict=True)
    ]


def _on_one_device(aval: Any) -> Any:
    """The array as an implementation sees it: its own part, whatever the other devices hold."""
    return ShapedArray(aval.shape, aval.dtype, weak_type=aval.weak_type)


def _lowering(function: Callable[..., Any], multiple_results: bool) -> Callable[..., Any]:
    lower = mlir.lower_fun(function, multiple_results)

    def lowering(context: Any, /, *operands: Any, **params: Any) -> Any:
        return lower(context.replace(avals_in=list(map(_on_one_device, context.avals_in))), *operands, **params)

    return lowering


def _compiled(function: Callable[..., Any]) -> Any:
    """`function` under `jax.jit`, its settings as one static first argument."""
    return jax.jit(lambda settings, *operands: function(*operands, **dict(settings)), static_argnums=0)


def _settings(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))


def _is_zero(tangent: Any) -> bool:
    return type(tangent) is ad.Zero


def _zero_like(value: Any) -> ad.Zero:
    return ad.Zero(jax.typeof(value).to_tangent_aval())


def _multilinear_jvp(primitive: Primitive, primals: Sequence, tangents: Sequence, params: dict) -> tuple[Any, Any]:
    rule = _RULES[primitive]
    output = primitive.bind(*primals, **params)
    moving = [position for position, tangent in enumerate(tangents) if not _is_zero(tangent)]
    terms = [
        primitive.bind(*_replaced(primals, position, tangents[position]), **params)
        for position in moving
        if position in rule.transposes
    ]
    residuals = [position for position in moving if position not in rule.transposes]
    if residuals:
        terms.append(_jvp_in_residuals(rule, primals, tangents, residuals, params))
    if not rule.multiple_results:
        return output, _sum(terms)
    return output, [_sum(column) for column in zip(*terms, strict=True)]


def _sum(terms: Sequence) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = ad.add_tangents(total, term)
    return total


def _jvp_in_residuals(rule: Rule, primals: Sequence, tangents: Sequence, positions: list[int], params: dict) -> Any:
    """Derivative in the operands that carry no rule of ours, through the implementation itself."""

    def function(*values: Any) -> Any:
        operands = list(primals)
        for position, value in zip(positions, values, strict=True):
            operands[position] = value
        return rule.implementation(*operands, **params)

    return jax.jvp(function, [primals[p] for p in positions], [tangents[p] for p in positions])[1]


def _replaced(values: Sequence, position: int, value: Any) -> list:
    return [value if index == position else old for index, old in enumerate(values)]


def _nonlinear_jvp(primitive: Primitive, primals: Sequence, tangents: Sequence, params: dict) -> tuple[Any, Any]:
    rule = _RULES[primitive]
    assert rule.tangent is not None
    result = primitive.bind(*primals, **params)
    outputs = list(result) if rule.multiple_results else [result]
    moving = [None if _is_zero(tangent) else tangent for tangent in tangents]
    found = rule.tangent(tuple(outputs), tuple(primals), tuple(moving), **params)
    changes = [_zero_like(output) if change is None else change for output, change in zip(outputs, found, strict=True)]
    return (outputs, changes) if rule.multiple_results else (outputs[0], changes[0])


def _transpose(rule: Rule, cotangent: Any, operands: Sequence, params: dict) -> list:
    """Cotangents of the operands: an array for the linear one, `None` for the others."""
    linear = [position for position, operand in enumerate(operands) if ad.is_undefined_primal(operand)]
    cotangents: list[Any] = [None] * len(operands)
    (position,) = linear
    if _is_zero(cotangent):
        cotangents[position] = ad.Zero(operands[position].aval)
    else:
        known = _replaced(operands, position, operands[position].aval)
        cotangents[position] = rule.transposes[position](cotangent, *known, **params)
    return cotangents


def _batch(primitive: Primitive, operands: Sequence, axes: Sequence, params: dict) -> tuple[Any, Any]:
    """Fold the mapped axis into the leading axes where all mapped operands allow it, else by the rule's own way."""
    rule = _RULES[primitive]
    mapped = [position for position, axis in enumerate(axes) if axis is not None]
    size = operands[mapped[0]].shape[axes[mapped[0]]]
    if all(position in rule.leading for position in mapped):
        folded = [
            batching.bdim_at_front(operand, axis, size) if position in rule.leading else operand
            for position, (operand, axis) in enumerate(zip(operands, axes, strict=True))
        ]
        output = primitive.bind(*folded, **params)
        return output, ((0,) * len(output) if rule.multiple_results else 0)
    if rule.batch is not None:
        return rule.batch(operands, axes, size, **params)
    function = functools.partial(rule.implementation, **params)
    output = jax.vmap(function, in_axes=tuple(axes))(*operands)
    return output, ((0,) * len(output) if rule.multiple_results else 0)
