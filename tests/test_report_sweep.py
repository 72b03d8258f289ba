"""The report of a sweep: it agrees with the logs of its members, is whole, and says what is missing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import Page
from scipy import stats

from pullback.core.errors import RunFolderError
from pullback.report import write
from pullback.report.figures.responses import is_log_spaced
from pullback.report.sweep_folder import read_sweep_folder

RATES, DECAYS, SEEDS = (0.001, 0.01, 0.1, 1.0), (0.0, 0.5), (0, 1, 2)
DIVERGED = {22, 23}


def score(rate: float, decay: float, seed: int, epoch: int) -> float:
    """A bowl over the logarithm of the rate, with a little noise."""
    noise = 0.01 * math.sin(7 * seed + 3 * decay + 50 * rate)
    return 1.0 / epoch + (math.log10(rate) + 1.4) ** 2 / 4 + 0.1 * decay + noise + 0.05


def events() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [{"event": "plan", "group": 0, "route": "vmap", "reason": "vmap: as asked for"}]
    every = [(rate, decay, seed) for rate in RATES for decay in DECAYS for seed in SEEDS]
    for epoch in range(1, 6):
        for number, settings in enumerate(every):
            if number not in DIVERGED:
                found = {"loss": score(*settings, epoch), "accuracy": 1 - score(*settings, epoch) / 10}
                lines.append(
                    {"event": "epoch", "member": number, "epoch": epoch, "validation": found, "best": epoch < 5}
                )
    for number in range(len(every)):
        reason = "not finite at update 3" if number in DIVERGED else "epochs done"
        lines.append({"event": "member", "member": number, "reason": reason})
    return [*lines, {"event": "finished", "members": len(every)}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = {
        "format": 1, "kind": "sweep", "id": "bowl", "created": "2026-03-01T10:00:00+00:00",
        "command": ["pullback", "sweep", "bowl"], "recipe": {"name": "bowl", "fields": {"epochs": 5, "seed": 0}},
        "axes": {"learning_rate": RATES, "weight_decay": DECAYS, "seed": SEEDS}, "members": 24, "data": "digits",
        "epochs": 5, "score": {"name": "loss", "split": "validation", "higher_is_better": False},
        "environment": {"python": "3.11"},
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events()))
    return tmp_path


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_means_and_intervals_are_student_s(folder: Path) -> None:
    best = read_sweep_folder(folder).settings[0]
    assert best.values == {"learning_rate": 0.1, "weight_decay": 0.0}
    # The epoch that was kept is the fourth.
    values = [score(0.1, 0.0, seed, 4) for seed in SEEDS]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert best.mean is not None
    np.testing.assert_allclose([best.mean.value, best.mean.lower, best.mean.upper], [np.mean(values), low, high])


def test_what_diverged_comes_last_and_has_no_mean(folder: Path) -> None:
    sweep = read_sweep_folder(folder)
    last = sweep.settings[-1]
    assert last.values == {"learning_rate": 1.0, "weight_decay": 0.5}
    assert (last.diverged, last.mean) == (2, None)
    assert sum(member.diverged for member in sweep.members) == len(DIVERGED)


def test_higher_may_be_better(folder: Path) -> None:
    changed(folder, lambda config: config["score"].update(name="accuracy", higher_is_better=True))
    assert read_sweep_folder(folder).settings[0].values == {"learning_rate": 0.1, "weight_decay": 0.0}


def test_the_page(folder: Path) -> None:
    page = Page.of(write(folder))
    assert page.faults == []
    assert page.tags["svg"] == 4
    assert sorted(page.addresses) == [f"members/{number:02d}/" for number in range(24)]
    assert "with learning rate 0.1, weight decay 0" in page.text
    assert "2 of 24 members diverged" in page.text
    assert "The best weight decay" not in page.text
    assert "Loss by learning rate" in page.text and "Loss over learning rate and weight decay" in page.text
    values = [score(0.1, 0.0, seed, 4) for seed in SEEDS]
    assert page.row("0.1")[2] == f"{np.mean(values):.4f}"
    members = [row[0] for row in page.rows if row[-1] in ("epochs done", "not finite at update 3")]
    finite = {n: score(RATES[n // 6], DECAYS[n // 3 % 2], n % 3, 4) for n in range(24) if n not in DIVERGED}
    assert [int(number) for number in members[:22]] == sorted(finite, key=lambda n: finite[n])
    assert write(folder).read_bytes() == write(folder).read_bytes()


def test_a_pair_is_compared_over_its_seeds(folder: Path) -> None:
    text = Page.of(write(folder)).text
    first, second = ([score(rate, 0.0, seed, 4) for seed in SEEDS] for rate in (0.1, 0.01))
    if np.mean(second) > np.mean([score(0.1, 0.5, seed, 4) for seed in SEEDS]):
        second = [score(0.1, 0.5, seed, 4) for seed in SEEDS]
    pvalue = stats.ttest_rel(first, second).pvalue
    assert ("cannot be told apart" in text) == (pvalue > 0.05)
    assert ("The best differs from the next" in text) == (pvalue <= 0.05)


def test_the_best_at_an_edge_is_said(folder: Path) -> None:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    kept = [line for line in lines if json.loads(line).get("member", 0) < 18]
    (folder / "metrics.jsonl").write_text("\n".join(kept) + "\n")
    changed(folder, lambda config: config["axes"].update(learning_rate=RATES[:3]))
    assert "The best learning rate is the largest that was tried" in Page.of(write(folder)).text


def test_one_member_a_setting_says_that_seeds_are_missing(folder: Path) -> None:
    changed(folder, lambda config: config["axes"].update(seed=[0], weight_decay=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5]))
    page = Page.of(write(folder))
    assert page.faults == []
    assert "Seeds would tell how far the best is ahead" in page.text


@pytest.mark.parametrize("kept", [0, 1, 40, 100])
def test_a_sweep_that_goes_on(folder: Path, kept: int) -> None:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    ended = [line for line in lines if '"member"' in line and '"reason"' in line][: kept // 10]
    (folder / "metrics.jsonl").write_text("\n".join([*lines[:kept], *ended]) + '\n{"event": "epo')
    page = Page.of(write(folder))
    assert page.faults == []
    assert "Not finished" in page.text and "is incomplete" in page.text


def test_choices_that_are_no_numbers(folder: Path) -> None:
    changed(folder, lambda config: config["axes"].update(weight_decay=["relu", "<tanh>"]))
    page = Page.of(write(folder))
    assert page.faults == [] and "<tanh>" in page.text


def test_another_format_is_refused(folder: Path) -> None:
    changed(folder, lambda config: config.update(format=99))
    with pytest.raises(RunFolderError, match="of this version"):
        write(folder)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1e-3, 1e-2, 1e-1], True), ([1, 2, 4, 8], True), ([1, 2, 3], False), ([0.0, 0.1], False), (["a", "b"], False)],
)
def test_spacing(values: list[Any], expected: bool) -> None:
    assert is_log_spaced(values) == expected
