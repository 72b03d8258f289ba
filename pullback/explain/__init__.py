"""Views of what is computed: a kernel as the formula that a textbook would print; pictures are in `figures`."""

from __future__ import annotations

from pullback.core.errors import EquationError
from pullback.explain.equation import Equation, equation

__all__ = ["Equation", "EquationError", "equation"]
