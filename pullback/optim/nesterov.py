"""Nesterov's accelerated gradient."""

from __future__ import annotations

import optax
from jaxtyping import Array, Float

from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask


def nesterov_update(
    gradient: Float[Array, " *shape"],
    velocity: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    momentum: Scalar,
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha (g + \beta v)$ with the new velocity $v = \beta v + g$."""
    velocity = momentum * velocity + gradient
    return -learning_rate * (gradient + momentum * velocity), velocity


def nesterov_look_ahead(
    theta: Float[Array, " *shape"],
    velocity: Float[Array, " *shape"],
    learning_rate: Scalar,
    momentum: Scalar,
) -> Float[Array, " *shape"]:
    r"""$\phi = \theta + \alpha \beta v$: the point that the look-ahead form keeps, from what `nesterov` keeps.

    The look-ahead form moves $\phi$ by $w_t = \beta w_{t-1} - \alpha \nabla f(\phi_{t-1} + \beta w_{t-1})$;
    its velocity is $w = -\alpha v$. The other way round $\theta = \phi + \beta w$.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> round(float(nesterov_look_ahead(jnp.array(1.0), jnp.array(2.0), 0.1, 0.5)), 6)
    1.1
    """
    return theta + learning_rate * momentum * velocity


def nesterov(
    learning_rate: LearningRate,
    momentum: Setting = 0.9,
    *,
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Momentum that looks ahead.

    $$ v_t = \beta v_{t-1} + g_t, \qquad \theta_t = \theta_{t-1} - \alpha_t (g_t + \beta v_t), \qquad v_0 = 0 $$

    With constant rate and momentum this is Nesterov's method in the variable $\theta = \phi - \alpha \beta v$, where
    $\phi$ is the point of the look-ahead form that takes its gradient at $\theta$: every gradient is then asked for
    at the parameters themselves, as a training loop does. PyTorch (`SGD(nesterov=True)`) and Optax have this form;
    `nesterov_look_ahead` gives $\phi$.

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    momentum : $\beta$ in [0, 1).
    weight_decay, mask : of a penalty in the gradient, as in `sgd`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> optimizer = nesterov(0.1, 0.5)
    >>> update, state = optimizer.update(jnp.ones(()), optimizer.init(jnp.zeros(())))
    >>> round(float(update), 6)
    -0.15

    References
    ----------
    Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k^2)", Soviet Mathematics
    Doklady 27 (1983); in this form Sutskever and others, ICML 2013.
    """
    return transformation(
        "nesterov",
        Settings(CHECKS, learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay),
        nesterov_update,
        lambda now, count: {"learning_rate": now["learning_rate"], "momentum": now["momentum"]},
        moments={"velocity": 0.0},
        decay=Decay(mask=mask),
    )
