"""Views of a traced program: what a kernel computes, as the formula that a textbook would print."""

from __future__ import annotations

from pullback.core.errors import EquationError
from pullback.explain.equation import Equation, equation

__all__ = ["Equation", "EquationError", "equation"]
