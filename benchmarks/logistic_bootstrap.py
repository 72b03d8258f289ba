"""A bootstrap of a logistic regression: ours as one program beside a loop over scikit-learn's fits."""

from __future__ import annotations

from benchmarks.logistic_bootstrap_child import COLUMNS, MEMBERS, ROWS
from benchmarks.rivals import ONE_THREAD, OURS, best_of_others, medians

PROGRAMS = {
    "pullback": {},
    "lbfgs": {},
    "lbfgs with one thread": ONE_THREAD,
    "newton-cholesky": {},
    "newton-cholesky with one thread": ONE_THREAD,
}


def describe(rounds: int = 3) -> str:
    """The measurements, one line each: medians over rounds that alternate the programs."""
    found = medians("benchmarks.logistic_bootstrap_child", PROGRAMS, rounds)
    lines = [f"logistic regression without a penalty, {ROWS:,} x {COLUMNS}, {MEMBERS:,} members of a bootstrap"]
    for program, one in found.items():
        lines.append(
            f"  {program}: {one['seconds']:.2f} s ({one['processor']:.2f} s of processor time), "
            f"largest difference of a coefficient from the exact fit {one['difference']:.1e}"
        )
    for clock in ("seconds", "processor"):
        theirs = best_of_others(found, clock)
        lines.append(f"  scikit-learn's best over ours, {clock}: {theirs / found[OURS][clock]:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
