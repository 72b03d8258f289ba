"""The methods of `minimize`, a file each, and the literal table of their names."""

from __future__ import annotations

from typing import Any

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.methods.bfgs import BFGS as BFGS
from pullback.optim.methods.broyden import Broyden as Broyden
from pullback.optim.methods.coordinate_descent import CoordinateDescent as CoordinateDescent
from pullback.optim.methods.dfp import DFP as DFP
from pullback.optim.methods.fista import FISTA as FISTA
from pullback.optim.methods.frank_wolfe import FrankWolfe as FrankWolfe
from pullback.optim.methods.gauss_newton import GaussNewton as GaussNewton
from pullback.optim.methods.gradient_descent import GradientDescent as GradientDescent
from pullback.optim.methods.lbfgs import LBFGS as LBFGS
from pullback.optim.methods.levenberg_marquardt import LevenbergMarquardt as LevenbergMarquardt
from pullback.optim.methods.method import Info as Info
from pullback.optim.methods.method import Method as Method
from pullback.optim.methods.method import State as State
from pullback.optim.methods.method import Work as Work
from pullback.optim.methods.mirror_descent import MirrorDescent as MirrorDescent
from pullback.optim.methods.nelder_mead import NelderMead as NelderMead
from pullback.optim.methods.newton import Newton as Newton
from pullback.optim.methods.nonlinear_cg import NonlinearCG as NonlinearCG
from pullback.optim.methods.projected_gradient import ProjectedGradient as ProjectedGradient
from pullback.optim.methods.proximal_gradient import ProximalGradient as ProximalGradient
from pullback.optim.methods.sr1 import SR1 as SR1
from pullback.optim.methods.steepest_descent import SteepestDescent as SteepestDescent
from pullback.optim.methods.truncated_newton import TruncatedNewton as TruncatedNewton
from pullback.optim.methods.trust_region import TrustRegion as TrustRegion

METHODS: dict[str, type[Method]] = {
    "bfgs": BFGS,
    "broyden": Broyden,
    "coordinate_descent": CoordinateDescent,
    "dfp": DFP,
    "fista": FISTA,
    "frank_wolfe": FrankWolfe,
    "gauss_newton": GaussNewton,
    "gradient_descent": GradientDescent,
    "lbfgs": LBFGS,
    "levenberg_marquardt": LevenbergMarquardt,
    "mirror_descent": MirrorDescent,
    "nelder_mead": NelderMead,
    "newton": Newton,
    "nonlinear_cg": NonlinearCG,
    "projected_gradient": ProjectedGradient,
    "proximal_gradient": ProximalGradient,
    "sr1": SR1,
    "steepest_descent": SteepestDescent,
    "trust_region": TrustRegion,
    "truncated_newton": TruncatedNewton,
}


def get_method(method: Any) -> Method:
    """The method of that name with its default options, or the method itself."""
    if isinstance(method, Method):
        return method
    if not isinstance(method, str):
        forgotten = isinstance(method, type) and issubclass(method, Method)
        raise ConfigurationError(
            "method is neither a name nor a method",
            expected="a name such as 'lbfgs', or a method with options such as LBFGS(memory=20)",
            got=repr(method),
            fix=f"pass {method.__name__}()" if forgotten else "pass one of " + ", ".join(METHODS),
        )
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    return METHODS[method]()
