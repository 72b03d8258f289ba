"""`pullback tune`: what it prints and draws, that the rate it names trains, and what it refuses."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import matplotlib.image
import pytest

from pullback.cli import main as door


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    shutil.copy(Path(__file__).with_name("flowers.py"), tmp_path)
    return tmp_path


def tuned(*arguments):
    return door.main(["tune", "./flowers.py", *arguments])


def test_a_rate_its_interval_its_reasons_and_its_picture(folder, capsys):
    trials = ["--seeds", "2", "--most-seeds", "2", "--trial-epochs", "4", "--smallest", "1e-3", "--largest", "1"]
    assert tuned(*trials, "--picture", "rates.png") == 0
    printed = capsys.readouterr().out
    rate, lower, upper = map(float, re.findall(r"rate ([\d.e-]+), as good from ([\d.e-]+) to ([\d.e-]+)", printed)[0])
    assert 1e-3 <= lower <= rate <= upper <= 1
    # The losses are a table in which the rates rise, and only those that are as good are marked.
    rows = re.findall(r"^ +([\d.e-]+)  +([\d.e-]+|diverged)(  <- as good)?$", printed, re.MULTILINE)
    rates = [float(row[0]) for row in rows]
    assert len(rows) > 3 and rates == sorted(rates)
    for tried, (_, _, mark) in zip(rates, rows, strict=True):
        assert bool(mark) == (0.999 * lower <= tried <= 1.001 * upper)
    assert "with other seeds it would be up to" in printed
    assert matplotlib.image.imread(folder / "rates.png").shape[2] == 4
    # The line that it ends with is a command; and nothing else was written.
    assert sorted(path.name for path in folder.iterdir()) == ["flowers.py", "rates.png"]
    command = printed.splitlines()[-1].removeprefix("train with it: pullback ").split()
    assert door.main([*command, "--quiet", "--no-report"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "1"], "one seed has no noise"),
        (["--seeds", "4", "--most-seeds", "2"], "most_seeds >= 4"),
        (["--smallest", "1", "--largest", "0.1"], "no rate between the limits"),
        (["--smallest", "nan"], "smallest"),
        (["--trial-epochs", "0"], "epochs"),
        (["--momentun", "0.9"], "momentun"),
    ],
)
def test_what_is_refused_with_code_2(arguments, words, capsys):
    try:
        code = tuned(*arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert words in "".join(capsys.readouterr())


def test_a_recipe_without_a_rate(folder, capsys):
    (folder / "still.py").write_text(Path("flowers.py").read_text().replace("learning_rate", "step"))
    assert door.main(["tune", "./still.py"]) == 2
    assert "has no learning rate to tune" in capsys.readouterr().err
