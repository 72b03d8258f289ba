"""Muon: matrices move by the orthogonal matrix next to their velocity."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import unknown_name
from pullback.optim.adam import bias_correction
from pullback.optim.adamw import adamw
from pullback.optim.learning_rate import LearningRate
from pullback.optim.settings import CHECKS, Scalar, Setting, Settings
from pullback.optim.transformation import transformation
from pullback.optim.weight_decay import Decay

# Of the quintic that lifts small singular values fastest.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ADJUSTMENTS = ("original", "match_rms_adamw", "none")
ROWS = ("outputs", "inputs")


def newton_schulz_step(X: Float[Array, "m n"], a: Scalar, b: Scalar, c: Scalar) -> Float[Array, "m n"]:
    r"""$X' = a X + (b A + c A^2) X$ with $A = X X^\top$: each singular value becomes $a s + b s^3 + c s^5$."""
    A = X @ X.T
    return a * X + (b * A + c * A @ A) @ X


def orthogonalize(
    matrix: Float[Array, "m n"], steps: int, coefficients: tuple[float, float, float], epsilon: Scalar
) -> Float[Array, "m n"]:
    r"""$U V^\top$, roughly, of $U S V^\top$: singular values between about 0.7 and 1.2.

    `steps` times `newton_schulz_step`, from the matrix divided by its Frobenius norm, or by $\epsilon$ if that is
    larger. The wide orientation is taken, which has the smaller products.

    Examples
    --------
    >>> near = orthogonalize(jnp.diag(jnp.array([3.0, 0.5])), 5, COEFFICIENTS, 1e-7)
    >>> [round(value, 2) for value in jnp.diag(near).tolist()]
    [0.71, 1.04]
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    X = matrix if wide else matrix.T
    X = X / jnp.maximum(jnp.linalg.norm(X), epsilon)
    for _ in range(steps):
        X = newton_schulz_step(X, *coefficients)
    return X if wide else X.T


def muon_velocity(
    gradient: Float[Array, "m n"],
    velocity: Float[Array, "m n"],
    momentum: Scalar,
    gradient_gain: Float[Array, ""],
    velocity_gain: Float[Array, ""],
) -> tuple[Float[Array, "m n"], Float[Array, "m n"]]:
    r"""$\gamma_g g + \gamma_v v$ with the new $v = \beta v + (1 - \beta) g$."""
    velocity = momentum * velocity + (1 - momentum) * gradient
    return gradient_gain * gradient + velocity_gain * velocity, velocity


def muon(
    learning_rate: LearningRate = 1e-3,
    *,
    momentum: Setting = 0.95,
    nesterov: bool = True,
    bias_correction: bool = False,
    weight_decay: Setting = 0.1,
    steps: int = 5,
    coefficients: tuple[float, float, float] = COEFFICIENTS,
    epsilon: Setting = 1e-7,
    adjustment: str = "original",
    rows: str = "outputs",
    others: optax.GradientTransformation | None = None,
    matrices: Any = None,
) -> optax.GradientTransformation:
    r"""Orthogonalized momentum for matrices, another optimizer for the rest.

    $$ B_t = \beta B_{t-1} + (1 - \beta) G_t, \qquad \tilde B_t = (1 - \beta) G_t + \beta B_t, \qquad
       \Theta_t = \Theta_{t-1} - \alpha_t \big( s \operatorname{NS}(\tilde B_t) + \lambda \Theta_{t-1} \big) $$

    where $\operatorname{NS}$ is `orthogonalize`; without `nesterov` $\tilde B_t = B_t$.

    | adjustment | $s$, for a matrix from $n$ inputs to $m$ outputs |
    |---|---|
    | "original" | $\sqrt{\max(1, m / n)}$ |
    | "match_rms_adamw" | $0.2 \sqrt{\max(m, n)}$, so that rates tuned for AdamW fit |
    | "none" | 1 |

    | | momentum | precision of NS | weights | decay | others |
    |---|---|---|---|---|---|
    | PyTorch (`Muon`), these defaults | as above | bfloat16; here of the parameters | rows are outputs | 0.1 | none |
    | Optax (`contrib.muon`) | `bias_correction=True` | of the parameters | `rows="inputs"` | 0 | NAdam |

    Parameters
    ----------
    learning_rate : $\alpha$, of `others` too unless they are given.
    momentum : $\beta$ in [0, 1).
    nesterov, bias_correction, adjustment, rows : conventions, see the tables.
    weight_decay : $\lambda \ge 0$, decoupled.
    steps, coefficients, epsilon : of the orthogonalization.
    others : for the parameters that are no matrices; default `adamw(learning_rate)`.
    matrices : which parameters are: a tree of booleans, or a function from the parameters to one. Default: those with
        two axes. Embeddings and the last layer are better left to the others.

    Raises
    ------
    ConfigurationError
        if a setting is out of its range.

    Examples
    --------
    >>> params = {"weight": jnp.zeros((2, 2)), "bias": jnp.zeros(2)}
    >>> optimizer = muon(0.1)
    >>> gradient = {"weight": jnp.diag(jnp.array([3.0, 0.5])), "bias": jnp.ones(2)}
    >>> update, state = optimizer.update(gradient, optimizer.init(params), params)
    >>> [round(change, 3) for change in [*jnp.diag(update["weight"]).tolist(), *update["bias"].tolist()]]
    [-0.071, -0.104, -0.1, -0.1]

    References
    ----------
    Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024); Liu and others, "Muon is
    scalable for LLM training" (2025).
    """
    for kind, name, known in (("adjustment", adjustment, ADJUSTMENTS), ("choice of rows", rows, ROWS)):
        if name not in known:
            raise unknown_name(kind, name, known)
    positive_integer("steps", steps)

    def kernel(
        gradient: Array, velocity: Array, learning_rate: Array, epsilon: Any, **gains: Any
    ) -> tuple[Array, Array]:
        ahead, velocity = muon_velocity(gradient, velocity, **gains)
        size = shape_factor(gradient.shape if rows == "outputs" else gradient.shape[::-1], adjustment)
        return -(learning_rate * size) * orthogonalize(ahead, steps, coefficients, epsilon), velocity

    def scalars(now: Any, count: Array) -> dict[str, Any]:
        gains = velocity_gains(now["momentum"], count, nesterov, bias_correction)
        return {**gains, **{name: now[name] for name in ("learning_rate", "momentum", "epsilon")}}

    orthogonal = transformation(
        "muon",
        Settings(CHECKS, learning_rate=learning_rate, momentum=momentum, epsilon=epsilon, weight_decay=weight_decay),
        kernel,
        scalars,
        moments={"velocity": 0.0},
        decay=Decay(decoupled=True),
    )
    chosen = matrices if matrices is not None else lambda params: jax.tree.map(lambda theta: theta.ndim == 2, params)

    def remaining(params: Any) -> Any:
        return jax.tree.map(lambda taken: not taken, chosen(params) if callable(chosen) else chosen)

    rest = adamw(learning_rate) if others is None else others
    return optax.chain(optax.masked(orthogonal, chosen), optax.masked(rest, remaining))


def velocity_gains(momentum: Scalar, count: Int[Array, ""], nesterov: bool, corrected: bool) -> dict[str, Any]:
    """The factors of the gradient and of the new velocity in what is orthogonalized."""
    one = jnp.ones((), jnp.result_type(float))
    gradient_part, velocity_part = (1 - momentum, momentum) if nesterov else (0, 1)
    ahead = count + 1 if nesterov else count
    first, second = (bias_correction(momentum, count), bias_correction(momentum, ahead)) if corrected else (one, one)
    return {"gradient_gain": gradient_part * first, "velocity_gain": velocity_part * second}


def shape_factor(shape: tuple[int, ...], adjustment: str) -> float:
    """How much longer the step of a matrix of this shape is, outputs first."""
    outputs, inputs = shape
    if adjustment == "original":
        return math.sqrt(max(1.0, outputs / inputs))
    return 0.2 * math.sqrt(max(outputs, inputs)) if adjustment == "match_rms_adamw" else 1.0
