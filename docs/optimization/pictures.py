"""Draws the pictures of docs/optimization.md: the path of every method, as small files.

Run from the root of the repository: `python docs/optimization/pictures.py [METHOD ...]`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from PIL import Image

from pullback.explain.figures import landscape
from pullback.optim import minimize
from pullback.optim.constraints import Ball, Simplex
from pullback.optim.methods import METHODS, get_method
from pullback.optim.methods.coordinate_descent import CoordinateDescent
from pullback.optim.methods.fista import FISTA
from pullback.optim.methods.frank_wolfe import FrankWolfe
from pullback.optim.methods.gradient_descent import GradientDescent
from pullback.optim.methods.mirror_descent import MirrorDescent, PNorm
from pullback.optim.methods.newton import Newton
from pullback.optim.methods.projected_gradient import ProjectedGradient
from pullback.optim.methods.proximal_gradient import ProximalGradient
from pullback.optim.proximal import L1


def himmelblau(x: Any) -> Any:
    """Four minima, all zero."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def himmelblau_residuals(x: Any) -> Any:
    """Its residuals."""
    return jnp.stack([x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7])


def rosenbrock(x: Any) -> Any:
    """A curved valley."""
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def ellipse(x: Any) -> Any:
    """A slanted quadratic with its minimum outside of the sets."""
    return (x[0] - 1.2) ** 2 + 4 * (x[1] - 1.1) ** 2 + (x[0] - 1.2) * (x[1] - 1.1)


START = [-0.3, -1.2]
PLANE = ((-5.2, 5.2), (-5.2, 5.2))
VALLEY = ((-1.9, 1.7), (-0.9, 2.1))
NEAR = ((-0.6, 2.0), (-0.9, 2.0))

# What is drawn where the method by name on Himmelblau's function would not show it.
SPECIAL: dict[str, tuple[Any, Any, Any, Any]] = {
    "gradient_descent": (rosenbrock, GradientDescent(2e-3), [-1.2, 1.0], VALLEY),
    "steepest_descent": (rosenbrock, get_method("steepest_descent"), [-1.2, 1.0], VALLEY),
    "coordinate_descent": (ellipse, CoordinateDescent(), [-0.4, 1.8], NEAR),
    "bfgs": (rosenbrock, get_method("bfgs"), [-1.2, 1.0], VALLEY),
    "lbfgs": (rosenbrock, get_method("lbfgs"), [-1.2, 1.0], VALLEY),
    "nonlinear_cg": (rosenbrock, get_method("nonlinear_cg"), [-1.2, 1.0], VALLEY),
    "truncated_newton": (rosenbrock, get_method("truncated_newton"), [-1.2, 1.0], VALLEY),
    "trust_region": (rosenbrock, get_method("trust_region"), [-1.2, 1.0], VALLEY),
    "nelder_mead": (rosenbrock, get_method("nelder_mead"), [-1.2, 1.0], VALLEY),
    "newton": (himmelblau, Newton(), [1.0, 4.0], PLANE),
    "gauss_newton": (himmelblau_residuals, get_method("gauss_newton"), START, PLANE),
    "levenberg_marquardt": (himmelblau_residuals, get_method("levenberg_marquardt"), START, PLANE),
    "proximal_gradient": (ellipse, ProximalGradient(L1(2.0), learning_rate=0.1), [-0.4, 1.8], NEAR),
    "fista": (ellipse, FISTA(L1(2.0), learning_rate=0.1), [-0.4, 1.8], NEAR),
    "projected_gradient": (ellipse, ProjectedGradient(Ball(1.0)), [-0.5, -0.6], NEAR),
    "frank_wolfe": (ellipse, FrankWolfe(Simplex()), [0.0, 1.0], NEAR),
    "mirror_descent": (ellipse, MirrorDescent(PNorm(1.5)), [-0.5, -0.6], NEAR),
}


def draw(name: str) -> None:
    """The picture of one method, of 96 colors."""
    function, method, start, plane = SPECIAL.get(name, (himmelblau, get_method(name), START, PLANE))
    found = minimize(function, start, method=method, keep_path=True, max_steps=400, tolerance=1e-4)
    figure = landscape(function, found, bounds=plane, title=f"{name}, {int(found.steps)} steps", resolution=161)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=70)
    picture = Image.open(buffer).convert("RGB").quantize(96)
    picture.save(Path(__file__).parent / f"{name}.png", optimize=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or METHODS:
        draw(name)
