"""Conditions of every test and doctest: CPU, strict dtype promotion, shape annotations executed.

It stands beside `pullback/` and `tests/` so that the doctests of one file run under the same conditions as the suite.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

# Before JAX starts, and inherited by the processes that tests start.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.setdefault("MPLBACKEND", "agg")

import hypothesis
import jax
import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# An `int` is accepted where a `float` is annotated, as Python's type system does.
check_annotations = beartype(conf=BeartypeConf(is_pep484_tower=True))

# Before the first import of `pullback`: only modules loaded after the hook have their annotations executed. The hook
# takes the checker by its import path, so this file must stay the only `conftest.py`.
install_import_hook("pullback", "conftest.check_annotations")

jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("pullback", deadline=None, derandomize=True, max_examples=50, database=None)
hypothesis.settings.load_profile("pullback")


@pytest.fixture
def standard_promotion() -> Iterator[None]:
    """JAX's default promotion, for a test that calls another library: theirs is not written for the strict one."""
    with jax.numpy_dtype_promotion("standard"):
        yield
