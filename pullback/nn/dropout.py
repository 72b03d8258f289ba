"""Dropout: a random mask on the activations during training."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from pullback.core.checks import fraction
from pullback.core.errors import ConfigurationError, ShapeError, unknown_name
from pullback.nn.inputs import describe, typed_key

SCALINGS = ("inverted", "classic")


def dropout(
    x: Float[Array, "*shape"], kept: Bool[Array, "*mask"], scale: float | Float[Array, ""]
) -> Float[Array, "*shape"]:
    r"""\(y = s\,m \odot x\): mask \(m\) = `kept`, of the shape of `x` or 1 along shared axes, and scale \(s\)."""
    return jnp.where(kept, x * scale, 0.0)


def keep_mask(key: Array, rate: float | Array, shape: tuple[int, ...]) -> Bool[Array, "*mask"]:
    """True with probability 1 - `rate`: one key for the whole array, or one key a row of its first axis."""
    keep = jnp.float32(1.0 - rate)
    if key.ndim == 0:
        return jax.random.bernoulli(key, keep, shape)
    return jax.vmap(lambda row_key: jax.random.bernoulli(row_key, keep, shape[1:]))(key)


class Dropout(eqx.Module):
    r"""Set each entry to zero with probability \(p\) during training; the identity, up to scale, otherwise.

    Inverted scaling (the default, as in PyTorch): \(y = m \odot x/(1-p)\) in training and \(y = x\) in inference.
    Classic scaling (the original paper): \(y = m \odot x\) in training and \(y = (1-p)x\) in inference.
    Both keep the expectation of \(y\) the same in training and inference.

    Parameters
    ----------
    rate : \(p\), in [0, 1).
    scaling : `"inverted"` or `"classic"`.
    shared_axes : axes of the input along which one draw is shared: (1, 2) on images drops whole channels (spatial
        dropout), (1,) on sequences uses one mask at all times (variational dropout).

    Call
    ----
    `layer(x, key=key, training=True)`: `key` is one key, or an array of keys, one a row of the first axis, so that a
    sample's mask does not depend on its place in the batch. Training without a key is a `ConfigurationError`.

    Examples
    --------
    >>> layer = Dropout(0.5)
    >>> layer(jnp.ones(6), key=jax.random.key(0), training=True).tolist()
    [0.0, 0.0, 2.0, 2.0, 0.0, 2.0]
    >>> layer(jnp.ones(3)).tolist()
    [1.0, 1.0, 1.0]

    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15, 2014. Spatial: Tompson et al., CVPR
    2015. Variational: Gal, Ghahramani, NeurIPS 2016.
    """

    rate: float = eqx.field(static=True)
    scaling: str = eqx.field(static=True)
    shared_axes: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        rate: float = 0.5,
        *,
        scaling: str = "inverted",
        shared_axes: tuple[int, ...] = (),
    ) -> None:
        if scaling not in SCALINGS:
            raise unknown_name("scaling of dropout", scaling, SCALINGS)
        self.rate = fraction("rate", rate)
        self.scaling = scaling
        self.shared_axes = tuple(shared_axes)

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        classic = self.scaling == "classic"
        # A rate that a sweep traces is no Python number, and may be zero all the same.
        if not training or (isinstance(self.rate, float) and self.rate == 0):
            return x * (1.0 - self.rate) if classic else x
        if key is None:
            raise ConfigurationError(
                "Dropout in training needs a random key",
                expected="layer(x, key=key, training=True)",
                got="key=None",
                fix="pass key=jax.random.key(seed), or training=False for inference",
            )
        typed = typed_key(key)
        kept = keep_mask(typed, self.rate, self._mask_shape(x, typed))
        return dropout(x, kept, 1.0 if classic else 1.0 / (1.0 - self.rate))

    def _mask_shape(self, x: Array, key: Array) -> tuple[int, ...]:
        if key.ndim and (key.ndim > 1 or x.ndim < 1 or key.shape[0] != x.shape[0]):
            raise ShapeError(
                "Dropout takes one key, or one key a row of its input",
                expected=f"keys of shape () or ({x.shape[0] if x.ndim else ''},)",
                got=f"keys of shape {key.shape} for an input {describe(x)}",
                fix="make the keys with row_keys(key, indices), one index a row",
            )
        rows_shared = any(axis in (0, -x.ndim) for axis in self.shared_axes)
        if any(not -x.ndim <= axis < x.ndim for axis in self.shared_axes) or (key.ndim and rows_shared):
            raise ShapeError(
                f"Dropout cannot share its mask along the axes {self.shared_axes}",
                expected="axes of the input, and not the first one when there is one key a row",
                got=describe(x),
                fix="choose shared_axes among the axes of one example",
            )
        shared = {axis % x.ndim for axis in self.shared_axes}
        return tuple(1 if axis in shared else size for axis, size in enumerate(x.shape))
