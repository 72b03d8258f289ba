"""Derivatives of traced programs: operations whose derivative we write ourselves."""

from __future__ import annotations

from pullback.autodiff.primitive import Rule, define, implementation, inner_jaxpr

__all__ = ["Rule", "define", "implementation", "inner_jaxpr"]
