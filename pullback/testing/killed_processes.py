"""Training in processes that are killed and resumed, and what must then be equal to the last bit."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pullback.train.checkpoint import load_checkpoint

ROOT = Path(__file__).parent.parent.parent


def start(script: Path, kind: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """A process that trains this kind into the folder, by the sources beside it and not by an installed copy."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), kind, str(folder), *more]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end, which must be a good one."""
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()


def wait_for_training(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the first epoch is logged."""
    log = folder / "metrics.jsonl"
    deadline = time.monotonic() + 200
    while not (log.is_file() and b'"epoch"' in log.read_bytes()):
        if process.poll() is not None:
            pytest.fail(process.communicate()[1].decode())
        assert time.monotonic() < deadline
        time.sleep(0.01)


def undisturbed(script: Path, parent: Callable[[str], Path]) -> Callable[[str], tuple[Path, float]]:
    """For each kind the folder of a process that nobody disturbed, and how long it trained; run once."""

    @functools.cache
    def run(kind: str) -> tuple[Path, float]:
        folder = parent("whole") / kind
        process = start(script, kind, folder)
        wait_for_training(folder, process)
        began = time.monotonic()
        finish(process)
        return folder, time.monotonic() - began

    return run


def stop_and_resume(
    script: Path, kind: str, folder: Path, seconds: float, number: signal.Signals = signal.SIGKILL
) -> tuple[int, bytes]:
    """Send a signal some seconds after training began, then go on to the end; exit code and errors of what stopped."""
    process = start(script, kind, folder)
    wait_for_training(folder, process)
    time.sleep(seconds)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    finish(start(script, kind, folder, "resume"))
    return process.returncode, errors


def assert_same_run(folder: Path, expected: Path) -> None:
    """The same log, state and predictions."""
    assert (folder / "metrics.jsonl").read_bytes() == (expected / "metrics.jsonl").read_bytes()
    got, want = (load_checkpoint(path / "checkpoints")[0] for path in (folder, expected))
    assert got.position == want.position
    assert got.arrays.keys() == want.arrays.keys()
    for name, array in want.arrays.items():
        assert got.arrays[name].tobytes() == array.tobytes(), name
    with np.load(folder / "predictions.npz") as a, np.load(expected / "predictions.npz") as b:
        for name in b.files:
            assert a[name].tobytes() == b[name].tobytes(), name
