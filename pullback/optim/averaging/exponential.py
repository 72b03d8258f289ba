"""The exponential moving average of the parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import fraction
from pullback.core.errors import unknown_name
from pullback.optim.adam import bias_correction
from pullback.optim.averaging.averaging import Averaging, AveragingState
from pullback.optim.averaging.mean import mean_update
from pullback.optim.leaves import no_steps
from pullback.optim.settings import Setting, check_setting

STARTS = ("first", "warmed", "debiased")


def warmed_decay(decay: Float[Array, ""], count: Float[Array, ""]) -> Float[Array, ""]:
    r"""$d_n = \min(d, (1 + n) / (10 + n))$: the start is forgotten although $d$ is near one."""
    return jnp.minimum(decay, (1 + count) / (10 + count))


def exponential_average(decay: Setting = 0.999, *, start: str = "first") -> Averaging:
    r"""A mean in which what is old counts less and less.

    $$ \bar\theta_t = d_t \bar\theta_{t-1} + (1 - d_t) \theta_t $$

    | start | | who |
    |---|---|---|
    | "first" | $d_1 = 0$, then $d$: begins with the parameters after the first update | PyTorch (`get_ema_avg_fn`) |
    | "warmed" | $d_t = \min(d, t / (9 + t))$, from $\bar\theta_0 = \theta_0$ | TensorFlow, `train.fit(ema_decay=)` |
    | "debiased" | $d$ from $\bar\theta_0 = 0$, divided by $1 - d^t$ | Optax (`ema`) |

    Parameters
    ----------
    decay : $d$ in [0, 1), a number or an array.
    start : see the table.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> averaging = exponential_average(0.5)
    >>> state = averaging.init(jnp.array(9.0))
    >>> for theta in (4.0, 2.0, 1.0):
    ...     state = averaging.update(state, jnp.array(theta))
    >>> float(averaging.value(state))
    2.0
    """
    if start not in STARTS:
        raise unknown_name("start", start, STARTS)
    number: Any = check_setting("decay", decay, fraction)

    def init(params: Any) -> AveragingState:
        begin = jnp.zeros_like if start == "debiased" else jnp.array
        return AveragingState(no_steps(), jax.tree.map(begin, params))

    def decay_at(seen: Array) -> Array:
        constant = jnp.asarray(number, jnp.result_type(float))
        if start == "first":
            return jnp.where(seen == 0, 0, constant)
        return warmed_decay(constant, seen.astype(constant.dtype)) if start == "warmed" else constant

    def update(state: AveragingState, params: Any) -> AveragingState:
        weight = 1 - decay_at(state.seen)
        average = jax.tree.map(lambda a, p: mean_update(a, p, weight.astype(a.dtype)), state.average, params)
        return AveragingState(state.seen + 1, average)

    def value(state: AveragingState) -> Any:
        if start != "debiased":
            return state.average
        factor = bias_correction(number, jnp.maximum(state.seen, 1))
        return jax.tree.map(lambda a: a * factor.astype(a.dtype), state.average)

    return Averaging(init, update, value)
