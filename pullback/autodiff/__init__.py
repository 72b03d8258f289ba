"""Derivatives of traced programs: operations whose derivative we write ourselves."""

from __future__ import annotations

from pullback.autodiff.primitive import Operation, Rule, define, implementation, inner_jaxpr, transposed

__all__ = ["Operation", "Rule", "define", "implementation", "inner_jaxpr", "transposed"]
