"""Views of a traced program: what a kernel computes, as the formula that a textbook would print."""

from __future__ import annotations

from pullback.explain.equation import Equation, equation
from pullback.explain.reader import EquationError

__all__ = ["Equation", "EquationError", "equation"]
