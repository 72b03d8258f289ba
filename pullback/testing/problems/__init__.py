"""Test problems of `minimize` with published starts and minima: classics, collections, drawn data, NIST's sets.

A test loops over `CLASSICS`, `MORE_GARBOW_HILLSTROM` (35 least-squares problems), `HOCK_SCHITTKOWSKI` (constrained) or
`read_nist(folder)` (27 certified fits) and compares what it finds with `problem.minimum` and `problem.other_minima`.
"""

from pullback.testing.problems.beale import beale
from pullback.testing.problems.classics import CLASSICS
from pullback.testing.problems.himmelblau import himmelblau
from pullback.testing.problems.hock_schittkowski import PROBLEMS as HOCK_SCHITTKOWSKI
from pullback.testing.problems.lasso import LassoData, lasso, lasso_data
from pullback.testing.problems.logistic_regression import LogisticData, logistic_data, logistic_regression
from pullback.testing.problems.matrix_factorization import matrix_factorization
from pullback.testing.problems.more_garbow_hillstrom import FURTHER_DIMENSIONS
from pullback.testing.problems.more_garbow_hillstrom import PROBLEMS as MORE_GARBOW_HILLSTROM
from pullback.testing.problems.nist_nonlinear import NistDataset, read_nist, read_nist_file
from pullback.testing.problems.peaks import peaks
from pullback.testing.problems.problem import ConstrainedProblem, LocalMinimum, Problem
from pullback.testing.problems.quadratic import quadratic, quadratic_matrix
from pullback.testing.problems.rastrigin import rastrigin
from pullback.testing.problems.rosenbrock import rosenbrock

__all__ = [
    "CLASSICS",
    "FURTHER_DIMENSIONS",
    "HOCK_SCHITTKOWSKI",
    "MORE_GARBOW_HILLSTROM",
    "ConstrainedProblem",
    "LassoData",
    "LocalMinimum",
    "LogisticData",
    "NistDataset",
    "Problem",
    "beale",
    "himmelblau",
    "lasso",
    "lasso_data",
    "logistic_data",
    "logistic_regression",
    "matrix_factorization",
    "peaks",
    "quadratic",
    "quadratic_matrix",
    "rastrigin",
    "read_nist",
    "read_nist_file",
    "rosenbrock",
]
