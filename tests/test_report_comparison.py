"""The report of a comparison says what the comparison holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import Page
from scipy import stats

from pullback.core.errors import RunFolderError
from pullback.report import write, write_comparison
from pullback.train import FactorComparison, OptimizerComparison
from pullback.train.comparisons import paired_differences, read_comparison
from pullback.train.comparisons.tuning import Tuned

NAMES = ("adam", "sgd")
RATES = (0.01, 0.1, 1.0)


def comparison(gap: float) -> OptimizerComparison:
    random = np.random.default_rng(0)
    scores = 1 + 0.1 * random.standard_normal((1, 2, 6))
    scores[0, 1] += gap
    tuning = np.array([[[0.9, 1.0], [0.5, 0.6], [np.inf, 2.0]]])
    methods = tuple(Tuned(name, (0.1,), RATES, tuning, 1.0, False) for name in NAMES)
    updates = np.where(scores <= 1.2, 40.0, np.inf)
    differences = paired_differences(scores, ["digits"], NAMES)
    winner = "adam" if differences[0].named else None
    return OptimizerComparison(("digits",), methods, scores, (1.2,), updates, differences, winner, tuple(range(6)))


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(style|svg).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL))


def test_a_difference_and_its_winner(tmp_path: Path) -> None:
    file = write_comparison(comparison(2.0), tmp_path / "report.html", name="digits", command=["pullback", "compare"])
    page = file.read_text()
    said = text_of(page)
    assert "adam ends lower than sgd on digits" in said and "adam ends lower than every other optimizer" in said
    assert "not reached" in said and "pullback compare" in said
    assert page.count("<svg") == 2 and "http://" not in page.replace("http://www.w3.org", "")
    assert write_comparison(comparison(2.0), file, name="digits", command=["pullback", "compare"]).read_text() == page


def test_no_winner_inside_the_noise(tmp_path: Path) -> None:
    said = text_of(write_comparison(comparison(0.0), tmp_path / "report.html").read_text())
    assert "No difference beyond the noise" in said
    assert "No optimizer is better than all others beyond the noise" in said


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_comparison(comparison(0.0), tmp_path / "nowhere" / "report.html")


def factorial(gap: float, **changes: object) -> FactorComparison:
    scores = 1 + 0.05 * np.random.default_rng(0).standard_normal((2, 3, 6))
    scores[1] += gap
    record = {
        "of": "settings", "factors": {"batch_size": ["16", "64"], "activation": ["relu", "<elu>", "tanh"]},
        "score": "loss", "split": "validation", "higher_is_better": False, "scores": scores.tolist(),
        "tuning": {"rates": [0.01, 0.1, 1.0], "scores": np.ones((2, 3, 3, 2)).tolist()}, "level": 0.95,
    }  # fmt: skip
    read = read_comparison(record | changes)
    assert isinstance(read, FactorComparison)
    return read


def test_a_factorial_with_its_effects_and_cells(tmp_path: Path) -> None:
    found = factorial(-0.5)
    page = Page.of(write_comparison(found, tmp_path / "report.html", name="digits", command=["pullback", "compare"]))
    assert page.faults == [] and page.tags["svg"] == 2 and "<elu>" in page.text
    assert "Batch size makes a difference" in page.text and "Activation makes" not in page.text
    limits = stats.t.interval(0.95, 5, loc=found.scores[1, 2].mean(), scale=stats.sem(found.scores[1, 2]))
    (row,) = (row for row in page.rows if row[:2] == ["64", "tanh"])
    assert row[2] == "0.0100, at the edge"
    assert row[4] == f"{limits[0]:.4f} to {limits[1]:.4f}"
    assert "chose a rate at the edge" in page.text


def test_a_factorial_that_tells_nothing_or_diverged(tmp_path: Path) -> None:
    text = Page.of(write_comparison(factorial(0.0, tuning=None), tmp_path / "report.html")).text
    assert "No effect beyond the noise" in text and "No combination is better" in text
    assert "All combinations have the same learning rate" in text
    scores: Any = np.ones((2, 3, 6)).tolist()
    scores[0][1] = [None] * 6
    page = Page.of(write_comparison(factorial(0.0, scores=scores), tmp_path / "report.html"))
    assert page.faults == [] and "1 of 6 combinations diverged" in page.text
    assert "effects are not separated" in page.text


def test_one_factor_has_one_drawing_of_its_means(tmp_path: Path) -> None:
    scores = (np.arange(3.0)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(3, 5))).tolist()
    found = factorial(0.0, factors={"width": ["8", "16", "32"]}, scores=scores, tuning=None)
    page = Page.of(write_comparison(found, tmp_path / "report.html"))
    assert page.faults == [] and page.tags["svg"] == 2
    assert "width 8 ends better than every other combination" in page.text


def test_a_result_that_is_damaged_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": 1, "kind": "comparison", "sweeps": 3}')
    (tmp_path / "metrics.jsonl").write_text('{"event": "sweep", "number": 1, "name": "00-rates", "epochs": 2}\n')
    assert "1 of 3 sweeps have ended" in Page.of(write(tmp_path)).text
    (tmp_path / "comparison.json").write_text('{"of": "settings"}')
    with pytest.raises(RunFolderError, match="cannot be read"):
        write(tmp_path)
