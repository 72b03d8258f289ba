"""Rules of the primitives that this library defines: what `primitive.Rule` says, in the form of `rule.Derivative`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pullback.autodiff import fallback
from pullback.autodiff.primitive import Rule, rule_of
from pullback.autodiff.rule import Derivative, Point


def derivative_of(rule: Rule) -> Derivative:
    """The two maps of a primitive of ours."""
    return _multilinear(rule) if rule.tangent is None else _nonlinear(rule)


def _multilinear(rule: Rule) -> Derivative:
    def cotangent(point: Point, cotangents: Sequence[Any]) -> list[Any]:
        known = [position not in rule.transposes for position in range(len(point.operands))]
        rest = tuple(wanted and plain for wanted, plain in zip(point.wanted, known, strict=True))
        found: list[Any] = [None] * len(point.operands)
        if any(rest):
            found = fallback.cotangent(replace(point, wanted=rest), cotangents)
        for position, transpose in rule.transposes.items():
            if point.wanted[position]:
                found[position] = transpose(cotangents[0], *point.operands, **point.equation.params)
        return found

    return Derivative(fallback.tangent, cotangent)


def _nonlinear(rule: Rule) -> Derivative:
    def tangent(point: Point, tangents: Sequence[Any]) -> list[Any]:
        assert rule.tangent is not None
        return list(rule.tangent(point.outputs, point.operands, tuple(tangents), **point.equation.params))

    return Derivative(tangent)


def our_derivative(primitive: Any) -> Derivative | None:
    """The rule of a primitive of ours, `None` for one of JAX's own."""
    rule = rule_of(primitive)
    return None if rule is None else derivative_of(rule)
