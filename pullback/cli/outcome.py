"""How a training command ends: each held-out metric with its interval, the run folder, the report."""

from __future__ import annotations

from pathlib import Path

from pullback import report as reports
from pullback.cli.run_folders import read_evaluation
from pullback.report.run_folder import Estimate
from pullback.report.scores import power_of_the_unit, recorded_estimates

UNITS = {1: " in units of the target", 2: " in squared units of the target"}


def print_outcome(folder: Path, *, report: bool) -> None:
    """Print what the run in `folder` came to, and write its report if wanted."""
    split = (read_evaluation(str(folder)) or {}).get("split", "held-out")
    run = reports.read_run_folder(folder)
    # The loss last: what people ask for is the score.
    for name, estimate in sorted(recorded_estimates(run).items(), key=lambda entry: entry[0] == "loss"):
        print(metric_line(f"{split} {name}{UNITS.get(power_of_the_unit(run, name), '')}", estimate))
    print(f"run folder: {folder}")
    if report:
        print(f"report: {reports.write(folder)}")


def metric_line(label: str, metric: Estimate) -> str:
    """One metric as a person reads it.

    Examples
    --------
    >>> metric_line("test accuracy", Estimate(0.986, 0.968, 0.994, 0.95, 360))
    'test accuracy: 0.9860, 95% interval [0.9680, 0.9940], n = 360'
    >>> metric_line("test loss in squared units of the target", Estimate(2859.69))
    'test loss in squared units of the target: 2859.69'
    """
    said = f"{label}: {_digits(metric.value)}"
    if metric.lower is not None and metric.upper is not None and metric.level is not None:
        limits = f"[{_digits(metric.lower)}, {_digits(metric.upper)}]"
        said += f", {100 * metric.level:.3g}% interval {limits}"
    return said if metric.n is None else f"{said}, n = {metric.n}"


def _digits(value: float) -> str:
    """Four decimals, or six digits of a larger number."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.6g}"
