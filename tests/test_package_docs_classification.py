"""docs/classification.md: every block runs and prints what the page says; its picture is there."""

from pathlib import Path

from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "classification.md"


def test_every_block_prints_what_the_page_says():
    check_page(PAGE, least=15)


def test_the_picture_is_there():
    assert "(classification/boundary.png)" in PAGE.read_text()
    assert (PAGE.parent / "classification" / "boundary.png").stat().st_size > 20_000
