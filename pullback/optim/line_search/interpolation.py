"""Minimizers of the polynomials through two step lengths."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float


def cubic_minimizer(low: Any, high: Any) -> Float[Array, ""]:
    r"""Minimizer of the cubic with the values and slopes of both trials; NaN where it has none.

    $$ \alpha = b - (b - a) \frac{\phi'_b + d_2 - d_1}{\phi'_b - \phi'_a + 2 d_2}, \quad
       d_1 = \phi'_a + \phi'_b - 3 \frac{\phi_a - \phi_b}{a - b}, \quad
       d_2 = \operatorname{sign}(b - a) \sqrt{d_1^2 - \phi'_a \phi'_b} $$

    The source is Nocedal, Wright, "Numerical Optimization" (2006), equation 3.59.
    """
    a, b = low.length, high.length
    d1 = low.slope + high.slope - 3 * (low.value - high.value) / (a - b)
    square = d1**2 - low.slope * high.slope
    d2 = jnp.sign(b - a) * jnp.sqrt(jnp.where(square >= 0, square, jnp.nan))
    return b - (b - a) * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2)
