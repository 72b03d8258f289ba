"""What kind of critical point this is, by the signs of the eigenvalues of its Hessian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from pullback.core.checks import positive
from pullback.core.precision import double_precision
from pullback.optim.diagnosis.arguments import checked_objective, refuse_compiled
from pullback.optim.minimize_arguments import as_start
from pullback.optim.tolerance import default_tolerance

MINIMUM, MAXIMUM, SADDLE = "strict minimum", "strict maximum", "saddle"
DEGENERATE, NOT_CRITICAL = "degenerate", "not critical"


class Inertia(NamedTuple):
    """How many eigenvalues are positive, zero within their uncertainty, and negative."""

    positive: int
    zero: int
    negative: int


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    r"""What `classify_critical_point` returns.

    Attributes
    ----------
    kind : "strict minimum", "strict maximum", "saddle", "degenerate" or "not critical".
    reason : why, in one sentence.
    gradient_norm : $\lVert \nabla f(x) \rVert$.
    eigenvalues : of the Hessian, ascending, shape (n,).
    uncertainty : an eigenvalue not farther from zero than this counts as zero.
    inertia : how many are positive, zero and negative.
    """

    kind: str
    reason: str
    gradient_norm: float
    eigenvalues: Float[np.ndarray, " n"]
    uncertainty: float
    inertia: Inertia

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


def classify_critical_point(
    f: Callable[..., Any], x: Any, args: Any = (), *, tolerance: float | None = None
) -> CriticalPoint:
    r"""Minimum, maximum, saddle or degenerate: the second-order conditions at a point.

    $$ \nabla f(x) = 0, \qquad \nabla^2 f(x) \succ 0 \text{: strict minimum}, \quad
       \nabla^2 f(x) \prec 0 \text{: strict maximum}, \quad \lambda_{\min} < 0 < \lambda_{\max} \text{: saddle} $$

    Otherwise an eigenvalue is zero, and the second derivatives do not decide: the point is degenerate. A point found by
    iteration is near the critical one and not on it, where an eigenvalue that is zero there is only small. So an
    eigenvalue counts as zero if it is not larger than rounding, or than four times the change of the Hessian over the
    Newton step $-\nabla^2 f(x)^{-1} \nabla f(x)$, the estimated distance to go.

    The Hessian is computed whole: $n^2$ numbers.

    Parameters
    ----------
    f : function of `x` (and of `args`) written in JAX, with one real number as result.
    x : the point: a number, an array, or a nested container of arrays.
    args : further arguments of `f`.
    tolerance : largest gradient norm of a critical point; by default that of `minimize`.

    Raises
    ------
    DataError, DerivativeError, ConfigurationError
        for a point that is not finite, a function that does not return one real number, a tolerance that is not > 0.

    Examples
    --------
    >>> print(classify_critical_point(lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0]))
    saddle: the function curves up along 1 and down along 1 of 2 directions
    >>> classify_critical_point(lambda x: x**4, 0.0).kind
    'degenerate'

    References
    ----------
    Nocedal, Wright, "Numerical Optimization", 2nd edition, Springer (2006), theorems 2.2 to 2.4.
    """
    refuse_compiled("classify_critical_point", x, args)
    if tolerance is not None:
        positive("tolerance", tolerance)
    return classify(f, as_start(x, "x"), args, tolerance, False)


def classify(f: Any, x: Any, args: Any, tolerance: float | None, squares: bool) -> CriticalPoint:
    """`classify_critical_point` of checked arguments, also of sums of squares."""
    norm, values, drift = (np.asarray(part) for part in _second_order(f, x, args, squares))
    limit = default_tolerance(norm.dtype) if tolerance is None else tolerance
    rounding = len(values) * np.finfo(values.dtype).eps * float(np.max(np.abs(values), initial=0.0))
    # Where the next point is outside the domain nothing is known of the change.
    change = 4 * float(drift) if np.isfinite(drift) else float("inf")
    uncertainty = max(rounding, change)
    inertia = Inertia(
        int(np.sum(values > uncertainty)),
        int(np.sum(np.abs(values) <= uncertainty)),
        int(np.sum(values < -uncertainty)),
    )
    kind, reason = _kind(inertia, float(norm), limit)
    return CriticalPoint(kind, reason, float(norm), values, uncertainty, inertia)


@double_precision
def _second_order(f: Any, x: Any, args: Any, squares: bool) -> Any:
    return _compiled(f, x, args, squares)


@eqx.filter_jit
def _compiled(f: Any, x: Any, args: Any, squares: bool) -> Any:
    objective, vector = checked_objective(f, x, args, squares)
    gradient, hessian = objective.gradient(vector), objective.hessian(vector)
    values, vectors = jnp.linalg.eigh(hessian)
    largest = jnp.max(jnp.abs(values))
    # Along eigenvectors without curvature there is no Newton step to speak of.
    curved = jnp.abs(values) > vector.size * jnp.finfo(vector.dtype).eps * largest
    step = vectors @ jnp.where(curved, (vectors.T @ gradient) / jnp.where(curved, values, 1), 0)
    drift = jnp.linalg.norm(objective.hessian(vector - step) - hessian)
    return jnp.linalg.norm(gradient), values, drift


def _kind(inertia: Inertia, norm: float, limit: float) -> tuple[str, str]:
    up, flat, down = inertia
    n = up + flat + down
    if not norm <= limit:
        return NOT_CRITICAL, f"the gradient norm {norm:.3g} is above {limit:.3g}"
    if up and down:
        return SADDLE, f"the function curves up along {up} and down along {down} of {n} directions"
    if not flat:
        kind, way = (MINIMUM, "up") if up else (MAXIMUM, "down")
        return kind, f"the gradient is zero and the function curves {way} in every direction"
    rest = f", up along {up}" if up else f", down along {down}" if down else ""
    return DEGENERATE, f"the function has no curvature along {flat} of {n} directions{rest}: higher derivatives decide"
