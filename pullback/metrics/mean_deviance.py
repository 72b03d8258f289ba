"""Mean deviance of predicted means under a law of the observations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array

from pullback.metrics.metric import MeanMetric
from pullback.metrics.predictions import example_mean, same_shape
from pullback.prob.families import family_named
from pullback.prob.links.identity import IdentityLink


@dataclass(frozen=True)
class MeanDeviance(MeanMetric):
    r"""$\frac{1}{n} \sum_i d(y_i, \hat y_i)$, the unit deviance of a law $d = 2 \phi (\ell(y; y) - \ell(y; \hat y))$.

    | family | unit deviance |
    |---|---|
    | normal | $(y - \hat y)^2$ |
    | poisson | $2 (y \log(y / \hat y) - y + \hat y)$ |
    | gamma | $2 (\log(\hat y / y) + y / \hat y - 1)$ |
    | binomial | $2 (y \log(y / \hat y) + (1 - y) \log((1 - y) / (1 - \hat y)))$ |

    Predictions are means of the law: positive for "poisson" and "gamma", in [0, 1] for "binomial", whose targets are 0
    and 1 or shares. Others give NaN or infinity. Shapes as for `SquaredError`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> metric = MeanDeviance("poisson")
    >>> round(metric.compute(metric.update(metric.init(), jnp.array([1.0, 2.0]), jnp.array([0.0, 2.0]))), 6)
    1.0

    References
    ----------
    McCullagh and Nelder, "Generalized Linear Models", 2nd edition (1989), section 2.3.
    """

    family: str
    higher_is_better: ClassVar[bool] = False
    target_kinds: ClassVar[tuple[str, ...]] = ("real",)

    def __post_init__(self) -> None:
        family_named(self.family)

    @property
    def name(self) -> str:
        return f"{self.family}_deviance"

    def values(self, prediction: Array, target: Array) -> Array:
        mean = same_shape(prediction, target)
        return example_mean(family_named(self.family).deviance(target.astype(mean.dtype), mean, IdentityLink()))
