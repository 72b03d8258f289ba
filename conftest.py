"""Conditions of every test and doctest: CPU, strict dtype promotion, shape annotations executed.

It stands beside `pullback/` and `tests/` so that the doctests of one file run under the same conditions as the suite.
"""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

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


# Linux lets a process map 65,530 pieces of memory, and each compiled program takes some: beyond, the compiler crashes.
MOST_MAPS = 30_000
TESTS_BETWEEN_COUNTS = 10


@pytest.fixture(autouse=True)
def no_more_programs_than_memory_maps() -> Iterator[None]:
    """Forget compiled programs when they come near the limit of the system."""
    yield
    if next(TESTS) % TESTS_BETWEEN_COUNTS == 0 and memory_maps() > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


TESTS = itertools.count(1)


def memory_maps() -> int:
    """Pieces of memory that this process maps; zero where the system does not say."""
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0


@pytest.fixture
def standard_promotion() -> Iterator[None]:
    """JAX's default promotion, for a test that calls another library: theirs is not written for the strict one."""
    with jax.numpy_dtype_promotion("standard"):
        yield
