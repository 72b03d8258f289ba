"""Rectifiers: piecewise functions that pass positive numbers and shrink negative ones."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# Klambauer, Unterthiner, Mayr, Hochreiter, NeurIPS 2017, to double precision.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@jax.jit
def relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Rectified linear unit \(\max(0, x)\); derivative at the kink \(\mathrm{relu}'(0) = 0\), as in PyTorch.

    A NaN passes through.

    Examples
    --------
    >>> relu(jnp.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]

    Source: Nair, Hinton, ICML 2010.
    """
    return jnp.where(x <= 0, 0.0, x)


@jax.jit
def relu6(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""\(\min(\max(0, x), 6)\); derivative 0 at both kinks, as in PyTorch.

    Examples
    --------
    >>> [round(value, 4) for value in relu6(jnp.array([-1.0, 3.0, 9.0])).tolist()]
    [0.0, 3.0, 6.0]

    Source: Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010.
    """
    return jnp.where(x >= 6, 6.0, relu(x))


@functools.partial(jax.jit, static_argnames="negative_slope")
def leaky_relu(x: Float[Array, "*shape"], negative_slope: float = 0.01) -> Float[Array, "*shape"]:
    r"""\(x\) if \(x > 0\), else \(a x\) with \(a\) = `negative_slope`; derivative \(a\) at 0, as in PyTorch.

    Examples
    --------
    >>> print(leaky_relu(jnp.array([-2.0, 3.0]), 0.1))
    [-0.2  3. ]

    Source: Maas, Hannun, Ng, ICML 2013.
    """
    return jnp.where(x > 0, x, negative_slope * x)


@functools.partial(jax.jit, static_argnames="alpha")
def elu(x: Float[Array, "*shape"], alpha: float = 1.0) -> Float[Array, "*shape"]:
    r"""Exponential linear unit: \(x\) if \(x > 0\), else \(\alpha(e^x - 1)\); derivative \(\alpha\) at 0.

    Examples
    --------
    >>> [round(value, 4) for value in elu(jnp.array([-1.0, 2.0])).tolist()]
    [-0.6321, 2.0]

    Source: Clevert, Unterthiner, Hochreiter, ICLR 2016.
    """
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


@jax.jit
def selu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Scaled exponential linear unit: \(\lambda\,\mathrm{elu}_\alpha(x)\), \(\alpha = 1.6733, \lambda = 1.0507\).

    The constants make mean 0 and variance 1 a fixed point. Derivative \(\lambda\alpha\) at 0.

    Examples
    --------
    >>> [round(value, 4) for value in selu(jnp.array([-1.0, 2.0])).tolist()]
    [-1.1113, 2.1014]

    Source: Klambauer, Unterthiner, Mayr, Hochreiter, NeurIPS 2017.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


@functools.partial(jax.jit, static_argnames="alpha")
def celu(x: Float[Array, "*shape"], alpha: float = 1.0) -> Float[Array, "*shape"]:
    r"""Continuously differentiable ELU: \(x\) if \(x > 0\), else \(\alpha(e^{x/\alpha} - 1)\); derivative 1 at 0.

    Examples
    --------
    >>> [round(value, 4) for value in celu(jnp.array([-1.0, 2.0])).tolist()]
    [-0.6321, 2.0]

    Source: Barron, arXiv 1704.07483, 2017.
    """
    return alpha * elu(x / alpha)
