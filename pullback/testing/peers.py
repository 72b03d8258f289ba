"""Other libraries that serve as oracles in tests."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import pytest


def peer(name: str) -> ModuleType:
    """The module `name`, or a skip of the calling test that gives the reason.

    The reason begins with "peer", so that a run that promises all peers can fail on it.
    """
    try:
        with warnings.catch_warnings():
            # A peer's own import warnings are not ours to turn into errors.
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"peer {name} is not installed; python -m pip install '.[peers]'", allow_module_level=True)
