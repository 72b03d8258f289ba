"""Rules of discrete Fourier transforms: all kinds, even and odd lengths, one axis and several."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax
from rule_cases import checked

from pullback.testing.derivatives import Case


def transforms(*fields: Any) -> list[Any]:
    """Every transform of a complex array of shape (2, 3, 4), given by its parts."""
    x, y = fields
    z = lax.complex(x, y)
    return [
        jnp.fft.fft(z),
        jnp.fft.ifft(z, axis=1),
        jnp.fft.fft2(z),
        jnp.fft.ifftn(z),
        *(jnp.fft.rfft(x, n) for n in (4, 5)),
        *(jnp.fft.irfft(z, n) for n in (6, 7)),
        jnp.fft.rfftn(x),
        jnp.fft.irfftn(z),
        jnp.fft.irfft2(z, (3, 5)),
        jnp.fft.hfft(z),
    ]


CASES = [
    Case("parts", transforms, lambda random: (random.normal(size=(2, 3, 4)), random.normal(size=(2, 3, 4)))),
    Case("complex", jnp.fft.fftn, lambda random: (random.normal(size=(2, 3)) + 1j * random.normal(size=(2, 3)),)),
]


@checked(CASES)
def test_rule(case, check):
    check(case)
