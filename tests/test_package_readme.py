"""Every Python example of the README runs."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_there_is_an_example():
    assert len(EXAMPLES) == 1


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs_and_says_how_well_it_did(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, str(README), "exec"), names)
    accuracy = names["run"].evaluation["accuracy"]
    assert accuracy["value"] > 0.95 and accuracy["lower"] > 0.9
    assert printed.getvalue().splitlines()[-1].startswith(f"{accuracy['value']:.3f}, 95% between")
    assert (tmp_path / "runs/first/config.json").is_file()
