"""How a training command ends: each held-out metric with its interval, the run folder, the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pullback import report as reports
from pullback.cli.run_folders import read_evaluation


def print_outcome(folder: Path, *, report: bool) -> None:
    """Print what the run in `folder` came to, and write its report if wanted."""
    evaluation = read_evaluation(str(folder)) or {}
    # The loss last: what people ask for is the score.
    for name, metric in sorted(evaluation.get("metrics", {}).items(), key=lambda entry: entry[0] == "loss"):
        print(metric_line(f"{evaluation.get('split', 'held-out')} {name}", metric))
    print(f"run folder: {folder}")
    if report:
        print(f"report: {reports.write(folder)}")


def metric_line(label: str, metric: dict[str, Any]) -> str:
    """One metric as a person reads it.

    Examples
    --------
    >>> metric_line("test accuracy", {"value": 0.986, "lower": 0.968, "upper": 0.994, "level": 0.95, "n": 360})
    'test accuracy: 0.9860, 95% interval [0.9680, 0.9940], n = 360'
    """
    return (
        f"{label}: {metric['value']:.4f}, {100 * metric['level']:.3g}% interval "
        f"[{metric['lower']:.4f}, {metric['upper']:.4f}], n = {metric['n']}"
    )
