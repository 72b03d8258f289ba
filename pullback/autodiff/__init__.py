"""Derivatives of traced programs: operations whose derivative we write ourselves."""

from __future__ import annotations

from pullback.autodiff.primitive import Operation, Rule, define, implementation, inner_jaxpr, transposed
from pullback.autodiff.program import equations, subprograms

__all__ = [
    "Operation",
    "Rule",
    "define",
    "equations",
    "implementation",
    "inner_jaxpr",
    "subprograms",
    "transposed",
]
