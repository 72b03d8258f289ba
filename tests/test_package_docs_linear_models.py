"""docs/linear-models.md: every block runs and prints what the page says."""

from pathlib import Path

import pytest

from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "linear-models.md"


def test_every_block_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The page saves an estimator beside it.
    monkeypatch.chdir(tmp_path)
    check_page(PAGE, least=10)
