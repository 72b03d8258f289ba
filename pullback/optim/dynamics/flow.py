"""The gradient flow, of which gradient descent is Euler's method, and the measured order of a method against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.autodiff import grad
from pullback.core.checks import positive, positive_integer
from pullback.core.errors import unknown_name
from pullback.core.precision import double_precision
from pullback.linalg.product import Vector, as_vector, symmetric_matrix
from pullback.optim.methods.gradient_descent import gradient_descent_step

Gradient = Callable[[Any], Any]


@double_precision
def quadratic_flow(hessian: Vector, error: Vector, times: Vector) -> Any:
    r"""The gradient flow of $\frac12 e^\top H e$ in closed form, by the eigenvectors $Q$ of the Hessian.

    $$ \dot e = -H e, \qquad e(t) = Q \, e^{-\Lambda t} \, Q^\top e(0) $$

    Parameters
    ----------
    hessian, error, times : $H$, $e(0)$ and $t$, shapes (n, n), (n,) and (k,).

    Returns
    -------
    Shape (k, n).

    Raises
    ------
    ShapeError, DataError
        for shapes that do not fit, a matrix that is not symmetric, entries that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> quadratic_flow(np.diag([1.0, 2.0]), np.ones(2), [0.0, np.log(2.0)]).round(12).tolist()
    [[1.0, 1.0], [0.5, 0.25]]
    """
    matrix = symmetric_matrix("hessian", hessian)
    start = as_vector("error", error, len(matrix)).astype(matrix.dtype)
    t = as_vector("times", times).astype(matrix.dtype)
    curvature, basis = jnp.linalg.eigh(matrix)
    return (jnp.exp(-t[:, None] * curvature) * (basis.T @ start)) @ basis.T


def runge_kutta_update(
    x: Float[Array, " n"],
    g_1: Float[Array, " n"],
    g_2: Float[Array, " n"],
    g_3: Float[Array, " n"],
    g_4: Float[Array, " n"],
    h: Float[Array, ""],
) -> Float[Array, " n"]:
    r"""$x - \frac{h}{6} (g_1 + 2 g_2 + 2 g_3 + g_4)$."""
    return x - h / 6 * (g_1 + 2 * g_2 + 2 * g_3 + g_4)


def _euler(gradient: Gradient, x: Any, h: Any) -> Any:
    return gradient_descent_step(x, gradient(x), h)


def _runge_kutta(gradient: Gradient, x: Any, h: Any) -> Any:
    g_1 = gradient(x)
    g_2 = gradient(gradient_descent_step(x, g_1, h / 2))
    g_3 = gradient(gradient_descent_step(x, g_2, h / 2))
    g_4 = gradient(gradient_descent_step(x, g_3, h))
    return runge_kutta_update(x, g_1, g_2, g_3, g_4, h)


STEPS = {"euler": _euler, "runge_kutta_4": _runge_kutta}


@double_precision
def gradient_flow(
    function: Callable[[Any], Any], x0: Vector, end_time: Any, *, steps: int, method: str = "runge_kutta_4"
) -> Any:
    r"""The path of steepest descent in continuous time, $\dot x = -\nabla f(x)$, $x(0) = x_0$, by equal steps.

    $$ x_{k+1} = x_k - h \nabla f(x_k) \ \text{("euler")}, \qquad
       x_{k+1} = x_k - \frac{h}{6} (g_1 + 2 g_2 + 2 g_3 + g_4) \ \text{("runge\_kutta\_4")}, \qquad h = T / K $$

    with $g_1 = \nabla f(x_k)$, $g_2 = \nabla f(x_k - \frac h2 g_1)$, $g_3 = \nabla f(x_k - \frac h2 g_2)$,
    $g_4 = \nabla f(x_k - h g_3)$. Euler's method is gradient descent with the learning rate $h$.

    Parameters
    ----------
    function : $f$, of a vector to one number.
    x0, end_time, steps : $x_0$ of shape (n,), $T > 0$ and $K$.

    Returns
    -------
    Shape (K + 1, n), $x_0$ first. Where the step is too long for stability the path leaves the finite numbers.

    Raises
    ------
    ShapeError, DataError, DerivativeError, ConfigurationError
        for a start that is no vector of finite numbers, a function that is not scalar, a setting out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> gradient_flow(lambda x: x @ x / 2, np.array([1.0]), 1.0, steps=2, method="euler").tolist()
    [[1.0], [0.5], [0.25]]
    >>> float(gradient_flow(lambda x: x @ x / 2, np.array([1.0]), 1.0, steps=10)[-1, 0].round(6))  # exp(-1) = 0.367879
    0.36788

    References
    ----------
    Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, 2nd ed., section II.1.
    """
    if method not in STEPS:
        raise unknown_name("method", method, STEPS)
    start = as_vector("x0", x0)
    if isinstance(end_time, int | float):
        positive("end_time", end_time)
    count = positive_integer("steps", steps)
    h = jnp.asarray(end_time).astype(start.dtype) / count
    return _path(STEPS[method], grad(function), start, h, count)


def _path(step: Callable[..., Any], gradient: Gradient, start: Float[Array, " n"], h: Any, count: int) -> Any:
    def advance(x: Float[Array, " n"], _: None) -> tuple[Array, Array]:
        following = step(gradient, x, h)
        return following, following

    _, rest = jax.lax.scan(advance, start, length=count)
    return jnp.concatenate([start[None], rest])


class FlowOrder(NamedTuple):
    r"""The errors of a method at the end time for each step size, and the orders between neighbors.

    Attributes
    ----------
    step_sizes, errors : $h_i = T / (K 2^i)$ and $\|x_{h_i}(T) - x(T)\|_2$, shape (halvings + 1,).
    orders : $\log_2 (\text{error}_i / \text{error}_{i+1})$, shape (halvings,).
    """

    step_sizes: Any
    errors: Any
    orders: Any


@double_precision
def flow_order(
    function: Callable[[Any], Any],
    x0: Vector,
    end_time: Any,
    *,
    steps: int = 16,
    halvings: int = 4,
    method: str = "euler",
    exact: Vector | None = None,
) -> FlowOrder:
    r"""The order of a method against the gradient flow, measured by halving the step.

    $$ \|x_h(T) - x(T)\| = C h^p + o(h^p), \qquad p \approx \log_2 \frac{\|x_h - x\|}{\|x_{h/2} - x\|} $$

    The order of gradient descent (Euler) is 1, that of the classical Runge-Kutta method 4.

    Parameters
    ----------
    function, x0, end_time, method : as in `gradient_flow`.
    steps, halvings : of the coarsest path, and how often their number is doubled.
    exact : $x(T)$, shape (n,), where known; by default the Runge-Kutta path with 16 times the steps of the finest.

    Raises
    ------
    ShapeError, DataError, DerivativeError, ConfigurationError
        as `gradient_flow`.

    Examples
    --------
    >>> import numpy as np
    >>> found = flow_order(lambda x: x @ x / 2, np.array([1.0]), 1.0, method="euler")
    >>> [round(float(order), 1) for order in found.orders]
    [1.0, 1.0, 1.0, 1.0]
    """
    counts = [
        positive_integer("steps", steps) * 2**level for level in range(positive_integer("halvings", halvings) + 1)
    ]

    def last(count: int, method: str) -> Array:
        return jnp.asarray(gradient_flow(function, x0, end_time, steps=count, method=method))[-1]

    ends = jnp.stack([last(count, method) for count in counts])
    truth = last(16 * counts[-1], "runge_kutta_4") if exact is None else as_vector("exact", exact, ends.shape[1])
    errors = jnp.linalg.norm(ends - truth.astype(ends.dtype), axis=1)
    sizes = jnp.asarray(end_time).astype(ends.dtype) / jnp.asarray(counts, ends.dtype)
    return FlowOrder(sizes, errors, jnp.log2(errors[:-1] / errors[1:]))
