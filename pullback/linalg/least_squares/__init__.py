"""Least squares: solvers, the choice among them, refinement, and columns that depend on each other."""

from __future__ import annotations

from pullback.linalg.least_squares.collinear import Dependence, dependent_columns
from pullback.linalg.least_squares.least_squares import LeastSquaresResult, least_squares
from pullback.linalg.least_squares.solver import Solver

__all__ = ["Dependence", "LeastSquaresResult", "Solver", "dependent_columns", "least_squares"]
