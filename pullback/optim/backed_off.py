"""An optimizer whose learning rate can be lowered while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from pullback.optim.learning_rate import LearningRate, Schedule, as_schedule
from pullback.optim.on_plateau import OnPlateauState


class BackedOffState(NamedTuple):
    """The factor on the learning rate, and the state of the optimizer that is given the product."""

    factor: Float[Array, ""]
    optimizer: Any


def backed_off(
    optimizer: Callable[[Schedule], optax.GradientTransformation], learning_rate: LearningRate
) -> optax.GradientTransformation:
    r"""The optimizer at the rate $c \, \alpha_t$, where $c = 1$ until `lower_rate` lowers it.

    Parameters
    ----------
    optimizer : from a schedule to a transformation; its state may not depend on the rate's value.
    learning_rate : $\alpha_t$, a number, an array or a schedule.

    Examples
    --------
    >>> from pullback.optim import sgd
    >>> optimizer = backed_off(sgd, 0.5)
    >>> state = lower_rate(optimizer.init(jnp.zeros(())), 0.25)
    >>> float(optimizer.update(jnp.ones(()), state)[0])
    -0.125
    """
    schedule = as_schedule(learning_rate)

    def at(factor: Any) -> optax.GradientTransformation:
        return optimizer(lambda step: factor * schedule(step))

    def init(params: Any) -> BackedOffState:
        one = jnp.ones((), jnp.result_type(float))
        return BackedOffState(one, at(one).init(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, BackedOffState]:
        changes, inner = at(state.factor).update(updates, state.optimizer, params)
        return changes, BackedOffState(state.factor, inner)

    return optax.GradientTransformation(init, update)


def lower_rate(state: Any, factor: float) -> Any:
    """The state with the rate times `factor`, wherever in it `backed_off` or `on_plateau` lies; see `backed_off`."""

    def lowered(node: Any) -> Any:
        if isinstance(node, BackedOffState):
            return node._replace(factor=node.factor * factor)
        if isinstance(node, OnPlateauState):
            rate = node.plateau.learning_rate * factor
            return node._replace(plateau=node.plateau._replace(learning_rate=rate))
        return node

    return jax.tree.map(lowered, state, is_leaf=lambda node: isinstance(node, BackedOffState | OnPlateauState))
