"""The function to be minimized as the methods see it: of one vector, with its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from pullback.autodiff import hessian, hvp, jacobian, jvp, linearize, value_and_grad, vjp


class Point(NamedTuple):
    """A vector, the value there, and the gradient there."""

    x: Float[Array, " n"]
    value: Float[Array, ""]
    gradient: Float[Array, " n"]

    def slope(self, direction: Float[Array, " n"]) -> Float[Array, ""]:
        r"""$\nabla f(x)^\top d$."""
        return jnp.vdot(self.gradient, direction)


class Bounds(NamedTuple):
    """Lower and upper bound of each entry; infinite where there is none."""

    lower: Float[Array, " n"]
    upper: Float[Array, " n"]

    def project(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        """The nearest point of the box."""
        return jnp.clip(x, self.lower, self.upper)

    def longest_step(self, x: Float[Array, " n"], direction: Float[Array, " n"]) -> Float[Array, ""]:
        r"""The largest $\alpha$ with $x + \alpha d$ in the box, infinite if the line never leaves it."""
        room = jnp.where(direction < 0, self.lower, self.upper) - x
        return jnp.min(jnp.where(direction == 0, jnp.inf, room / jnp.where(direction == 0, 1, direction)))

    def reach(self, x: Float[Array, " n"], direction: Float[Array, " n"], length: Any) -> Float[Array, " n"]:
        r"""$x + \alpha d$, in the box, and on a bound where it is a rounding away from it."""
        moved = self.project(x + length * direction)
        near = 4 * jnp.finfo(x.dtype).eps * jnp.maximum(jnp.abs(x), jnp.abs(moved))
        moved = jnp.where(moved - self.lower <= near, self.lower, moved)
        return jnp.where(self.upper - moved <= near, self.upper, moved)


def half_sum_of_squares(r: Float[Array, " m"]) -> Float[Array, ""]:
    r"""$\tfrac12 \sum_i r_i^2$."""
    return jnp.sum(r**2) / 2


@dataclass(frozen=True)
class Objective:
    r"""$f: \mathbb{R}^n \to \mathbb{R}$ with whatever derivative a method asks for.

    Parameters
    ----------
    function : $f$, of a vector.
    gradient_function : $\nabla f$, if the user brought it; otherwise it is derived.
    residual_function : $r$, where $f = \tfrac12 \lVert r \rVert^2$.
    bounds : that the vector has to keep to.
    """

    function: Callable[[Float[Array, " n"]], Float[Array, ""]]
    gradient_function: Callable[[Float[Array, " n"]], Float[Array, " n"]] | None = None
    residual_function: Callable[[Float[Array, " n"]], Float[Array, " m"]] | None = None
    bounds: Bounds | None = None

    @classmethod
    def of(
        cls,
        f: Callable[..., Any],
        unravel: Callable[[Array], Any],
        args: tuple[Any, ...] = (),
        *,
        squares: bool = False,
        gradient: Callable[..., Any] | None = None,
        bounds: Bounds | None = None,
    ) -> Objective:
        r"""`f` of the container that `unravel` makes of a vector; with `squares` it is $\tfrac12 \lVert f \rVert^2$."""

        def residuals(x: Array) -> Array:
            return jnp.ravel(f(unravel(x), *args))

        def half_of_squares(x: Array) -> Array:
            return half_sum_of_squares(residuals(x))

        def function(x: Array) -> Array:
            return jnp.reshape(f(unravel(x), *args), ())

        if squares:
            return cls(half_of_squares, residual_function=residuals, bounds=bounds)
        if gradient is None:
            return cls(function, bounds=bounds)
        return cls(function, lambda x: ravel_pytree(gradient(unravel(x), *args))[0], bounds=bounds)

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        """$f(x)$."""
        return self.function(x)

    def at(self, x: Float[Array, " n"]) -> Point:
        """The point `x` with value and gradient."""
        if self.gradient_function is not None:
            return Point(x, self.function(x), self.gradient_function(x))
        value, gradient = value_and_grad(self.function)(x)
        return Point(x, value, gradient)

    def gradient(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""$\nabla f(x)$."""
        return self.at(x).gradient

    def hessian(self, x: Float[Array, " n"]) -> Float[Array, "n n"]:
        r"""$\nabla^2 f(x)$."""
        if self.gradient_function is not None:
            return jacobian(self.gradient_function)(x)
        return hessian(self.function)(x)

    def hessian_product(self, x: Float[Array, " n"], vector: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""$\nabla^2 f(x)\, v$, without the matrix."""
        return hvp(self.function, x, vector)

    def curvature_at(self, x: Float[Array, " n"]) -> Callable[[Float[Array, " n"]], Float[Array, " n"]]:
        r"""$v \mapsto \nabla^2 f(x)\, v$, with what does not depend on $v$ computed once."""
        return linearize(self.gradient, x)[1]

    def residuals(self, x: Float[Array, " n"]) -> Float[Array, " m"]:
        """$r(x)$, of a sum of squares."""
        if self.residual_function is None:
            raise TypeError("this objective is not a sum of squares")
        return self.residual_function(x)

    def residuals_and_jacobian(self, x: Float[Array, " n"]) -> tuple[Float[Array, " m"], Float[Array, "m n"]]:
        r"""$r(x)$ and $J = \partial r / \partial x$."""
        residuals = self.residuals(x)
        mode = "forward" if x.size <= residuals.size else "reverse"
        return residuals, jacobian(self.residuals, mode=mode)(x)

    def residual_curvature(self, x: Float[Array, " n"], direction: Float[Array, " n"]) -> Float[Array, " m"]:
        r"""$\partial^2 r(x + t\, d) / \partial t^2$ at $t = 0$, by forward mode twice."""

        def slope(point: Float[Array, " n"]) -> Float[Array, " m"]:
            return jvp(self.residuals, (point,), (direction,))[1]

        return jvp(slope, (x,), (direction,))[1]

    def residual_pull(self, x: Float[Array, " n"]) -> Any:
        r"""$r(x)$ and $v \mapsto J^\top v$."""
        return vjp(self.residuals, x)
