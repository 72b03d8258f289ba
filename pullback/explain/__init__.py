"""Views of what is computed: a kernel as the formula that a textbook would print, a minimization as a picture."""

from __future__ import annotations

from pullback.core.errors import EquationError
from pullback.explain.equation import Equation, equation
from pullback.explain.landscape import landscape
from pullback.explain.trace_figure import trace_figure

__all__ = ["Equation", "EquationError", "equation", "landscape", "trace_figure"]
