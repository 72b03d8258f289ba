r"""Discrete Fourier transforms over the last axes: \(z_k = \sum_j x_j\, e^{-2 \pi i j k / n}\) on each.

The transform is linear and its matrix symmetric, so that without conjugation it is its own transpose, and so is its
inverse. A transform of real numbers leaves out those coefficients that are conjugates of others, and its inverse counts
twice what stands for two: up to these counts and conjugation, each is the transpose of the other.
"""

from __future__ import annotations

import math

import numpy as np
from jax import lax
from jaxtyping import Array

from pullback.autodiff.parameters import fourier
from pullback.autodiff.rule import Derivative, Point, linear, number, scale


def counts(coefficients: Array, length: int) -> np.ndarray:
    """How many coefficients of the whole transform each of a real one stands for."""
    alone = 2 * np.arange(coefficients.shape[-1]) % length == 0
    return np.broadcast_to(np.where(alone, 1, 2), coefficients.shape).astype(coefficients.dtype)


def of_real(lengths: tuple[int, ...], cotangent: Array) -> Array:
    """The transpose of the transform of real numbers."""
    weighted = lax.div(lax.conj(cotangent), counts(cotangent, lengths[-1]))
    return scale(math.prod(lengths), lax.fft(weighted, lax.FftType.IRFFT, lengths))


def to_real(lengths: tuple[int, ...], cotangent: Array) -> Array:
    """The transpose of the inverse that gives real numbers."""
    found = lax.conj(lax.fft(cotangent, lax.FftType.RFFT, lengths))
    return lax.mul(found, lax.div(counts(found, lengths[-1]), number(math.prod(lengths), found)))


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
