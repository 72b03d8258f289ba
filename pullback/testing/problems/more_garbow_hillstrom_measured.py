"""Problems from the collection of Moré, Garbow and Hillstrom that fit a curve to a table of measurements.

Each function maps $x$, shape (n,), to the residuals $r$, shape (m,), in the paper's numbering and order.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
GAUSSIAN = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989])
MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872.0]
)
KOWALIK_OSBORNE_Y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_OSBORNE_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
OSBORNE_1 = np.array(
    """0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628 0.603 0.580
    0.558 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 0.414 0.411 0.406""".split(),
    dtype=np.float64,
)
OSBORNE_2 = np.array(
    """1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608 0.655 0.616 0.606 0.602
    0.626 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661 0.612 0.558 0.533 0.495 0.500 0.423 0.395 0.375
    0.372 0.391 0.396 0.405 0.428 0.429 0.523 0.562 0.607 0.653 0.672 0.708 0.633 0.668 0.645 0.632 0.591
    0.559 0.597 0.625 0.739 0.710 0.729 0.720 0.636 0.581 0.428 0.292 0.162 0.098 0.054""".split(),
    dtype=np.float64,
)


def bard(x: jax.Array) -> jax.Array:
    r"""8: $r_i = y_i - (x_1 + u_i / (v_i x_2 + w_i x_3))$, $u_i = i$, $v_i = 16 - i$, $w_i = \min(u_i, v_i)$."""
    u = jnp.arange(1, 16, dtype=x.dtype)
    v = 16 - u
    return jnp.asarray(BARD, x.dtype) - (x[0] + u / (v * x[1] + jnp.minimum(u, v) * x[2]))


def gaussian(x: jax.Array) -> jax.Array:
    r"""9: $r_i = x_1 e^{-x_2 (t_i - x_3)^2 / 2} - y_i$ with $t_i = (8 - i) / 2$, $m = 15$."""
    t = (8 - jnp.arange(1, 16, dtype=x.dtype)) / 2
    y = jnp.asarray(np.concatenate([GAUSSIAN, GAUSSIAN[-2::-1]]), x.dtype)
    return x[0] * jnp.exp(-x[1] * (t - x[2]) ** 2 / 2) - y


def meyer(x: jax.Array) -> jax.Array:
    r"""10: $r_i = x_1 e^{x_2 / (t_i + x_3)} - y_i$ with $t_i = 45 + 5 i$, $m = 16$."""
    t = 45 + 5 * jnp.arange(1, 17, dtype=x.dtype)
    return x[0] * jnp.exp(x[1] / (t + x[2])) - jnp.asarray(MEYER, x.dtype)


def kowalik_osborne(x: jax.Array) -> jax.Array:
    r"""15: $r_i = y_i - x_1 (u_i^2 + u_i x_2) / (u_i^2 + u_i x_3 + x_4)$, $m = 11$."""
    u = jnp.asarray(KOWALIK_OSBORNE_U, x.dtype)
    return jnp.asarray(KOWALIK_OSBORNE_Y, x.dtype) - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def osborne_1(x: jax.Array) -> jax.Array:
    r"""17: $r_i = y_i - (x_1 + x_2 e^{-t_i x_4} + x_3 e^{-t_i x_5})$ with $t_i = 10 (i - 1)$, $m = 33$."""
    t = 10 * jnp.arange(33, dtype=x.dtype)
    return jnp.asarray(OSBORNE_1, x.dtype) - (x[0] + x[1] * jnp.exp(-t * x[3]) + x[2] * jnp.exp(-t * x[4]))


def osborne_2(x: jax.Array) -> jax.Array:
    r"""19: a decay and three Gaussian peaks, $t_i = (i - 1) / 10$, $m = 65$.

    $$r_i = y_i - \left(x_1 e^{-t_i x_5} + \sum_{k=1}^{3} x_{1+k} e^{-(t_i - x_{8+k})^2 x_{5+k}}\right)$$
    """
    t = jnp.arange(65, dtype=x.dtype) / 10
    peaks = x[1:4, None] * jnp.exp(-((t - x[8:11, None]) ** 2) * x[5:8, None])
    return jnp.asarray(OSBORNE_2, x.dtype) - (x[0] * jnp.exp(-t * x[4]) + jnp.sum(peaks, axis=0))
