r"""The 35 problems of Moré, Garbow and Hillstrom in the paper's order, with standard starts and published minima.

Every function is $f(x) = \sum_i r_i(x)^2$ without a factor 1/2, as in the paper, so that the values compare as printed.
Where a problem has any dimension, the one here is one for which the paper prints the minimum.

Source: Moré, Garbow and Hillstrom (1981), Testing unconstrained optimization software, ACM TOMS 7(1), 17-41.
"""

from __future__ import annotations

import numpy as np

from pullback.testing.problems import more_garbow_hillstrom_fixed as fixed
from pullback.testing.problems import more_garbow_hillstrom_measured as measured
from pullback.testing.problems import more_garbow_hillstrom_variable as variable
from pullback.testing.problems.beale import beale
from pullback.testing.problems.problem import LocalMinimum, Problem, VectorFunction, least_squares_problem, vector
from pullback.testing.problems.rosenbrock import rosenbrock


def entry(
    number: int,
    name: str,
    residuals: VectorFunction,
    start: np.ndarray,
    minimum: float,
    minimizer: np.ndarray | None = None,
    others: tuple[LocalMinimum, ...] = (),
) -> Problem:
    r"""Problem `number` of the paper, $f(x) = \sum_i r_i(x)^2$."""
    return least_squares_problem(
        name,
        residuals,
        start,
        minimum,
        minimizers=() if minimizer is None else (minimizer,),
        other_minima=others,
        source=f"Moré, Garbow and Hillstrom (1981), ACM TOMS 7(1), problem {number}",
    )


def boundary_start(size: int) -> np.ndarray:
    r"""$x_i = t_i (t_i - 1)$ with $t_i = i / (n + 1)$, the start of problems 28 and 29."""
    places = np.arange(1, size + 1) / (size + 1)
    return places * (places - 1)


INFINITE = np.inf
COUNT = np.arange(1.0, 11.0)

