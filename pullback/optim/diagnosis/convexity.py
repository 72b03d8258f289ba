"""Whether a function is convex, asked at samples: a witness against it, or none found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from pullback.core.errors import DataError
from pullback.core.precision import double_precision
from pullback.linalg.lanczos import lanczos_from, subspace_size
from pullback.linalg.start import as_key
from pullback.optim.diagnosis.arguments import checked_objective, refuse_compiled
from pullback.optim.diagnosis.samples import as_samples

# Partners of each sample; the first pair is asked at its middle, the others somewhere between.
PARTNERS = 4
# A gap counts above this many roundings of the numbers it is made of, ...
ROUNDINGS = 1000.0
# ... and the whole Hessian is computed up to this many unknowns.
LARGEST_DENSE = 64


@dataclass(frozen=True, eq=False)
class Witness:
    r"""Two points where a convex function could not have these values.

    Attributes
    ----------
    inequality : which is violated: "jensen", $f(tx + (1-t)y) \le t f(x) + (1-t) f(y)$; "gradient",
        $f(y) \ge f(x) + \nabla f(x)^\top (y - x)$; "hessian", $y^\top \nabla^2 f(x)\, y \ge 0$.
    x, y : the points, of the structure of a sample; for "hessian" `y` is a direction.
    t : the weight of `x`; NaN but for "jensen".
    left, right : the values of the two sides.
    """

    inequality: str
    x: Any
    y: Any
    t: float
    left: float
    right: float

    def __str__(self) -> str:
        left, right = f"{self.left:.10g}", f"{self.right:.10g}"
        if self.inequality == "jensen":
            text = f"f(t x + (1 - t) y) = {left} > {right} = t f(x) + (1 - t) f(y) with t = {self.t:.6g}"
        elif self.inequality == "gradient":
            text = f"f(y) = {left} < {right} = f(x) + gradient of f at x times (y - x)"
        else:
            text = f"the curvature at x along y is {left} < 0"
        return f"{text}\n  x = {_text(self.x)}\n  y = {_text(self.y)}"


@dataclass(frozen=True, eq=False)
class ConvexityCheck:
    r"""What `check_convexity` returns.

    Attributes
    ----------
    witness : a violation of convexity, or `None` if no sample shows one.
    samples : points that were looked at.
    strong_convexity : the smallest curvature seen, by Hessians and by pairs of gradients: $\mu$ on the region is at
        most this; negative where the function is not convex.
    smoothness : the largest curvature seen: $L$ on the region is at least this.
    """

    witness: Witness | None
    samples: int
    strong_convexity: float
    smoothness: float

    @property
    def violated(self) -> bool:
        """Whether the function is known not to be convex."""
        return self.witness is not None

    def __str__(self) -> str:
        seen = f"curvatures seen: {self.strong_convexity:.6g} to {self.smoothness:.6g}"
        if self.witness is None:
            return f"no violation of convexity in {self.samples} samples, which proves nothing; {seen}"
        return f"not convex: {self.witness}\n  {seen}"


class _Seen(NamedTuple):
    values: Any
    jensen: Any
    gradient: Any
    smallest: Any
    direction: Any
    low: Any
    high: Any
    scale: Any


class _Pairs(NamedTuple):
    first: Any
    second: Any
    t: Any
    left: Any
    right: Any
    # By how many tolerances the inequality is violated.
    excess: Any


def check_convexity(
    f: Callable[..., Any],
    points: Any = None,
    *,
    box: tuple[Any, Any] | None = None,
    sampler: Callable[[Any], Any] | None = None,
    args: Any = (),
    samples: int = 256,
    key: Any = 0,
) -> ConvexityCheck:
    r"""Look for a proof that a function is not convex, and for the range of its curvature.

    Of a convex function every sample fulfils

    $$ f(tx + (1-t)y) \le t f(x) + (1-t) f(y), \qquad f(y) \ge f(x) + \nabla f(x)^\top (y - x), \qquad
       \nabla^2 f(x) \succeq 0 . $$

    One violation beyond rounding proves that it is not convex. No violation proves nothing.

    Parameters
    ----------
    f : function of one sample (and of `args`) written in JAX, with one real number as result.
    points : samples, arrays with a first axis, one entry a sample. Exactly one of `points`, `box`, `sampler` is given.
    box : pair of lower and upper bounds, each of the structure of a sample: samples are drawn uniformly between them.
    sampler : function of a JAX key that draws one sample from a convex region.
    args : further arguments of `f`.
    samples : how many to draw, where they are drawn.
    key : an integer or a JAX key.

    Raises
    ------
    DataError, DerivativeError, ConfigurationError
        for samples that are not finite or fewer than two, a function that is not finite between them or does not
        return one real number, a box that crosses, more or less than one source of samples.

    Examples
    --------
    >>> check = check_convexity(lambda x: x[0] ** 2 + 4 * x[1] ** 2, box=([-1.0, -1.0], [1.0, 1.0]))
    >>> check.violated, round(check.strong_convexity, 9), round(check.smoothness, 9)
    (False, 2.0, 8.0)
    >>> check_convexity(jnp.sin, np.array([0.0, 3.0])).witness.inequality
    'jensen'

    References
    ----------
    Boyd, Vandenberghe, "Convex Optimization", Cambridge University Press (2004), section 3.1.
    """
    refuse_compiled("check_convexity", points, box, args)
    stacked = as_samples(points, box, sampler, samples, key)
    seen = jax.tree.map(np.asarray, _examine(f, stacked, args, key))
    _check_values(seen, stacked)
    return ConvexityCheck(
        witness=_witness(seen, stacked),
        samples=len(seen.values),
        strong_convexity=float(seen.low),
        smoothness=float(seen.high),
    )


@double_precision
def _examine(f: Any, stacked: Any, args: Any, key: Any) -> Any:
    return _compiled(f, stacked, args, as_key(key, "convexity pairs"))


@eqx.filter_jit
def _compiled(f: Any, stacked: Any, args: Any, key: Any) -> _Seen:
    objective, _ = checked_objective(f, jax.tree.map(lambda leaf: leaf[0], stacked), args)
    x = jax.vmap(lambda point: ravel_pytree(point)[0])(stacked)
    values, gradients = jax.lax.map(lambda row: objective.at(row)[1:], x, batch_size=256)
    smallest, largest, direction = jax.lax.map(lambda row: _extremes(objective, row), x, batch_size=32)

    pair_key, weight_key, noise_key = jax.random.split(key, 3)
    count = len(x)
    shifts = jax.random.randint(pair_key, (PARTNERS, 1), 1, count)
    first = jnp.tile(jnp.arange(count), PARTNERS)
    second = ((jnp.arange(count) + shifts) % count).reshape(-1)
    t = jax.random.uniform(weight_key, first.shape, x.dtype).at[:count].set(0.5)
    between = t[:, None] * x[first] + (1 - t[:, None]) * x[second]
    middle = jax.lax.map(objective.value, between, batch_size=256)

    noise = _noise(objective, x, values, noise_key)
    size = jnp.finfo(x.dtype).eps * jnp.abs(values) + noise
    chord = t * values[first] + (1 - t) * values[second]
    rounding = ROUNDINGS * (size[first] + size[second])
    jensen = _Pairs(first, second, t, middle, chord, _ratio(middle - chord, rounding))

    apart = x[second] - x[first]
    rise = jnp.sum(gradients[first] * apart, axis=1)
    tangent = values[first] + rise
    rounding = rounding + ROUNDINGS * jnp.finfo(x.dtype).eps * jnp.sum(jnp.abs(gradients[first] * apart), axis=1)
    slope = _Pairs(first, second, t * jnp.nan, values[second], tangent, _ratio(tangent - values[second], rounding))

    low, high = _secants(gradients[second] - gradients[first], apart)
    scale = jnp.max(jnp.maximum(jnp.abs(smallest), jnp.abs(largest)))
    low = jnp.minimum(jnp.min(smallest), low)
    return _Seen(values, jensen, slope, smallest, direction, low, jnp.maximum(scale, high), scale)


def _noise(objective: Any, x: Any, values: Any, key: Any) -> Any:
    # Moving the point by a few roundings shows how far the value can be trusted, whatever cancels inside.
    jitter = 4 * jnp.finfo(x.dtype).eps * jnp.max(jnp.abs(x)) * jax.random.uniform(key, x.shape, x.dtype, -1.0, 1.0)
    return jnp.max(jnp.abs(jax.lax.map(objective.value, x + jitter, batch_size=256) - values))


def _extremes(objective: Any, x: Any) -> Any:
    if x.size <= LARGEST_DENSE:
        values, vectors = jnp.linalg.eigh(objective.hessian(x))
        return values[0], values[-1], vectors[:, 0]
    start = jax.random.normal(jax.random.key(0), x.shape, x.dtype)
    found = lanczos_from(objective.curvature_at(x), start / jnp.linalg.norm(start), subspace_size(x.size, None), True)
    return found.ritz_values[0], jnp.take(found.ritz_values, found.steps - 1), found.ritz_vectors[0]


def _ratio(gap: Any, rounding: Any) -> Any:
    return jnp.where(gap > 0, gap / jnp.where(rounding > 0, rounding, jnp.finfo(gap.dtype).tiny), 0)


def _secants(change: Any, apart: Any) -> tuple[Any, Any]:
    squared = jnp.sum(apart**2, axis=1)
    safe = jnp.where(squared > 0, squared, 1)
    along = jnp.where(squared > 0, jnp.sum(change * apart, axis=1) / safe, jnp.inf)
    length = jnp.where(squared > 0, jnp.sqrt(jnp.sum(change**2, axis=1) / safe), 0)
    return jnp.min(along), jnp.max(length)


def _witness(seen: _Seen, stacked: Any) -> Witness | None:
    def sample(row: int) -> Any:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[row], stacked)

    for name, pairs in (("jensen", seen.jensen), ("gradient", seen.gradient)):
        k = int(np.argmax(pairs.excess))
        if pairs.excess[k] > 1:
            first, second = sample(int(pairs.first[k])), sample(int(pairs.second[k]))
            return Witness(name, first, second, float(pairs.t[k]), float(pairs.left[k]), float(pairs.right[k]))
    k = int(np.argmin(seen.smallest))
    # Second derivatives lose more digits than values: only a clear sign counts.
    if seen.smallest[k] < -np.sqrt(np.finfo(seen.smallest.dtype).eps) * seen.scale:
        unravel = ravel_pytree(sample(k))[1]
        direction = jax.tree.map(np.asarray, unravel(seen.direction[k]))
        return Witness("hessian", sample(k), direction, float("nan"), float(seen.smallest[k]), 0.0)
    return None


def _check_values(seen: _Seen, stacked: Any) -> None:
    bad = np.flatnonzero(~np.isfinite(seen.values))
    if len(bad):
        point = jax.tree.map(lambda leaf: np.asarray(leaf)[bad[0]], stacked)
        raise DataError(
            "f is not finite on the samples",
            expected="a finite value at every sample",
            got=f"{seen.values[bad[0]]} at {_text(point)} ({len(bad)} of {len(seen.values)} samples)",
            fix="draw the samples from where f is defined",
        )
    gaps = np.flatnonzero(~np.isfinite(seen.jensen.left))
    if len(gaps):
        raise DataError(
            "f is not finite between two samples",
            expected="samples from a convex region on which f is defined",
            got=f"{seen.jensen.left[gaps[0]]} at weight {seen.jensen.t[gaps[0]]:.6g}",
            fix="draw the samples from one such region",
        )


def _text(point: Any) -> str:
    return str(jax.tree.map(lambda leaf: np.asarray(leaf).round(8).tolist(), point))
