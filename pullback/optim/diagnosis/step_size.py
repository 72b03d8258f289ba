"""Slow, good, edge or diverging: a learning rate beside the curvature it meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.checks import positive
from pullback.core.precision import double_precision
from pullback.optim.diagnosis.arguments import checked_objective, refuse_compiled
from pullback.optim.diagnosis.curvature import Curvature, curvature
from pullback.optim.diagnosis.finding import Finding
from pullback.optim.minimize_arguments import as_start

# Below the first a quarter of the best rate or less is used; above the second the steepest direction overshoots so far
# that a tenth more curvature diverges.
SLOW, EDGE = 0.5, 1.8
NEAR_ONE = 1e-9


def label_learning_rate(f: Callable[..., Any], x: Any, learning_rate: float, args: Any = ()) -> Finding:
    r"""Whether a fixed learning rate of gradient descent is slow, good, at the edge, or diverging, and why.

    The error along an eigenvector of the Hessian with eigenvalue $\lambda$ is multiplied by $1 - \alpha\lambda$ in each
    step, so the product $\alpha L$ decides:

    | $\alpha L$ | label | what happens |
    |---|---|---|
    | below 0.5 | "slow" | a larger rate would do with fewer steps |
    | 0.5 to 1.8 | "good" | |
    | 1.8 to 2 | "edge" | the steepest direction overshoots and comes back |
    | 2 and above | "diverging" | the steepest direction grows |

    $L$ is the largest eigenvalue at `x`. On a quadratic the label holds everywhere, elsewhere near `x`.

    Parameters
    ----------
    f : function of `x` (and of `args`) written in JAX, with one real number as result.
    x : the point, best a minimum: a number, an array, or a nested container of arrays.
    learning_rate : $\alpha > 0$.
    args : further arguments of `f`.

    Returns
    -------
    A `Finding` with the label as name, or "no limit" where the function nowhere curves up.

    Raises
    ------
    DataError, DerivativeError, ConfigurationError
        for a point that is not finite, a function that does not return one real number, a rate that is not > 0.

    Examples
    --------
    >>> print(label_learning_rate(lambda x: 5 * x[0] ** 2 + x[1] ** 2, [1.0, 1.0], 0.21))
    diverging: the learning rate 0.21 is above 2/L = 0.2: divergence certain

    References
    ----------
    Nesterov, "Lectures on Convex Optimization", 2nd edition, Springer (2018), section 1.2.3.
    """
    refuse_compiled("label_learning_rate", x, args)
    rate = float(positive("learning_rate", learning_rate))
    point = as_start(x, "x")
    return label_of(curvature(f, point, args), rate, is_quadratic(f, point, args, False))


def label_of(found: Curvature, rate: float, quadratic: bool) -> Finding:
    """The label from the curvature that was found."""
    largest = float(found.largest)
    if not largest > 0:
        return Finding("no limit", "the function curves up along no direction here", {"largest_curvature": largest})
    limit, product = 2 / largest, rate * largest
    evidence = {"learning_rate": rate, "smoothness": largest, "limit": limit, "product": product}
    numbers = f"the learning rate {rate:.6g} is"
    if product >= 2 - NEAR_ONE:
        grows = abs(1 - product)
        certain = (
            "divergence certain" if quadratic else f"near this point the steepest direction grows {grows:.4g}-fold"
        )
        place = "above" if product > 2 + NEAR_ONE else "at"
        return Finding("diverging", f"{numbers} {place} 2/L = {limit:.6g}: {certain}", evidence)
    if product >= EDGE:
        text = f"{numbers} {product / 2:.0%} of 2/L = {limit:.6g}: the steepest direction overshoots and comes back"
        return Finding("edge", text, evidence)
    if product < SLOW:
        # Elsewhere on the path the curvature can be larger, and the larger rate diverge there.
        where = "" if quadratic else "by the curvature at this point "
        text = (
            f"{numbers} {product:.3g}/L, and 1/L = {1 / largest:.6g}: {where}it can be {1 / product:.3g} times as large"
        )
        return Finding("slow", text, evidence)
    return Finding("good", f"{numbers} {product:.3g}/L, below 2/L = {limit:.6g}", evidence)


def is_quadratic(f: Any, x: Any, args: Any, squares: bool) -> bool:
    """Whether the Hessian is the same at `x` and far from it, as products with a random vector tell."""
    difference, size = (float(part) for part in _change_of_hessian(f, x, args, squares))
    dtype = jnp.result_type(*jax.tree.leaves(x))
    return bool(difference <= np.finfo(dtype).eps ** 0.5 * size)


@double_precision
def _change_of_hessian(f: Any, x: Any, args: Any, squares: bool) -> Any:
    return _compiled(f, x, args, squares)


@eqx.filter_jit
def _compiled(f: Any, x: Any, args: Any, squares: bool) -> Any:
    objective, vector = checked_objective(f, x, args, squares)
    away, probe = jax.random.normal(jax.random.key(0), (2, vector.size), vector.dtype)
    away = (1 + jnp.max(jnp.abs(vector))) * away
    here = objective.hessian_product(vector, probe)
    there = objective.hessian_product(vector + away, probe)
    return jnp.linalg.norm(here - there), jnp.linalg.norm(here)
