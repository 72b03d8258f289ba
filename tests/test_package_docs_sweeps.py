"""docs/sweeps.md: every block runs and prints what the page says; the command on it does what it says."""

import re
import shlex
from pathlib import Path

import jax
import pytest
from sklearn.datasets import load_breast_cancer

from pullback.cli import main as door
from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "sweeps.md"


def test_every_block_prints_what_the_page_says():
    # A reader has JAX's own rules of promotion.
    with jax.numpy_dtype_promotion("standard"):
        check_page(PAGE, least=3)


@pytest.mark.slow
def test_the_command_makes_a_sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    load_breast_cancer(as_frame=True).frame.to_csv("tumors.csv", index=False)
    (command,) = re.findall(r"```bash\npullback (sweep .*)\n```", PAGE.read_text())
    assert door.main([*command.split(), "--quiet", "--run-dir", "runs/a", "--epochs", "2"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("learning_rate") and "mean of 3" in printed
    assert len(list(Path("runs/a/members").iterdir())) == 24


@pytest.mark.slow
def test_the_command_makes_a_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    load_breast_cancer(as_frame=True).frame.to_csv("tumors.csv", index=False)
    (command,) = re.findall(r"```bash\npullback (compare .*)\n```", PAGE.read_text())
    less = ["--epochs", "1", "--seeds", "2", "--tuning-seeds", "1", "--quiet", "--run-dir", "runs/a"]
    assert door.main([*shlex.split(command), *less]) == 0
    assert "hidden: mean validation loss 16: " in capsys.readouterr().out
    assert len(list(Path("runs/a/sweeps").iterdir())) == 5


def test_the_picture_is_there():
    assert "(sweeps/response.png)" in PAGE.read_text()
    assert (PAGE.parent / "sweeps" / "response.png").stat().st_size > 5_000
