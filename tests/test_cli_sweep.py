"""Sweeps from the command line: axes as they are typed, what is printed, what is refused, going on after a stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pullback.cli import main as door
from pullback.cli.run_folders import read_line
from pullback.cli.sweep_axes import take_apart, values_of
from pullback.core.errors import ConfigurationError
from pullback.train import load


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    shutil.copy(Path(__file__).with_name("flowers.py"), tmp_path)
    return tmp_path


def swept(*arguments):
    return door.main(["sweep", "./flowers.py", *arguments, "--quiet", "--route", "map", "--run-dir", "runs/a"])


def test_values_as_they_are_typed():
    assert [float(v) for v in values_of("--x", ["1e-4:1e-1:4log"])] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert [float(v) for v in values_of("--x", ["0:1:5lin"])] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert values_of("--x", ["16:128:4log,1000"]) == ["16", "32", "64", "128", "1000"]
    logs = np.log([float(v) for v in values_of("--x", ["1e-4:1e-1:16log"])])
    np.testing.assert_allclose(np.diff(logs), np.log(1e3) / 15, rtol=1e-4)


@pytest.mark.parametrize("bad", ["0:1:4log", "-1:1:3log", "1:2:1lin"])
def test_grids_that_span_nothing(bad):
    with pytest.raises(ConfigurationError, match="spans nothing"):
        values_of("--rate", [bad])


def test_a_line_taken_apart():
    words = [
        "--rate",
        "0.1,0.2",
        "--hidden",
        "4",
        "5",
        "--epochs=3",
        "--no-report",
        "--run-dir",
        "a,b",
        "--momentum=0.5",
    ]
    typed = take_apart(words, ["--no-report", "--run-dir"], ["--rate", "--hidden", "--epochs"])
    assert typed.axes == {"rate": ["0.1", "0.2"], "momentum": ["0.5"]}
    assert typed.fixed == ["--hidden", "4", "5", "--epochs", "3", "--no-report", "--run-dir", "a,b"]


def test_a_sweep_its_folder_and_what_is_printed(folder, capsys):
    assert swept("--learning-rate", "0.01:1:3log", "--momentum", "0,0.9", "--seeds", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["learning_rate", "momentum"] and "mean of 2 with its 95% interval" in lines[0]
    assert lines[-3:] == ["route map: as asked for", "sweep folder: runs/a", "report: runs/a/report.html"]
    assert len(os.listdir("runs/a/members")) == 12
    member = json.loads(Path("runs/a/members/11/config.json").read_text())
    assert member["settings"]["learning_rate"] == 1.0 and member["settings"]["seed"] == 1
    assert member["settings"]["optimizer_arguments"] == {"momentum": 0.9}
    assert load("runs/a/members/11").predict(np.zeros((1, 4), np.float32)) is not None
    assert (read_line("runs/a").state, read_line("runs/a").result) == ("finished", "sweep of 12 members")
    best = _printed_best(lines)
    assert best == pytest.approx(min(_means("runs/a")), abs=1e-4)
    # A finished sweep that is resumed reads its members and prints the same.
    assert door.main(["resume", "a", "--recipe", "flowers.py", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert door.main(["report", "runs/a/members/03"]) == 0


def _printed_best(lines):
    return float(lines[1].split()[2])


def _means(folder):
    """Of the lowest validation loss over pairs of seeds, from the members' own logs."""
    lowest = []
    for number in range(12):
        lines = Path(f"{folder}/members/{number:02d}/metrics.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        lowest.append(min(event["validation"]["loss"] for event in events if event["event"] == "epoch"))
    return np.reshape(lowest, (6, 2)).mean(1)


def test_shapes_are_programs_of_their_own(folder, capsys):
    assert swept("--hidden", "4,3 3", "--learning-rate", "0.1", "--no-report") == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("hidden")
    config = json.loads(Path("runs/a/config.json").read_text())
    assert config["axes"] == {"hidden": [[4], [3, 3]]}
    assert not Path("runs/a/report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--learning-rat", "0.1,0.2"], "did you mean '--learning-rate'?"),
        (["--momentun", "0.1,0.2"], "did you mean '--momentum'?"),
        (["--learning-rate", "0.1,-1"], "in the member with learning_rate=-1.0"),
        (["--learning-rate", "0.1,0.1"], "none of them twice"),
        (["--learning-rate", "0.1,x"], "--learning-rate"),
        (["--learning-rate", "0:1:3log"], "spans nothing"),
        (["--learning-rate", "0.1"], "there is nothing to sweep"),
        (["--seeds", "-1"], "--seeds counts the seeds"),
        (["--seeds", "2", "--seed", "1,2"], "--seeds counts the seeds"),
        (["--learning-rate", "0.1,0.2", "--memory", "-1"], "memory"),
    ],
)
def test_bad_input_leaves_nothing_behind(folder, capsys, arguments, message):
    assert swept(*arguments) == 2
    streams = capsys.readouterr()
    assert streams.err.startswith("error: ") and message in streams.err
    assert not os.path.exists("runs")


def test_help_is_short(folder, capsys):
    assert door.main(["sweep", "./flowers.py", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--seeds N" in printed and "16log" in printed and len(printed.splitlines()) < 60


def test_interruption_saves_and_resume_goes_on(folder, capsys):
    environment = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(__file__)), "PULLBACK_CACHE": "0"}
    command = ["sweep", "./flowers.py", "--learning-rate", "0.1,0.2", "--epochs", "100000", "--run-dir", "runs/a"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pullback", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    )  # fmt: skip
    log = folder / "runs/a/metrics.jsonl"
    for _ in range(1200):
        if log.is_file() and b"epoch" in log.read_bytes():
            break
        time.sleep(0.1)
    assert read_line("runs/a").state == "going"
    process.send_signal(signal.SIGINT)
    printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 75, complaints
    assert printed.splitlines()[-1] == "go on with: pullback resume runs/a"
    assert (read_line("runs/a").state, read_line("runs/a").result) == ("interrupted", "sweep, 0 of 2 members")
    assert door.main(["resume", "a"]) == 2
    assert "--recipe ./flowers.py" in capsys.readouterr().err.replace("--recipe flowers.py", "--recipe ./flowers.py")


def test_a_sweep_is_no_run(folder, capsys):
    assert swept("--learning-rate", "0.1,0.2", "--no-report") == 0
    np.savetxt("rows.csv", np.ones((1, 4)), delimiter=",", header="a,b,c,d", comments="")
    assert door.main(["predict", "runs/a", "rows.csv"]) == 2
    assert "choose a member, such as runs/a/members/0" in capsys.readouterr().err
