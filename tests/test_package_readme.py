"""Every Python example of the README runs."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def executed(example: str) -> tuple[dict[str, Any], list[str]]:
    """What an example leaves behind, and the lines it prints."""
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, str(README), "exec"), names)
    return names, printed.getvalue().splitlines()


def test_there_are_two_examples() -> None:
    assert len(EXAMPLES) == 2


def test_the_network_says_how_well_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names, printed = executed(EXAMPLES[0])
    accuracy = names["run"].evaluation["accuracy"]
    assert accuracy["value"] > 0.95 and accuracy["lower"] > 0.9
    assert printed[-1].startswith(f"{accuracy['value']:.3f}, 95% between")
    assert (tmp_path / "runs/first/config.json").is_file()


def test_the_table_of_the_logistic_regression_is_printed() -> None:
    # The published estimates: -7.97409315 and 0.01176793, with errors 0.68286323 and 0.00108969.
    _, printed = executed(EXAMPLES[1])
    row = next(line for line in printed if line.startswith("mean area"))
    assert row.split()[2:4] == ["0.011768", "0.0010897"]
