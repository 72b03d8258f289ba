"""The dogleg: from the Cauchy point towards the Newton step."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.trust_region.cauchy import cauchy_point
from pullback.optim.trust_region.solution import SubproblemSolution


def dogleg_step(
    B: Float[Array, "n n"], newton_step: Float[Array, " n"], g: Float[Array, " n"], radius: Float[Array, ""]
) -> SubproblemSolution:
    r"""Minimizer of the model along the path from zero over its minimizer along $-g$ to the Newton step.

    $$ p^U = -\frac{g^\top g}{g^\top B g}\, g, \qquad p^N = -B^{-1} g, \qquad
       p(\tau) = \begin{cases} \tau p^U & \tau \le 1 \\ p^U + (\tau - 1)(p^N - p^U) & 1 \le \tau \le 2 \end{cases} $$

    For a positive definite $B$ the path leads away from zero and the model falls along it, so that the step is the
    point where it leaves the radius, or its end. For another $B$ it is not defined: there the Newton step is to be
    passed as NaN, and the Cauchy point is given.

    References
    ----------
    Powell, "A hybrid method for nonlinear equations", in Rabinowitz (ed.), 1970; Nocedal, Wright, "Numerical
    Optimization" (2006), section 4.1.
    """
    cauchy = cauchy_point(lambda v: B @ v, g, radius)
    defined = jnp.all(jnp.isfinite(newton_step))
    newton = jnp.where(defined, newton_step, 0)
    bend = newton - cauchy.step
    # Positive root of |p^U + t bend| = radius, in the form that subtracts nothing of the same size.
    along, square = jnp.vdot(cauchy.step, bend), jnp.vdot(bend, bend)
    room = jnp.maximum(radius**2 - jnp.vdot(cauchy.step, cauchy.step), 0)
    t = room / jnp.maximum(along + jnp.sqrt(along**2 + square * room), jnp.finfo(g.dtype).tiny)
    outside = jnp.linalg.norm(newton) > radius
    second = jnp.where(outside, cauchy.step + jnp.minimum(t, 1) * bend, newton)
    step = jnp.where(cauchy.boundary | ~defined, cauchy.step, second)
    decrease = -jnp.vdot(g, step) - jnp.vdot(step, B @ step) / 2
    boundary = cauchy.boundary | (defined & outside)
    return cauchy._replace(step=step, decrease=decrease, length=jnp.linalg.norm(step), boundary=boundary)
