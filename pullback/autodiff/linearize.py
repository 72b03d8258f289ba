"""The linear part of a function at a point, as a function of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr

from pullback.autodiff.arguments import Traced, check_tangents, trace_function, zero_cotangent
from pullback.autodiff.joint import Joint, run
from pullback.autodiff.kept import cut, keep_all
from pullback.autodiff.parameters import array_type, aval_struct, constants_of
from pullback.autodiff.push import push
from pullback.autodiff.rule import instantiate
from pullback.autodiff.rules import RULES


def linearize(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    r"""The value of a function, and its derivative at that point as a linear map.

    \[ y = f(x), \qquad \ell(\dot x) = J(x)\, \dot x . \]

    Everything that does not depend on the direction is computed once; the map can then be used for many directions,
    under `jax.vmap` for all at once.

    Returns
    -------
    `(result, map)` or `(result, map, auxiliary)`; `map(*tangents)` takes one direction an argument.

    Raises
    ------
    DerivativeError : for a direction of another structure, shape or type than its argument.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> value, derivative = linearize(lambda x: jnp.sin(x) * x, 1.0)
    >>> print(f"{value:.6f} {derivative(1.0):.6f} {derivative(2.0):.5f}")
    0.841471 1.381773 2.76355

    Source: A. Radul, A. Paszke, R. Frostig, M. Johnson, D. Maclaurin, You Only Linearize Once, POPL 2023.
    """
    traced = trace_function(function, primals, has_aux)
    if traced is None:
        return jax.linearize(function, *primals, has_aux=has_aux)
    count = traced.output_structure.num_leaves
    joint, shown = _joint(traced, count)
    halves = cut(joint, keep_all(joint))
    found = run(RULES, halves.forward, [*halves.constants, *traced.leaves])
    values, kept = found[: len(joint.outputs)], found[len(joint.outputs) :]
    result = jax.tree.unflatten(traced.output_structure, values[:count])

    def derivative(*tangents: Any) -> Any:
        leaves = [leaf for leaf in check_tangents(tangents, primals) if leaf is not None]
        moved = iter(run(RULES, halves.backward, [*halves.constants, *traced.leaves, *kept, *leaves]))
        pairs = zip(values, shown, strict=False)
        return jax.tree.unflatten(
            traced.output_structure, [next(moved) if flag else zero_cotangent(value) for value, flag in pairs]
        )

    if not has_aux:
        return result, derivative
    return result, derivative, jax.tree.unflatten(traced.aux, values[count:])


def _joint(traced: Traced, count: int) -> tuple[Joint, list[bool]]:
    """Values and tangents in one trace; which of the first `count` results have a tangent."""
    variables = traced.program.jaxpr.invars
    active = [jnp.issubdtype(array_type(variable).dtype, jnp.inexact) for variable in variables]
    shown: list[bool] = []

    def both(values: list[Any], directions: list[Any]) -> tuple[list[Any], list[Any]]:
        given = iter(directions)
        duals = push(RULES, traced.program, values, [next(given) if flag else None for flag in active])
        shown[:] = [jnp.issubdtype(jax.typeof(value).dtype, jnp.inexact) for value, _ in duals[:count]]
        moved = [instantiate(tangent, value) for (value, tangent), flag in zip(duals, shown, strict=False) if flag]
        return [value for value, _ in duals], moved

    inputs = [aval_struct(variable.aval) for variable in variables]
    tangents = [jax.ShapeDtypeStruct(i.shape, i.dtype) for i, flag in zip(inputs, active, strict=True) if flag]
    return _divided(jax.make_jaxpr(both)(inputs, tangents), active, len(traced.program.jaxpr.outvars)), shown


def _divided(program: ClosedJaxpr, active: list[bool], results: int) -> Joint:
    jaxpr = program.jaxpr
    return Joint(
        jaxpr,
        constants_of(program),
        list(jaxpr.constvars),
        list(jaxpr.invars[: len(active)]),
        list(jaxpr.invars[len(active) :]),
        list(jaxpr.outvars[:results]),
        list(jaxpr.outvars[results:]),
    )
