"""Linear algebra by products: conjugate gradients, preconditioners, Lanczos, traces, modified factorizations."""

from __future__ import annotations

from pullback.linalg.conjugate_gradient import ConjugateGradientResult, conjugate_gradient
from pullback.linalg.iteration_reason import IterationReason
from pullback.linalg.preconditioners import block_jacobi, jacobi, symmetric_gauss_seidel
from pullback.linalg.ritz_values import ExtremeRitzValues, conjugate_gradient_eigenvalues

__all__ = [
    "ConjugateGradientResult",
    "ExtremeRitzValues",
    "IterationReason",
    "block_jacobi",
    "conjugate_gradient",
    "conjugate_gradient_eigenvalues",
    "jacobi",
    "symmetric_gauss_seidel",
]
