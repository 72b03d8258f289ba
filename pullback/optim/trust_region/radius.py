"""How the radius of a trust region follows the quality of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import ConfigurationError
from pullback.optim.line_search.along_line import rounding


class Proposal(NamedTuple):
    """A trial step within the radius.

    Parameters
    ----------
    candidate : whatever the method goes on with, if it is accepted.
    value : of the objective there.
    decrease : of the objective that the model foretold.
    length : of the step.
    boundary : whether the radius held the step back.
    products : with the matrix of the model, made for it.
    """

    candidate: Any
    value: Float[Array, ""]
    decrease: Float[Array, ""]
    length: Float[Array, ""]
    boundary: Bool[Array, ""]
    products: Int[Array, ""]


class Tried(NamedTuple):
    """The end of the trials of one step: the last proposal, whether it counts, the next radius, what was foretold."""

    proposal: Proposal
    accepted: Bool[Array, ""]
    radius: Float[Array, ""]
    trials: Int[Array, ""]
    products: Int[Array, ""]
    largest_decrease: Float[Array, ""]


class RadiusRule(eqx.Module):
    r"""The rule for the radius $\Delta$ by the ratio of the decrease to the one foretold.

    $$ \rho = \frac{f(x) - f(x + p)}{-m(p)}, \qquad
       \Delta' = \begin{cases} \text{shrink} \cdot \lVert p \rVert & \rho < \text{shrink\_below} \\
       \max(\Delta, \text{expand} \cdot \lVert p \rVert) & \rho > \text{expand\_above},\ \lVert p \rVert = \Delta \\
       \Delta & \text{else} \end{cases} $$

    A step counts if $\rho > \text{accept}$; otherwise it is tried again with the smaller radius. Where both decreases
    are below the rounding of $f$ the ratio says nothing and counts as one.

    Parameters
    ----------
    initial : radius of the first step.
    largest : bound on the radius.
    accept, shrink_below, expand_above : thresholds on the ratio.
    shrink, expand : factors.
    max_trials : of one step.

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), algorithm 4.1; Conn, Gould, Toint, "Trust-Region Methods"
    (2000), sections 6.1 and 17.4.2.
    """

    initial: Any = 1.0
    largest: Any = float("inf")
    accept: Any = 1e-4
    shrink_below: Any = 0.25
    expand_above: Any = 0.75
    shrink: Any = 0.25
    expand: Any = 2.0
    max_trials: int = 40

    def __check_init__(self) -> None:
        for name in ("initial", "shrink", "expand"):
            if isinstance(getattr(self, name), int | float):
                positive(name, getattr(self, name))
        positive_integer("max_trials", self.max_trials)
        thresholds = (self.accept, self.shrink_below, self.expand_above)
        known = all(isinstance(threshold, int | float) for threshold in thresholds)
        if known and not 0 <= self.accept <= self.shrink_below < self.expand_above < 1:
            raise ConfigurationError(
                "the thresholds on the ratio are out of order",
                expected="0 <= accept <= shrink_below < expand_above < 1",
                got=f"{self.accept}, {self.shrink_below}, {self.expand_above}",
                fix="leave the defaults 1e-4, 0.25, 0.75",
            )

    def tried(
        self,
        propose: Callable[[Float[Array, ""]], Proposal],
        value: Float[Array, ""],
        radius: Float[Array, ""],
        noise: Float[Array, ""] | float = 0.0,
    ) -> Tried:
        """Propose with smaller and smaller radii until a proposal is accepted.

        Differences of values below `noise`, and below the rounding of `value`, say nothing.
        """
        level = jnp.maximum(rounding(value), noise)

        def judged(before: Tried) -> Tried:
            proposal = propose(before.radius)
            largest = jnp.maximum(before.largest_decrease, proposal.decrease)
            ratio = _ratio(value, proposal, level, largest)
            return Tried(
                proposal,
                ratio > self.accept,
                self.following(before.radius, ratio, proposal),
                before.trials + 1,
                before.products + proposal.products,
                largest,
            )

        def going(tried: Tried) -> Array:
            return ~tried.accepted & (tried.trials < self.max_trials)

        # A proposal is compiled once: the first trial too happens inside the loop.
        none = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(propose, radius))
        zero = jnp.zeros((), jnp.int32)
        return jax.lax.while_loop(
            going, judged, Tried(none, jnp.zeros((), bool), radius, zero, zero, jnp.zeros_like(radius))
        )

    def following(self, radius: Float[Array, ""], ratio: Float[Array, ""], proposal: Proposal) -> Float[Array, ""]:
        """The next radius."""
        smaller = self.shrink * jnp.minimum(proposal.length, radius)
        larger = jnp.minimum(jnp.maximum(radius, self.expand * proposal.length), self.largest)
        good = (ratio > self.expand_above) & proposal.boundary
        # A ratio that is not a number is a bad one.
        return jnp.where(ratio >= self.shrink_below, jnp.where(good, larger, radius), smaller)


def decrease_ratio(f: Float[Array, ""], f_next: Float[Array, ""], decrease: Float[Array, ""]) -> Float[Array, ""]:
    r"""$(f - f') / \delta$ with the decrease $\delta$ that the model foretold."""
    return (f - f_next) / decrease


def _ratio(value: Array, proposal: Proposal, level: Array, largest: Array) -> Float[Array, ""]:
    lost = (proposal.decrease <= level) & (jnp.abs(proposal.value - value) <= level)
    # A model that foretold far more in this very step was wrong, and not lost in rounding.
    lost &= largest <= 1e4 * level
    return jnp.where(lost, 1, decrease_ratio(value, proposal.value, proposal.decrease))
