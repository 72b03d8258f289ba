"""The elastic net: absolute values and squares."""

from __future__ import annotations

from typing import Any, ClassVar

from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.optim.proximal.l1 import L1
from pullback.optim.proximal.proximal_function import ProximalFunction
from pullback.optim.proximal.squared_l2 import SquaredL2


class ElasticNet(ProximalFunction):
    r"""$h(x) = \lambda_1 \lVert x \rVert_1 + \tfrac{\lambda_2}{2} \lVert x \rVert^2$.

    Its proximal map is soft thresholding, then division by $1 + t \lambda_2$.

    Parameters
    ----------
    l1, l2 : the weights $\lambda_1$ and $\lambda_2$, each a number or a vector.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> ElasticNet(l1=1.0, l2=1.0).proximal_map(jnp.array([3.0, -0.5]), jnp.array(1.0)).tolist()
    [1.0, -0.0]

    References
    ----------
    Zou, Hastie, "Regularization and variable selection via the elastic net", Journal of the Royal Statistical Society
    B 67 (2005).
    """

    separable: ClassVar[bool] = True
    l1: Any = 1.0
    l2: Any = 1.0

    def __check_init__(self) -> None:
        for name, weight in (("l1", self.l1), ("l2", self.l2)):
            if isinstance(weight, float | int):
                non_negative(name, weight)

    def value(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        return L1(self.l1).value(x) + SquaredL2(self.l2).value(x)

    def proximal_map(self, v: Float[Array, " n"], t: Float[Array, ""]) -> Float[Array, " n"]:
        return SquaredL2(self.l2).proximal_map(L1(self.l1).proximal_map(v, t), t)
