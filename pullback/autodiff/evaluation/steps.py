"""What an evaluation consists of: operations between numbered places, and operations that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jax.extend.core import JaxprEqn


@dataclass(frozen=True)
class Single:
    """One operation.

    Parameters
    ----------
    equation : the operation with its settings.
    sources, targets : places of its operands and of its results.
    scope : names of the parts of the program around it, outermost first.
    """

    equation: JaxprEqn
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    scope: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Operations that belong together: a named function, a layer, the branch taken, a loop, one pass of it.

    Parameters
    ----------
    name, kind : how it is called, and which of these it is.
    members : what it consists of, in order.
    sources, targets : places of its arguments and of its results.
    arguments : names of the arguments inside, empty for one that has none.
    scope : names of the parts of the program around its members.
    """

    name: str
    kind: str
    members: tuple[Step, ...]
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    arguments: tuple[str, ...]
    scope: tuple[str, ...]


Step = Single | Group


@dataclass(frozen=True)
class Recording:
    """An evaluation with all its numbers.

    Parameters
    ----------
    steps : what was done, in order.
    inputs, outputs : places of arguments and results.
    values : by place.
    tangents, adjoints : by place, of real numbers; one that is missing could not be found.
    known : places whose value depends on no argument.
    constants : for each array that the program holds its place and its identity.
    reasons : why a derivative could not be found.
    """

    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    values: dict[int, Any]
    tangents: dict[int, Any]
    adjoints: dict[int, Any]
    known: frozenset[int]
    constants: dict[int, int]
    reasons: tuple[str, ...]
