r"""Layer normalization (Ba, Kiros, Hinton, Layer Normalization, 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from pullback.core.checks import positive, positive_integer
from pullback.core.errors import ShapeError
from pullback.nn.inputs import describe
from pullback.nn.normalize import normalize


def layer_norm(
    x: Float[Array, "*batch_and_shape"],
    scale: Float[Array, "*shape"] | None = None,
    bias: Float[Array, "*shape"] | None = None,
    *,
    rank: int = 1,
    epsilon: float = 1e-5,
) -> Float[Array, "*batch_and_shape"]:
    r"""\(y = \gamma\,(x - \mu)/\sqrt{\sigma^2 + \epsilon} + \beta\), the statistics over the last `rank` axes."""
    x_hat, _, _ = normalize(x, tuple(range(-rank, 0)), epsilon)
    y = x_hat if scale is None else scale * x_hat
    return y if bias is None else y + bias


class LayerNorm(eqx.Module):
    r"""Layer normalization, \(y = \gamma\,(x - \mu)/\sqrt{\sigma^2 + \epsilon} + \beta\), of each row by itself.

    Parameters
    ----------
    shape : the last axes of the input, over which mean \(\mu\) and biased variance \(\sigma^2\) are taken.
    epsilon : \(\epsilon\), inside the root; 1e-5 as in PyTorch (Flax 1e-6, Keras 1e-3).
    affine : whether there is a \(\gamma\) of that shape, from one.
    use_bias : whether there is a \(\beta\) too, from zero.
    dtype : of the parameters and of the input; half-precision inputs have their statistics in float32.

    Call
    ----
    `layer(x)`: `x` of shape `(..., *shape)`; any other shape or dtype is a `ShapeError`.

    Examples
    --------
    >>> print(LayerNorm(3)(jnp.array([[1.0, 2.0, 3.0]])))
    [[-1.2247356  0.         1.2247356]]
    """

    scale: Float[Array, "*shape"] | None
    bias: Float[Array, "*shape"] | None
    shape: tuple[int, ...] = eqx.field(static=True)
    epsilon: float = eqx.field(static=True)

    def __init__(
        self,
        shape: int | Sequence[int],
        *,
        epsilon: float = 1e-5,
        affine: bool = True,
        use_bias: bool = True,
        dtype: DTypeLike = jnp.float32,
    ) -> None:
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        self.shape = tuple(positive_integer("shape", size) for size in sizes)
        self.epsilon = positive("epsilon", epsilon)
        self.scale = jnp.ones(self.shape, dtype) if affine else None
        self.bias = jnp.zeros(self.shape, dtype) if affine and use_bias else None

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        dtype = x.dtype if self.scale is None else self.scale.dtype
        if tuple(x.shape[-len(self.shape) :]) != self.shape or x.dtype != dtype:
            raise ShapeError(
                f"LayerNorm({self.shape}) cannot take this input",
                expected=f"(..., {', '.join(map(str, self.shape))}) {dtype}",
                got=describe(x),
                fix="give LayerNorm the last axes of its input, and the input the dtype of its parameters",
            )
        return layer_norm(x, self.scale, self.bias, rank=len(self.shape), epsilon=self.epsilon)
