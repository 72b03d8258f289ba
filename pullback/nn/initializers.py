r"""Random starting values of weights.

Every initializer is called `initializer(key, shape, dtype, layout=...)`; its own settings are further keywords, fixed
with `functools.partial`. The layout says which axes of a weight are inputs and which are outputs:

* `"out_in"`: `(out_features, in_features)`, the weight of `Linear`;
* `"kernel_in_out"`: `(*kernel, in_channels // groups, out_channels)`, the kernel of a convolution.

With \(f\) the fan and \(g\) the gain, the scaled families draw with standard deviation \(g/\sqrt f\): LeCun
\(g=1, f=f_{in}\); Glorot \(g=1, f=(f_{in}+f_{out})/2\); He \(g=\sqrt2, f=f_{in}\). The uniform member is
\(U(-\sqrt3\,g/\sqrt f, \sqrt3\,g/\sqrt f)\).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from pullback.core.errors import ConfigurationError, unknown_name

LAYOUTS = ("out_in", "kernel_in_out")

# Standard deviation of a standard normal cut at two standard deviations.
TRUNCATED_DEVIATION = 0.8796256610342398


@runtime_checkable
class Initializer(Protocol):
    """What a layer asks of an initializer."""

    def __call__(self, key: Array, shape: Sequence[int], dtype: DTypeLike = ..., *, layout: str = ...) -> Array: ...


def fans(shape: Sequence[int], layout: str = "out_in") -> tuple[int, int]:
    r"""Number of inputs that reach one output, and of outputs that one input reaches.

    For a convolution \(f_{in} = k\,c_{in}/g\) and \(f_{out} = k\,c_{out}\), \(k\) the number of positions of the
    kernel; as in PyTorch the fan-out does not divide by the groups.

    Examples
    --------
    >>> fans((10, 784)), fans((3, 3, 16, 32), "kernel_in_out")
    ((784, 10), (144, 288))
    """
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    if len(shape) < 2:
        raise ConfigurationError(
            "a fan needs a weight with input and output axes",
            expected="at least two axes",
            got=tuple(shape),
            fix="initialize vectors with zeros, constant, normal or uniform",
        )
    if layout == "out_in":
        receptive = math.prod(shape[2:])
        return shape[1] * receptive, shape[0] * receptive
    receptive = math.prod(shape[:-2])
    return shape[-2] * receptive, shape[-1] * receptive


def gain(nonlinearity: str = "linear", negative_slope: float = 0.01) -> float:
    r"""Factor that keeps the variance of a signal through a nonlinearity; the table of PyTorch's `calculate_gain`.

    linear, sigmoid 1; tanh 5/3; relu \(\sqrt2\); leaky_relu \(\sqrt{2/(1+a^2)}\) with \(a\) the negative slope;
    selu 3/4.

    Examples
    --------
    >>> round(gain("relu"), 4), round(gain("leaky_relu", 0.2), 4)
    (1.4142, 1.3868)
    """
    table = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3.0,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + negative_slope**2)),
        "selu": 0.75,
    }
    if nonlinearity not in table:
        raise unknown_name("nonlinearity", nonlinearity, table)
    return table[nonlinearity]


def _fan(shape: Sequence[int], layout: str, mode: str) -> float:
    fan_in, fan_out = fans(shape, layout)
    modes = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in modes:
        raise unknown_name("fan mode", mode, modes)
    return max(1.0, modes[mode])


def constant(
    key: Array | None,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    value: float = 0.0,
    layout: str = "out_in",
) -> Array:
    """Every entry equal to `value`; the key is not used.

    Examples
    --------
    >>> constant(None, (2, 2), value=0.5).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    return jnp.full(tuple(shape), value, dtype)


def zeros(key: Array | None, shape: Sequence[int], dtype: DTypeLike = jnp.float32, *, layout: str = "out_in") -> Array:
    """Every entry zero; the key is not used.

    Examples
    --------
    >>> zeros(None, (3,)).tolist()
    [0.0, 0.0, 0.0]
    """
    return jnp.zeros(tuple(shape), dtype)


def uniform(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    bound: float = 1.0,
    layout: str = "out_in",
) -> Array:
    r"""Entries from \(U(-b, b)\), \(b\) = `bound`; standard deviation \(b/\sqrt3\).

    Examples
    --------
    >>> draws = uniform(jax.random.key(0), (100, 100), bound=2.0)
    >>> bool(abs(draws).max() <= 2), round(float(draws.std()), 1)
    (True, 1.2)
    """
    return jax.random.uniform(key, tuple(shape), dtype, minval=-bound, maxval=bound)


def normal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    standard_deviation: float = 1.0,
    truncated: bool = False,
    layout: str = "out_in",
) -> Array:
    r"""Entries from \(N(0, \sigma^2)\), \(\sigma\) = `standard_deviation`.

    With `truncated` the normal is cut at two standard deviations and widened by \(1/0.8796\), so that its standard
    deviation is still \(\sigma\) (as JAX and TensorFlow do; PyTorch's `trunc_normal_` does not widen).

    Examples
    --------
    >>> draws = normal(jax.random.key(0), (100, 100), standard_deviation=0.5, truncated=True)
    >>> bool(abs(draws).max() <= 1.14), round(float(draws.std()), 1)
    (True, 0.5)
    """
    if truncated:
        draws = jax.random.truncated_normal(key, -2.0, 2.0, tuple(shape), dtype)
        return draws * jnp.asarray(standard_deviation / TRUNCATED_DEVIATION, dtype)
    return jax.random.normal(key, tuple(shape), dtype) * jnp.asarray(standard_deviation, dtype)


