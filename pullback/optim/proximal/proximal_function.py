"""What a method needs of a function that has no gradient: its value and its proximal map."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float


class ProximalFunction(eqx.Module):
    r"""A closed convex function $h$ with a proximal map in closed form; a frozen dataclass of options.

    $$ \operatorname{prox}_{t h}(v) = \arg\min_x\ h(x) + \frac{1}{2t} \lVert x - v \rVert^2 $$
    """

    # Whether it is a sum of functions of single entries; only then it can be combined with bounds.
    separable: ClassVar[bool] = False

    @abstractmethod
    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        """$h(x)$; infinite outside of its domain."""

    @abstractmethod
    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        r"""$\operatorname{prox}_{t h}(v)$; at $t = 0$ the nearest point of the domain."""
