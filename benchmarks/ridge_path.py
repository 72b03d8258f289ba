"""Ridge path with leave-one-out errors in closed form: ours beside scikit-learn's `RidgeCV`, on the same penalties."""

from __future__ import annotations

from benchmarks.ridge_path_child import ALPHAS, REPEATS, SHAPES
from benchmarks.rivals import OURS, SCIKIT_LEARN, best_of_others, medians


def describe(rounds: int = 3) -> str:
    """The measurements, one line each: medians over rounds that alternate the programs."""
    lines = [f"{len(ALPHAS)} penalties in float64; rounds of fresh processes, in each the median of {REPEATS} calls"]
    for shape, (rows, columns) in SHAPES.items():
        found = medians("benchmarks.ridge_path_child", SCIKIT_LEARN, rounds, lambda _, shape=shape: (shape,))
        lines.append(f"{rows:,} x {columns}")
        for program, one in found.items():
            lines.append(
                f"  {program}: {1000 * one['seconds']:.1f} ms, first call {one['first']:.2f} s, "
                f"alpha {one['alpha']:.4g}, objective {one['objective']:.10g}, leave-one-out {one['error']:.10g}"
            )
        theirs = best_of_others(found)
        lines.append(f"  time over the better of scikit-learn's: {found[OURS]['seconds'] / theirs:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
