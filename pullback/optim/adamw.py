"""Adam with decoupled weight decay."""

from __future__ import annotations

import optax

from pullback.optim.adam import MOMENTS, adam_scalars, adam_settings, adam_update
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import Setting
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def adamw(
    learning_rate: LearningRate = 1e-3,
    *,
    beta1: Setting = 0.9,
    beta2: Setting = 0.999,
    epsilon: Setting = 1e-8,
    epsilon_root: Setting = 0.0,
    weight_decay: Setting = 0.01,
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
    return transformation(
        "adamw",
        adam_settings(learning_rate, beta1, beta2, epsilon, epsilon_root, weight_decay),
        adam_update,
        adam_scalars,
        moments=MOMENTS,
        decay=Decay(decoupled=True, mask=mask),
    )
