"""Sigmoids: bounded S-shaped functions and their logarithm."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.nn.activations.smooth_rectifiers import softplus


@jax.jit
def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Logistic function \(\sigma(x) = 1/(1 + e^{-x})\).

    Examples
    --------
    >>> sigmoid(jnp.array([0.0, 1000.0])).tolist()
    [0.5, 1.0]

    Source: Verhulst, 1838.
    """
    return jax.lax.logistic(x)


@jax.jit
def log_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(\log\sigma(x) = -\mathrm{softplus}(-x)\), exact for large \(|x|\).

    Examples
    --------
    >>> [round(value, 4) for value in log_sigmoid(jnp.array([-1.0, 2.0])).tolist()]
    [-1.3133, -0.1269]
    """
    return -softplus(-x)


@jax.jit
def tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Hyperbolic tangent \((e^x - e^{-x})/(e^x + e^{-x})\).

    Examples
    --------
    >>> [round(value, 4) for value in tanh(jnp.array([-1.0, 2.0])).tolist()]
    [-0.7616, 0.964]
    """
    return jax.lax.tanh(x)


@jax.jit
def softsign(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(x/(1 + |x|)\); second derivative 0 at 0.

    Examples
    --------
    >>> [round(value, 4) for value in softsign(jnp.array([-1.0, 2.0])).tolist()]
    [-0.5, 0.6667]

    Source: Bergstra, Desjardins, Lamblin, Bengio, technical report 1337, Montreal 2009.
    """
    # JAX takes 1 for the derivative of |x| at 0; x sign(x) has 0 there.
    return x / (1 + x * jnp.sign(x))


@jax.jit
def hard_sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(\min(\max(0, x/6 + 1/2), 1)\); derivative 0 at both kinks. PyTorch's slope 1/6 (Keras 2 had 1/5).

    Examples
    --------
    >>> [round(value, 4) for value in hard_sigmoid(jnp.array([-4.0, 0.0, 1.5])).tolist()]
    [0.0, 0.5, 0.75]

    Source: Courbariaux, Bengio, David, NeurIPS 2015 (with slope 1/2); Howard et al., ICCV 2019 (1/6).
    """
    return jnp.where(x <= -3, 0.0, jnp.where(x >= 3, 1.0, x / 6 + 0.5))


@functools.partial(jax.jit, static_argnames=("lower", "upper"))
def hard_tanh(x: Float[Array, "*shape"], lower: float = -1.0, upper: float = 1.0) -> Float[Array, "*shape"]:
    r"""\(\min(\max(a, x), b)\), \(a\) = `lower`, \(b\) = `upper`; derivative 0 at both kinks, as in PyTorch.

    Examples
    --------
    >>> [round(value, 4) for value in hard_tanh(jnp.array([-2.0, 0.5])).tolist()]
    [-1.0, 0.5]

    Source: Collobert, thesis, Paris 2004.
    """
    return jnp.where(x <= lower, lower, jnp.where(x >= upper, upper, x))
