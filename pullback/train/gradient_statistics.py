"""What the gradients and the curvature at a point say of learning rates and batch sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Float

from pullback.core.errors import DataError
from pullback.core.random import generator, stream
from pullback.linalg import extreme_eigenvalues
from pullback.train.experiment import Prepared
from pullback.train.step import call_model

# Rows that are looked at, and products with the Hessian.
ROWS, PRODUCTS = 512, 30


class GradientNoise(NamedTuple):
    r"""How gradients of single rows scatter.

    Attributes
    ----------
    scale : $B = \operatorname{tr} \Sigma / \lVert G \rVert^2$, in rows.
    trace : $\operatorname{tr} \Sigma$, of the covariance of the gradients of single rows.
    squared_norm : $\lVert G \rVert^2$ of the mean gradient, without bias; may be negative where noise is all there is.
    rows : from how many rows.
    """

    scale: float
    trace: float
    squared_norm: float
    rows: int


def gradient_noise_scale(gradients: Float[np.ndarray, "n p"]) -> GradientNoise:
    r"""The batch size at which the noise of a gradient is as large as the gradient.

    $$ B = \frac{\operatorname{tr} \Sigma}{\lVert G \rVert^2}, \qquad
       \operatorname{tr} \Sigma = \frac{1}{n - 1} \sum_i \lVert g_i - \bar g \rVert^2, \qquad
       \lVert G \rVert^2 = \lVert \bar g \rVert^2 - \frac{\operatorname{tr} \Sigma}{n} $$

    Below it twice the batch allows nearly twice the learning rate of plain gradient descent; above it a larger batch
    gains little.

    Parameters
    ----------
    gradients : one row an example, $g_i$.

    Raises
    ------
    DataError
        for fewer than two rows.

    Examples
    --------
    >>> found = gradient_noise_scale(np.array([[1.0, 1.0], [1.0, -1.0]]))
    >>> found.trace, found.squared_norm, found.scale
    (2.0, 0.0, inf)

    References
    ----------
    McCandlish, Kaplan, Amodei, et al., "An empirical model of large-batch training", arXiv:1812.06162 (2018).
    """
    n = len(gradients)
    if n < 2:
        raise DataError("one gradient does not scatter", expected="two rows or more", got=f"{n}", fix="pass more rows")
    mean = gradients.mean(0)
    trace = float(((gradients - mean) ** 2).sum() / (n - 1))
    squared = float(mean @ mean) - trace / n
    return GradientNoise(trace / squared if squared > 0 else float("inf"), trace, squared, n)


class LossCurvature(NamedTuple):
    """Extreme eigenvalues of the Hessian of the mean loss, and whether the loss is a quadratic."""

    smallest: float
    largest: float
    quadratic: bool


def loss_at(prepared: Prepared, rows: int = ROWS) -> tuple[Callable[..., Array], Array, tuple[Array, Array]]:
    """The losses without dropout as a function of one vector and rows; its start, and some training rows."""
    params, rest = eqx.partition(prepared.experiment.model, eqx.is_inexact_array)
    start, unravel = ravel_pytree(params)
    data = prepared.train_data
    order = generator(prepared.experiment.seed, "gradient statistics").permutation(len(data))[:rows]
    inputs, targets = jnp.asarray(data.inputs[order]), jnp.asarray(data.targets[order])

    def losses(theta: Array, inputs: Array, targets: Array) -> Array:
        model = eqx.combine(unravel(theta), rest)
        return prepared.loss(call_model(model, prepared.memory, inputs, None, False)[0], targets)

    return losses, start, (inputs, targets)


def loss_curvature(prepared: Prepared, rows: int = ROWS) -> LossCurvature:
    r"""The extreme eigenvalues of $\nabla^2 C$ at the start of an experiment, by Lanczos on products with the Hessian.

    Whether the loss is a quadratic is seen by the same product far away along the gradient.
    """
    losses, start, data = loss_at(prepared, rows)

    def product(theta: Array, data: tuple[Array, Array], v: Array) -> Array:
        gradient = jax.grad(lambda at: jnp.mean(losses(at, *data)))
        return jax.jvp(gradient, (theta,), (v,))[1]

    # In the precision of the parameters, which a vector of JAX decides; the rows as arguments of the program.
    begin = jax.random.normal(stream(prepared.experiment.seed, "curvature"), start.shape, start.dtype)
    steps = min(PRODUCTS, start.size)
    found = extreme_eigenvalues(Partial(product, start, data), begin, steps=steps)
    direction = jnp.asarray(found.largest_vector, start.dtype)
    at = jax.jit(product)
    here, there = at(start, data, direction), at(start + direction, data, direction)
    quadratic = bool(jnp.linalg.norm(here - there) <= 1e-3 * jnp.linalg.norm(here))
    return LossCurvature(float(found.smallest), float(found.largest), quadratic)


def noise_at_start(prepared: Prepared, rows: int = ROWS) -> GradientNoise:
    """The gradient noise scale at the start of an experiment."""
    losses, start, (inputs, targets) = loss_at(prepared, min(rows, max(2, 2**26 // max(_size(prepared), 1))))

    def one(x: Array, y: Array) -> Array:
        return jax.grad(lambda at: losses(at, x[None], y[None])[0])(start)

    return gradient_noise_scale(np.asarray(jax.jit(jax.vmap(one))(inputs, targets), np.float64))


def _size(prepared: Prepared) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(prepared.experiment.model, eqx.is_inexact_array)))
