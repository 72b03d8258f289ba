"""Constrained problems of Hock and Schittkowski with their published optima, in the book's numbering.

Source: Hock and Schittkowski (1981), Test Examples for Nonlinear Programming Codes, Springer LNEMS 187.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from pullback.testing.problems.problem import ConstrainedProblem, LocalMinimum, VectorFunction, vector
from pullback.testing.problems.rosenbrock import rosenbrock

ROSENBROCK = rosenbrock().function


def hs3(x: jax.Array) -> jax.Array:
    r"""$f(x) = x_2 + 10^{-5} (x_2 - x_1)^2$."""
    return x[1] + 1e-5 * (x[1] - x[0]) ** 2


def hs4(x: jax.Array) -> jax.Array:
    r"""$f(x) = (x_1 + 1)^3 / 3 + x_2$."""
    return (x[0] + 1) ** 3 / 3 + x[1]


def hs5(x: jax.Array) -> jax.Array:
    r"""$f(x) = \sin(x_1 + x_2) + (x_1 - x_2)^2 - 1.5 x_1 + 2.5 x_2 + 1$."""
    return jnp.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1


def hs6(x: jax.Array) -> jax.Array:
    r"""$f(x) = (1 - x_1)^2$."""
    return (1 - x[0]) ** 2


def hs6_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = 10 (x_2 - x_1^2)$."""
    return jnp.stack([10 * (x[1] - x[0] ** 2)])


def hs7(x: jax.Array) -> jax.Array:
    r"""$f(x) = \log(1 + x_1^2) - x_2$."""
    return jnp.log1p(x[0] ** 2) - x[1]


def hs7_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = (1 + x_1^2)^2 + x_2^2 - 4$."""
    return jnp.stack([(1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4])


def hs21(x: jax.Array) -> jax.Array:
    r"""$f(x) = 0.01 x_1^2 + x_2^2 - 100$."""
    return 0.01 * x[0] ** 2 + x[1] ** 2 - 100


def hs21_inequality(x: jax.Array) -> jax.Array:
    r"""$h(x) = 10 x_1 - x_2 - 10$."""
    return jnp.stack([10 * x[0] - x[1] - 10])


def hs26(x: jax.Array) -> jax.Array:
    r"""$f(x) = (x_1 - x_2)^2 + (x_2 - x_3)^4$."""
    return (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4


def hs26_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = (1 + x_2^2) x_1 + x_3^4 - 3$."""
    return jnp.stack([(1 + x[1] ** 2) * x[0] + x[2] ** 4 - 3])


