"""Pages of documentation whose Python blocks are run, and whose printed output is compared."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)


def check_page(page: Path, *, least: int) -> None:
    """Run every Python block, one after another, and compare what it prints with the text block that follows it.

    `least` is the number of blocks below which the page was not read as it was written.
    """
    for number, (block, said, printed) in enumerate(run_page(page, {}, least=least), 1):
        assert printed == said.splitlines(), f"block {number}:\n{block}"


def run_page(page: Path, names: dict[str, Any], *, least: int) -> Iterator[tuple[str, str, list[str]]]:
    """Run the Python blocks in the namespace `names`: each with the text block that follows it and what it printed."""
    blocks = BLOCK.findall(page.read_text())
    assert len(blocks) >= least
    for number, (block, said) in enumerate(blocks, 1):
        yield block, said, _printed(block, names, f"{page}, block {number}")


def _printed(block: str, names: dict[str, Any], place: str) -> list[str]:
    """What a block prints, without spaces at the ends of lines."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block, place, "exec"), names)
    return [line.rstrip() for line in output.getvalue().splitlines()]
