"""Which values of a program its way back needs, and the two programs on either side of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jax.extend.core import ClosedJaxpr, JaxprEqn, Var

from pullback.autodiff.joint import Joint, dependent, leading_to, piece, variables
from pullback.autodiff.loop_plan import FREE


@dataclass(frozen=True)
class Halves:
    """A program with its way back, cut where cotangents come in.

    Parameters
    ----------
    forward : from constants and operands to results and kept values.
    backward : from constants, operands, kept values and cotangents to those cotangents of operands that exist.
    kept : the kept values.
    present : which operands have a cotangent.
    """

    forward: ClosedJaxpr
    backward: ClosedJaxpr
    kept: list[Var]
    present: list[bool]
    constants: list[Any]


def keep_all(joint: Joint) -> list[Var]:
    """Every value that the way back uses, but for those that cost nothing to make."""
    equations = joint.program.eqns
    back = dependent(equations, joint.incoming)
    made = {v: e for e in equations for v in e.outvars if v not in back and e.primitive.name not in FREE}
    used = {v for e in equations if any(o in back for o in e.outvars) for v in variables(e.invars)}
    used.update(variables(joint.outgoing))
    return [variable for variable in made if variable in used]


def keep_saved(joint: Joint, saves: Callable[[JaxprEqn], bool]) -> list[Var]:
    """Results of those operations on the way forward that a policy names."""
    return [v for e in leading_to(joint.program.eqns, joint.outputs, set()) if saves(e) for v in e.outvars]


def cut(joint: Joint, kept: Sequence[Var]) -> Halves:
    """The two halves of a joint trace."""
    given = [*joint.held, *joint.operands]
    incoming = variables(joint.incoming)
    outgoing = [atom for atom in joint.outgoing if atom is not None]
    return Halves(
        piece(joint, given, [*joint.outputs, *kept], effects=True),
        piece(joint, [*given, *kept, *incoming], outgoing),
        list(kept),
        [atom is not None for atom in joint.outgoing],
        joint.constants,
    )
