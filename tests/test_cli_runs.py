"""Listing and finding run folders by their small files."""

import fcntl
import json

import pytest

from pullback.cli.main import main
from pullback.cli.run_folders import find_run, read_line
from pullback.cli.run_index import FILE_NAME, list_lines
from pullback.core.errors import RunFolderError

FINISHED = {"event": "finished", "reason": "epochs done", "best_epoch": 2}
EVALUATION = {
    "event": "evaluation",
    "split": "test",
    "metrics": {
        "loss": {"value": 0.1, "lower": 0.05, "upper": 0.15, "level": 0.95, "n": 360, "method": "clt"},
        "accuracy": {"value": 0.9861, "lower": 0.9679, "upper": 0.994, "level": 0.95, "n": 360, "method": "wilson"},
    },
}


def epoch(number):
    return {"event": "epoch", "epoch": number, "step": number, "train": {"loss": 1.0}, "best": True}


def make_run(root, name, events, created="2026-01-01T00:00:00"):
    folder = root / name
    folder.mkdir(parents=True)
    config = {"format": 1, "id": name, "created": created, "recipe": {"name": "digits"}, "settings": {"epochs": 3}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder


def test_finished_run(tmp_path):
    line = read_line(str(make_run(tmp_path, "a", [epoch(1), epoch(2), FINISHED, EVALUATION])))
    assert (line.id, line.recipe, line.state, line.epochs) == ("a", "digits", "finished", 2)
    assert line.result == "accuracy 0.9861 [0.9679, 0.9940]"


def test_only_the_end_of_a_long_log_is_needed(tmp_path):
    line = read_line(str(make_run(tmp_path, "a", [*map(epoch, range(1, 2001)), FINISHED, EVALUATION])))
    assert (line.state, line.epochs) == ("finished", 2000)


def test_interrupted_run_with_a_line_cut_short(tmp_path):
    folder = make_run(tmp_path, "a", [epoch(1), epoch(2)])
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"event": "epoch", "epo')
    line = read_line(str(folder))
    assert (line.state, line.epochs, line.result) == ("interrupted", 2, "")


def test_going_while_the_lock_is_held(tmp_path):
    folder = make_run(tmp_path, "a", [epoch(1)])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_line(str(folder)).state == "going"
    assert read_line(str(folder)).state == "interrupted"


def test_damaged_and_foreign_folders(tmp_path):
    make_run(tmp_path, "a", []).joinpath("config.json").write_text("{")
    (tmp_path / "other").mkdir()
    assert read_line(str(tmp_path / "a")).state == "unreadable"
    assert read_line(str(tmp_path / "other")) is None


def test_table_is_sorted_by_time(tmp_path, capsys):
    make_run(tmp_path, "late", [epoch(1)], created="2026-03-01T00:00:00")
    make_run(tmp_path, "early", [FINISHED, EVALUATION], created="2026-01-01T00:00:00")
    assert main(["runs", str(tmp_path)]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["run", "recipe", "state", "epochs", "result"],
        ["early", "digits", "finished", "3", "accuracy", "0.9861", "[0.9679,", "0.9940]"],
        ["late", "digits", "interrupted", "1"],
    ]
    assert main(["runs", str(tmp_path), "--last", "1"]) == 0
    assert "early" not in capsys.readouterr().out


def test_no_runs_yet(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 0
    assert "`pullback train` makes one" in capsys.readouterr().out
    assert main(["runs", "elsewhere"]) == 2


def test_find_by_path_id_and_beginning(tmp_path):
    first = make_run(tmp_path, "20260101-digits-seed0", [])
    make_run(tmp_path, "20260102-digits-seed0", [])
    assert find_run(str(first), tmp_path) == first
    assert find_run("20260101-digits-seed0", tmp_path) == first
    assert find_run("20260101", tmp_path) == first


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("20260101-digit-seed0", "did you mean 20260101-digits-seed0?"),
        ("2026", "did you mean 20260101-digits-seed0 or 20260102-digits-seed0?"),
        ("zzz", "`pullback runs` lists the run folders here"),
    ],
)
def test_unknown_run_offers_the_nearest(tmp_path, name, fix):
    make_run(tmp_path, "20260101-digits-seed0", [])
    make_run(tmp_path, "20260102-digits-seed0", [])
    with pytest.raises(RunFolderError) as caught:
        find_run(name, tmp_path)
    assert caught.value.fix == fix


def test_index_is_a_cache_of_what_the_folders_say(tmp_path):
    folder = make_run(tmp_path, "a", [epoch(1), FINISHED, EVALUATION])
    make_run(tmp_path, "b", [epoch(1)])
    fresh = sorted(list_lines(tmp_path), key=lambda line: line.id)
    (folder / "config.json").rename(folder / "hidden.json")
    assert sorted(list_lines(tmp_path), key=lambda line: line.id) == fresh, "the finished run comes from the index"
    (folder / "hidden.json").rename(folder / "config.json")
    (folder / "metrics.jsonl").write_text(json.dumps(epoch(7)) + "\n")
    changed = {line.id: line for line in list_lines(tmp_path)}
    assert (changed["a"].state, changed["a"].epochs) == ("interrupted", 7)
    for damage in ("{", "[]", '{"version": 1, "runs": {"a": [1]}}', '{"version": 2, "runs": {}}'):
        (tmp_path / FILE_NAME).write_text(damage)
        assert {line.id: line for line in list_lines(tmp_path)} == changed


def test_index_is_not_needed(tmp_path, monkeypatch):
    make_run(tmp_path, "a", [epoch(1), FINISHED])
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    assert [line.state for line in list_lines(tmp_path)] == ["finished"]
    assert not (tmp_path / FILE_NAME).exists()
