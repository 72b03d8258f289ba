"""The methods of `minimize`, a file each, and the literal table of their names."""

from __future__ import annotations

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.methods.bfgs import BFGS as BFGS
from pullback.optim.methods.broyden import Broyden as Broyden
from pullback.optim.methods.dfp import DFP as DFP
from pullback.optim.methods.gradient_descent import GradientDescent as GradientDescent
from pullback.optim.methods.lbfgs import LBFGS as LBFGS
from pullback.optim.methods.method import Info as Info
from pullback.optim.methods.method import Method as Method
from pullback.optim.methods.method import State as State
from pullback.optim.methods.method import Work as Work
from pullback.optim.methods.newton import Newton as Newton

METHODS: dict[str, type[Method]] = {
    "bfgs": BFGS,
    "broyden": Broyden,
    "dfp": DFP,
    "gradient_descent": GradientDescent,
    "lbfgs": LBFGS,
    "newton": Newton,
}


def get_method(method: str | Method) -> Method:
    """The method of that name with its default options, or the method itself."""
    if isinstance(method, Method):
        return method
    if not isinstance(method, str):
        raise ConfigurationError(
            "method is neither a name nor a method",
            expected="a name such as 'lbfgs', or a method with options such as LBFGS(memory=20)",
            got=repr(method),
            fix="pass one of " + ", ".join(METHODS),
        )
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    return METHODS[method]()
