"""How factorizations and solutions of linear systems are read: by the name that the literature gives them."""

from __future__ import annotations

from typing import Any

from jax.extend.core import ClosedJaxpr, JaxprEqn

from pullback.explain.expression import Node
from pullback.explain.reader import Reader, Rule, not_supported
from pullback.explain.rewrite import build
from pullback.explain.rules_axes import moved
from pullback.explain.view import View

# Of these functions of JAX the equation shows what they are, not how they are computed. None of them has settings.
NAMED = ("det", "inv", "solve")
LINEAR_ALGEBRA_OF_JAX = "/jax/_src/numpy/linalg.py"
# JAX computes smaller determinants from their expansion, which is a formula to show.
LARGEST_EXPANDED = 3


def named_operator(reader: Reader, equation: JaxprEqn, program: ClosedJaxpr, operands: list[View]) -> View | None:
    """The result of one of the named functions; nothing for any other, and where a matrix has one row or column."""
    name = str(equation.params["name"])
    source = (program.jaxpr.debug_info.func_src_info or "").replace("\\", "/")
    if name not in NAMED or LINEAR_ALGEBRA_OF_JAX not in source:
        return None
    size = operands[0].shape[-1]
    if name == "det" and size <= LARGEST_EXPANDED:
        return None
    # One axis on the right side is a vector, whatever is on the left.
    ranks = [2, *(min(2, len(x.shape)) for x in operands[1:])]
    if any(1 in x.shape[-rank:] for x, rank in zip(operands, ranks, strict=True)):
        return None
    return operator(reader, equation, name, operands, ranks, {"det": 0, "inv": 2}.get(name, ranks[-1]))


def operator(
    reader: Reader, equation: JaxprEqn, name: str, operands: list[View], ranks: list[int], written: int
) -> View:
    """An operator on whole arrays of these ranks, whose result has `written` axes; axes before those are batches."""
    arrays = [reader.named(x) for x in operands]
    bound = tuple(reader.new_indices(x.shape[-rank:]) for x, rank in zip(arrays, ranks, strict=True))

    def entry(*place: Node) -> Node:
        batch, rest = place[: len(place) - written], place[len(place) - written :]
        bodies = [
            x.at(*batch[len(batch) - len(x.shape) + len(own) :], *own) for x, own in zip(arrays, bound, strict=True)
        ]
        return build("call", *bodies, *rest, data=(name, bound))

    return moved(equation, entry)


def _cholesky(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    output: Any = equation.outvars[0].aval
    if 1 in output.shape[-2:]:
        raise not_supported("cholesky", "a matrix of one row")
    return operator(reader, equation, "cholesky", operands, [2], 2)


RULES: dict[str, Rule] = {"cholesky": _cholesky}
