"""Random changes of one example that leave its label true.

A transform is a value that is called with a key and one example of shape (height, width, channels). The training step
maps it over the rows of a batch with one key a row, made from the row's own index, so that an example is changed in the
same way whatever the batch around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import split

Transform = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Shift:
    r"""Moves an image by up to `pixels` in each direction; what comes in from outside is `fill`.

    $$ y_{ijc} = x_{i + a, j + b, c}, \qquad a, b \sim \text{uniform} \{-p, \dots, p\} $$

    Examples
    --------
    >>> image = jnp.arange(1.0, 10.0).reshape(3, 3, 1)
    >>> Shift(1)(jax.random.key(3), image)[..., 0].tolist()
    [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    """

    pixels: int
    fill: float = 0.0

    def __post_init__(self) -> None:
        positive_integer("pixels", self.pixels)

    def __call__(self, key: Array, x: Array) -> Array:
        _check_image("Shift", x)
        return random_window(key, pad(x, self.pixels, self.fill), x.shape[0], x.shape[1])


@dataclass(frozen=True)
class HorizontalFlip:
    r"""Mirrors an image left to right with the given probability.

    $$ y_{ijc} = x_{i, w - 1 - j, c} \quad \text{with probability } p, \qquad y = x \quad \text{otherwise} $$

    Examples
    --------
    >>> image = jnp.array([[[1.0], [2.0]]])
    >>> HorizontalFlip(1.0)(jax.random.key(0), image)[..., 0].tolist()
    [[2.0, 1.0]]
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ConfigurationError(
                "probability is not a probability",
                expected="a number in [0, 1]",
                got=repr(self.probability),
                fix="pass 0.5 for a fair coin",
            )

    def __call__(self, key: Array, x: Array) -> Array:
        _check_image("HorizontalFlip", x)
        return jnp.where(jax.random.bernoulli(key, self.probability), x[:, ::-1], x)


@dataclass(frozen=True)
class RandomCrop:
    r"""A window of the given size, anywhere in the image after `padding` pixels of `fill` on each side.

    $$ y_{ijc} = \tilde x_{i + a, j + b, c}, \qquad a \sim \text{uniform} \{0, \dots, \tilde h - h\}, \quad
       b \sim \text{uniform} \{0, \dots, \tilde w - w\} $$

    Parameters
    ----------
    padding : pixels added on each side.
    size : (height, width) of the window; default: that of the image.
    fill : value of the added pixels.

    Examples
    --------
    >>> RandomCrop(0, size=(2, 2))(jax.random.key(1), jnp.ones((3, 3, 1))).shape
    (2, 2, 1)

    References
    ----------
    He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2.
    """

    padding: int
    size: tuple[int, int] | None = None
    fill: float = 0.0

    def __post_init__(self) -> None:
        if self.padding != 0:
            positive_integer("padding", self.padding)
        for side in self.size or ():
            positive_integer("size", side)

    def __call__(self, key: Array, x: Array) -> Array:
        _check_image("RandomCrop", x)
        height, width = self.size or x.shape[:2]
        padded = pad(x, self.padding, self.fill)
        if height > padded.shape[0] or width > padded.shape[1]:
            raise ShapeError(
                "RandomCrop has no room for its window",
                expected=f"a window of at most {padded.shape[:2]} after padding",
                got=f"size ({height}, {width})",
                fix="choose a smaller size or more padding",
            )
        return random_window(key, padded, height, width)


@dataclass(frozen=True)
class Compose:
    """Transforms one after another, each with a key of its own.

    Examples
    --------
    >>> transform = Compose((HorizontalFlip(), Shift(1)))
    >>> transform(jax.random.key(0), jnp.ones((8, 8, 1))).shape
    (8, 8, 1)
    """

    transforms: tuple[Transform, ...]

    def __call__(self, key: Array, x: Array) -> Array:
        for transform, own in zip(self.transforms, split(key, len(self.transforms)), strict=True):
            assert own is not None
            x = transform(own, x)
        return x


def pad(
    x: Float[Array, "height width channels"], pixels: int, fill: float
) -> Float[Array, "padded_height padded_width channels"]:
    """The image with `pixels` of `fill` on each side."""
    return jnp.pad(x, ((pixels, pixels), (pixels, pixels), (0, 0)), constant_values=fill)


def random_window(
    key: Array, x: Float[Array, "height width channels"], height: int, width: int
) -> Float[Array, "window_height window_width channels"]:
    """A window of the given size at a place drawn uniformly."""
    room = jnp.array([x.shape[0] - height, x.shape[1] - width], jnp.int32)
    top, left = _corner(key, room)
    return jax.lax.dynamic_slice(x, (top, left, jnp.zeros_like(top)), (height, width, x.shape[2]))


def _corner(key: Array, room: Int[Array, " 2"]) -> Int[Array, " 2"]:
    return jax.random.randint(key, (2,), 0, room + 1, jnp.int32)


def _check_image(name: str, x: Array) -> None:
    if x.ndim != 3 or not jnp.issubdtype(x.dtype, jnp.floating):
        raise ShapeError(
            f"{name} changes one image at a time",
            expected="shape (height, width, channels), floating",
            got=f"shape {x.shape}, {x.dtype}",
            fix="map it over the rows of a batch with jax.vmap" if x.ndim == 4 else "give each image a channel axis",
        )
