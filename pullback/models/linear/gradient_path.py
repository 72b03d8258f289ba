"""Logistic regression as a shallow network: trained by gradient descent, on a path that ends at maximum likelihood."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.core.errors import unknown_name
from pullback.core.precision import double_precision
from pullback.linalg.least_squares.problem import checked_problem
from pullback.models.linear.logistic_rows import logistic_gradient, logistic_hessian, logistic_loss

LOSSES = ("cross_entropy", "squared")


class GradientPath(NamedTuple):
    """What `logistic_gradient_path` returns.

    Attributes
    ----------
    theta : the bias and the weights before each step and after the last, shape (steps + 1, p + 1).
    loss : the mean loss at each, shape (steps + 1,).
    gradient_norm : the length of the gradient at each, shape (steps + 1,).
    learning_rate : that was taken.
    lipschitz_constant : of the gradient of the mean cross-entropy.
    """

    theta: Any
    loss: Any
    gradient_norm: Any
    learning_rate: Any
    lipschitz_constant: Any


def mean_cross_entropy(theta: Float[Array, " k"], X: Float[Array, "n k"], y: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$\frac1n \sum_i \big( \log(1 + e^{z_i}) - y_i z_i \big)$ with $z = X \theta$: convex in $\theta$."""
    return jnp.mean(logistic_loss(X @ theta, y))


def mean_squared_loss(theta: Float[Array, " k"], X: Float[Array, "n k"], y: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$\frac1{2n} \sum_i ( \sigma(z_i) - y_i )^2$ with $z = X \theta$: flat far from the minimum, and not convex."""
    return jnp.mean((jax.nn.sigmoid(X @ theta) - y) ** 2) / 2


def mean_cross_entropy_gradient(
    theta: Float[Array, " k"], X: Float[Array, "n k"], y: Float[Array, " n"]
) -> Float[Array, " k"]:
    r"""$\frac1n X^\top (\hat y - y)$ with $\hat y = \sigma(X \theta)$."""
    return logistic_gradient(X, jax.nn.sigmoid(X @ theta), y) / len(y)


def mean_squared_gradient(
    theta: Float[Array, " k"], X: Float[Array, "n k"], y: Float[Array, " n"]
) -> Float[Array, " k"]:
    r"""$\frac1n X^\top \big( (\hat y - y)\, \hat y (1 - \hat y) \big)$ with $\hat y = \sigma(X \theta)$."""
    p = jax.nn.sigmoid(X @ theta)
    return ((p - y) * p * (1 - p)) @ X / len(y)


def mean_cross_entropy_hessian(theta: Float[Array, " k"], X: Float[Array, "n k"]) -> Float[Array, "k k"]:
    r"""$\frac1n X^\top D X$ with $D = \operatorname{diag}(\hat y (1 - \hat y))$: positive semidefinite everywhere."""
    return logistic_hessian(X, jax.nn.sigmoid(X @ theta)) / len(X)


def cross_entropy_lipschitz_constant(X: Float[Array, "n k"]) -> Float[Array, ""]:
    r"""$\lambda_{\max}(X^\top X) / (4 n)$, since $\hat y (1 - \hat y) \le \frac14$.

    Examples
    --------
    >>> float(cross_entropy_lipschitz_constant(jnp.array([[2.0, 0.0], [0.0, 1.0]])))
    0.5
    """
    return jnp.linalg.eigvalsh(X.T @ X)[-1] / (4 * len(X))


@double_precision
def logistic_gradient_path(
    X: ArrayLike,
    y: ArrayLike,
    *,
    steps: int = 1000,
    learning_rate: ArrayLike | None = None,
    start: ArrayLike | None = None,
    loss: str = "cross_entropy",
) -> GradientPath:
    r"""Gradient descent on one neuron with a bias, all rows in each step.

    $$ \theta_{k+1} = \theta_k - \alpha \nabla L(\theta_k), \qquad \hat y = \sigma(b + X w), \qquad \theta = (b, w) $$

    With the cross-entropy the loss is convex, its gradient has the Lipschitz constant $L$ given, and for
    $\alpha \le 1 / L$ the path falls in every step and ends at the maximum of the likelihood, where that exists.

    Parameters
    ----------
    X : shape (n, p), without a column of ones.
    y : 0 or 1, shape (n,).
    steps : how many.
    learning_rate : $\alpha$; by default $1 / L$.
    start : $\theta_0$, shape (p + 1,), the bias first; by default zero.
    loss : "cross_entropy", or "squared" for the squared error of the probabilities.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, an unknown loss and a number of steps below one.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> path = logistic_gradient_path(X, y, steps=2000)
    >>> path.theta[-1].round(4).tolist(), bool(np.all(np.diff(path.loss) <= 1e-15))
    ([-1.3623, 0.9082], True)

    References
    ----------
    Nesterov, "Lectures on Convex Optimization", 2nd ed., section 2.1.5.
    """
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    positive_integer("steps", steps)
    matrix, label, _ = checked_problem(X, y, None)
    Z = jnp.concatenate([jnp.ones_like(matrix[:, :1]), matrix], axis=1)
    lipschitz = cross_entropy_lipschitz_constant(Z)
    rate = 1 / lipschitz if learning_rate is None else jnp.asarray(learning_rate, Z.dtype)
    theta = jnp.zeros_like(Z[0]) if start is None else jnp.asarray(start, Z.dtype)
    path, losses, norms = _descend(theta, Z, label, rate, steps, loss)
    return GradientPath(path, losses, norms, rate, lipschitz)


@partial(jax.jit, static_argnames=("steps", "loss"))
def _descend(theta: Array, X: Array, y: Array, rate: Array, steps: int, loss: str) -> tuple[Array, Array, Array]:
    squared = loss == "squared"
    value_of = mean_squared_loss if squared else mean_cross_entropy
    gradient_of = mean_squared_gradient if squared else mean_cross_entropy_gradient

    def step(theta: Array, _: None) -> tuple[Array, tuple[Array, Array, Array]]:
        gradient = gradient_of(theta, X, y)
        return theta - rate * gradient, (theta, value_of(theta, X, y), jnp.linalg.norm(gradient))

    return jax.lax.scan(step, theta, None, length=steps + 1)[1]
