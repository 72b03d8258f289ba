r"""Discrete Fourier transforms over the last axes: \(z_k = \sum_j x_j\, e^{-2 \pi i j k / n}\) on each.

The transform is linear and its matrix symmetric, so that without conjugation it is its own transpose, and so is its
inverse. A transform of real numbers leaves out those coefficients that are conjugates of others: its transpose puts
zeros in their place and takes the real part, and that of its inverse counts twice what stands for two.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import fourier
from pullback.autodiff.rule import Derivative, Point, linear, number


def of_real(lengths: tuple[int, ...], cotangent: Array) -> Array:
    """The transpose of the transform of real numbers."""
    edges = [(0, 0, 0)] * cotangent.ndim
    edges[-1] = (0, lengths[-1] - cotangent.shape[-1], 0)
    full = lax.pad(cotangent, number(0, cotangent), edges)
    return lax.real(lax.fft(full, lax.FftType.FFT, lengths))


def to_real(lengths: tuple[int, ...], cotangent: Array) -> Array:
    """The transpose of the inverse that gives real numbers."""
    half = lax.conj(lax.fft(cotangent, lax.FftType.RFFT, lengths[-1:]))
    length, kept = lengths[-1], half.shape[-1]
    counts = np.where(2 * np.arange(kept) % length == 0, 1, 2) / length
    weighted = lax.mul(half, lax.broadcast_in_dim(counts.astype(half.dtype), half.shape, (half.ndim - 1,)))
    if len(lengths) == 1:
        return weighted
    first = weighted.ndim - len(lengths)
    inner = jnp.moveaxis(weighted, -1, first)
    return jnp.moveaxis(lax.fft(inner, lax.FftType.IFFT, lengths[:-1]), first, -1)


def transposed(point: Point, cotangent: Array) -> Array:
    """The transform by the transposed matrix."""
    kind, lengths = fourier(point.equation)
    if kind == "RFFT":
        return of_real(lengths, cotangent)
    if kind == "IRFFT":
        return to_real(lengths, cotangent)
    return point.again(cotangent)


FOURIER: dict[str, Derivative] = {
    "fft": linear(
        transposed,
        equation=r"\bar x_j = \sum_k \bar z_k\, e^{-2 \pi i j k / n},\ \text{real: } \Re \text{ of it}",
        convention="the imaginary parts of coefficients that are real by symmetry have derivative 0, as in JAX",
    ),
}
