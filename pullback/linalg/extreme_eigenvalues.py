"""Smallest and largest eigenvalue and condition number, from products alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from pullback.core.precision import double_precision
from pullback.linalg.lanczos import lanczos_from, subspace_size
from pullback.linalg.product import Product
from pullback.linalg.start import begin


class ExtremeEigenvalues(NamedTuple):
    r"""What `extreme_eigenvalues` returns.

    Attributes
    ----------
    smallest, largest : the extreme Ritz values; the true extremes are at least as far out.
    smallest_bound, largest_bound : an eigenvalue lies within this distance of each.
    smallest_vector, largest_vector : their vectors of length 1, shape (n,).
    condition_number : largest / smallest where the smallest is positive, else infinity.
    steps : products made.
    """

    smallest: Any
    largest: Any
    smallest_bound: Any
    largest_bound: Any
    smallest_vector: Any
    largest_vector: Any
    condition_number: Any
    steps: Any


@double_precision
def extreme_eigenvalues(
    product: Product, start: Any = None, *, steps: int | None = None, key: Any = 0
) -> ExtremeEigenvalues:
    r"""The extreme eigenvalues of a symmetric matrix, with error bounds, by Lanczos' method.

    $$ \lambda_{\min} \le \theta_{\min} = \min_{v \in \mathcal{K}_m} \frac{v^\top A v}{v^\top v}, \qquad
       \lambda_{\max} \ge \theta_{\max} = \max_{v \in \mathcal{K}_m} \frac{v^\top A v}{v^\top v}, \qquad
       \kappa = \frac{\theta_{\max}}{\theta_{\min}} $$

    Parameters
    ----------
    product : $A$, a symmetric matrix of shape (n, n), or a function of a vector that returns $A v$, for example a
        Hessian times a vector.
    start : a vector of shape (n,), or n for a random one; a matrix may leave it out.
    steps : m, at most n; by default the smaller of n and 50.
    key : an integer or a JAX key, for the random start. Within a compiled program pass a JAX key or a start vector.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        as `lanczos`.

    Examples
    --------
    >>> import numpy as np
    >>> found = extreme_eigenvalues(lambda v: np.array([1.0, 2.0, 10.0]) * v, 3)
    >>> round(float(found.smallest), 8), round(float(found.largest), 8), round(float(found.condition_number), 8)
    (1.0, 10.0, 10.0)

    References
    ----------
    Golub and Van Loan, Matrix Computations, 4th ed., section 10.1.
    """
    operator, vector = begin(product, start, key, "lanczos")
    found = lanczos_from(operator, vector, subspace_size(vector.size, steps), True)
    values, bounds, vectors, last = found.ritz_values, found.residual_bounds, found.ritz_vectors, found.steps - 1
    smallest, largest = values[0], jnp.take(values, last)
    condition = jnp.where(smallest > 0, largest / jnp.where(smallest > 0, smallest, 1.0), jnp.inf)
    return ExtremeEigenvalues(
        smallest=smallest,
        largest=largest,
        smallest_bound=bounds[0],
        largest_bound=jnp.take(bounds, last),
        smallest_vector=vectors[0],
        largest_vector=jnp.take(vectors, last, axis=0),
        condition_number=condition,
        steps=found.steps,
    )
