"""Smooth rectifiers: softplus and the functions \\(x\\) times a gate."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.jit
def softplus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(\log(1 + e^x)\), exact for large \(|x|\); its derivative is \(\sigma(x)\).

    PyTorch returns \(x\) itself above 20; the two agree to single precision.

    Examples
    --------
    >>> [round(value, 4) for value in softplus(jnp.array([-1000.0, 0.0, 1000.0])).tolist()]
    [0.0, 0.6931, 1000.0]

    Source: Dugas, Bengio, Bélisle, Nadeau, Garcia, NeurIPS 2000.
    """
    return jnp.logaddexp(x, jnp.zeros_like(x))


@jax.jit
def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Sigmoid linear unit \(x\,\sigma(x)\), also called swish.

    Examples
    --------
    >>> [round(value, 4) for value in silu(jnp.array([-1.0, 2.0])).tolist()]
    [-0.2689, 1.7616]

    Source: Elfwing, Uchibe, Doya, Neural Networks 107, 2018; Ramachandran, Zoph, Le, 2017.
    """
    return x * jax.lax.logistic(x)


@jax.jit
def gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Gaussian error linear unit \(x\,\Phi(x) = \tfrac{x}{2}\,\mathrm{erfc}(-x/\sqrt2)\), \(\Phi\) the normal cdf.

    PyTorch's `gelu(approximate="none")`; the form with erfc keeps its digits for large negative \(x\).

    Examples
    --------
    >>> [round(value, 4) for value in gelu(jnp.array([-1.0, 1.0])).tolist()]
    [-0.1587, 0.8413]

    Source: Hendrycks, Gimpel, arXiv 1606.08415, 2016.
    """
    return 0.5 * x * jax.lax.erfc(-x * math.sqrt(0.5))


@jax.jit
def gelu_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(\tfrac{x}{2}(1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))\), the approximation of `gelu` in GPT-2.

    PyTorch's `gelu(approximate="tanh")`.

    Examples
    --------
    >>> [round(value, 4) for value in gelu_tanh(jnp.array([-1.0, 2.0])).tolist()]
    [-0.1588, 1.9546]

    Source: Hendrycks, Gimpel, arXiv 1606.08415, 2016.
    """
    return 0.5 * x * (1 + jnp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@jax.jit
def mish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(x \tanh(\mathrm{softplus}(x))\).

    Examples
    --------
    >>> [round(value, 4) for value in mish(jnp.array([-1.0, 2.0])).tolist()]
    [-0.3034, 1.944]

    Source: Misra, BMVC 2020.
    """
    return x * jnp.tanh(softplus(x))


@jax.jit
def hard_swish(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(x \min(\max(0, x + 3), 6)/6\); derivative 0 at -3 and 1 at 3, as in PyTorch.

    Examples
    --------
    >>> [round(value, 4) for value in hard_swish(jnp.array([-4.0, 1.0, 5.0])).tolist()]
    [0.0, 0.6667, 5.0]

    Source: Howard et al., Searching for MobileNetV3, ICCV 2019.
    """
    return jnp.where(x <= -3, 0.0, jnp.where(x >= 3, x, x * (x / 6 + 0.5)))