def hs28(x: jax.Array) -> jax.Array:
    r"""$f(x) = (x_1 + x_2)^2 + (x_2 + x_3)^2$."""
    return (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2


def hs28_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = x_1 + 2 x_2 + 3 x_3 - 1$."""
    return jnp.stack([x[0] + 2 * x[1] + 3 * x[2] - 1])


def hs35(x: jax.Array) -> jax.Array:
    r"""$f(x) = 9 - 8 x_1 - 6 x_2 - 4 x_3 + 2 x_1^2 + 2 x_2^2 + x_3^2 + 2 x_1 x_2 + 2 x_1 x_3$."""
    linear = 9 - 8 * x[0] - 6 * x[1] - 4 * x[2]
    return linear + 2 * x[0] ** 2 + 2 * x[1] ** 2 + x[2] ** 2 + 2 * x[0] * x[1] + 2 * x[0] * x[2]


def hs35_inequality(x: jax.Array) -> jax.Array:
    r"""$h(x) = 3 - x_1 - x_2 - 2 x_3$."""
    return jnp.stack([3 - x[0] - x[1] - 2 * x[2]])


def hs39(x: jax.Array) -> jax.Array:
    r"""$f(x) = -x_1$."""
    return -x[0]


def hs39_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = (x_2 - x_1^3 - x_3^2,\; x_1^2 - x_2 - x_4^2)$."""
    return jnp.stack([x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2])


def hs43(x: jax.Array) -> jax.Array:
    r"""Rosen and Suzuki: $f(x) = x_1^2 + x_2^2 + 2 x_3^2 + x_4^2 - 5 x_1 - 5 x_2 - 21 x_3 + 7 x_4$."""
    squares = x[0] ** 2 + x[1] ** 2 + 2 * x[2] ** 2 + x[3] ** 2
    return squares - 5 * x[0] - 5 * x[1] - 21 * x[2] + 7 * x[3]


def hs43_inequality(x: jax.Array) -> jax.Array:
    r"""$h_1 = 8 - \lVert x \rVert^2 - x_1 + x_2 - x_3 + x_4$ and two more ellipsoids."""
    first, second, third, fourth = x**2
    return jnp.stack(
        [
            8 - first - second - third - fourth - x[0] + x[1] - x[2] + x[3],
            10 - first - 2 * second - third - 2 * fourth + x[0] + x[3],
            5 - 2 * first - second - third - 2 * x[0] + x[1] + x[3],
        ]
    )


def hs48(x: jax.Array) -> jax.Array:
    r"""$f(x) = (x_1 - 1)^2 + (x_2 - x_3)^2 + (x_4 - x_5)^2$."""
    return (x[0] - 1) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2


def hs48_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = (\sum_j x_j - 5,\; x_3 - 2 (x_4 + x_5) + 3)$."""
    return jnp.stack([jnp.sum(x) - 5, x[2] - 2 * (x[3] + x[4]) + 3])


def hs71(x: jax.Array) -> jax.Array:
    r"""$f(x) = x_1 x_4 (x_1 + x_2 + x_3) + x_3$."""
    return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]


def hs71_equality(x: jax.Array) -> jax.Array:
    r"""$g(x) = \lVert x \rVert^2 - 40$."""
    return jnp.stack([jnp.sum(x**2) - 40])


def hs71_inequality(x: jax.Array) -> jax.Array:
    r"""$h(x) = x_1 x_2 x_3 x_4 - 25$."""
    return jnp.stack([jnp.prod(x) - 25])


def entry(
    number: int,
    function: VectorFunction,
    start: np.ndarray,
    minimum: float,
    minimizer: np.ndarray,
    *,
    lower: np.ndarray | None = None,
    upper: np.ndarray | None = None,
    equality: VectorFunction | None = None,
    inequality: VectorFunction | None = None,
    others: tuple[LocalMinimum, ...] = (),
) -> ConstrainedProblem:
    r"""Problem `number` of the book; bounds that are left out are infinite."""
    return ConstrainedProblem(
        name=f"HS{number}",
        function=function,
        start=start,
        minimum=minimum,
        minimizers=(minimizer,),
        lower=np.full(start.size, -np.inf) if lower is None else lower,
        upper=np.full(start.size, np.inf) if upper is None else upper,
        equality=equality,
        inequality=inequality,
        other_minima=others,
        source=f"Hock and Schittkowski (1981), LNEMS 187, problem {number}",
    )


def hs2_stationary(branch: int) -> float:
    r"""Where problem 2 is stationary on its bound: $x_1 = 2 a \cos((\arccos(1 / b) + 2 \pi k) / 3)$ in branch $k$.

    $a = \sqrt{598 / 1200}$ and $b = 400 a^3$.
    """
    a = math.sqrt(598 / 1200)
    return 2 * a * math.cos((math.acos(1 / (400 * a**3)) + 2 * math.pi * branch) / 3)


PROBLEMS: tuple[ConstrainedProblem, ...] = (
    entry(1, ROSENBROCK, vector(-2, 1), 0.0, vector(1, 1), lower=vector(-np.inf, -1.5)),
    entry(2, ROSENBROCK, vector(-2, 1), 0.0504261879, vector(hs2_stationary(0), 1.5),
          lower=vector(-np.inf, 1.5), others=(LocalMinimum(4.94122932, vector(hs2_stationary(1), 1.5)),)),
    entry(3, hs3, vector(10, 1), 0.0, vector(0, 0), lower=vector(-np.inf, 0)),
    entry(4, hs4, vector(1.125, 0.125), 8 / 3, vector(1, 0), lower=vector(1, 0)),
    entry(5, hs5, vector(0, 0), -math.sqrt(3) / 2 - math.pi / 3, vector(0.5 - math.pi / 3, -0.5 - math.pi / 3),
          lower=vector(-1.5, -3), upper=vector(4, 3)),
    entry(6, hs6, vector(-1.2, 1), 0.0, vector(1, 1), equality=hs6_equality),
    entry(7, hs7, vector(2, 2), -math.sqrt(3), vector(0, math.sqrt(3)), equality=hs7_equality),
    entry(21, hs21, vector(-1, -1), -99.96, vector(2, 0), lower=vector(2, -50), upper=vector(50, 50),
          inequality=hs21_inequality),
    entry(26, hs26, vector(-2.6, 2, 2), 0.0, vector(1, 1, 1), equality=hs26_equality),
    entry(28, hs28, vector(-4, 1, 1), 0.0, vector(0.5, -0.5, 0.5), equality=hs28_equality),
    entry(35, hs35, vector(0.5, 0.5, 0.5), 1 / 9, vector(4 / 3, 7 / 9, 4 / 9), lower=np.zeros(3),
          inequality=hs35_inequality),
    entry(39, hs39, vector(2, 2, 2, 2), -1.0, vector(1, 1, 0, 0), equality=hs39_equality),
    entry(43, hs43, np.zeros(4), -44.0, vector(0, 1, 2, -1), inequality=hs43_inequality),
    entry(48, hs48, vector(3, 5, -3, 2, -2), 0.0, np.ones(5), equality=hs48_equality),
    entry(71, hs71, vector(1, 5, 5, 1), 17.0140173, vector(1, 4.7429994, 3.8211503, 1.3794082),
          lower=np.ones(4), upper=np.full(4, 5.0), equality=hs71_equality, inequality=hs71_inequality),
)  # fmt: skip
