"""An optimizer whose learning rate falls when a score no longer improves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax
from jaxtyping import Array

from pullback.optim.schedules.plateau import Plateau, PlateauState


class OnPlateauState(NamedTuple):
    """Where the rate stands, and the state of the optimizer that it is given to."""

    plateau: PlateauState
    optimizer: Any


def on_plateau(
    optimizer: Callable[[Array], optax.GradientTransformation], plateau: Plateau
) -> optax.GradientTransformation:
    r"""The optimizer at a rate that `after_score` lowers; between scores the rate stays.

    $$ u_t = \text{optimizer}(\alpha)\big(g_t\big), \qquad \alpha = \alpha_0, \alpha_0 \gamma, \dots $$

    `train.fit(learning_rate=Plateau(...))` makes it, and shows it the score of every validation.

    Parameters
    ----------
    optimizer : from a learning rate, a scalar array, to a transformation; its state may not depend on the rate's value.
    plateau : how the rate falls.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from pullback.optim import sgd
    >>> plateau = Plateau(0.5, factor=0.1, patience=0)
    >>> optimizer = on_plateau(sgd, plateau)
    >>> state = optimizer.init(jnp.zeros(()))
    >>> for score in (1.0, 1.0):
    ...     change, state = optimizer.update(jnp.ones(()), state)
    ...     state = after_score(state, plateau, score)
    >>> round(float(optimizer.update(jnp.ones(()), state)[0]), 6)
    -0.05
    """

    def init(params: Any) -> OnPlateauState:
        start = plateau.init()
        return OnPlateauState(start, optimizer(start.learning_rate).init(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, OnPlateauState]:
        changes, inner = optimizer(state.plateau.learning_rate).update(updates, state.optimizer, params)
        return changes, OnPlateauState(state.plateau, inner)

    return optax.GradientTransformation(init, update)


def after_score(state: Any, plateau: Plateau, score: Any) -> Any:
    """The state of an optimizer after one more score, wherever in it `on_plateau` lies; for an example see there."""

    def seen(node: Any) -> Any:
        return node._replace(plateau=plateau.update(node.plateau, score)) if isinstance(node, OnPlateauState) else node

    return jax.tree.map(seen, state, is_leaf=lambda node: isinstance(node, OnPlateauState))
