"""Several axes as one."""

from __future__ import annotations

import math

import equinox as eqx
from jaxtyping import Array, Shaped

from pullback.core.errors import ShapeError
from pullback.nn.inputs import describe


def flatten(x: Shaped[Array, ...], start_axis: int = 1) -> Shaped[Array, ...]:
    r"""\(y_{i h w + j w + k} = x_{ijk}\): the axes from `start_axis` on as one, in row-major order.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> flatten(jnp.arange(6.0).reshape(1, 2, 3)).tolist()
    [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]
    """
    return x.reshape(*x.shape[:start_axis], math.prod(x.shape[start_axis:]))


class Flatten(eqx.Module):
    r"""Join the axes from `start_axis` to the last into one, in row-major order.

    Parameters
    ----------
    start_axis : first axis to join. The default 1 keeps one batch axis; -3 joins the last three axes and keeps any
        number of leading ones.

    Call
    ----
    `layer(x)`; an input without that axis is a `ShapeError`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> Flatten()(jnp.zeros((5, 8, 8, 1))).shape, Flatten(-3)(jnp.zeros((2, 5, 8, 8, 1))).shape
    ((5, 64), (2, 5, 64))
    """

    start_axis: int = eqx.field(static=True, default=1)

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        start = self.start_axis + x.ndim if self.start_axis < 0 else self.start_axis
        if not 0 <= start < x.ndim:
            raise ShapeError(
                f"Flatten(start_axis={self.start_axis}) found no axis to join",
                expected=f"at least {self.start_axis + 1 if self.start_axis >= 0 else -self.start_axis} axes",
                got=describe(x),
                fix="add the batch axis to the input, or choose another start_axis",
            )
        return flatten(x, start)
