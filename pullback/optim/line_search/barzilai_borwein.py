"""Step lengths of Barzilai and Borwein."""

from __future__ import annotations

from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


def long_step_length(s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$s^\top s / s^\top y$."""
    return jnp.vdot(s, s) / jnp.vdot(s, y)


def short_step_length(s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$s^\top y / y^\top y$."""
    return jnp.vdot(s, y) / jnp.vdot(y, y)


class BarzilaiBorwein(eqx.Module):
    r"""A step length from the last step $s$ and the change $y$ of the gradient over it, without any search.

    $$ \alpha = \frac{s^\top s}{s^\top y} \ (\text{long}) \qquad\text{or}\qquad
       \alpha = \frac{s^\top y}{y^\top y} \ (\text{short}) $$

    Both are inverse mean curvatures along the step, so that $\alpha I$ is the multiple of the identity nearest to the
    secant equation. The value rises now and then; on quadratics it converges R-superlinearly in two dimensions and
    far faster than the best fixed rate in general. Given to `GradientDescent(learning_rate=BarzilaiBorwein())`.

    Parameters
    ----------
    formula : "short", the safer one where the curvature changes; "long", the faster one on quadratics; or
        "alternating".
    first : the first step has this length.
    largest : bound on the step length.

    References
    ----------
    Barzilai, Borwein, "Two-point step size gradient methods", IMA Journal of Numerical Analysis 8 (1988).
    """

    formula: Literal["long", "short", "alternating"] = "short"
    first: Any = 1e-2
    largest: Any = 1e10

    def initial(self, gradient: Float[Array, " n"]) -> Float[Array, ""]:
        """The factor that makes the first step as long as asked."""
        return self.first / jnp.linalg.norm(gradient)

    def step_length(self, s: Float[Array, " n"], y: Float[Array, " n"], step: Any) -> Float[Array, ""]:
        """The factor on the gradient after the step `s`, number `step`."""
        long, short = long_step_length(s, y), short_step_length(s, y)
        length = {"long": long, "short": short, "alternating": jnp.where(step % 2 == 0, long, short)}[self.formula]
        # Where the curvature along the step is not positive, the mean of both without their signs.
        mean = jnp.linalg.norm(s) / jnp.linalg.norm(y)
        return jnp.minimum(jnp.where(jnp.vdot(s, y) > 0, length, mean), self.largest)
