"""What is known of the local convergence of each method of `minimize`, near a strict minimum."""

from __future__ import annotations

from typing import NamedTuple


class Theory(NamedTuple):
    """Order of convergence near a strict minimum of a smooth function, and the statement in words.

    Parameters
    ----------
    order : the order $q$; where theory only says that it is above 1, 1; `None` where it says nothing.
    superlinear : whether the factor of the error tends to zero.
    statement : in words, with its conditions.
    """

    order: float | None
    superlinear: bool
    statement: str


def _linear(statement: str) -> Theory:
    return Theory(1.0, False, f"linear: {statement}")


def _superlinear(statement: str) -> Theory:
    return Theory(1.0, True, f"superlinear, order above 1: {statement}")


def _quadratic(statement: str) -> Theory:
    return Theory(2.0, True, f"order 2: {statement}")


def _sublinear(statement: str) -> Theory:
    return Theory(None, False, f"sublinear in general: {statement}")


# Nocedal, Wright, "Numerical Optimization" (2006), chapters 3, 5 to 7 and 10; Beck, "First-Order Methods" (2017).
THEORY = {
    "bfgs": _superlinear("its matrix learns the Hessian along the steps"),
    "broyden": _superlinear("with exact line searches every member makes the same steps as BFGS"),
    "coordinate_descent": _linear("the factor depends on how the coordinates are coupled"),
    "dfp": _superlinear("its matrix learns the Hessian along the steps, more slowly than that of BFGS"),
    "fista": _sublinear("f - f* falls as 1/k^2; with restarts and strong convexity linearly in sqrt(kappa)"),
    "frank_wolfe": _sublinear("f - f* falls as 1/k"),
    "gauss_newton": _quadratic("where the residuals vanish; otherwise linear, slower the larger they are"),
    "gradient_descent": _linear("factor max |1 - alpha lambda|, at best (kappa - 1)/(kappa + 1)"),
    "lbfgs": _linear("its matrix remembers only the last steps"),
    "levenberg_marquardt": _quadratic("where the residuals vanish; otherwise linear, slower the larger they are"),
    "mirror_descent": _sublinear("f - f* falls as 1/k"),
    "nelder_mead": Theory(None, False, "no rate is known, and it can end at a point that is not stationary"),
    "newton": _quadratic("once full steps are taken"),
    "nonlinear_cg": _linear("about (sqrt(kappa) - 1)/(sqrt(kappa) + 1) a step, superlinear over restarts of n steps"),
    "projected_gradient": _linear("with strong convexity the factor is that of gradient descent"),
    "proximal_gradient": _linear("with strong convexity the factor is that of gradient descent; 1/k without"),
    "secant": Theory((1 + 5**0.5) / 2, True, "order (1 + sqrt(5))/2 = 1.618"),
    "sr1": _superlinear("over n + 1 steps its matrix meets the Hessian"),
    "steepest_descent": _linear("with exact line searches at worst (kappa - 1)/(kappa + 1)"),
    "truncated_newton": _superlinear("as the inner systems are solved ever more accurately"),
    "trust_region": _quadratic("once the radius is inactive, with exact or nearly exact steps"),
}

UNKNOWN = Theory(None, False, "no statement is known here")
