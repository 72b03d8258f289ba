"""How well the data of a least-squares fit determine its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from pullback.core.errors import DataError
from pullback.core.precision import double_precision
from pullback.optim.minimize_arguments import as_start, check_function
from pullback.optim.objective import Objective


class LeastSquaresCovariance(NamedTuple):
    r"""What `least_squares_covariance` returns.

    Parameters
    ----------
    covariance : $s^2 (J^\top J)^{-1}$, shape (n, n), for the entries of `x` in the order of its leaves.
    standard_errors : $\sqrt{C_{jj}}$, of the structure of `x`.
    correlation : $C_{ij} / \sqrt{C_{ii} C_{jj}}$, shape (n, n).
    residual_variance : $s^2 = \lVert r \rVert^2 / (m - n)$.
    degrees_of_freedom : $m - n$.
    condition_number : of $J$ with its columns scaled to length one; beyond the inverse of the rounding the parameters
        cannot be told apart, and the covariance is infinite or NaN.
    """

    covariance: Any
    standard_errors: Any
    correlation: Any
    residual_variance: Any
    degrees_of_freedom: Any
    condition_number: Any


def least_squares_covariance(
    residuals: Callable[..., Any], x: Any, *, args: tuple[Any, ...] = ()
) -> LeastSquaresCovariance:
    r"""Covariance and standard errors of the parameters of a least-squares fit, to first order.

    $$ C = s^2 (J^\top J)^{-1}, \qquad s^2 = \frac{\lVert r(x) \rVert^2}{m - n}, \qquad
       J = \frac{\partial r}{\partial x} $$

    for $m$ residuals with independent errors of one variance and $n$ parameters; the model is taken as linear over
    the range of the errors.

    Parameters
    ----------
    residuals : $r$, as given to `minimize` with a least-squares method.
    x : the fitted parameters.
    args : further arguments of `residuals`.

    Raises
    ------
    DataError
        for parameters that are not finite, or no more residuals than parameters.

    Examples
    --------
    A straight line: $s^2 (J^\top J)^{-1}$ is the textbook's.

    >>> t, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.1, 2.9, 5.2, 6.8])
    >>> def residuals(b):
    ...     return y - b[0] - b[1] * t
    >>> from pullback.optim import minimize
    >>> fit = minimize(residuals, [0.0, 0.0], method="levenberg_marquardt")
    >>> found = least_squares_covariance(residuals, fit.x)
    >>> fit.x.round(4).tolist(), found.standard_errors.round(4).tolist()
    ([1.09, 1.94], [0.1694, 0.0906])

    References
    ----------
    Seber, Wild, "Nonlinear Regression", Wiley (1989), section 2.1.2.
    """
    return _covariance(residuals, as_start(x), args)


@double_precision
def _covariance(residuals: Callable[..., Any], x: Any, args: tuple[Any, ...]) -> LeastSquaresCovariance:
    x = jax.tree.map(jnp.asarray, x)
    check_function(residuals, x, args, squares=True)
    parameters, observations = _count(x), _count(jax.eval_shape(residuals, x, *args))
    if observations <= parameters:
        raise DataError(
            "there are not more residuals than parameters",
            expected=f"more than {parameters} residuals, so that their variance can be estimated",
            got=f"{observations} residuals",
            fix="bring more observations, or fix some of the parameters",
        )
    return _compiled(residuals, x, args)


def _count(tree: Any) -> int:
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


@eqx.filter_jit
def _compiled(residuals: Callable[..., Any], x: Any, args: tuple[Any, ...]) -> LeastSquaresCovariance:
    flat, unravel = ravel_pytree(x)
    objective = Objective.of(residuals, unravel, args, squares=True)
    r, J = objective.residuals_and_jacobian(flat)
    norms = jnp.linalg.norm(J, axis=0)
    # The columns have the units of the parameters: scaled to one length they lose no digits to each other.
    _, s, Vt = jnp.linalg.svd(J / norms, full_matrices=False)
    freedom = r.size - flat.size
    variance = jnp.vdot(r, r) / freedom
    root = (Vt.T / s) / norms[:, None]
    covariance = variance * (root @ root.T)
    errors = jnp.sqrt(variance * jnp.sum(root**2, axis=1))
    correlation = (root @ root.T) / jnp.outer(jnp.linalg.norm(root, axis=1), jnp.linalg.norm(root, axis=1))
    return LeastSquaresCovariance(
        covariance, unravel(errors), correlation, variance, jnp.asarray(freedom), s[0] / s[-1]
    )
