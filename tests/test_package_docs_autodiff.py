"""Every Python block of docs/autodiff.md runs, one after another, and prints what the page says it prints."""

import contextlib
import io
import re
from pathlib import Path

import jax
import pytest

PAGE = Path(__file__).parent.parent / "docs" / "autodiff.md"
BLOCKS = re.findall(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", PAGE.read_text(), re.DOTALL)
NAMES = """
check grad gauss_newton_product gradient_cost hessian hvp jacobian jvp linearize numerical per_example_gradients
stop_gradient trace value_and_grad vjp
"""


@pytest.fixture
def single_precision_afterwards():
    yield
    jax.config.update("jax_enable_x64", False)


def printed(block, names, number):
    """What a block prints, without spaces at the ends of lines."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block, f"{PAGE}, block {number}", "exec"), names)
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_every_block_prints_what_the_page_says(single_precision_afterwards):
    names: dict = {}
    assert len(BLOCKS) >= 20
    for number, (block, said) in enumerate(BLOCKS, 1):
        assert printed(block, names, number) == said.splitlines(), f"block {number}:\n{block}"


@pytest.mark.parametrize("name", NAMES.split())
def test_every_public_function_is_explained(name):
    assert f"`{name}" in PAGE.read_text() or f"autodiff.{name}" in PAGE.read_text()
