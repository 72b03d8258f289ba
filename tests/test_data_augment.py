"""Augmentation: the same example with the same key changes in the same way, and only as it should."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.core.random import row_keys, stream
from pullback.data import Compose, HorizontalFlip, RandomCrop, Shift, load
from pullback.data.augment import Transform

MEMBERS: dict[str, Transform] = {
    "shift": Shift(2, fill=0.5),
    "flip": HorizontalFlip(0.5),
    "crop": RandomCrop(1),
    "small crop": RandomCrop(0, size=(5, 6)),
    "composition": Compose((HorizontalFlip(), Shift(1), RandomCrop(2))),
}


def images(rows: int = 64) -> jax.Array:
    return jnp.asarray(load("digits").inputs[:rows])


@pytest.mark.parametrize("name", MEMBERS)
def test_an_example_changes_alike_in_every_batch(name: str) -> None:
    transform, x = MEMBERS[name], images()
    keys = row_keys(stream(0, "augment", 3), jnp.arange(64))
    whole = jax.jit(jax.vmap(transform))(keys, x)
    order = np.random.default_rng(0).permutation(64)[:10]
    np.testing.assert_array_equal(jax.vmap(transform)(keys[order], x[order]), whole[order])
    np.testing.assert_array_equal(transform(keys[7], x[7]), whole[7])
    other = jax.vmap(transform)(row_keys(stream(0, "augment", 4), jnp.arange(64)), x)
    assert not np.array_equal(other, whole)


def offset_of(image: np.ndarray, moved: np.ndarray, pixels: int, fill: float) -> tuple[int, int] | None:
    """The shift by which SciPy makes the same image."""
    for rows in range(-pixels, pixels + 1):
        for columns in range(-pixels, pixels + 1):
            if np.array_equal(scipy.ndimage.shift(image, (rows, columns), order=0, cval=fill), moved):
                return rows, columns
    return None


@pytest.mark.parametrize("transform", [Shift(1, fill=-1.0), RandomCrop(1, fill=-1.0)])
def test_shifts_are_those_of_scipy_and_each_is_as_likely(transform: Transform) -> None:
    image = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    keys = row_keys(stream(1, "augment"), jnp.arange(900))
    moved = np.asarray(jax.vmap(lambda key: transform(key, jnp.asarray(image)[..., None]))(keys))[..., 0]
    offsets = [offset_of(image, one, 1, -1.0) for one in moved]
    counts = {offset: offsets.count(offset) for offset in set(offsets)}
    assert None not in counts
    assert len(counts) == 9
    # Pearson's statistic against nine equal chances; the 99.9% point of chi-square with 8 degrees is 26.1.
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 26.1


def test_flips_are_as_frequent_as_said() -> None:
    x = images(1)[0]
    keys = row_keys(stream(2, "augment"), jnp.arange(1000))
    flipped = np.asarray(jax.vmap(lambda key: HorizontalFlip(0.3)(key, x))(keys))
    is_flip = np.array([np.array_equal(one, np.fliplr(x)) for one in flipped])
    assert all(flip or np.array_equal(one, x) for flip, one in zip(is_flip, flipped, strict=True))
    # Four standard deviations of a binomial count.
    assert abs(is_flip.mean() - 0.3) < 4 * np.sqrt(0.21 / 1000)
    np.testing.assert_array_equal(HorizontalFlip(0.0)(keys[0], x), x)


def test_windows_of_a_crop_lie_inside() -> None:
    x = jnp.arange(63.0).reshape(7, 9, 1)
    keys = row_keys(stream(3, "augment"), jnp.arange(300))
    corners = set(np.asarray(jax.vmap(lambda key: RandomCrop(0, size=(5, 6))(key, x)[0, 0, 0])(keys)).tolist())
    assert corners == {9.0 * top + left for top in range(3) for left in range(4)}


def test_members_of_a_composition_draw_independently() -> None:
    """Two flips with one key in common would always cancel."""
    x = images(1)[0]
    keys = row_keys(stream(4, "augment"), jnp.arange(200))
    twice = jax.vmap(lambda key: Compose((HorizontalFlip(), HorizontalFlip()))(key, x))(keys)
    unchanged = np.mean([np.array_equal(one, x) for one in np.asarray(twice)])
    assert 0.3 < unchanged < 0.7


def test_what_makes_no_sense_is_refused() -> None:
    key = jax.random.key(0)
    with pytest.raises(ShapeError, match=r"jax\.vmap"):
        Shift(1)(key, images())
    with pytest.raises(ShapeError, match="channel axis"):
        HorizontalFlip()(key, images()[0, :, :, 0])
    with pytest.raises(ShapeError, match="no room"):
        RandomCrop(0, size=(9, 9))(key, images()[0])
    for make in (lambda: Shift(0), lambda: HorizontalFlip(1.5), lambda: RandomCrop(-1), lambda: RandomCrop(0, (0, 1))):
        with pytest.raises(ConfigurationError):
            make()
