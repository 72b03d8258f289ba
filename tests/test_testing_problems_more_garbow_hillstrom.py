"""The collection of Moré, Garbow and Hillstrom: starts as MINPACK prints them, minima as SciPy finds them."""

import functools
from math import exp

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.optimize

from pullback.testing.problems import FURTHER_DIMENSIONS, MORE_GARBOW_HILLSTROM

ALL = (*MORE_GARBOW_HILLSTROM, *FURTHER_DIMENSIONS)
BY_NAME = {problem.name: problem for problem in ALL}

# "Initial L2 norm of the residuals" as printed by MINPACK's test drivers for lmder and hybrd (cminpack, examples/ref).
INITIAL_NORMS = {
    "Rosenbrock": 4.9193496e00,
    "Freudenstein and Roth": 2.0012496e01,
    "Powell badly scaled": 1.0654866e00,
    "Jennrich and Sampson": 6.4585650e01,
    "helical valley": 5.0000000e01,
    "Bard": 6.4561363e00,
    "Meyer": 4.1153467e04,
    "Box three-dimensional": 3.2111584e01,
    "Powell singular": 1.4662878e01,
    "Kowalik and Osborne": 7.2891510e-02,
    "Brown and Dennis": 2.8154384e03,
    "Osborne 1": 9.3756402e-01,
    "Osborne 2": 1.4468654e00,
    "Watson, n=6": 5.4772256e00,
    "Watson, n=9": 5.4772256e00,
    "Watson, n=12": 5.4772256e00,
    "trigonometric, n=10": 8.4117534e-02,
    "Brown almost linear, n=10": 1.6530216e01,
    "discrete boundary value, n=10": 2.8080582e-02,
    "discrete integral equation, n=10": 2.5182701e-01,
    "Broyden tridiagonal, n=10": 4.5825757e00,
    "Broyden banded, n=10": 1.8973666e01,
    "linear of full rank, n=5, m=10": 5.0000000e00,
    "linear of rank 1, n=5, m=10": 2.9152187e02,
    "linear of rank 1, zero columns and rows, n=5, m=10": 1.2603968e02,
    "Chebyquad, n=8": 1.9651386e-01,
    "Chebyquad, n=9": 1.6994993e-01,
    "Chebyquad, n=10": 1.8374783e-01,
}


def gaussian_start():
    """The fit at the start is 0.4 times a standard bell; the measurements are its density to four digits."""
    half = [9e-4, 44e-4, 175e-4, 540e-4, 1295e-4, 2420e-4, 3521e-4]
    return 2 * sum((0.4 * exp(-((3.5 - i / 2) ** 2) / 2) - y) ** 2 for i, y in enumerate(half)) + (0.4 - 0.3989) ** 2


def gulf_start():
    def residual(i):
        t = mpmath.mpf(i) / 100
        y = 25 + mpmath.cbrt((-50 * mpmath.log(t)) ** 2)
        return mpmath.exp(-(abs(y - 2.5) ** 0.15) / 5) - t

    return float(mpmath.fsum(residual(i) ** 2 for i in range(1, 100)))


def biggs_start():
    def residual(t):
        fitted = exp(-t) - exp(-2 * t) + exp(-t)
        return fitted - exp(-t) + 5 * exp(-10 * t) - 3 * exp(-4 * t)

    return sum(residual(i / 10) ** 2 for i in range(1, 14))


def penalty_2_start(n):
    """At x = 1/2 all but the first and last residuals are differences of exponentials."""
    pairs = sum((2 * exp(0.05) - exp(i / 10) - exp((i - 1) / 10)) ** 2 for i in range(2, n + 1))
    single = (n - 1) * (exp(0.05) - exp(-0.1)) ** 2
    return 0.3**2 + 1e-5 * (pairs + single) + (n * (n + 1) / 8 - 1) ** 2


# f(start) where MINPACK has no such problem: exact fractions, and sums written out for the one point.
INITIAL_VALUES = {
    "Brown badly scaled": 999_999.0**2 + (1 - 2e-6) ** 2 + 1,
    "Beale": 1.5**2 + 2.25**2 + 2.625**2,
    "Gaussian": gaussian_start(),
    "Gulf research and development": gulf_start(),
    # 100 * 10^2 + 4^2 + 90 * 10^2 + 4^2 + 10 * 4^2
    "Wood": 19192.0,
    "Biggs EXP6": biggs_start(),
    "extended Rosenbrock, n=10": 5 * 24.2,
    "extended Powell singular, n=12": 3 * 215.0,
    "penalty function I, n=4": 29.75**2 + 14e-5,
    "penalty function I, n=10": 384.75**2 + 285e-5,
    "penalty function II, n=4": penalty_2_start(4),
    "penalty function II, n=10": penalty_2_start(10),
    # x - 1 = -i / 10, so the sums are of squares: 3.85 and 38.5
    "variably dimensioned, n=10": 3.85 + 38.5**2 + 38.5**4,
}

# Where MINPACK's lmder ended, moving without bound, and the norm of the residuals there.
TOWARDS_INFINITY = {
    "Bard": ([8.4066667e-01, -1.5884803e08, -1.6437867e08], 4.1747687e00),
    "Kowalik and Osborne": ([7.2867547e05, -1.4075880e01, -3.2977798e07, -2.0571594e07], 3.2052193e-02),
}


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@functools.cache
def compiled(problem):
    """Residuals and Jacobian as one program, compiled once a problem."""
    program = jax.jit(lambda x: (problem.residuals(x), jax.jacfwd(problem.residuals)(x)))
    return lambda x: tuple(map(np.asarray, program(jnp.asarray(x, jnp.float64))))


