"""Every Python block of docs/own-data.md runs, one after another, in an empty folder."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "own-data.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for number, block in enumerate(BLOCKS, 1):
            exec(compile(block, f"{PAGE}, block {number}", "exec"), names)
    assert len(BLOCKS) >= 6
    said = printed.getvalue()
    assert "task: regression, 'pressure'" in said and "ridge regression" in said
    assert "column 'clinic': 1 rows of unseen levels taken as other: 'east'" in said
    assert names["run"].evaluation["r_squared"]["value"] > 0.4
    assert names["values"].shape == (2, 1) and (abs(names["values"] - 128) < 20).all()
