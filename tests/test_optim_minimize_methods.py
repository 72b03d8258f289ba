"""Every method of `minimize` passes the shared checks."""

import pytest

from pullback.optim.methods import METHODS, get_method
from pullback.optim.methods.bfgs import BFGS
from pullback.optim.methods.broyden import Broyden
from pullback.optim.methods.coordinate_descent import CoordinateDescent
from pullback.optim.methods.dfp import DFP
from pullback.optim.methods.fista import FISTA
from pullback.optim.methods.frank_wolfe import FrankWolfe
from pullback.optim.methods.gauss_newton import GaussNewton
from pullback.optim.methods.gradient_descent import GradientDescent
from pullback.optim.methods.lbfgs import LBFGS
from pullback.optim.methods.levenberg_marquardt import LevenbergMarquardt
from pullback.optim.methods.mirror_descent import MirrorDescent, PNorm
from pullback.optim.methods.nelder_mead import NelderMead
from pullback.optim.methods.newton import Newton
from pullback.optim.methods.nonlinear_cg import NonlinearCG
from pullback.optim.methods.projected_gradient import ProjectedGradient
from pullback.optim.methods.proximal_gradient import ProximalGradient
from pullback.optim.methods.sr1 import SR1
from pullback.optim.methods.steepest_descent import SteepestDescent
from pullback.optim.methods.truncated_newton import TruncatedNewton
from pullback.optim.methods.trust_region import TrustRegion
from pullback.optim.proximal import L1
from pullback.testing.methods import CHECKS, MethodCase, check_many, check_solves_the_quadratic, check_step_by_hand

CASES = {
    "bfgs": MethodCase(BFGS()),
    "broyden": MethodCase(Broyden()),
    "coordinate_descent": MethodCase(CoordinateDescent()),
    "dfp": MethodCase(DFP()),
    "fista": MethodCase(FISTA(L1(0.0))),
    "frank_wolfe": MethodCase(FrankWolfe(step_rule="exact"), bounds=(-2.0, 2.0), error=1e-2),
    "gauss_newton": MethodCase(GaussNewton()),
    "gradient_descent": MethodCase(GradientDescent(learning_rate=2 / 11)),
    "lbfgs": MethodCase(LBFGS()),
    "levenberg_marquardt": MethodCase(LevenbergMarquardt()),
    "mirror_descent": MethodCase(MirrorDescent(PNorm(1.5))),
    "nelder_mead": MethodCase(NelderMead()),
    "newton": MethodCase(Newton()),
    "nonlinear_cg": MethodCase(NonlinearCG()),
    "projected_gradient": MethodCase(ProjectedGradient(), bounds=(-3.0, 3.0)),
    "proximal_gradient": MethodCase(ProximalGradient(L1(0.0))),
    "sr1": MethodCase(SR1()),
    "steepest_descent": MethodCase(SteepestDescent()),
    "trust_region": MethodCase(TrustRegion()),
    "truncated_newton": MethodCase(TruncatedNewton()),
}


# Every check compiles programs of its own: what a method shares with its family runs by default for one of each.
ALWAYS = (check_solves_the_quadratic, check_many, check_step_by_hand)
EXAMPLES = ("bfgs", "levenberg_marquardt", "projected_gradient", "trust_region")


def cases():
    for name in METHODS:
        for check in CHECKS:
            quick = check in ALWAYS or name in EXAMPLES
            label = f"{name}-{check.__name__.removeprefix('check_')}"
            yield pytest.param(name, check, id=label, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("name", "check"), list(cases()))
def test_method(name, check):
    check(CASES[name])


def test_a_case_for_every_method():
    assert list(CASES) == list(METHODS)
    for name, case in CASES.items():
        assert type(case.method) is type(get_method(name))
