"""docs/optimization.md: every block runs and prints what the page says; every method is explained, with its picture."""

from pathlib import Path

import pytest

from pullback.optim import METHODS
from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "optimization.md"


def test_every_block_prints_what_the_page_says():
    check_page(PAGE, least=10)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_explained_and_drawn(name):
    text = PAGE.read_text()
    assert f"`{name}`" in text
    if name != "broyden":  # Between BFGS and DFP, which are drawn.
        assert f"(optimization/{name}.png)" in text
        assert (PAGE.parent / "optimization" / f"{name}.png").stat().st_size > 2000
