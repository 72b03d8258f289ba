"""Lookahead: slow parameters that follow fast ones now and then."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import ConfigurationError
from pullback.optim.leaves import map_leaves, no_steps, required
from pullback.optim.settings import Scalar, Setting, Settings


class LookaheadState(NamedTuple):
    """Updates made so far, the settings in force, the slow parameters, and the state of the fast optimizer."""

    step: Int[Array, ""]
    in_force: dict[str, Array]
    slow: Any
    fast: Any


def lookahead_update(
    change: Float[Array, " *shape"],
    theta: Float[Array, " *shape"],
    slow: Float[Array, " *shape"],
    pull: Scalar,
    meets: Bool[Array, ""],
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\phi' - \theta$ with $\phi' = \phi + a (\theta + \Delta - \phi)$ where they meet, else $\Delta$, $\phi$."""
    moved = slow + pull * (theta + change - slow)
    return jnp.where(meets, moved - theta, change), jnp.where(meets, moved, slow)


def lookahead(
    optimizer: optax.GradientTransformation, *, period: int = 5, pull: Setting = 0.5
) -> optax.GradientTransformation:
    r"""Every `period` updates the slow parameters move toward the fast ones, which then go on from there.

    $$ \phi \leftarrow \phi + a (\theta_{t} - \phi), \quad \theta_t \leftarrow \phi \qquad \text{if } t \bmod k = 0 $$

    Parameters
    ----------
    optimizer : the fast one, any transformation.
    period : $k \ge 1$; 5 in the paper.
    pull : $a$ in (0, 1]; 0.5 in the paper.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range, or `update` is called without the parameters.

    Notes
    -----
    Optax's `lookahead` carries the slow parameters beside the fast ones in the parameters themselves; here they are
    in the state, so that it serves wherever an optimizer does. After an update with $t \bmod k = 0$ the parameters are
    the slow ones.

    Examples
    --------
    >>> from pullback.optim import sgd
    >>> optimizer = lookahead(sgd(1.0), period=2)
    >>> theta = jnp.array(0.0)
    >>> state = optimizer.init(theta)
    >>> for _ in range(2):
    ...     update, state = optimizer.update(jnp.array(1.0), state, theta)
    ...     theta = theta + update
    >>> float(theta)
    -1.0

    References
    ----------
    Zhang, Lucas, Hinton, Ba, "Lookahead optimizer: k steps forward, 1 step back", NeurIPS 2019.
    """
    positive_integer("period", period)
    settings = Settings({"pull": _at_most_one}, pull=pull)

    def init(params: Any) -> LookaheadState:
        slow = jax.tree.map(jnp.array, params)
        return LookaheadState(no_steps(), settings.in_force(no_steps()), slow, optimizer.init(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, LookaheadState]:
        theta = required(params, "lookahead")
        changes, fast = optimizer.update(updates, state.fast, theta)
        in_force, step = settings.in_force(state.step), state.step + 1
        meets, strength = step % period == 0, settings.all(in_force)["pull"]

        def leaf(change: Array, theta: Array, slow: Array) -> tuple[Array, Array]:
            part = strength.astype(slow.dtype) if isinstance(strength, jax.Array) else strength
            return lookahead_update(change, theta, slow, part, meets)

        changes, slow = map_leaves(leaf, changes, theta, state.slow)
        return changes, LookaheadState(step, in_force, slow, fast)

    return optax.GradientTransformation(init, update)


def _at_most_one(name: str, value: Any) -> Any:
    if positive(name, value) > 1:
        raise ConfigurationError(
            f"{name} must not be above one", expected="a number in (0, 1]", got=repr(value), fix="choose 0.5"
        )
    return value
