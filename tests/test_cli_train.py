"""Training from the command line: real processes for the whole way, bad input without a trace."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from pullback.cli import main as door
from pullback.cli.run_folders import read_line

LINE = '''"""A line through noise."""

import time
from dataclasses import dataclass

import jax
import numpy as np

from pullback import nn
from pullback.train import Experiment


@dataclass(frozen=True)
class Recipe:
    """Fields."""

    seed: int = 0
    """Seed."""
    epochs: int = 2
    """Passes."""
    learning_rate: float = 0.1
    """Step size."""
    loss: str = "squared_error"
    """What is minimized."""
    metrics: tuple[str, ...] = ()
    """What is followed."""
    bad_row: int = -1
    """Row whose input is not a number."""
    rows: int = 64
    """Examples."""


def build(recipe):
    x = np.random.default_rng(0).normal(size=(recipe.rows, 2)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True)
    if recipe.bad_row >= 0:
        x[recipe.bad_row] = np.nan
    return Experiment(
        model=nn.Linear(2, 1, key=jax.random.key(0)), train_data=(x, y), test_data=(x, y), loss=recipe.loss,
        learning_rate=recipe.learning_rate, epochs=recipe.epochs, batch_size=16, metrics=recipe.metrics,
        seed=recipe.seed,
    )
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # The settings of a training process are not for the process of the tests.
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    (tmp_path / "line.py").write_text(LINE)
    return tmp_path


def pullback(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "pullback", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(__file__))}, **options,
    )  # fmt: skip


def test_the_whole_way_in_a_fresh_process(folder):
    process = pullback("train", "--epochs", "2", "--channels", "4", "--hidden", "16", "--run-dir", "runs/first")
    printed, complaints = process.communicate(timeout=300)
    assert (process.returncode, complaints) == (0, "")
    lines = printed.splitlines()
    assert any(line.startswith("test accuracy: 0.") and "95% interval [" in line for line in lines)
    assert lines[-2:] == ["run folder: runs/first", "report: runs/first/report.html"]
    config = json.loads((folder / "runs/first/config.json").read_text())
    assert config["command"][:2] == ["pullback", "train"]
    assert config["recipe"]["name"] == "digits" and config["recipe"]["fields"]["channels"] == [4]
    assert (folder / "runs/first/report.html").is_file()
    assert any((folder / "cache/pullback/xla").rglob("*")), "compiled programs are kept"


def test_interruption_saves_and_resume_goes_on(folder):
    process = pullback("train", "./line.py", "--epochs", "1000000", "--run-dir", "runs/long")
    log = folder / "runs/long/metrics.jsonl"
    for _ in range(600):
        if log.is_file() and log.stat().st_size > 0:
            break
        time.sleep(0.1)
    assert read_line("runs/long").state == "going"
    process.send_signal(signal.SIGINT)
    printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 75, complaints
    assert printed.splitlines()[-1] == "go on with: pullback resume runs/long"
    assert "Traceback" not in complaints
    assert read_line("runs/long").state == "interrupted"


def test_path_recipe_and_resume_need_the_path_again(folder, capsys):
    assert door.main(["train", "./line.py", "--run-dir", "runs/a", "--quiet", "--no-report"]) == 0
    assert "run folder: runs/a" in capsys.readouterr().out
    assert not (folder / "runs/a/report.html").exists()
    (folder / "line.py").rename(folder / "moved.py")
    assert door.main(["resume", "a", "--recipe", "moved.py", "--quiet"]) == 0
    assert "report: runs/a/report.html" in capsys.readouterr().out


def test_default_folders_do_not_collide(folder, capsys):
    for _ in range(3):
        assert door.main(["train", "./line.py", "--epochs", "1", "--quiet", "--no-report"]) == 0
    assert len(os.listdir("runs")) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digit"], "did you mean 'digits'?"),
        (["--epoch", "3"], "did you mean '--epochs'?"),
        (["./line.py", "--learning-rate", "-1"], "got: -1"),
        (["./line.py", "--epochs", "0"], "got: 0"),
        (["./line.py", "--metrics", "acuracy"], "did you mean 'accuracy'?"),
        (["./line.py", "--metrics", "accuracy"], "accuracy does not belong to the loss"),
        (["./line.py", "--loss", "categorical_cross_entropy"], "expected:"),
        (["./line.py", "--bad-row", "7"], "row 7"),
        (["./line.py", "--rows", "0"], "expected:"),
    ],
)
def test_bad_input_leaves_nothing_behind(folder, capsys, arguments, message):
    assert door.main(["train", *arguments]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ")
    assert message in streams.err
    assert not os.path.exists("runs")


def test_a_recipe_may_not_take_the_names_of_the_command(folder, capsys):
    (folder / "taken.py").write_text(LINE.replace("bad_row", "quiet"))
    assert door.main(["train", "./taken.py"]) == 2
    assert "got: --quiet" in capsys.readouterr().err


def test_a_folder_in_use_or_of_another_format(folder, capsys):
    assert door.main(["train", "./line.py", "--run-dir", "runs/a", "--quiet", "--no-report"]) == 0
    assert door.main(["train", "./line.py", "--run-dir", "runs/a", "--quiet", "--no-report"]) == 2
    assert "is not empty" in capsys.readouterr().err
    config = folder / "runs/a/config.json"
    config.write_text(config.read_text().replace('"format": 1', '"format": 99'))
    assert door.main(["resume", "a"]) == 2
    assert "format 99" in capsys.readouterr().err
    assert door.main(["report", "a"]) == 2
    assert "format 99" in capsys.readouterr().err


def test_report_is_written_again(folder, capsys):
    assert door.main(["train", "./line.py", "--run-dir", "runs/a", "--quiet", "--no-report"]) == 0
    assert door.main(["report", "a"]) == 0
    assert (folder / "runs/a/report.html").is_file()
