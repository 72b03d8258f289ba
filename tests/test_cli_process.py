"""Settings of the training process: made by the command, refused by the environment, never by import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pullback.cli import process
from pullback.core import memory


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in ("PULLBACK_CACHE", "PULLBACK_MALLOC", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return monkeypatch


def test_cache_folder_is_one_for_each_processor(environment, tmp_path):
    first = process.compilation_cache_folder()
    assert first.parent == tmp_path / "pullback" / "xla"
    environment.setattr(process, "processor_features", lambda: ("another",))
    assert process.compilation_cache_folder() != first


def test_cache_folder_of_the_user_and_refusal(environment):
    environment.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    assert process.compilation_cache_folder() == Path("/elsewhere")
    environment.setenv("PULLBACK_CACHE", "0")
    assert process.compilation_cache_folder() is None


def test_malloc_setting_is_made_on_request_alone(environment):
    assert memory.keep_freed_memory() == memory.UNTOUCHED
    environment.setenv("PULLBACK_MALLOC", "1")
    environment.setattr(memory, "is_glibc", lambda: False)
    assert memory.keep_freed_memory() == memory.UNAVAILABLE


FAULTS = """
import ctypes, resource
{setting}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes, libc.memset.argtypes = [ctypes.c_void_p], [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def use():
    block = libc.malloc(8 * 2**20)
    libc.memset(block, 1, 8 * 2**20)
    libc.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not memory.is_glibc(), reason="the setting belongs to glibc")
def test_setting_spares_page_faults():
    """Ten blocks of 8 MiB are at least 2,048 pages each without huge pages, and none once the pages are kept."""
    kept = "from pullback.core.memory import keep_freed_memory; keep_freed_memory()"
    program = [sys.executable, "-c"]
    asked = os.environ | {"PULLBACK_MALLOC": "1"}
    with_setting = subprocess.run([*program, FAULTS.format(setting=kept)], capture_output=True, check=True, env=asked)
    without = subprocess.run([*program, FAULTS.format(setting="")], capture_output=True, check=True)
    assert int(with_setting.stdout) < 100
    assert int(without.stdout) > int(with_setting.stdout)
