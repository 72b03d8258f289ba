"""What the folder of a comparison says, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pullback.core.errors import RunFolderError
from pullback.report.records import Record, count, mapping, read_record, read_record_lines, text, texts
from pullback.report.sweep_folder import read_config_of
from pullback.train import FactorComparison, OptimizerComparison
from pullback.train.comparisons import read_comparison

RESULT = "comparison.json"


@dataclass(frozen=True)
class ComparisonFolder:
    """The folder of a comparison of format 1; `found` is None until its sweeps, whose names are `ended`, are done."""

    path: Path
    id: str
    created: str
    command: tuple[str, ...] | None
    recipe: Record
    environment: Record
    planned: int
    ended: tuple[str, ...]
    found: OptimizerComparison | FactorComparison | None


def read_comparison_folder(folder: str | Path) -> ComparisonFolder:
    """Read the folder of a comparison; its configuration must be there.

    Raises
    ------
    RunFolderError
        if the folder is missing, is no comparison, or is of another format version.
    """
    path = Path(folder)
    config = read_config_of(path, "comparison")
    events, _ = read_record_lines(path / "metrics.jsonl")
    return ComparisonFolder(
        path=path,
        id=text(config, "id", path.name),
        created=text(config, "created"),
        command=texts(config, "command"),
        recipe=mapping(config, "recipe"),
        environment=mapping(config, "environment"),
        planned=count(config, "sweeps") or 0,
        ended=tuple(text(event, "name") for event in events if event.get("event") == "sweep"),
        found=_found(path / RESULT),
    )


def _found(file: Path) -> OptimizerComparison | FactorComparison | None:
    if not file.is_file():
        return None
    try:
        return read_comparison(read_record(file))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RunFolderError(
            f"{file.name} of the comparison {file.parent.name!r} cannot be read",
            expected="the result as a comparison writes it",
            got=f"{type(error).__name__}: {error}",
            fix=f"write it again from its sweeps: pullback resume {file.parent}",
        ) from error
