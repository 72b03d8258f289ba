"""How precisely the held-out data determine the result, and what the interval leaves out."""

from __future__ import annotations

from pullback.report.findings.finding import Finding
from pullback.report.number_text import count_text, decimals_for, fixed, label_of, level_text, number_text
from pullback.report.run_folder import Estimate, RunFolder


def interval_finding(name: str, estimate: Estimate) -> Finding | None:
    """Width of the interval of the headline number in plain words."""
    if estimate.lower is None or estimate.upper is None or estimate.n is None or estimate.half_width is None:
        return None
    level = level_text(estimate.level) if estimate.level is not None else "confidence"
    if name == "accuracy":
        width = f"{fixed(100 * (estimate.upper - estimate.lower), 1)} percentage points"
    else:
        decimals = decimals_for(estimate.value, estimate.half_width)
        width = fixed(estimate.upper - estimate.lower, decimals)
    return Finding(
        "How sure this number is",
        f"From {count_text(estimate.n)} rows the {level} interval of the {in_sentence(name)} is {width} wide; half "
        "of that "
        "takes about four times as many rows. It covers the choice of these rows, not that of another seed.",
    )


def in_sentence(name: str) -> str:
    """A metric's label inside a sentence: abbreviations keep their capitals."""
    label = label_of(name)
    return label if label.split()[0].isupper() or not label[1:2].islower() else label[0].lower() + label[1:]


def held_out_findings(run: RunFolder) -> list[Finding]:
    """Cautions about which rows the result is measured on."""
    split = run.predictions.split if run.predictions is not None else next(iter(run.evaluations), None)
    if split is None and run.finished is not None:
        best = run.best_epoch
        loss = best.validation.get("loss") if best is not None else None
        known = f" The best validation loss is {number_text(loss)}." if loss is not None else ""
        return [Finding("No test data", f"The run was not measured on data of its own.{known}", caution=True)]
    if split == "validation":
        text = "The same rows chose the epoch that was kept, so expect a slightly worse result on new data."
        return [Finding("Measured on validation data", text, caution=True)]
    return []