PROBLEMS: tuple[Problem, ...] = (
    rosenbrock(),
    entry(2, "Freudenstein and Roth", fixed.freudenstein_roth, vector(0.5, -2), 0.0, vector(5, 4),
          (LocalMinimum(48.9842, vector(11.41, -0.8968)),)),
    entry(3, "Powell badly scaled", fixed.powell_badly_scaled, vector(0, 1), 0.0, vector(1.098159e-5, 9.106147)),
    entry(4, "Brown badly scaled", fixed.brown_badly_scaled, vector(1, 1), 0.0, vector(1e6, 2e-6)),
    beale(),
    entry(6, "Jennrich and Sampson", fixed.jennrich_sampson, vector(0.3, 0.4), 124.362, vector(0.2578, 0.2578)),
    entry(7, "helical valley", fixed.helical_valley, vector(-1, 0, 0), 0.0, vector(1, 0, 0)),
    entry(8, "Bard", measured.bard, vector(1, 1, 1), 8.21487e-3, None,
          (LocalMinimum(17.4286, vector(0.8406, -INFINITE, -INFINITE)),)),
    entry(9, "Gaussian", measured.gaussian, vector(0.4, 1, 0), 1.12793e-8),
    entry(10, "Meyer", measured.meyer, vector(0.02, 4000, 250), 87.9458),
    entry(11, "Gulf research and development", fixed.gulf, vector(5, 2.5, 0.15), 0.0, vector(50, 25, 1.5)),
    entry(12, "Box three-dimensional", fixed.box_three_dimensional, vector(0, 10, 20), 0.0, vector(1, 10, 1)),
    entry(13, "Powell singular", variable.powell_singular, vector(3, -1, 0, 1), 0.0, np.zeros(4)),
    entry(14, "Wood", fixed.wood, vector(-3, -1, -3, -1), 0.0, np.ones(4)),
    entry(15, "Kowalik and Osborne", measured.kowalik_osborne, vector(0.25, 0.39, 0.415, 0.39), 3.07505e-4, None,
          (LocalMinimum(1.02734e-3, vector(INFINITE, -14.07, -INFINITE, -INFINITE)),)),
    entry(16, "Brown and Dennis", fixed.brown_dennis, vector(25, 5, -5, -1), 85822.2),
    entry(17, "Osborne 1", measured.osborne_1, vector(0.5, 1.5, -1, 0.01, 0.02), 5.46489e-5),
    entry(18, "Biggs EXP6", fixed.biggs_exp6, vector(1, 2, 1, 1, 1, 1), 0.0, vector(1, 10, 1, 5, 4, 3),
          (LocalMinimum(5.65565e-3, vector(1.711416, 17.6831975, 1.16314365, 5.18656, 1.711416, 1.16314365)),)),
    entry(19, "Osborne 2", measured.osborne_2, vector(1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5), 4.01377e-2),
    entry(20, "Watson, n=6", variable.watson, np.zeros(6), 2.28767e-3),
    rosenbrock(10),
    entry(22, "extended Powell singular, n=12", variable.powell_singular, np.tile([3.0, -1, 0, 1], 3), 0.0,
          np.zeros(12)),
    entry(23, "penalty function I, n=4", variable.penalty_1, COUNT[:4], 2.24997e-5),
    entry(24, "penalty function II, n=4", variable.penalty_2, np.full(4, 0.5), 9.37629e-6),
    entry(25, "variably dimensioned, n=10", variable.variably_dimensioned, 1 - COUNT / 10, 0.0, np.ones(10)),
    entry(26, "trigonometric, n=10", variable.trigonometric, np.full(10, 0.1), 0.0, np.zeros(10),
          (LocalMinimum(2.79506e-5),)),
    entry(27, "Brown almost linear, n=10", variable.brown_almost_linear, np.full(10, 0.5), 0.0, np.ones(10),
          (LocalMinimum(1.0, np.append(np.zeros(9), 11.0)),)),
    entry(28, "discrete boundary value, n=10", variable.discrete_boundary_value, boundary_start(10), 0.0),
    entry(29, "discrete integral equation, n=10", variable.discrete_integral_equation, boundary_start(10), 0.0),
    entry(30, "Broyden tridiagonal, n=10", variable.broyden_tridiagonal, np.full(10, -1.0), 0.0),
    entry(31, "Broyden banded, n=10", variable.broyden_banded, np.full(10, -1.0), 0.0),
    entry(32, "linear of full rank, n=5, m=10", variable.linear_full_rank, np.ones(5), 5.0, np.full(5, -1.0)),
    # m (m - 1) / (2 (2 m + 1)) and (m^2 + 3 m - 6) / (2 (2 m - 3)) with m = 10
    entry(33, "linear of rank 1, n=5, m=10", variable.linear_rank_1, np.ones(5), 15 / 7),
    entry(34, "linear of rank 1, zero columns and rows, n=5, m=10", variable.linear_rank_1_zero_columns_and_rows,
          np.ones(5), 62 / 17),
    entry(35, "Chebyquad, n=8", variable.chebyquad, COUNT[:8] / 9, 3.51687e-3),
)  # fmt: skip

# Further dimensions for which the paper prints the minimum of a problem above.
FURTHER_DIMENSIONS: tuple[Problem, ...] = (
    entry(20, "Watson, n=9", variable.watson, np.zeros(9), 1.39976e-6),
    entry(20, "Watson, n=12", variable.watson, np.zeros(12), 4.72238e-10),
    entry(23, "penalty function I, n=10", variable.penalty_1, COUNT, 7.08765e-5),
    entry(24, "penalty function II, n=10", variable.penalty_2, np.full(10, 0.5), 2.93660e-4),
    entry(35, "Chebyquad, n=9", variable.chebyquad, COUNT[:9] / 10, 0.0),
    entry(35, "Chebyquad, n=10", variable.chebyquad, COUNT / 11, 6.50395e-3),
)
