r"""Functions that carry a derivative of their own, and those whose values are computed again.

A function under `jax.checkpoint` leaves nothing but its operands, and what its policy names. Its way back starts by
computing the rest again, behind a barrier that keeps the compiler from finding the values of the way forward instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jax import lax
from jax.extend.core import JaxprEqn

from pullback.autodiff import fallback
from pullback.autodiff.joint import run, trace_joint
from pullback.autodiff.kept import Halves, cut, keep_saved
from pullback.autodiff.parameters import called_name, checkpoint
from pullback.autodiff.push import push
from pullback.autodiff.record import Table, reach_through
from pullback.autodiff.rule import Derivative, Point, instantiate, tangent_only
from pullback.core.errors import DerivativeError


def reaches(table: Table, equation: JaxprEqn, active: Sequence[bool]) -> list[bool]:
    """Which results of the function depend on the variables."""
    return reach_through(table, checkpoint(equation).program, active)


def forward(table: Table, equation: JaxprEqn, operands: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """Forward mode keeps nothing, so there is nothing to compute again."""
    return push(table, checkpoint(equation).program, operands, tangents)


def augmented(table: Table, equation: JaxprEqn, operands: Sequence[Any], active: Sequence[bool]) -> tuple[Any, Any]:
    """The results, and those values that the policy keeps."""
    asked = checkpoint(equation)
    shown = reach_through(table, asked.program, active)
    joint = trace_joint(table, asked.program, active, shown, [False] * len(operands))
    halves = cut(joint, keep_saved(joint, asked.saves))
    found = run(table, halves.forward, [*halves.constants, *operands])
    return found[: len(shown)], (halves, shown, found[len(shown) :])


def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
    """The function again, and its way back."""
    halves: Halves
    halves, shown, kept = point.residuals
    pairs = zip(cotangents, point.outputs, shown, strict=True)
    directions = [instantiate(direction, output) for direction, output, flag in pairs if flag]
    count = len(point.operands)
    # Behind one barrier with the cotangents, the second computation can neither be merged with the first nor start
    # before the way back is there.
    behind = lax.optimization_barrier((*point.operands, *directions))
    found = iter(run(point.table, halves.backward, [*halves.constants, *behind[:count], *kept, *behind[count:]]))
    return [next(found) if flag else None for flag in halves.present]


def _barrier_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    present = [tangent for tangent in tangents if tangent is not None]
    moved = iter(lax.optimization_barrier(tuple(present)))
    return [None if tangent is None else next(moved) for tangent in tangents]


def _no_tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
    raise DerivativeError(
        f"forward mode meets {called_name(point.equation)!r}, for which only a way back is defined (jax.custom_vjp)",
        expected="operations with a derivative in forward mode",
        got="jax.custom_vjp",
        fix="define the derivative by jax.custom_jvp, which serves both modes, or use reverse mode (grad, vjp)",
    )


CHECKPOINT = Derivative(
    None,
    cotangent,
    r"\bar x = \partial f(x)^\top \bar z",
    augmented=augmented,
    forward=forward,
    reaches=reaches,
)

CALLS = {
    # The user's own tangent map, and its transpose by our rules.
    "custom_jvp_call": tangent_only(fallback.tangent),
    # The user's own way back.
    "custom_vjp_call": replace(fallback.FALLBACK, tangent=_no_tangent),
    "remat2": CHECKPOINT,
    "optimization_barrier": Derivative(
        _barrier_tangent, _barrier_tangent, reaches=lambda table, equation, active: list(active)
    ),
}
