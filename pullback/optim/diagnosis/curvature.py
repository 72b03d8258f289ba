"""Smoothness, strong convexity and condition number of a function at a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from pullback.core.checks import positive_integer
from pullback.core.precision import double_precision
from pullback.linalg.lanczos import lanczos_from, subspace_size
from pullback.linalg.start import as_key
from pullback.optim.diagnosis.arguments import checked_objective
from pullback.optim.minimize_arguments import as_start

# Up to here the whole matrix costs little more than the products of Lanczos' method.
LARGEST_DENSE = 128


class Curvature(NamedTuple):
    r"""What `curvature` returns.

    Attributes
    ----------
    smoothness : $L$, the largest $|\lambda|$ of the Hessian: near the point the gradient changes by at most $L$ times
        the distance.
    strong_convexity : $\mu$, the smallest $\lambda$ if it is positive beyond its error, else 0.
    condition_number : $\kappa = L / \mu$, infinite without strong convexity.
    smallest, largest : the extreme eigenvalues with their sign.
    smallest_bound, largest_bound : an eigenvalue lies within this distance of each; for a matrix computed whole it is
        the rounding error.
    products : of the Hessian with a vector that were made; the number of unknowns where it was computed whole.
    """

    smoothness: Any
    strong_convexity: Any
    condition_number: Any
    smallest: Any
    largest: Any
    smallest_bound: Any
    largest_bound: Any
    products: Any


def curvature(f: Callable[..., Any], x: Any, args: Any = (), *, steps: int | None = None, key: Any = 0) -> Curvature:
    r"""How strongly a function bends at a point: the extreme eigenvalues of its Hessian, and their ratio.

    $$ \mu I \preceq \nabla^2 f(x) \preceq L I, \qquad \kappa = \frac{L}{\mu} $$

    Gradient descent near a minimum with this Hessian converges for learning rates below $2/L$, at best by the factor
    $(\kappa - 1)/(\kappa + 1)$ a step. For at most 128 unknowns the Hessian is computed whole; for more,
    Lanczos' method takes `steps` products with it, and the true extremes are at least as far out as those it finds.

    Parameters
    ----------
    f : function of `x` (and of `args`) written in JAX, with one real number as result.
    x : the point: a number, an array, or a nested container of arrays.
    args : further arguments of `f`.
    steps : products for Lanczos' method, which is then used for any number of unknowns; by default 50.
    key : an integer or a JAX key, for its random start.

    Raises
    ------
    DataError, DerivativeError, ConfigurationError
        for a point that is not finite, a function that does not return one real number, steps below 1.

    Examples
    --------
    >>> found = curvature(lambda x: 5 * x[0] ** 2 + x[1] ** 2, [0.0, 0.0])
    >>> float(found.smoothness), float(found.strong_convexity), float(found.condition_number)
    (10.0, 2.0, 5.0)

    References
    ----------
    Nesterov, "Lectures on Convex Optimization", 2nd edition, Springer (2018), section 2.1.
    """
    if steps is not None:
        positive_integer("steps", steps)
    return _curvature(f, as_start(x, "x"), args, steps, key, False)


def curvature_at(f: Any, x: Any, args: Any, squares: bool) -> Curvature:
    """`curvature` of checked arguments, also of sums of squares."""
    return _curvature(f, x, args, None, 0, squares)


@double_precision
def _curvature(f: Any, x: Any, args: Any, steps: int | None, key: Any, squares: bool) -> Curvature:
    vector = ravel_pytree(x)[0]
    if steps is None and vector.size <= LARGEST_DENSE:
        return _dense(f, x, args, squares)
    start = jax.random.normal(as_key(key, "curvature"), vector.shape, vector.dtype)
    start = start / jnp.linalg.norm(start)
    return _by_lanczos(f, x, args, start, subspace_size(vector.size, steps), squares)


@eqx.filter_jit
def _dense(f: Any, x: Any, args: Any, squares: bool) -> Curvature:
    objective, vector = checked_objective(f, x, args, squares)
    values = jnp.linalg.eigvalsh(objective.hessian(vector))
    zero = jnp.zeros((), vector.dtype)
    return _curvature_of(values[0], values[-1], zero, zero, vector.size, jnp.asarray(vector.size, jnp.int32))


@eqx.filter_jit
def _by_lanczos(f: Any, x: Any, args: Any, start: Any, steps: int, squares: bool) -> Curvature:
    objective, vector = checked_objective(f, x, args, squares)
    found = lanczos_from(objective.curvature_at(vector), start, steps, True)
    values, bounds, last = found.ritz_values, found.residual_bounds, found.steps - 1
    largest, bound = jnp.take(values, last), jnp.take(bounds, last)
    return _curvature_of(values[0], largest, bounds[0], bound, start.size, found.steps)


def _curvature_of(smallest: Any, largest: Any, smallest_bound: Any, largest_bound: Any, n: int, made: Any) -> Curvature:
    smoothness = jnp.maximum(jnp.abs(smallest), jnp.abs(largest))
    rounding = n * jnp.finfo(smoothness.dtype).eps * smoothness
    smallest_bound = jnp.maximum(smallest_bound, rounding)
    strong = jnp.where(smallest > smallest_bound, smallest, 0)
    return Curvature(
        smoothness=smoothness,
        strong_convexity=strong,
        condition_number=jnp.where(strong > 0, smoothness / jnp.where(strong > 0, strong, 1), jnp.inf),
        smallest=smallest,
        largest=largest,
        smallest_bound=smallest_bound,
        largest_bound=jnp.maximum(largest_bound, rounding),
        products=made,
    )