def lecun_uniform(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32, *, layout: str = "out_in") -> Array:
    r"""\(U(-\sqrt{3/f_{in}}, \sqrt{3/f_{in}})\) (LeCun, Bottou, Orr, Müller, Efficient BackProp, 1998).

    Examples
    --------
    >>> round(float(lecun_uniform(jax.random.key(0), (100, 400)).std()), 3)
    0.05
    """
    return uniform(key, shape, dtype, bound=math.sqrt(3.0 / _fan(shape, layout, "fan_in")))


def lecun_normal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    truncated: bool = False,
    layout: str = "out_in",
) -> Array:
    r"""\(N(0, 1/f_{in})\) (LeCun, Bottou, Orr, Müller, Efficient BackProp, 1998).

    Examples
    --------
    >>> round(float(lecun_normal(jax.random.key(0), (100, 400)).std()), 3)
    0.05
    """
    deviation = 1.0 / math.sqrt(_fan(shape, layout, "fan_in"))
    return normal(key, shape, dtype, standard_deviation=deviation, truncated=truncated)


def glorot_uniform(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    nonlinearity: str = "linear",
    layout: str = "out_in",
) -> Array:
    r"""\(U(-b, b)\), \(b = g\sqrt{6/(f_{in}+f_{out})}\) (Glorot, Bengio, AISTATS 2010).

    Examples
    --------
    >>> round(float(abs(glorot_uniform(jax.random.key(0), (200, 400))).max()), 3)
    0.1
    """
    bound = gain(nonlinearity) * math.sqrt(3.0 / _fan(shape, layout, "fan_avg"))
    return uniform(key, shape, dtype, bound=bound)


def glorot_normal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    nonlinearity: str = "linear",
    truncated: bool = False,
    layout: str = "out_in",
) -> Array:
    r"""\(N(0, 2g^2/(f_{in}+f_{out}))\) (Glorot, Bengio, AISTATS 2010).

    Examples
    --------
    >>> round(float(glorot_normal(jax.random.key(0), (400, 400)).std()), 2)
    0.05
    """
    deviation = gain(nonlinearity) / math.sqrt(_fan(shape, layout, "fan_avg"))
    return normal(key, shape, dtype, standard_deviation=deviation, truncated=truncated)


def he_uniform(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    mode: str = "fan_in",
    nonlinearity: str = "relu",
    negative_slope: float = 0.01,
    layout: str = "out_in",
) -> Array:
    r"""\(U(-b, b)\), \(b = g\sqrt{3/f}\), with the fan of `mode` (He, Zhang, Ren, Sun, ICCV 2015).

    PyTorch calls it `kaiming_uniform_`; the gain there defaults to that of `leaky_relu` with slope 0, which is relu.

    Examples
    --------
    >>> round(float(abs(he_uniform(jax.random.key(0), (100, 600))).max()), 3)
    0.1
    """
    bound = gain(nonlinearity, negative_slope) * math.sqrt(3.0 / _fan(shape, layout, mode))
    return uniform(key, shape, dtype, bound=bound)


def he_normal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    mode: str = "fan_in",
    nonlinearity: str = "relu",
    negative_slope: float = 0.01,
    truncated: bool = False,
    layout: str = "out_in",
) -> Array:
    r"""\(N(0, g^2/f)\), with the fan of `mode` (He, Zhang, Ren, Sun, ICCV 2015).

    Examples
    --------
    >>> round(float(he_normal(jax.random.key(0), (100, 200)).std()), 2)
    0.1
    """
    deviation = gain(nonlinearity, negative_slope) / math.sqrt(_fan(shape, layout, mode))
    return normal(key, shape, dtype, standard_deviation=deviation, truncated=truncated)


def fan_in_uniform(
    key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32, *, layout: str = "out_in"
) -> Array:
    r"""\(U(-1/\sqrt{f_{in}}, 1/\sqrt{f_{in}})\): what PyTorch's `Linear` and `Conv` start from.

    PyTorch writes it as `kaiming_uniform_(a=sqrt(5))`: \(\sqrt{2/(1+5)}\sqrt{3/f_{in}} = 1/\sqrt{f_{in}}\). The bias
    has the same bound, with the fan of the weight: `uniform(key, shape, bound=1 / sqrt(fan_in))`.

    Examples
    --------
    >>> weight = fan_in_uniform(jax.random.key(0), (100, 25))
    >>> bool(abs(weight).max() <= 0.2), round(float(weight.std()), 3)
    (True, 0.116)
    """
    return uniform(key, shape, dtype, bound=1.0 / math.sqrt(_fan(shape, layout, "fan_in")))


def orthogonal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    scale: float = 1.0,
    layout: str = "out_in",
) -> Array:
    r"""`scale` times a matrix with orthonormal rows or columns, whichever are fewer, uniform over all such matrices.

    The weight is read as the matrix of outputs times everything else. It is the \(Q\) of \(QR = G\) for a normal
    \(G\), with the signs of \(\operatorname{diag} R\) moved into \(Q\) (Saxe, McClelland, Ganguli, ICLR 2014; Mezzadri,
    Notices of the AMS 54, 2007, for the signs).

    Examples
    --------
    >>> weight = orthogonal(jax.random.key(0), (3, 5))
    >>> bool(jnp.allclose(weight @ weight.T, jnp.eye(3), atol=1e-6))
    True
    """
    fans(shape, layout)
    outputs = shape[0] if layout == "out_in" else shape[-1]
    rest = math.prod(shape) // outputs
    draws = jax.random.normal(key, (max(outputs, rest), min(outputs, rest)), dtype)
    q, r = jnp.linalg.qr(draws)
    columns = q * jnp.sign(jnp.diagonal(r))
    matrix = jnp.asarray(scale, dtype) * (columns if outputs >= rest else columns.T)
    return (matrix if layout == "out_in" else matrix.T).reshape(tuple(shape))
