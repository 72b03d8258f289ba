"""The number of an update as a real number."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float


def real_step(step: Any) -> Float[Array, ""]:
    """`step`, a Python integer or a traced one, in the default floating dtype."""
    return jnp.asarray(step, dtype=jnp.result_type(float))