def value(problem, x) -> float:
    residuals, _ = compiled(problem)(x)
    return float(residuals @ residuals)


@functools.cache
def solve(problem):
    """SciPy's least squares from the standard start at its tightest tolerances: the place and the sum of squares."""
    program = compiled(problem)
    solution = scipy.optimize.least_squares(
        lambda x: program(x)[0],
        problem.start,
        lambda x: program(x)[1],
        method="lm",
        x_scale="jac",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
        max_nfev=3000,
    )
    return solution.x, 2 * solution.cost


def agrees_in_six_digits(found: float, published: float) -> bool:
    """Equal up to one unit of the sixth digit: the paper cuts some values where it rounds others."""
    if published == 0:
        return found < 1e-18
    return abs(found - published) <= 10.0 ** (np.floor(np.log10(published)) - 5)


def test_collection_is_complete():
    assert len(MORE_GARBOW_HILLSTROM) == 35 and len(BY_NAME) == len(ALL)
    numbers = [int(problem.source.rsplit(" ", 1)[1]) for problem in MORE_GARBOW_HILLSTROM]
    assert numbers == list(range(1, 36))
    assert set(INITIAL_NORMS) | set(INITIAL_VALUES) == set(BY_NAME)


@pytest.mark.parametrize("name", INITIAL_NORMS)
def test_residuals_at_the_start_have_the_norm_that_minpack_prints(name):
    problem = BY_NAME[name]
    norm = np.linalg.norm(compiled(problem)(problem.start)[0])
    assert f"{norm:.7e}" == f"{INITIAL_NORMS[name]:.7e}"


@pytest.mark.parametrize("name", INITIAL_VALUES)
def test_value_at_the_start(name):
    problem = BY_NAME[name]
    assert value(problem, problem.start) == pytest.approx(INITIAL_VALUES[name], rel=1e-9)


@pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)
def test_levenberg_marquardt_of_scipy_ends_at_a_published_minimum(problem):
    _, found = solve(problem)
    published = [problem.minimum, *(other.value for other in problem.other_minima)]
    assert any(agrees_in_six_digits(found, minimum) for minimum in published), found


@pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)
def test_published_minimizer_attains_the_published_minimum(problem):
    for place in problem.minimizers:
        # Powell's and Jennrich's minimizers are printed with fewer digits than the minimum.
        assert value(problem, place) == pytest.approx(problem.minimum, rel=1e-5, abs=1e-12)


def test_other_minima_that_are_attained():
    freudenstein = BY_NAME["Freudenstein and Roth"]
    place, found = solve(freudenstein)
    assert agrees_in_six_digits(found, freudenstein.other_minima[0].value)
    np.testing.assert_allclose(place, freudenstein.other_minima[0].location, rtol=5e-4)
    brown = BY_NAME["Brown almost linear, n=10"]
    location = brown.other_minima[0].location
    assert value(brown, location) == pytest.approx(brown.other_minima[0].value, abs=1e-12)
    residuals, jacobian = compiled(brown)(location)
    np.testing.assert_allclose(jacobian.T @ residuals, 0, atol=1e-12)


@pytest.mark.parametrize("name", TOWARDS_INFINITY)
def test_other_minima_that_are_only_approached(name):
    place, norm = TOWARDS_INFINITY[name]
    problem = BY_NAME[name]
    assert value(problem, place) == pytest.approx(norm**2, rel=1e-7)
    assert agrees_in_six_digits(value(problem, place), problem.other_minima[0].value)
    published = problem.other_minima[0].location
    finite = np.isfinite(published)
    np.testing.assert_allclose(np.array(place)[finite], published[finite], rtol=1e-3)
    np.testing.assert_array_equal(np.sign(np.array(place)[~finite]), np.sign(published[~finite]))


def test_biggs_has_the_second_minimum():
    """Any $x_3$, $x_6$ of the same sum attain it, because there $x_1 = x_5$."""
    problem = BY_NAME["Biggs EXP6"]
    other = problem.other_minima[0]

    def gradient(x):
        residuals, jacobian = compiled(problem)(x)
        return 2 * jacobian.T @ residuals

    found = scipy.optimize.minimize(lambda x: value(problem, x), problem.start, jac=gradient, method="TNC")
    assert agrees_in_six_digits(found.fun, other.value)
    np.testing.assert_allclose(gradient(other.location), 0, atol=1e-6)
    assert agrees_in_six_digits(value(problem, other.location), other.value)


def test_function_is_the_sum_of_squares_without_a_half():
    for problem in ALL:
        at_start = jax.jit(problem.function)(jnp.asarray(problem.start))
        assert float(at_start) == pytest.approx(value(problem, problem.start), rel=1e-12)


def test_helical_valley_turns_through_all_quadrants():
    """On the helix (cos 2 pi t, sin 2 pi t, 10 t) only the third residual is left, for t from -1/4 to 3/4."""
    problem = BY_NAME["helical valley"]
    for turn in (-0.2, 0.0, 0.1, 0.3, 0.5, 0.7):
        x = [np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn), 10 * turn]
        np.testing.assert_allclose(compiled(problem)(x)[0], [0, 0, 10 * turn], atol=1e-12)
