"""The models of NIST's nonlinear regression sets, each a function of parameters and predictor, by the set's name."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

Model = Callable[[jax.Array, jax.Array], jax.Array]


def bennett5(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 (b_2 + x)^{-1 / b_3}$."""
    return b[0] * (b[1] + x) ** (-1 / b[2])


def saturation(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 (1 - e^{-b_2 x})$."""
    return b[0] * (1 - jnp.exp(-b[1] * x))


def chwirut(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$e^{-b_1 x} / (b_2 + b_3 x)$."""
    return jnp.exp(-b[0] * x) / (b[1] + b[2] * x)


def danwood(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 x^{b_2}$."""
    return b[0] * x ** b[1]


def enso(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1$ and three cycles: of 12 months with $b_2, b_3$, of $b_4$ with $b_5, b_6$, of $b_7$ with $b_8, b_9$."""
    turn = 2 * jnp.pi * x
    year = b[1] * jnp.cos(turn / 12) + b[2] * jnp.sin(turn / 12)
    long = b[4] * jnp.cos(turn / b[3]) + b[5] * jnp.sin(turn / b[3])
    middle = b[7] * jnp.cos(turn / b[6]) + b[8] * jnp.sin(turn / b[6])
    return b[0] + year + long + middle


def eckerle4(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$(b_1 / b_2) e^{-((x - b_3) / b_2)^2 / 2}$."""
    return b[0] / b[1] * jnp.exp(-(((x - b[2]) / b[1]) ** 2) / 2)


def gauss(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 e^{-b_2 x} + b_3 e^{-(x - b_4)^2 / b_5^2} + b_6 e^{-(x - b_7)^2 / b_8^2}$."""
    first = b[2] * jnp.exp(-((x - b[3]) ** 2) / b[4] ** 2)
    second = b[5] * jnp.exp(-((x - b[6]) ** 2) / b[7] ** 2)
    return b[0] * jnp.exp(-b[1] * x) + first + second


def cubic_over_cubic(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$(b_1 + b_2 x + b_3 x^2 + b_4 x^3) / (1 + b_5 x + b_6 x^2 + b_7 x^3)$."""
    above = b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3
    return above / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def kirby2(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$(b_1 + b_2 x + b_3 x^2) / (1 + b_4 x + b_5 x^2)$."""
    return (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2)


def lanczos(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 e^{-b_2 x} + b_3 e^{-b_4 x} + b_5 e^{-b_6 x}$."""
    return b[0] * jnp.exp(-b[1] * x) + b[2] * jnp.exp(-b[3] * x) + b[4] * jnp.exp(-b[5] * x)


def mgh09(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 (x^2 + b_2 x) / (x^2 + b_3 x + b_4)$."""
    return b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3])


def mgh10(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 e^{b_2 / (x + b_3)}$."""
    return b[0] * jnp.exp(b[1] / (x + b[2]))


def mgh17(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 + b_2 e^{-b_4 x} + b_3 e^{-b_5 x}$."""
    return b[0] + b[1] * jnp.exp(-x * b[3]) + b[2] * jnp.exp(-x * b[4])


def misra1b(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 (1 - (1 + b_2 x / 2)^{-2})$."""
    return b[0] * (1 - (1 + b[1] * x / 2) ** -2)


def misra1c(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 (1 - (1 + 2 b_2 x)^{-1/2})$."""
    return b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5)


def misra1d(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 b_2 x / (1 + b_2 x)$."""
    return b[0] * b[1] * x / (1 + b[1] * x)


def nelson(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 - b_2 x_1 e^{-b_3 x_2}$, a model of the logarithm of the response."""
    return b[0] - b[1] * x[:, 0] * jnp.exp(-b[2] * x[:, 1])


def rat42(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 / (1 + e^{b_2 - b_3 x})$."""
    return b[0] / (1 + jnp.exp(b[1] - b[2] * x))


def rat43(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 / (1 + e^{b_2 - b_3 x})^{1 / b_4}$."""
    return b[0] / (1 + jnp.exp(b[1] - b[2] * x)) ** (1 / b[3])


def roszman1(b: jax.Array, x: jax.Array) -> jax.Array:
    r"""$b_1 - b_2 x - \arctan(b_3 / (x - b_4)) / \pi$."""
    return b[0] - b[1] * x - jnp.arctan(b[2] / (x - b[3])) / jnp.pi


MODELS: dict[str, Model] = {
    "Bennett5": bennett5,
    "BoxBOD": saturation,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": danwood,
    "ENSO": enso,
    "Eckerle4": eckerle4,
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": cubic_over_cubic,
    "Kirby2": kirby2,
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": mgh09,
    "MGH10": mgh10,
    "MGH17": mgh17,
    "Misra1a": saturation,
    "Misra1b": misra1b,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "Nelson": nelson,
    "Rat42": rat42,
    "Rat43": rat43,
    "Roszman1": roszman1,
    "Thurber": cubic_over_cubic,
}

# Sets whose model is one of the logarithm of the response.
LOGARITHMIC = frozenset({"Nelson"})
