"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import optax
from jaxtyping import Array, Float

from pullback.core.checks import non_negative
from pullback.optim.adam import AdamState, adam_update, bias_correction, check_adam
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.leaves import map_leaves, no_steps, required, zeros_like

# A tree of booleans like the parameters, or a function from the parameters to one.
Mask = Any | Callable[[Any], Any]


def decay_update(
    theta: Float[Array, " *shape"], learning_rate: Float[Array, ""], weight_decay: float
) -> Float[Array, " *shape"]:
    r"""$\Delta\theta = -\alpha \lambda \theta$."""
    return -(learning_rate * weight_decay) * theta


def adamw(
    learning_rate: LearningRate = 1e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    epsilon_root: float = 0.0,
    weight_decay: float = 0.01,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Adam, with parameters that shrink by themselves and not through the gradient.

    $$ \theta_t = \theta_{t-1} - \alpha_t \Big( \frac{\hat m_t}{\sqrt{\hat v_t + \epsilon_r} + \epsilon}
       + \lambda \theta_{t-1} \Big) $$

    with the moments of `adam`. An L2 penalty in the gradient would be divided by the root of the second moment.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, epsilon_root : as in `adam`.
    weight_decay : $\lambda \ge 0$; 0.01 is PyTorch's default, Optax has 1e-4.
    mask : which parameters decay: a tree of booleans like the parameters, or a function that makes one of them, such
        as `lambda params: jax.tree.map(lambda theta: theta.ndim > 1, params)` for all but biases. Default: all.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range, or `update` is called without the parameters.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> optimizer = adamw(0.1, weight_decay=0.5)
    >>> theta = jnp.array([2.0])
    >>> update, state = optimizer.update(jnp.array([1.0]), optimizer.init(theta), theta)
    >>> round(update.item(), 5)
    -0.2

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019. As in PyTorch, the decay is multiplied by
    the learning rate; the paper multiplies it by the schedule alone.
    """
    schedule = as_schedule(learning_rate)
    check_adam(beta1, beta2, epsilon, epsilon_root)
    non_negative("weight_decay", weight_decay)

    def init(params: Any) -> AdamState:
        return AdamState(no_steps(), schedule(no_steps()), zeros_like(params), zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AdamState]:
        rate, step = schedule(state.step), state.step + 1
        scalars = rate, bias_correction(beta1, step), bias_correction(beta2, step)

        def leaf(gradient: Array, first: Array, second: Array, theta: Array, decays: bool) -> tuple[Array, ...]:
            alpha, correction1, correction2 = (scalar.astype(gradient.dtype) for scalar in scalars)
            change, first, second = adam_update(
                gradient, first, second, alpha, correction1, correction2, beta1, beta2, epsilon, epsilon_root
            )
            return change + decay_update(theta, alpha, weight_decay) if decays else change, first, second

        theta = required(params, "adamw")
        decays = _decays(mask, theta)
        updates, first, second = map_leaves(leaf, updates, state.first_moment, state.second_moment, theta, decays)
        return updates, AdamState(step, rate, first, second)

    return optax.GradientTransformation(init, update)


def _decays(mask: Mask | None, params: Any) -> Any:
    if mask is None:
        return jax.tree.map(lambda theta: True, params)
    return mask(params) if callable(mask) else mask
