"""Gradient descent with momentum, in the two conventions of the field."""

from __future__ import annotations

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay, Mask

CONVENTIONS = ("heavy_ball", "averaged")


def momentum_update(
    gradient: Float[Array, " *shape"],
    velocity: Float[Array, " *shape"],
    learning_rate: Float[Array, ""],
    momentum: Scalar,
    gain: Float[Array, ""],
) -> tuple[Float[Array, " *shape"], Float[Array, " *shape"]]:
    r"""$\Delta\theta = -\alpha v$ with the new velocity $v = \beta v + \gamma g$."""
    velocity = momentum * velocity + gain * gradient
    return -learning_rate * velocity, velocity


def momentum(
    learning_rate: LearningRate,
    momentum: Setting = 0.9,
    *,
    dampening: Setting = 0.0,
    convention: str = "heavy_ball",
    weight_decay: Setting = 0.0,
    mask: Mask | None = None,
) -> optax.GradientTransformation:
    r"""Gradient descent along a running velocity.

    $$ v_t = \beta v_{t-1} + \gamma_t g_t, \qquad \theta_t = \theta_{t-1} - \alpha_t v_t, \qquad v_0 = 0 $$

    | convention | $\gamma_t$ | who |
    |---|---|---|
    | "heavy_ball" | $1 - d$ with dampening $d$, and 1 at the first update | PyTorch (`SGD`), Optax (`sgd`, d = 0) |
    | "averaged" | $1 - \beta$ | textbooks: $v$ is an exponential mean of gradients |

    The conventions take the same steps at learning rates that differ by the factor $1 - \beta$: `convert_momentum`.

    Parameters
    ----------
    learning_rate : $\alpha$, a positive number or a schedule of the number of updates made so far.
    momentum : $\beta$ in [0, 1).
    dampening : $d$ in [0, 1), for "heavy_ball" only.
    weight_decay, mask : of a penalty in the gradient, as in `sgd`.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range, or dampening is set with "averaged".

    Examples
    --------
    >>> optimizer = momentum(0.1, 0.5)
    >>> state = optimizer.init(jnp.zeros(()))
    >>> for _ in range(3):
    ...     update, state = optimizer.update(jnp.ones(()), state)
    >>> float(state.moments["velocity"]), round(float(update), 6)
    (1.75, -0.175)

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational Mathematics 4 (1964).
    """
    settings = Settings(
        CHECKS, learning_rate=learning_rate, momentum=momentum, dampening=dampening, weight_decay=weight_decay
    )
    check_convention(convention, settings.is_zero("dampening"))
    return transformation(
        "momentum",
        settings,
        momentum_update,
        lambda now, count: {
            "learning_rate": now["learning_rate"],
            "momentum": now["momentum"],
            "gain": velocity_gain(count - 1, now["momentum"], now["dampening"], convention),
        },
        moments={"velocity": 0.0},
        decay=Decay(mask=mask),
    )


def convert_momentum(learning_rate: float, momentum: float, *, source: str, target: str) -> float:
    r"""The learning rate with which the `target` convention takes the steps that `source` takes with `learning_rate`.

    $$ \alpha_{\text{heavy ball}} = (1 - \beta) \, \alpha_{\text{averaged}} $$

    Examples
    --------
    >>> round(convert_momentum(1e-3, 0.9, source="averaged", target="heavy_ball"), 12)
    0.0001
    """
    CHECKS["momentum"]("momentum", momentum)
    check_convention(source, True)
    check_convention(target, True)
    if source == target:
        return learning_rate
    return learning_rate * (1 - momentum) if target == "heavy_ball" else learning_rate / (1 - momentum)


def velocity_gain(step: Int[Array, ""], momentum: Scalar, dampening: Scalar, convention: str) -> Float[Array, ""]:
    r"""The factor $\gamma_t$ of the gradient in the velocity."""
    if convention == "averaged":
        return jnp.asarray(1 - momentum, jnp.result_type(float))
    # PyTorch starts the velocity at the first gradient itself, whatever the dampening.
    return jnp.where(step == 0, 1.0, 1 - dampening)


def check_convention(convention: str, undamped: bool) -> None:
    """ConfigurationError for a convention that there is not, or for dampening where it means nothing."""
    if convention not in CONVENTIONS:
        raise unknown_name("convention", convention, CONVENTIONS)
    if convention == "averaged" and not undamped:
        raise ConfigurationError(
            "the averaged convention has no dampening of its own",
            expected="dampening = 0: the gradient already enters with 1 - momentum",
            got="a dampening",
            fix='leave dampening out, or use convention="heavy_ball"',
        )
