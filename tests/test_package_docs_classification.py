"""docs/classification.md: every block runs and prints what the page says; its pictures are there."""

from pathlib import Path

import pytest

from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "classification.md"


def test_every_block_prints_what_the_page_says():
    check_page(PAGE, least=15)


@pytest.mark.parametrize("name", ["boundary", "cross_entropy", "squared"])
def test_the_picture_is_there(name):
    assert f"(classification/{name}.png)" in PAGE.read_text()
    assert (PAGE.parent / "classification" / f"{name}.png").stat().st_size > 20_000
