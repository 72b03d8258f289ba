"""Pages of documentation whose Python blocks are run, and whose printed output is compared."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)


def check_page(page: Path, *, least: int) -> None:
    """Run every Python block, one after another, and compare what it prints with the text block that follows it.

    `least` is the number of blocks below which the page was not read as it was written.
    """
    blocks = BLOCK.findall(page.read_text())
    assert len(blocks) >= least
    names: dict[str, Any] = {}
    for number, (block, said) in enumerate(blocks, 1):
        assert _printed(block, names, f"{page}, block {number}") == said.splitlines(), f"block {number}:\n{block}"


def _printed(block: str, names: dict[str, Any], place: str) -> list[str]:
    """What a block prints, without spaces at the ends of lines."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block, place, "exec"), names)
    return [line.rstrip() for line in output.getvalue().splitlines()]
