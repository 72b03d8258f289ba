"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.checks import fraction, non_negative
from pullback.optim.learning_rate import LearningRate, as_schedule
from pullback.optim.leaves import map_leaves, no_steps, zeros_like


class AdamState(NamedTuple):
    """Updates made so far, the learning rate of the last one, and the two moments of each parameter."""

    step: Int[Array, ""]
    learning_rate: Float[Array, ""]
    first_moment: Any
    second_moment: Any


def adam_update(
    gradient: Float[Array, " *shape"],
    first_moment: Float[Array, " *shape"],
    second_moment: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    first_correction: Float[Array, ""],
    second_correction: Float[Array, ""],
    beta1: float,
    beta2: float,
    epsilon: float,
    epsilon_root: float,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha c_1 m / (\sqrt{c_2 v + \epsilon_r} + \epsilon)$, with the new $m$ and $v$.

    The corrections $c_i = 1 / (1 - \beta_i^t)$ come from `bias_correction`, once for all parameters.
    """
    first_moment = beta1 * first_moment + (1 - beta1) * gradient
    second_moment = beta2 * second_moment + (1 - beta2) * jnp.square(gradient)
    scale = jnp.sqrt(second_correction * second_moment + epsilon_root) + epsilon
    return -(learning_rate * first_correction) * first_moment / scale, first_moment, second_moment


def bias_correction(beta: float, step: Int[Array, ""]) -> Float[Array, ""]:
    r"""$1 / (1 - \beta^t)$, the factor that makes a running mean from zero unbiased after $t$ steps.

    Written as $-1 / \operatorname{expm1}(t \log \beta)$: in float32, $1 - 0.999^1$ would keep only four digits.
    """
    log_beta = math.log(beta) if beta > 0 else -math.inf
    return -1 / jnp.expm1(step.astype(jnp.result_type(float)) * log_beta)


def adam(
    learning_rate: LearningRate = 1e-3,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    epsilon_root: float = 0.0,
) -> optax.GradientTransformation:
    r"""Adam.

    $$ m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 $$
    $$ \theta_t = \theta_{t-1} - \alpha_t \frac{\hat m_t}{\sqrt{\hat v_t + \epsilon_r} + \epsilon}, \qquad
       \hat m_t = \frac{m_t}{1 - \beta_1^t}, \quad \hat v_t = \frac{v_t}{1 - \beta_2^t} $$

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    beta1, beta2 : $\beta_1, \beta_2$ in [0, 1).
    epsilon : $\epsilon$ outside the root, as PyTorch, Optax and the paper's algorithm have it.
    epsilon_root : $\epsilon_r$ inside the root, Optax's `eps_root`; needed where the update itself is differentiated.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> optimizer = adam(0.1)
    >>> update, state = optimizer.update(jnp.array([3.0, -0.01]), optimizer.init(jnp.zeros(2)))
    >>> [round(change, 5) for change in update.tolist()]
    [-0.1, 0.1]

    References
    ----------
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
    """
    schedule = as_schedule(learning_rate)
    check_adam(beta1, beta2, epsilon, epsilon_root)

    def init(params: Any) -> AdamState:
        return AdamState(no_steps(), schedule(no_steps()), zeros_like(params), zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AdamState]:
        rate, step = schedule(state.step), state.step + 1
        scalars = rate, bias_correction(beta1, step), bias_correction(beta2, step)

        def leaf(gradient: Array, first_moment: Array, second_moment: Array) -> tuple[Array, Array, Array]:
            alpha, correction1, correction2 = (scalar.astype(gradient.dtype) for scalar in scalars)
            return adam_update(
                gradient,
                first_moment,
                second_moment,
                alpha,
                correction1,
                correction2,
                beta1,
                beta2,
                epsilon,
                epsilon_root,
            )

        updates, first, second = map_leaves(leaf, updates, state.first_moment, state.second_moment)
        return updates, AdamState(step, rate, first, second)

    return optax.GradientTransformation(init, update)


def check_adam(beta1: float, beta2: float, epsilon: float, epsilon_root: float) -> None:
    """ConfigurationError for a setting of Adam that is out of its range."""
    fraction("beta1", beta1)
    fraction("beta2", beta2)
    non_negative("epsilon", epsilon)
    non_negative("epsilon_root", epsilon_root)
