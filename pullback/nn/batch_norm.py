r"""Batch normalization (Ioffe, Szegedy, Batch Normalization, ICML 2015)."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from pullback.core.checks import fraction, positive, positive_integer
from pullback.core.errors import ShapeError, unknown_name
from pullback.nn.inputs import describe
from pullback.nn.normalize import normalize, statistics_dtype
from pullback.nn.state import Stateful

CONVENTIONS = ("pytorch", "keras")


def batch_norm(
    x: Float[Array, "*batch num_features"],
    epsilon: float = 1e-5,
    row_weights: Float[Array, " rows"] | None = None,
) -> tuple[Float[Array, "*batch num_features"], Float[Array, " num_features"], Float[Array, " num_features"]]:
    r"""\(\hat x\), mean and biased variance of each feature over all other axes; one weight a row of the first axis."""
    axes = tuple(range(-x.ndim, -1))
    weights = None if row_weights is None else row_weights.reshape(-1, *[1] * (x.ndim - 1))
    x_hat, mean, variance = normalize(x, axes, epsilon, weights)
    return x_hat, mean.reshape(-1), variance.reshape(-1)


def batch_norm_inference(
    x: Float[Array, "*batch num_features"],
    mean: Float[Array, " num_features"],
    variance: Float[Array, " num_features"],
    epsilon: float = 1e-5,
) -> Float[Array, "*batch num_features"]:
    r"""\(\hat x = (x - \mu)/\sqrt{\sigma^2 + \epsilon}\) with the mean and the variance of the memory."""
    scale = lax.rsqrt(variance + jnp.asarray(epsilon, variance.dtype))
    return ((x.astype(mean.dtype) - mean) * scale).astype(x.dtype)


def affine(
    x_hat: Float[Array, "*batch num_features"],
    scale: Float[Array, " num_features"],
    bias: Float[Array, " num_features"],
) -> Float[Array, "*batch num_features"]:
    r"""\(y = \gamma \hat x + \beta\)."""
    return scale * x_hat + bias


def moving_average(
    average: Float[Array, "*shape"], value: Float[Array, "*shape"], rate: Float[Array, ""]
) -> Float[Array, "*shape"]:
    r"""\(m' = m + a\,(x - m)\); no gradient flows into it."""
    return average + rate * (lax.stop_gradient(value).astype(average.dtype) - average)


def unbiased_variance(variance: Float[Array, "*shape"], count: Float[Array, ""]) -> Float[Array, "*shape"]:
    r"""\(\sigma^2 n/(n - 1)\), and \(\sigma^2\) itself for \(n = 1\)."""
    one = jnp.ones((), count.dtype)
    return variance * (count / jnp.maximum(count - one, one)).astype(variance.dtype)


class BatchNorm(Stateful):
    r"""Batch normalization of the last axis, \(y = \gamma\,(x - \mu)/\sqrt{\sigma^2 + \epsilon} + \beta\).

    In training \(\mu\) and the biased \(\sigma^2\) are those of the batch, each feature over all other axes; the memory
    follows them, \(m \leftarrow (1 - a) m + a \mu\) with \(a\) = `momentum`, and stands in for them otherwise.

    Parameters
    ----------
    num_features : size of the last axis.
    epsilon : \(\epsilon\), inside the root.
    momentum : \(a\); `None` takes \(a = 1/t\) at step \(t\), the plain average over all steps.
    affine : whether there are a \(\gamma\) (from one) and a \(\beta\) (from zero).
    convention : `"pytorch"`: \(a\) weighs the new value and the running variance is unbiased, \(n/(n-1)\) times the
        batch's. `"keras"`: `momentum` weighs the old value, \(a = 1 -\) `momentum`, and the running variance is the
        biased one. (Keras's own defaults are momentum 0.99 and epsilon 1e-3.)
    dtype : of the parameters and of the input; the statistics are kept in float32 at least.

    Call
    ----
    `y, state = layer(x, state, training=...)`: `x` of shape `(batch, ..., num_features)`; `state` from `init_state()`:
    `mean` and `variance` of shape `(num_features,)` and the count `steps`. With an entry `"row_weights"` of shape
    `(batch,)` the batch statistics are weighted, rows of weight zero count for nothing, and the \(n\) of the running
    variance is the number of elements of nonzero weight; the entry is not returned. PyTorch refuses to train on one
    value a feature; here its variance is zero and the running variance keeps it.

    Examples
    --------
    >>> layer = BatchNorm(2)
    >>> x = jnp.array([[1.0, 10.0], [3.0, 30.0]])
    >>> y, state = layer(x, layer.init_state(), training=True)
    >>> print(y[0].round(3), state["mean"], state["variance"], state["steps"])
    [-1. -1.] [0.2 2. ] [ 1.1 20.9] 1
    """

    scale: Float[Array, " num_features"] | None
    bias: Float[Array, " num_features"] | None
    num_features: int = eqx.field(static=True)
    epsilon: float = eqx.field(static=True)
    momentum: float | None = eqx.field(static=True)
    convention: str = eqx.field(static=True)
    dtype: Any = eqx.field(static=True)

    def __init__(
        self,
        num_features: int,
        *,
        epsilon: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        convention: str = "pytorch",
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        if convention not in CONVENTIONS:
            raise unknown_name("convention", convention, CONVENTIONS)
        self.num_features = positive_integer("num_features", num_features)
        self.epsilon = positive("epsilon", epsilon)
        self.momentum = momentum if momentum is None or momentum == 1 else fraction("momentum", momentum)
        self.convention = convention
        self.dtype = jnp.dtype(dtype)
        self.scale = jnp.ones((num_features,), dtype) if affine else None
        self.bias = jnp.zeros((num_features,), dtype) if affine else None

    def init_state(self) -> dict[str, Array]:
        """Mean zero, variance one, no steps."""
        dtype = statistics_dtype(self.dtype)
        return {
            "mean": jnp.zeros((self.num_features,), dtype),
            "variance": jnp.ones((self.num_features,), dtype),
            "steps": jnp.zeros((), jnp.int32),
        }

    def __call__(
        self,
        x: Array,
        state: dict[str, Array],
        *,
        key: Array | None = None,
        training: bool = False,
    ) -> tuple[Array, dict[str, Array]]:
        name = f"BatchNorm({self.num_features})"
        _check_input(name, x, self.num_features, self.dtype)
        memory = {entry: value for entry, value in state.items() if entry != "row_weights"}
        if not training:
            return self._affine(batch_norm_inference(x, memory["mean"], memory["variance"], self.epsilon)), memory
        row_weights = _checked_weights(name, x, state.get("row_weights"))
        x_hat, mean, variance = batch_norm(x, self.epsilon, row_weights)
        return self._affine(x_hat), self._remember(memory, mean, variance, _count(x, row_weights))

    def _affine(self, x_hat: Array) -> Array:
        return x_hat if self.scale is None or self.bias is None else affine(x_hat, self.scale, self.bias)

    def _remember(self, memory: dict[str, Array], mean: Array, variance: Array, count: Array) -> dict[str, Array]:
        """The memory one step on; no gradient flows into it."""
        dtype = memory["mean"].dtype
        steps = memory["steps"] + jnp.ones((), memory["steps"].dtype)
        if self.convention == "pytorch":
            variance = unbiased_variance(variance, count)
        new = {"mean": mean, "variance": variance}
        rate = self._rate(steps, dtype)
        moved = {entry: moving_average(memory[entry], value, rate) for entry, value in new.items()}
        return {**memory, **moved, "steps": steps}

    def _rate(self, steps: Array, dtype: Any) -> Array:
        if self.momentum is None:
            return jnp.ones((), dtype) / steps.astype(dtype)
        return jnp.asarray(self.momentum if self.convention == "pytorch" else 1 - self.momentum, dtype)


def _count(x: Array, row_weights: Array | None) -> Array:
    """How many elements each statistic is made of."""
    inner = jnp.asarray(math.prod(x.shape[1:-1]), jnp.float32)
    if row_weights is None:
        return inner * x.shape[0]
    return inner * jnp.sum(row_weights != 0, dtype=jnp.float32)


def _check_input(name: str, x: Array, num_features: int, dtype: DTypeLike) -> None:
    if x.ndim < 1 or x.shape[-1] != num_features or x.dtype != dtype:
        raise ShapeError(
            f"{name} cannot take this input",
            expected=f"(batch, ..., {num_features}) {jnp.dtype(dtype)}",
            got=describe(x),
            fix="put the features last; give BatchNorm their number, and the input the dtype of its parameters",
        )


def _checked_weights(name: str, x: Array, row_weights: Array | None) -> Array | None:
    if x.ndim < 2:
        raise ShapeError(
            f"{name} needs a batch axis to train",
            expected="(batch, ..., num_features)",
            got=describe(x),
            fix="pass a batch of rows, or call the layer with training=False",
        )
    if row_weights is None:
        return None
    if row_weights.shape != x.shape[:1]:
        raise ShapeError(
            f"{name} needs one weight a row",
            expected=f"row_weights of shape {x.shape[:1]}",
            got=f"{tuple(row_weights.shape)}",
            fix="pass weights of the length of the batch",
        )
    return row_weights.astype(statistics_dtype(x.dtype))
