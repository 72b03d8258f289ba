"""The surface that MATLAB calls `peaks`."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from pullback.testing.problems.problem import LocalMinimum, Problem, vector


def peaks_value(x: jax.Array) -> jax.Array:
    r"""Three Gaussian bumps with polynomial weights, shape (2,) to scalar; the equation stands at `peaks`."""
    first, second = x[0], x[1]
    left = 3 * (1 - first) ** 2 * jnp.exp(-(first**2) - (second + 1) ** 2)
    middle = 10 * (first / 5 - first**3 - second**5) * jnp.exp(-(first**2) - second**2)
    right = jnp.exp(-((first + 1) ** 2) - second**2) / 3
    return left - middle - right


def peaks() -> Problem:
    r"""MATLAB's `peaks`, with three minima, three maxima and a plateau of zero around them.

    $$f(x) = 3 (1 - x_1)^2 e^{-x_1^2 - (x_2 + 1)^2} - 10 \left(\tfrac{x_1}{5} - x_1^3 - x_2^5\right)
    e^{-x_1^2 - x_2^2} - \tfrac{1}{3} e^{-(x_1 + 1)^2 - x_2^2}$$

    From $(0, -1)$, in the basin of the least minimum. The source prints -6.5511 at (0.2283, -1.6255); the further
    digits here are those of the zeros of the gradient in 30-digit arithmetic.

    Examples
    --------
    >>> print(f"{peaks().function(jnp.array([0.2283, -1.6255])):.4f}")
    -6.5511

    Source: MATLAB reference, functions `peaks` and `fminsearch`.
    """
    return Problem(
        "peaks",
        peaks_value,
        vector(0, -1),
        -6.55113333283584,
        (vector(0.228278920556369, -1.6255349575),),
        other_minima=(
            LocalMinimum(-3.04984940280026, vector(-1.34739624436821, 0.204518866097005)),
            LocalMinimum(-0.0649358682555269, vector(0.296445553846832, 0.320196247666834)),
        ),
        source="MATLAB reference, functions peaks and fminsearch (MathWorks)",
    )
