"""The report of a comparison says what the comparison holds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pullback.core.errors import RunFolderError
from pullback.report import write_comparison
from pullback.train import OptimizerComparison
from pullback.train.comparisons import paired_differences
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
