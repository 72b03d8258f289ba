"""docs/optimizers.md: every block runs and prints what the page says; every optimizer and schedule is on it."""

from pathlib import Path

import jax
import pytest

from pullback.optim import OPTIMIZERS
from pullback.optim.schedules import SCHEDULES
from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "optimizers.md"


def test_every_block_prints_what_the_page_says():
    # A reader has JAX's own rules of promotion.
    with jax.numpy_dtype_promotion("standard"):
        check_page(PAGE, least=15)


@pytest.mark.parametrize("name", [*OPTIMIZERS, *(schedule.__name__ for schedule in SCHEDULES.values())])
def test_every_optimizer_and_schedule_is_explained(name):
    assert f"`{name}" in PAGE.read_text()


@pytest.mark.parametrize("name", ["ravine", "schedules"])
def test_the_picture_is_there(name):
    assert f"(optimizers/{name}.png)" in PAGE.read_text()
    assert (PAGE.parent / "optimizers" / f"{name}.png").stat().st_size > 10_000
