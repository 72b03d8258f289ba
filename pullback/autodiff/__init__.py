"""Derivatives of traced programs, by rules one can read."""

from __future__ import annotations

from pullback.autodiff.forward import jvp
from pullback.autodiff.primitive import Operation, Rule, define, implementation, inner_jaxpr, transposed
from pullback.autodiff.program import equations, subprograms
from pullback.autodiff.reverse import grad, value_and_grad, vjp

__all__ = [
    "Operation",
    "Rule",
    "define",
    "equations",
    "grad",
    "implementation",
    "inner_jaxpr",
    "jvp",
    "subprograms",
    "transposed",
    "value_and_grad",
    "vjp",
]
