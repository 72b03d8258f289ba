"""The indicator of a convex set, and a separable function within bounds."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.constraints.box import Box
from pullback.optim.constraints.constraint import Constraint
from pullback.optim.proximal.proximal_function import ProximalFunction


class Indicator(ProximalFunction):
    r"""$h(x) = 0$ in the set and $\infty$ outside; its proximal map is the projection.

    Parameters
    ----------
    constraint : the set.

    Examples
    --------
    >>> from pullback.optim.constraints import Simplex
    >>> Indicator(Simplex()).proximal_map(jnp.array([1.0, 1.0]), jnp.array(3.0)).tolist()
    [0.5, 0.5]
    """

    constraint: Constraint

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.where(self.constraint.contains(x), jnp.zeros((), x.dtype), jnp.inf)

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        del t
        return self.constraint.project(v)


class WithinBounds(ProximalFunction):
    r"""A separable function restricted to a box: its proximal map is that of the function, then the projection.

    Parameters
    ----------
    function : the separable function.
    box : the bounds.

    Examples
    --------
    >>> from pullback.optim.proximal import L1
    >>> WithinBounds(L1(1.0), Box(0.0, 1.0)).proximal_map(jnp.array([3.0, -3.0]), jnp.array(1.0)).tolist()
    [1.0, 0.0]

    References
    ----------
    Bauschke, Combettes, "Convex Analysis and Monotone Operator Theory", 2nd edition (2017), proposition 24.47.
    """

    function: ProximalFunction
    box: Box

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return self.function.value(x) + Indicator(self.box).value(x)

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        return self.box.project(self.function.proximal_map(v, t))
