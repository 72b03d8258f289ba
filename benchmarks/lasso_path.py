"""The lasso at a hundred strengths: `fit_elastic_net_path` beside scikit-learn's `lasso_path`, at equal objective."""

from __future__ import annotations

from benchmarks.lasso_path_child import COLUMNS, ROWS, STRENGTHS
from benchmarks.rivals import OURS, SCIKIT_LEARN, best_of_others, measure, medians

CHILD = "benchmarks.lasso_path_child"
# Of the objective: what may separate the two.
EQUAL = 1e-6


def differences() -> dict[str, float]:
    """By how much each program's objective is above the smaller one, the largest of all strengths."""
    minima = {program: measure(CHILD, program, {}, "minima") for program in (OURS, "scikit_learn")}
    smallest = {k: min(one[k] for one in minima.values()) for k in minima[OURS]}
    return {program: max(one[k] / smallest[k] - 1 for k in one) for program, one in minima.items()}


def describe(rounds: int = 3) -> str:
    """The measurements, one line each; the rounds alternate the programs."""
    found = medians(CHILD, SCIKIT_LEARN, rounds)
    above = differences()
    lines = [f"lasso, {ROWS:,} x {COLUMNS:,} in float64, {STRENGTHS} strengths; medians of {rounds} fresh processes"]
    for program, one in found.items():
        lines.append(
            f"  {program}: {one['seconds']:.2f} s ({one['processor_seconds']:.2f} s of processor time), "
            f"first call {one['first']:.2f} s"
        )
    lines.append(f"  time over the better of scikit-learn's: {found[OURS]['seconds'] / best_of_others(found):.2f}")
    told = ", ".join(f"{program} {value:.1e}" for program, value in above.items())
    lines.append(f"  objective above the smaller: {told}; equal to {EQUAL:g}: {max(above.values()) <= EQUAL}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
