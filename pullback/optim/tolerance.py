"""The tolerances of searches: what was given, checked, or what the precision allows."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from pullback.core.checks import non_negative
from pullback.optim.minimize_arguments import as_array

# Gradient norms below these are mostly rounding, for functions of size about one.
GRADIENT_NORM = {"float64": 1e-6, "float32": 1e-3}
# A root is known to nearly all digits.
DISTANCE_TO_ROOT = {"float64": 1e-12, "float32": 1e-5}
# Of the short types.
COARSE = 1e-2


def default_tolerance(dtype: Any, tolerances: dict[str, float] = GRADIENT_NORM) -> float:
    """The tolerance where none is given, for numbers of this type."""
    return tolerances.get(str(np.dtype(dtype)), COARSE)


def as_tolerance(tolerance: Any, dtype: Any, tolerances: dict[str, float] = GRADIENT_NORM) -> Any:
    """What was given, as an array, or the default."""
    if tolerance is None:
        tolerance = default_tolerance(dtype, tolerances)
    if not isinstance(tolerance, jax.Array | np.ndarray | np.generic):
        non_negative("tolerance", tolerance)
    return as_array(tolerance, dtype)
