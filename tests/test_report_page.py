import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_folders import Written, cancer_folder, diabetes_folder, digits_folder
from report_page import Page

import pullback.report
from pullback.core.errors import RunFolderError

BUILDERS = {"digits": digits_folder, "cancer": cancer_folder, "diabetes": diabetes_folder}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    root = tmp_path_factory.mktemp("runs")
    return {name: build(root) for name, build in BUILDERS.items()}


@pytest.fixture
def copy_of(runs: dict[str, Written], tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(runs[name].path, tmp_path / name))


def change_json(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def change_predictions(folder: Path, **arrays: np.ndarray | None) -> None:
    with np.load(folder / "predictions.npz", allow_pickle=False) as stored:
        kept = {**stored, **arrays}
    np.savez(folder / "predictions.npz", **{name: array for name, array in kept.items() if array is not None})


@pytest.mark.parametrize("name", BUILDERS)
def test_page_is_well_formed_accessible_and_needs_nothing_else(copy_of, name):
    page = Page.of(pullback.report.write(copy_of(name)))
    assert page.faults == []
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe", "object"} & page.tags.keys()
    assert "@import" not in page.source and not re.search(r"url\((?!#)", page.source)
    assert re.findall(r"https?://[^\"]*", page.source.replace("http://www.w3.org/1999/xlink", "")) == []


@pytest.mark.parametrize("name", BUILDERS)
def test_same_folder_gives_the_same_bytes_wherever_it_lies(copy_of, runs, tmp_path, name):
    first = pullback.report.write(copy_of(name))
    again = Path(shutil.copytree(runs[name].path, tmp_path / "elsewhere" / name))
    assert pullback.report.write(again).read_bytes() == first.read_bytes()
    assert sorted(path.name for path in again.iterdir() if path.name.startswith(".")) == []


def test_page_is_the_same_under_other_matplotlib_settings_and_leaves_them(copy_of):
    import matplotlib

    folder = copy_of("digits")
    before = pullback.report.write(folder).read_bytes()
    with matplotlib.rc_context({"lines.linewidth": 9.0, "svg.fonttype": "path", "text.usetex": True}):
        assert pullback.report.write(folder).read_bytes() == before
        assert matplotlib.rcParams["lines.linewidth"] == 9.0


def test_headline_says_result_with_interval_in_words(copy_of, runs):
    statsmodels = pytest.importorskip("statsmodels.stats.proportion", reason="peer statsmodels is not installed")
    page = Page.of(pullback.report.write(copy_of("digits")))
    correct = int((runs["digits"].outputs.argmax(1) == runs["digits"].targets).sum())
    lower, upper = statsmodels.proportion_confint(correct, 360, method="wilson")
    assert (
        f"{correct} of 360 test examples classified correctly: accuracy {correct / 360:.3f}, "
        f"95% interval {lower:.3f} to {upper:.3f}." in page.text
    )


def test_text_of_the_folder_is_shown_and_never_becomes_markup(copy_of):
    folder = copy_of("digits")
    hostile = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "a & b",
        "$\\frac{",
        "{{ 7 * 7 }}",
        "汉",
        "'",
        "\\",
        "%s",
        "é",
    ]

    def rename(config):
        config["data"].update(class_names=hostile, name="<b>data</b>")
        config["id"] = "</title><script>"
        config["recipe"]["fields"]["<i>field</i>"] = "<u>value</u>"
        config["command"] = ["pullback", "train", "</code><script>"]

    change_json(folder / "config.json", rename)
    change_json(folder / "model.json", lambda model: model["summary"][0].update(path="<svg onload=alert(1)>"))
    metrics = (folder / "metrics.jsonl").read_text().replace('"accuracy"', '"<em>accuracy</em>"')
    (folder / "metrics.jsonl").write_text(metrics)
    page = Page.of(pullback.report.write(folder))
    assert page.faults == []
    assert not {"script", "b", "i", "u", "em"} & page.tags.keys()
    for words in (*hostile, "<b>data</b>", "<i>field</i>", "<u>value</u>", "<em>accuracy</em>"):
        assert words in page.text
    assert all("x" != address for address in page.addresses)


@pytest.mark.parametrize(
    "missing", ["predictions.npz", "timing.jsonl", "model.json", "preprocessing.json", "metrics.jsonl"]
)
@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_a_missing_file_leaves_a_sentence(copy_of, name, missing):
    folder = copy_of(name)
    (folder / missing).unlink()
    assert Page.of(pullback.report.write(folder)).faults == []


@pytest.mark.parametrize("name", ["config.json"])
def test_a_bare_configuration_is_enough(copy_of, name, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / name).write_text('{"format": 1}')
    page = Page.of(pullback.report.write(tmp_path / "bare"))
    assert page.faults == []
    assert "No epoch has been completed yet, so there is no result." in page.text


def test_a_run_that_has_not_ended_says_so(copy_of):
    folder = copy_of("digits")
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(lines[:7]) + lines[7][:40])
    (folder / "predictions.npz").unlink()
    page = Page.of(pullback.report.write(folder))
    assert "7 of 25 epochs are recorded and no end of training" in page.text
    assert "In metrics.jsonl one line is incomplete" in page.text
    assert "No held-out result is recorded. In epoch 7, on validation data: loss" in page.text


