"""Every Python block of docs/own-data.md runs, one after another, in an empty folder."""

from pathlib import Path
from typing import Any

from pullback.testing.pages import run_page

PAGE = Path(__file__).parent.parent / "docs" / "own-data.md"


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    said = "\n".join(line for _, _, printed in run_page(PAGE, names, least=6) for line in printed)
    assert "task: regression, 'pressure'" in said and "ridge regression" in said
    assert "column 'clinic': 1 rows of unseen levels taken as other: 'east'" in said
    assert names["run"].evaluation["r_squared"]["value"] > 0.4
    assert names["values"].shape == (2, 1) and (abs(names["values"] - 128) < 20).all()
