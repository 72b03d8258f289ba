"""The lasso at a hundred strengths: `fit_elastic_net_path` beside scikit-learn's `lasso_path`, at equal objective."""

from __future__ import annotations

from benchmarks.lasso_path_child import COLUMNS, ROWS, STRENGTHS
from benchmarks.rivals import OURS, SCIKIT_LEARN, medians

# Of the objective: what may separate the two.
EQUAL = 1e-6


def describe(rounds: int = 3) -> str:
    """The measurements, one line each; the rounds alternate the programs."""
    found = medians("benchmarks.lasso_path_child", SCIKIT_LEARN, rounds)
    lines = [f"lasso, {ROWS:,} x {COLUMNS:,} in float64, {STRENGTHS} strengths; medians of {rounds} fresh processes"]
    for program, one in found.items():
        lines.append(
            f"  {program}: {one['seconds']:.2f} s ({one['processor_seconds']:.2f} s of processor time), "
            f"largest gap {one['gap']:.1e} of the objective, first call {one['first']:.2f} s"
        )
    theirs = min((one for name, one in found.items() if name != "pullback"), key=lambda one: one["seconds"])
    ours = found[OURS]
    lines.append(f"  time over the better of scikit-learn's: {ours['seconds'] / theirs['seconds']:.2f}")
    lines.append(f"  equal objective: {'yes' if max(ours['gap'], theirs['gap']) <= EQUAL else 'no'}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
