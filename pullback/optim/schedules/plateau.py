"""A learning rate that falls when a score no longer improves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.core.checks import fraction, non_negative, positive
from pullback.core.errors import ConfigurationError


class PlateauState(NamedTuple):
    """The rate in force, the best score so far, and for how many scores to wait or to look away."""

    learning_rate: Float[Array, ""]
    best: Float[Array, ""]
    waited: Int[Array, ""]
    cooldown: Int[Array, ""]


@dataclass(frozen=True)
class Plateau:
    r"""Multiplied by a factor where the score has not improved for longer than `patience` scores.

    $$ \alpha \leftarrow \max(\gamma \alpha, \alpha_{\min}) \quad \text{if} \quad
       f_i \ge f^* (1 - \delta) \ \text{for the last } p + 1 \text{ scores} $$

    where $f^*$ is the best score, that is the least unless `higher_is_better`. It is not a function of the step:
    `init()` makes a state, `update(state, score)` follows one score, and `state.learning_rate` is the rate.

    Parameters
    ----------
    initial : $\alpha_0 > 0$.
    factor : $\gamma$ in [0, 1).
    patience : $p \ge 0$.
    threshold : $\delta \ge 0$; a part of the best score, or if not `relative` a difference.
    cooldown : scores after a fall that do not count.
    smallest : $\alpha_{\min} \ge 0$.
    least_change : a fall that is not larger is left out.

    Notes
    -----
    PyTorch's `ReduceLROnPlateau`, with its defaults. A score that is not a number is no improvement.

    Examples
    --------
    >>> plateau = Plateau(0.1, factor=0.5, patience=1)
    >>> state = plateau.init()
    >>> for score in (1.0, 0.5, 0.5, 0.5):
    ...     state = plateau.update(state, score)
    >>> round(float(state.learning_rate), 6)
    0.05
    """

    initial: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    relative: bool = True
    higher_is_better: bool = False
    cooldown: int = 0
    smallest: float = 0.0
    least_change: float = 1e-8

    def __post_init__(self) -> None:
        positive("initial", self.initial)
        fraction("factor", self.factor)
        for name in ("patience", "threshold", "cooldown", "smallest", "least_change"):
            non_negative(name, getattr(self, name))
        if self.smallest > self.initial:
            raise ConfigurationError(
                "the smallest learning rate is larger than the initial one",
                expected=f"smallest <= {self.initial}",
                got=f"smallest = {self.smallest}",
                fix="choose a smaller one",
            )

    def init(self) -> PlateauState:
        """The state before any score."""
        dtype, none = jnp.result_type(float), jnp.zeros((), jnp.int32)
        # Finite, since training looks for numbers in its state that are not.
        worst = float(jnp.finfo(dtype).max) * (-1 if self.higher_is_better else 1)
        return PlateauState(jnp.asarray(self.initial, dtype), jnp.asarray(worst, dtype), none, none)

    def update(self, state: PlateauState, score: Any) -> PlateauState:
        """The state after one more score; it may be traced."""
        score = jnp.asarray(score, state.best.dtype)
        better = self._better(score, state.best)
        waited = jnp.where(better | (state.cooldown > 0), 0, state.waited + 1)
        falls = waited > self.patience
        lower = jnp.maximum(state.learning_rate * self.factor, self.smallest)
        lower = jnp.where(state.learning_rate - lower > self.least_change, lower, state.learning_rate)
        return PlateauState(
            jnp.where(falls, lower, state.learning_rate),
            jnp.where(better, score, state.best),
            jnp.where(falls, 0, waited),
            jnp.where(falls, self.cooldown, jnp.maximum(state.cooldown - 1, 0)),
        )

    def _better(self, score: Array, best: Array) -> Array:
        if self.relative:
            bound = best * (1 + self.threshold if self.higher_is_better else 1 - self.threshold)
        else:
            bound = best + (self.threshold if self.higher_is_better else -self.threshold)
        return score > bound if self.higher_is_better else score < bound
