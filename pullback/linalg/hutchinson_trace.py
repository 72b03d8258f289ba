"""The trace of a matrix from its products with random vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.checks import positive_integer
from pullback.core.errors import unknown_name
from pullback.core.precision import double_precision
from pullback.linalg.product import Product, as_product
from pullback.linalg.start import as_key, size_and_type

PROBES = ("rademacher", "normal")


class TraceEstimate(NamedTuple):
    """An estimate of a trace, its standard error (NaN for one probe), and the value of each probe, shape (probes,)."""

    estimate: Any
    standard_error: Any
    values: Any


@double_precision
def hutchinson_trace(
    product: Product, start: Any = None, *, probes: int = 30, distribution: str = "rademacher", key: Any = 0
) -> TraceEstimate:
    r"""An unbiased estimate of the trace of a symmetric matrix, with its standard error.

    $$ \operatorname{tr} A = \mathbb{E}\, z^\top A z \quad \text{for} \quad \mathbb{E}\, z z^\top = I, \qquad
       \operatorname{Var}(z^\top A z) = 2 \sum_{i \neq j} A_{ij}^2 \ \text{(Rademacher)}, \quad
       2 \|A\|_F^2 \ \text{(normal)} $$

    Parameters
    ----------
    product : $A$, a symmetric matrix of shape (n, n), or a function of a vector that returns $A v$.
    start : n, or any vector of shape (n,), of which only shape and type are used; a matrix may leave it out.
    probes : number of random vectors.
    distribution : "rademacher" (entries -1 and 1, exact for a diagonal matrix) or "normal".
    key : an integer or a JAX key. Within a compiled program pass a JAX key or a start vector.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for a matrix that is not square or symmetric, a size that is missing, an unknown distribution.

    Examples
    --------
    >>> import numpy as np
    >>> found = hutchinson_trace(np.diag([1.0, 2.0, 3.0]), probes=4)
    >>> float(found.estimate), float(found.standard_error)
    (6.0, 0.0)

    References
    ----------
    Hutchinson, "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines", Commun.
    Stat. Simul. Comput. 19 (1990).
    """
    size, dtype = size_and_type(product, start)
    operator = as_product(product, dtype, size)
    vectors = random_vectors(key, "trace", distribution, (positive_integer("probes", probes), size), dtype)
    return _estimate(operator, vectors)


def random_vectors(key: Any, purpose: str, distribution: str, shape: tuple[int, int], dtype: Any) -> Array:
    """Rows of independent entries of mean 0 and variance 1."""
    if distribution not in PROBES:
        raise unknown_name("distribution", distribution, PROBES)
    draw = jax.random.rademacher if distribution == "rademacher" else jax.random.normal
    return draw(as_key(key, purpose), shape, dtype)


@eqx.filter_jit
def _estimate(product: Callable[[Any], Any], vectors: Float[Array, "probes n"]) -> TraceEstimate:
    values = jax.lax.map(lambda z: z @ product(z), vectors)
    count = values.size
    spread = jnp.sqrt(jnp.square(values - values.mean()).sum() / max(count - 1, 1) / count)
    return TraceEstimate(values.mean(), spread if count > 1 else jnp.full_like(spread, jnp.nan), values)
