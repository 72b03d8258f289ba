"""Logistic regression on all rows at once: L-BFGS of `minimize` beside scikit-learn's, to the same gradient norm."""

from __future__ import annotations

from benchmarks.minimize_logistic_child import COLUMNS, REPEATS, ROWS, C
from benchmarks.rivals import OURS, SCIKIT_LEARN, best_of_others, measure, medians

# What scikit-learn is asked for: its default, and what a statistician asks for.
TOLERANCES = (1e-4, 1e-8)
CHILD = "benchmarks.minimize_logistic_child"


def compare(tolerance: float, rounds: int = 3) -> dict[str, dict[str, float]]:
    """Medians over rounds that alternate both programs; ours goes on to the gradient norm that the other reached."""
    goal = measure(CHILD, "scikit_learn", {}, repr(tolerance))["gradient_norm"]
    return medians(CHILD, SCIKIT_LEARN, rounds, lambda program: (repr(goal if program == OURS else tolerance),))


def describe() -> str:
    """The measurements, one line each."""
    lines = [
        f"logistic regression, {ROWS:,} x {COLUMNS} in float64, C = {C:g}; "
        f"rounds of fresh processes, in each the median of {REPEATS} calls"
    ]
    for tolerance in TOLERANCES:
        found = compare(tolerance)
        lines.append(f"tol={tolerance:g} in scikit-learn")
        for program, one in found.items():
            lines.append(
                f"  {program}: {1000 * one['seconds']:.1f} ms, {one['steps']:.0f} steps, "
                f"gradient norm {one['gradient_norm']:.2e}, first call {one['first']:.2f} s"
            )
        theirs = best_of_others(found)
        lines.append(f"  time over the better of scikit-learn's: {found[OURS]['seconds'] / theirs:.2f}")
    return "\n".join(lines)
