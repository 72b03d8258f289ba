"""Comparisons from the command line: both kinds, what is printed and written, what is refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_page import Page
from scipy import stats

from pullback.cli import main as door
from pullback.cli.compare import CompareOptions
from pullback.cli.recipe_module import load_recipe
from pullback.cli.run_folders import RunLine, read_line
from pullback.cli.sweep import SweepOptions
from pullback.cli.train import check_fields
from pullback.cli.tune import TuneOptions
from pullback.recipes import RECIPES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    shutil.copy(Path(__file__).with_name("flowers.py"), tmp_path)
    return tmp_path


def compared(*arguments: str) -> int:
    return door.main(["compare", "./flowers.py", *arguments, "--quiet", "--route", "map", "--run-dir", "runs/a"])


def line() -> RunLine:
    found = read_line("runs/a")
    assert found is not None
    return found


def test_a_factorial_its_folder_and_its_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared("--momentum", "0.5,0.9", "--learning-rate", "0.00001,0.5", "--seeds", "3", "--dampening", "0") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == ["comparison folder: runs/a", "report: runs/a/report.html"]
    scores = np.array(json.loads(Path("runs/a/comparison.json").read_text())["scores"])
    np.testing.assert_array_equal(scores, last_losses("runs/a/sweeps/00-combinations").reshape(2, 2, 1, 3))
    assert any(text.startswith("learning_rate: mean validation loss 1e-05: ") for text in printed)
    # The paired test of one level against the other, by SciPy, among three differences.
    expected = 3 * stats.ttest_rel(*scores.mean((0, 2))[::-1]).pvalue
    page = Page.of(Path("runs/a/report.html"))
    row = page.row("learning rate: 0.5 less 1e-05")
    assert float(row[3]) == pytest.approx(expected, rel=0.01) and row[4] == ("yes" if expected < 0.05 else "no")
    assert page.faults == [] and page.tags["svg"] == 2 and "00-combinations" in page.text
    assert "All combinations have the same" not in page.text
    assert (line().state, line().epochs) == ("finished", 2)
    assert line().result.startswith("comparison of momentum, learning_rate, dampening: ")
    before = {path: path.read_bytes() for path in Path("runs/a").glob("*.*")}
    assert door.main(["report", "a"]) == 0
    # What has ended is read again and printed again.
    capsys.readouterr()
    assert door.main(["resume", "a", "--recipe", "flowers.py", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines() == printed
    assert {path: path.read_bytes() for path in Path("runs/a").glob("*.*")} == before
    assert door.main(["report", "runs/a/sweeps/00-combinations"]) == 0
    np.savetxt("rows.csv", np.ones((1, 4)), delimiter=",", header="a,b,c,d", comments="")
    assert door.main(["predict", "runs/a", "rows.csv"]) == 2
    assert "choose a member of a sweep in runs/a/sweeps" in capsys.readouterr().err


def last_losses(sweep: str) -> np.ndarray:
    """The lowest validation loss of every member, from its own log."""
    found = []
    for member in sorted(Path(sweep, "members").iterdir()):
        events = [json.loads(text) for text in (member / "metrics.jsonl").read_text().splitlines()]
        found.append(min(event["validation"]["loss"] for event in events if event["event"] == "epoch"))
    return np.array(found)


def test_each_combination_has_its_own_rate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--momentum", "0,0.9", "--tuning-seeds", "1", "--seeds", "2", "--score", "accuracy")
    assert compared(*arguments, "--no-report", "--epochs", "1") == 0
    assert not Path("runs/a/report.html").exists()
    assert sorted(os.listdir("runs/a/sweeps")) == ["00-rates", "01-0", "02-0.9"]
    found = json.loads(Path("runs/a/comparison.json").read_text())
    tuning = np.array(found["tuning"]["scores"], float)
    best = np.array(found["tuning"]["rates"])[np.nan_to_num(tuning[..., 0], nan=-1).argmax(-1)]
    for rate, name in zip(best, ("01-0", "02-0.9"), strict=True):
        axes = json.loads(Path(f"runs/a/sweeps/{name}/config.json").read_text())["axes"]
        assert axes["learning_rate"] == [rate] and axes["seed"] == [0, 1]
    tried = json.loads(Path("runs/a/sweeps/00-rates/config.json").read_text())["axes"]["seed"]
    assert not set(tried) & {0, 1}
    assert "momentum: mean validation accuracy 0: " in capsys.readouterr().out


def test_optimizers_in_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared("--optimizers", "sgd,adam", "--tuning-seeds", "1", "--seeds", "3", "--epochs", "1") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("flowers, 3 seeds; target loss ")
    assert sorted(os.listdir("runs/a/sweeps")) == ["00-rates-sgd", "01-rates-adam", "02-sgd", "03-adam"]
    found = json.loads(Path("runs/a/comparison.json").read_text())
    np.testing.assert_array_equal(found["scores"][0][1], last_losses("runs/a/sweeps/03-adam"))
    page = Page.of(Path("runs/a/report.html"))
    assert page.faults == [] and "Optimizers on flowers" in page.text and "pullback compare ./flowers.py" in page.text
    assert line().result.startswith("comparison of sgd, adam: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is nothing to compare"),
        (["--activation", "relu"], "there is nothing to compare"),
        (["--batch-size", "16,64", "--optimizers", "sgd,adam"], "one comparison is of optimizers or of fields"),
        (["--momentum", "0.5"], "this is no factorial design"),
        (["--activatoin", "relu,tanh"], "did you mean '--activation'?"),
        (["--activation", "relu,relu"], "none of them twice"),
        (["--activation", "relu,rleu"], "in the member with activation='rleu'"),
        (["--learning-rate", "0.1,nan"], "in the member with learning_rate=nan"),
        (["--learning-rate", "0.1,-1"], "in the member with learning_rate=-1.0"),
        (["--seed", "1,2"], "this is no factorial design"),
        (["--batch-size", "16,64", "--seeds", "1"], "seeds >= 2"),
        (["--batch-size", "16,64", "--target-loss", "1"], "a comparison of fields has no --target-loss"),
        (["--batch-size", "16,64", "--tuning-seeds", "0"], "tuning_seeds"),
        (["--batch-size", "16,64", "--memory", "-1"], "memory"),
        (["--optimizers", "sgd,adan"], "did you mean 'adam'?"),
        (["--optimizers", "sgd"], "two methods or more"),
        (["--optimizers", "sgd,adam", "--no-tune"], "a comparison of optimizers has no --no-tune"),
        (["--optimizers", "sgd,adam", "--epochs", "0"], "epochs"),
        (["--batch-size", "0,16"], "batch_size"),
        (["--optimizers", "sgd,adam", "--report", "a.html"], "a.html"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert compared(*arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: ") and message in errors
    assert not os.path.exists("runs/a")


def test_a_score_that_is_not_recorded_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared("--momentum", "0,0.9", "--no-tune", "--seeds", "2", "--epochs", "1", "--score", "f1") == 2
    assert "the members have no validation f1" in capsys.readouterr().err


def test_help_is_short(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert door.main(["compare", "./flowers.py", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--optimizers A,B,..." in printed and "--no-tune" in printed and len(printed.splitlines()) < 70


def test_what_is_no_comparison(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.makedirs("runs/a")
    Path("runs/a/config.json").write_text('{"format": 99, "kind": "comparison"}')
    assert door.main(["report", "a"]) == 2
    assert "no folder of a comparison of this version" in capsys.readouterr().err


@pytest.mark.parametrize("form", [CompareOptions, SweepOptions, TuneOptions])
def test_no_recipe_of_the_library_has_a_field_that_the_command_uses(form: type) -> None:
    for name in RECIPES:
        check_fields(load_recipe(name), form)
