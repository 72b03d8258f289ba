"""A learning rate that falls along a cosine again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from pullback.core.checks import positive, positive_integer
from pullback.optim.schedules.cosine import cosine
from pullback.optim.schedules.real_step import real_step
from pullback.optim.settings import Scalar, non_negative_field, positive_field

# Beyond this many updates nobody asks for another restart.
LONGEST = 2**31


@dataclass(frozen=True)
class WarmRestarts:
    r"""Half a cosine from `initial` to `final`, then from the start again, each time `multiplier` times as long.

    $$ \alpha_t = \alpha_T + \tfrac{1}{2} (\alpha_0 - \alpha_T) \Big(1 + \cos \frac{\pi (t - b_i)}{T_i} \Big), \quad
       b_i \le t < b_{i+1}, \qquad T_i = T_0 m^i, \quad b_i = T_0 + \dots + T_{i-1} $$

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    period : $T_0 > 0$, in updates.
    multiplier : $m \ge 1$, an integer.
    final : $\alpha_T \ge 0$; it is not reached, since the next round begins there.

    Notes
    -----
    PyTorch's `CosineAnnealingWarmRestarts`; Optax's `sgdr_schedule` takes a list of rounds.

    Examples
    --------
    >>> schedule = WarmRestarts(0.1, period=10, multiplier=2)
    >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 20, 30)]
    [0.1, 0.05, 0.1, 0.05, 0.1]

    References
    ----------
    Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    initial: Scalar
    period: float
    multiplier: int = 1
    final: Scalar = 0.0

    def __post_init__(self) -> None:
        positive_field("initial", self.initial)
        positive("period", self.period)
        positive_integer("multiplier", self.multiplier)
        non_negative_field("final", self.final)

    def __call__(self, step: Any) -> Array:
        t = real_step(step)
        if self.multiplier == 1:
            return cosine(jnp.mod(t, self.period), self.initial, self.period, self.final)
        starts, lengths = self._rounds()
        number = jnp.sum(t >= starts) - 1
        return cosine(t - starts[number], self.initial, lengths[number], self.final)

    def _rounds(self) -> tuple[Array, Array]:
        """Where each round begins, and how long it is."""
        starts, lengths = [0.0], [float(self.period)]
        while starts[-1] + lengths[-1] < LONGEST:
            starts.append(starts[-1] + lengths[-1])
            lengths.append(lengths[-1] * self.multiplier)
        dtype = jnp.result_type(float)
        return jnp.asarray(starts, dtype), jnp.asarray(lengths, dtype)
