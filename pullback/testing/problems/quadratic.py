"""Convex quadratics of a given spectrum, with the worst start of steepest descent."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import DataError
from pullback.testing.problems.problem import Problem


def random_rotation(size: int, random: np.random.Generator) -> np.ndarray:
    r"""An orthogonal matrix distributed by Haar's measure, float64 (size, size).

    Source: Mezzadri (2007), Notices of the AMS 54: the signs of the triangular factor are made positive.
    """
    orthogonal, triangular = np.linalg.qr(random.normal(size=(size, size)))
    return orthogonal * np.sign(np.diag(triangular))


def quadratic_matrix(spectrum: np.ndarray, seed: int = 0) -> np.ndarray:
    r"""$A = Q \, \mathrm{diag}(\lambda) \, Q^\top$ with a seeded rotation $Q$, float64 (n, n), exactly symmetric."""
    rotation = random_rotation(spectrum.size, np.random.default_rng(seed))
    matrix = (rotation * spectrum) @ rotation.T
    return (matrix + matrix.T) / 2


def quadratic(spectrum: np.ndarray, seed: int = 0) -> Problem:
    r"""$f(x) = \tfrac{1}{2} (x - c)^\top A (x - c)$ with $A = Q \, \mathrm{diag}(\lambda) \, Q^\top$.

    The start is $c + q_{\min} / \lambda_{\min} + q_{\max} / \lambda_{\max}$: there steepest descent with exact line
    search zig-zags and attains Kantorovich's bound in every step,
    $f(x_{k+1}) = \left(\frac{\kappa - 1}{\kappa + 1}\right)^2 f(x_k)$ with $\kappa = \lambda_{\max} / \lambda_{\min}$.

    Parameters
    ----------
    spectrum : the eigenvalues $\lambda$, positive, shape (n,) with n at least 2.
    seed : of the rotation $Q$ and of the minimizer $c$, which has normal entries.

    Raises
    ------
    DataError : the spectrum is no vector of at least two finite positive numbers.

    Examples
    --------
    >>> problem = quadratic(np.array([1.0, 10.0]))
    >>> print(f"{problem.function(jnp.asarray(problem.start, jnp.float32)):.4f}")
    0.5500

    Source: Akaike (1959), Annals of the Institute of Statistical Mathematics 11; Nocedal and Wright (2006), 3.3.
    """
    eigenvalues = np.asarray(spectrum, dtype=np.float64)
    if eigenvalues.ndim != 1 or eigenvalues.size < 2 or not np.all((eigenvalues > 0) & np.isfinite(eigenvalues)):
        raise DataError("no convex quadratic has this spectrum", expected="two or more positive numbers", got=spectrum)
    random = np.random.default_rng(seed)
    rotation = random_rotation(eigenvalues.size, random)
    center = random.normal(size=eigenvalues.size)
    matrix = quadratic_matrix(eigenvalues, seed)
    least, greatest = np.argmin(eigenvalues), np.argmax(eigenvalues)
    start = center + rotation[:, least] / eigenvalues[least] + rotation[:, greatest] / eigenvalues[greatest]

    def function(x: jax.Array) -> jax.Array:
        offset = x - jnp.asarray(center, x.dtype)
        return offset @ (jnp.asarray(matrix, x.dtype) @ offset) / 2

    condition = eigenvalues[greatest] / eigenvalues[least]
    name = f"quadratic, n={eigenvalues.size}, condition number {condition:g}"
    source = "Nocedal and Wright (2006), Numerical Optimization, section 3.3"
    return Problem(name, function, start, 0.0, (center,), source=source)
