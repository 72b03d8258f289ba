"""Comparisons that are killed and resumed end with the files of those that were not, to the byte."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pullback.cli.run_folders import read_line
from pullback.testing.killed_processes import ROOT

# Where training is when the process is killed: in the first sweep, and in one after it.
KINDS = {
    "settings": (["--hidden", "4,5", "--learning-rate", "0.1,0.2", "--seeds", "2"], "00-combinations"),
    "optimizers": (["--optimizers", "sgd,adam", "--seeds", "3", "--tuning-seeds", "1"], "01-rates-adam"),
}
RESULTS = ("comparison.json", "**/metrics.jsonl", "**/predictions.npz", "**/state.safetensors")


def process(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("flowers.py"), folder)
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pullback", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


def begun(folder: Path, kind: str) -> subprocess.Popen[str]:
    arguments = [*KINDS[kind][0], "--epochs", "30", "--route", "map", "--run-dir", "runs/a", "--quiet"]
    return process(folder, "compare", "./flowers.py", *arguments)


def ended(process: subprocess.Popen[str]) -> str:
    printed, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    return printed


def stopped(folder: Path, kind: str, number: signal.Signals) -> subprocess.Popen[str]:
    """One that is sent a signal as soon as the sweep in question trains."""
    going = begun(folder, kind)
    log = folder / "runs/a/sweeps" / KINDS[kind][1] / "metrics.jsonl"
    while not (log.is_file() and b'"epoch"' in log.read_bytes()):
        assert going.poll() is None, going.communicate()[1]
        time.sleep(0.01)
    going.send_signal(number)
    return going


def files(folder: Path) -> dict[str, bytes]:
    root = folder / "runs/a"
    return {str(path.relative_to(root)): path.read_bytes() for pattern in RESULTS for path in root.glob(pattern)}


@pytest.mark.parametrize("kind", ["settings", pytest.param("optimizers", marks=pytest.mark.slow)])
def test_killed_and_resumed(kind: str, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    printed = ended(begun(whole, kind))
    stopped(killed, kind, signal.SIGKILL).communicate(timeout=60)
    assert not (killed / "runs/a/comparison.json").exists()
    line = read_line(str(killed / "runs/a"))
    assert line is not None and line.state == "interrupted" and " sweeps" in line.result
    assert ended(process(killed, "resume", "a", "--recipe", "flowers.py", "--quiet")) == printed
    found, expected = files(killed), files(whole)
    assert found.keys() == expected.keys() and len(found) > 10
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.mark.slow
def test_a_signal_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    going = stopped(tmp_path, "optimizers", signal.SIGINT)
    printed, errors = going.communicate(timeout=60)
    assert going.returncode == 75, errors
    assert printed.splitlines()[-1] == "go on with: pullback resume runs/a"
    # A page of what there is so far.
    ended(process(tmp_path, "report", "a"))
    assert "1 of 4 sweeps have ended" in (tmp_path / "runs/a/report.html").read_text()
