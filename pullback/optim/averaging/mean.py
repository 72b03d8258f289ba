"""The plain mean of the parameters along the way."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import non_negative, positive_integer
from pullback.optim.averaging.averaging import Averaging, AveragingState
from pullback.optim.leaves import no_steps


def mean_update(
    average: Float[Array, " *shape"], theta: Float[Array, " *shape"], weight: Float[Array, ""]
) -> Float[Array, " *shape"]:
    r"""$\bar\theta' = \bar\theta + w (\theta - \bar\theta)$; with $w = 1 / n$ the mean of $n$."""
    return average + weight * (theta - average)


def polyak_ruppert(start: int = 0) -> Averaging:
    r"""The mean of all parameters from the `start`-th update on.

    $$ \bar\theta_t = \frac{1}{t - s} \sum_{i = s + 1}^{t} \theta_i $$

    With rates that fall more slowly than one over the time it reaches the smallest variance there is, without knowing
    the curvature. Until $s$ it is the parameters themselves.

    Parameters
    ----------
    start : $s \ge 0$, updates that are left out, while the start is forgotten.

    Raises
    ------
    ConfigurationError
        if the start is negative.

    Examples
    --------
    >>> averaging = polyak_ruppert(start=1)
    >>> state = averaging.init(jnp.array(9.0))
    >>> for theta in (5.0, 1.0, 2.0):
    ...     state = averaging.update(state, jnp.array(theta))
    >>> float(averaging.value(state))
    1.5

    References
    ----------
    Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and Optimization
    30 (1992); Ruppert (1988).
    """
    return stochastic_weight_averaging(start, 1)


def stochastic_weight_averaging(start: int, every: int) -> Averaging:
    r"""The mean of the parameters at every `every`-th update after the `start`-th, once an epoch as a rule.

    $$ \bar\theta = \frac{1}{n} \sum_{j = 1}^{n} \theta_{s + j c}, \qquad n = \lfloor (t - s) / c \rfloor $$

    Along it the rate stays high or goes in cycles. Until there is a member it is the parameters themselves. Statistics
    of batch normalization have to be computed anew for the average.

    Parameters
    ----------
    start : $s \ge 0$, in updates.
    every : $c \ge 1$, in updates.

    Raises
    ------
    ConfigurationError
        if a number is out of its range.

    Examples
    --------
    >>> averaging = stochastic_weight_averaging(start=1, every=2)
    >>> state = averaging.init(jnp.array(9.0))
    >>> for theta in (5.0, 1.0, 2.0, 7.0, 4.0):
    ...     state = averaging.update(state, jnp.array(theta))
    >>> float(averaging.value(state))
    3.0

    References
    ----------
    Izmailov and others, "Averaging weights leads to wider optima and better generalization", UAI 2018.
    """
    non_negative("start", start)
    positive_integer("every", every)

    def update(state: AveragingState, params: Any) -> AveragingState:
        seen = state.seen + 1
        members = jnp.maximum(seen - start, 0) // every
        joins = (members > 0) & ((seen - start) % every == 0)
        # Before the first member the average is the last of the parameters.
        share = 1 / jnp.maximum(members, 1).astype(jnp.result_type(float))
        weight = jnp.where(joins, share, jnp.where(members == 0, 1.0, 0.0))
        average = jax.tree.map(lambda a, p: mean_update(a, p, weight.astype(a.dtype)), state.average, params)
        return AveragingState(seen, average)

    return Averaging(
        lambda params: AveragingState(no_steps(), jax.tree.map(jnp.array, params)), update, lambda state: state.average
    )
