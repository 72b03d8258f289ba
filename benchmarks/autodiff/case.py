"""What a gradient case is, and the literal table of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

# What is allowed where a case has no limit of its own: no interval wholly above the first, no median above the second.
SLOWER, SLOWEST = 1.05, 1.15


class GradientCase(NamedTuple):
    """One scalar function of parameters and data, written as an ordinary user of JAX writes it.

    Parameters
    ----------
    summary : sizes, for the table.
    module, build : `build(**arguments)` in the module returns the function and its arguments, parameters first.
    limit : largest median ratio to JAX; `None` for the common limits.
    compiling : whether tracing, lowering and compiling are timed instead of running.
    """

    summary: str
    module: str
    build: str = "build"
    arguments: tuple[tuple[str, Any], ...] = ()
    limit: float | None = None
    compiling: bool = False

    def prepare(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The function and its arguments."""
        function = getattr(importlib.import_module(f"benchmarks.autodiff.{self.module}"), self.build)
        return function(**dict(self.arguments))


_IMAGE_ROWS = (("steps", 28), ("batch", 64), ("features", 28), ("hidden", 128))
_LANGUAGE = (("steps", 64), ("batch", 32), ("hidden", 256), ("vocabulary", 128))

CASES: dict[str, GradientCase] = {
    "autodiff_mlp": GradientCase("784-512-512-10, batch 128", "mlp"),
    "autodiff_cnn": GradientCase(
        "conv32-pool-conv64-pool-128-10 by lax.conv and reduce_window, batch 64, 28x28", "cnn", limit=0.65
    ),
    "autodiff_lstm": GradientCase(
        "scan over 28 steps, 128 units, batch 64", "recurrent", "lstm_classifier", _IMAGE_ROWS, limit=0.85
    ),
    "autodiff_lstm_language": GradientCase(
        "scan over 64 steps, 256 units, batch 32", "recurrent", "lstm_language", _LANGUAGE, limit=0.85
    ),
    "autodiff_gru": GradientCase(
        "scan over 28 steps, 128 units, batch 64", "recurrent", "gru_classifier", _IMAGE_ROWS, limit=0.8
    ),
    "autodiff_gru_language": GradientCase(
        "scan over 64 steps, 256 units, batch 32", "recurrent", "gru_language", _LANGUAGE, limit=0.8
    ),
    "autodiff_transformer": GradientCase(
        "one block, batch 8, 128 places, 256 features, 4 heads", "transformer", arguments=(("layers", 1),), limit=0.7
    ),
    "autodiff_layer_norm": GradientCase("8192 rows of 512", "layer_norm"),
    "autodiff_embedding": GradientCase("32 x 128 tokens of 8000, 256 features", "embedding"),
    "autodiff_cholesky": GradientCase("Gaussian process likelihood, 300 points", "cholesky"),
    "autodiff_ode": GradientCase("1000 steps of Runge-Kutta, 8 states", "ode"),
    "autodiff_compile": GradientCase(
        "trace, lower and compile 24 transformer blocks",
        "transformer",
        arguments=(("layers", 24),),
        limit=1.3,
        compiling=True,
    ),
}
