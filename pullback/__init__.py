"""Pullback: the mathematics of deep learning as software.

Each area is a package (`from pullback.nn import Linear`); `import pullback` alone loads none of them, the first use of
`pullback.nn` does.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullback import core, data, explain, learn, linalg, metrics, models, nn, optim, prob, report, train

__version__ = "0.1.0"

__all__ = ["core", "data", "explain", "learn", "linalg", "metrics", "models", "nn", "optim", "prob", "report", "train"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"pullback.{name}")
    raise AttributeError(f"module 'pullback' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
