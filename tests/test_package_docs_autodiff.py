"""Every Python block of docs/autodiff.md runs, one after another, and prints what the page says it prints."""

from pathlib import Path

import jax
import pytest

from pullback.testing.pages import check_page

PAGE = Path(__file__).parent.parent / "docs" / "autodiff.md"
NAMES = """
check grad gauss_newton_product gradient_cost hessian hvp jacobian jvp linearize numerical per_example_gradients
stop_gradient trace value_and_grad vjp
"""


@pytest.fixture
def single_precision_afterwards():
    yield
    jax.config.update("jax_enable_x64", False)


def test_every_block_prints_what_the_page_says(single_precision_afterwards):
    check_page(PAGE, least=20)


@pytest.mark.parametrize("name", NAMES.split())
def test_every_public_function_is_explained(name):
    assert f"`{name}" in PAGE.read_text() or f"autodiff.{name}" in PAGE.read_text()
