"""Three step lengths with the lowest value in the middle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

GOLDEN = (1 + 5**0.5) / 2


class Bracket(NamedTuple):
    r"""$a < b < c$ with $\phi(b) \le \phi(a)$ and $\phi(b) \le \phi(c)$."""

    a: Float[Array, ""]
    b: Float[Array, ""]
    c: Float[Array, ""]
    value_a: Float[Array, ""]
    value_b: Float[Array, ""]
    value_c: Float[Array, ""]
    trials: Int[Array, ""]

    @property
    def closed(self) -> Array:
        """Whether the middle is lowest."""
        return (self.value_b <= self.value_a) & (self.value_b <= self.value_c)


def bracket_minimum(phi: Callable[[Any], Array], value: Any, initial: Any, max_trials: int) -> Bracket:
    """From zero outwards by the golden ratio while the value falls, or inwards while it does not."""
    far = GOLDEN * initial
    zero = jnp.zeros_like(initial)
    start = Bracket(zero, initial, far, value, phi(initial), phi(far), jnp.full((), 2, jnp.int32))

    def going(bracket: Bracket) -> Array:
        return ~bracket.closed & (bracket.trials < max_trials)

    def advance(bracket: Bracket) -> Bracket:
        a, b, c, value_a, value_b, value_c, trials = bracket
        outwards = value_b <= value_a
        tried = jnp.where(outwards, c + GOLDEN * (c - b), a + (b - a) / GOLDEN**2)
        tried_value = phi(tried)
        out = Bracket(b, c, tried, value_b, value_c, tried_value, trials + 1)
        back = Bracket(a, tried, b, value_a, tried_value, value_b, trials + 1)
        return jax.tree.map(lambda one, other: jnp.where(outwards, one, other), out, back)

    return jax.lax.while_loop(going, advance, start)
