"""Least squares; linear algebra by products: conjugate gradients, preconditioners, Lanczos, traces, factorizations."""

from __future__ import annotations

from pullback.linalg.conjugate_gradient import ConjugateGradientResult, conjugate_gradient
from pullback.linalg.extreme_eigenvalues import ExtremeEigenvalues, extreme_eigenvalues
from pullback.linalg.hutchinson_trace import TraceEstimate, hutchinson_trace
from pullback.linalg.iteration_reason import IterationReason
from pullback.linalg.lanczos import LanczosResult, lanczos
from pullback.linalg.least_squares import Dependence, LeastSquaresResult, Solver, dependent_columns, least_squares
from pullback.linalg.modified_cholesky import ModifiedCholesky, modified_cholesky
from pullback.linalg.power_iteration import PowerIterationResult, power_iteration
from pullback.linalg.preconditioners import block_jacobi, jacobi, symmetric_gauss_seidel
from pullback.linalg.ritz_values import ExtremeRitzValues, conjugate_gradient_eigenvalues
from pullback.linalg.shifted_cholesky import ShiftedCholesky, shifted_cholesky
from pullback.linalg.spectral_density import SpectralDensity, spectral_density

__all__ = [
    "ConjugateGradientResult",
    "Dependence",
    "ExtremeEigenvalues",
    "ExtremeRitzValues",
    "IterationReason",
    "LanczosResult",
    "LeastSquaresResult",
    "ModifiedCholesky",
    "PowerIterationResult",
    "ShiftedCholesky",
    "Solver",
    "SpectralDensity",
    "TraceEstimate",
    "block_jacobi",
    "conjugate_gradient",
    "conjugate_gradient_eigenvalues",
    "dependent_columns",
    "extreme_eigenvalues",
    "hutchinson_trace",
    "jacobi",
    "lanczos",
    "least_squares",
    "modified_cholesky",
    "power_iteration",
    "shifted_cholesky",
    "spectral_density",
    "symmetric_gauss_seidel",
]
