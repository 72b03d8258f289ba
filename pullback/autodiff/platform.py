"""Which form of an operation is taken on which platform: one table, decided by measurement.

The choice is made while a derivative is traced, for the platform that JAX compiles for then (`jax.default_backend()`).
Every form computes the same; on another platform than expected a program is slower, not wrong. What a primitive of
ours chooses by itself (`primitive.Rule.platforms`) is chosen when the program is lowered, and stands with its kernel.

The measurements behind each line are in `docs/decisions/autodiff-platform.md`.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax

# The form that is XLA's own operation and, in reverse mode, the transpose by the general formula.
PLAIN = "plain"

FORMS: Mapping[str, Mapping[str, str]] = {
    # One byte a window kept for the way back, against a search of every window: 1.1 ms against 75.
    "window maximum": {"cpu": "index", "default": PLAIN},
    # Slices added up, axis by axis where windows are large: 0.5 ms against 2.4 for 3x3, 2.2 against 39 for 15x15.
    "window sum": {"cpu": "slices", "default": PLAIN},
    # Depthwise, grouped, three-dimensional and 1x1 convolutions rewritten as in the layers of `nn`.
    "convolution": {"cpu": "rewritten", "default": PLAIN},
    # Distances doubled, so that XLA's library leaves the plain convolution alone: 6.9 ms against 13.4.
    "convolution kernel gradient": {"cpu": "spread", "default": PLAIN},
    # Running products and logarithms of sums joined in a tree: cumlogsumexp 21 ms against 300, cumprod 0.4 against 1.4.
    "running": {"cpu": "tree", "default": PLAIN},
}


def form(operation: str) -> str:
    """The form of an operation on the platform that programs are compiled for.

    Examples
    --------
    >>> sorted(FORMS)
    ['convolution', 'convolution kernel gradient', 'running', 'window maximum', 'window sum']
    """
    row = FORMS[operation]
    return row.get(jax.default_backend(), row["default"])
