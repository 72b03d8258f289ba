"""One instance of each classic problem, for tests that loop over them."""

from __future__ import annotations

import numpy as np

from pullback.testing.problems.beale import beale
from pullback.testing.problems.himmelblau import himmelblau
from pullback.testing.problems.lasso import lasso
from pullback.testing.problems.logistic_regression import logistic_regression
from pullback.testing.problems.matrix_factorization import matrix_factorization
from pullback.testing.problems.peaks import peaks
from pullback.testing.problems.problem import Problem
from pullback.testing.problems.quadratic import quadratic
from pullback.testing.problems.rastrigin import rastrigin
from pullback.testing.problems.rosenbrock import rosenbrock

CLASSICS: tuple[Problem, ...] = (
    rosenbrock(),
    beale(),
    himmelblau(),
    rastrigin(),
    peaks(),
    quadratic(np.geomspace(1.0, 100.0, 8)),
    logistic_regression(l2=0.01),
    matrix_factorization(),
    lasso(),
)
