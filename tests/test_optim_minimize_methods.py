"""Every method of `minimize` passes the shared checks."""

import pytest

from pullback.optim.methods import METHODS, get_method
from pullback.optim.methods.bfgs import BFGS
from pullback.optim.methods.broyden import Broyden
from pullback.optim.methods.dfp import DFP
from pullback.optim.methods.gradient_descent import GradientDescent
from pullback.optim.methods.lbfgs import LBFGS
from pullback.optim.methods.newton import Newton
from pullback.testing.methods import CHECKS, MethodCase

CASES = {
    "bfgs": MethodCase(BFGS()),
    "broyden": MethodCase(Broyden()),
    "dfp": MethodCase(DFP()),
    "gradient_descent": MethodCase(GradientDescent(learning_rate=2 / 11)),
    "lbfgs": MethodCase(LBFGS()),
    "newton": MethodCase(Newton()),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", METHODS)
def test_method(name, check):
    check(CASES[name])


def test_a_case_for_every_method():
    assert list(CASES) == list(METHODS)
    for name, case in CASES.items():
        assert type(case.method) is type(get_method(name))