def test_a_failure_is_told(copy_of):
    folder = copy_of("digits")
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    failure = {"event": "failure", "epoch": 8, "step": 143, "path": "layers[2]", "layer": "Linear",
               "direction": "backward", "cause": "the learning rate may be too large", "rows": [3]}  # fmt: skip
    (folder / "metrics.jsonl").write_text("".join(lines[:7]) + json.dumps(failure) + "\n")
    page = Page.of(pullback.report.write(folder))
    assert (
        "Update 143 in epoch 8, first in layers[2] (Linear), backward. the learning rate may be too large" in page.text
    )


def test_losses_that_are_not_finite_are_told(copy_of):
    folder = copy_of("digits")
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    event = json.loads(lines[4])
    event["train"]["loss"] = None
    (folder / "metrics.jsonl").write_text("\n".join([*lines[:4], json.dumps(event), *lines[5:]]))
    assert "In epoch 5 the loss is not a number." in Page.of(pullback.report.write(folder)).text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"outputs": np.full((360, 10), np.nan)}, "not finite for 360 of 360 held-out rows"),
        ({"targets": np.full(360, 11)}, "is no class index from 0 to 9"),
        ({"targets": np.full(360, 0.5)}, "is no class index from 0 to 9"),
        ({"outputs": np.zeros((360, 4, 10))}, "are not summarized by this report"),
        ({"outputs": None}, "does not hold one output for every target"),
        ({"outputs": np.zeros((3, 10))}, "does not hold one output for every target"),
        ({"targets": np.array("none")}, "does not hold one output for every target"),
        ({"outputs": np.full((360, 10), "a")}, "are not numbers"),
        ({"inputs": None}, "kept no inputs"),
        ({"inputs": np.zeros((256, 5, 5, 5, 5))}, "Inputs of shape 5 × 5 × 5 × 5 are not drawn"),
        ({"inputs_row": np.full(256, 10**6)}, "kept no inputs"),
    ],
)
def test_predictions_that_cannot_be_used_leave_a_sentence(copy_of, change, sentence):
    folder = copy_of("digits")
    change_predictions(folder, **change)
    page = Page.of(pullback.report.write(folder))
    assert page.faults == []
    assert sentence in page.text


def test_predictions_of_another_run_are_noticed(copy_of):
    folder = copy_of("digits")
    change_predictions(folder, targets=np.zeros(360, np.int32))
    assert "these files do not belong together" in Page.of(pullback.report.write(folder)).text


def test_more_classes_than_fit_a_table_become_a_drawing(copy_of):
    folder = copy_of("digits")
    draw = np.random.default_rng(0)
    change_predictions(folder, outputs=draw.normal(size=(360, 40)), targets=draw.integers(40, size=360))
    page = Page.of(pullback.report.write(folder))
    assert page.faults == []
    assert "The area of a square is its share of the row" in page.text


@pytest.mark.parametrize("outputs", [2, 6])
def test_several_outputs_of_a_regression(copy_of, outputs):
    folder = copy_of("diabetes")
    draw = np.random.default_rng(0)
    change_predictions(folder, outputs=draw.normal(size=(89, outputs)), targets=draw.normal(size=(89, outputs)))
    page = Page.of(pullback.report.write(folder))
    assert page.faults == []
    assert "Output 1: Residuals against predicted" in page.text


@pytest.mark.parametrize("rows", [1, 2, 9])
@pytest.mark.parametrize("name", BUILDERS)
def test_few_rows_are_enough(copy_of, name, rows):
    folder = copy_of(name)
    with np.load(folder / "predictions.npz") as stored:
        few = {part: stored[part][:rows] for part in ("outputs", "targets", "index", "loss")}
    change_predictions(folder, **few, inputs=None, inputs_row=None)
    assert Page.of(pullback.report.write(folder)).faults == []


def test_many_rows_are_sampled_for_the_drawings(copy_of):
    folder = copy_of("diabetes")
    draw = np.random.default_rng(0)
    change_predictions(folder, outputs=draw.normal(size=30_000), targets=draw.normal(size=30_000), inputs=None)
    path = pullback.report.write(folder)
    assert "A random 1000 of 30\N{NARROW NO-BREAK SPACE}000 rows are drawn." in Page.of(path).source
    assert path.stat().st_size < 1_000_000


def test_command_is_quoted_for_the_shell_and_a_call_is_written_out(copy_of):
    assert (
        "pullback train digits --epochs 25 --run-dir 'my runs'"
        in Page.of(pullback.report.write(copy_of("digits"))).text
    )
    text = Page.of(pullback.report.write(copy_of("diabetes"))).text
    assert "started from Python" in text and "loss='squared_error', optimizer='adam', learning_rate=0.002" in text


def test_what_is_no_run_folder_is_refused(tmp_path, copy_of):
    with pytest.raises(RunFolderError, match="there is no run folder"):
        pullback.report.write(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError, match="is not a run folder"):
        pullback.report.write(tmp_path / "empty")
    folder = copy_of("digits")
    change_json(folder / "config.json", lambda config: config.update(format=2))
    with pytest.raises(RunFolderError, match="another format version") as refused:
        pullback.report.write(folder)
    assert (refused.value.expected, refused.value.got) == ("format 1", "format 2") and refused.value.fix
    (folder / "config.json").write_text('{"format": 1')
    with pytest.raises(RunFolderError, match=r"config\.json of the run folder 'digits' cannot be read"):
        pullback.report.write(folder)
    assert not (folder / "report.html").exists()


def test_a_report_that_cannot_be_written_leaves_the_old_one(copy_of, monkeypatch):
    folder = copy_of("digits")
    before = pullback.report.write(folder).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="No space left on device"):
        pullback.report.write(folder)
    assert (folder / "report.html").read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
