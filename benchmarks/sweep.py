"""Many small fits: `train.sweep` beside as many fits in turn, ours and PyTorch's."""

from __future__ import annotations

import statistics

from benchmarks.rivals import ONE_THREAD, measure
from benchmarks.sweep_child import BATCH, CASES

PROGRAMS = {"pullback": {}, "pullback_loop": {}, "torch": {}, "torch with one thread": ONE_THREAD}


def describe(rounds: int = 3) -> str:
    """The measurements, one line each; the rounds alternate the programs."""
    lines = []
    for name, case in CASES.items():
        members = case.rates * case.seeds
        lines.append(
            f"{'-'.join(map(str, case.sizes))}, {case.rows:,} rows, batch {BATCH}, {case.epochs} epochs: "
            f"{case.rates} rates x {case.seeds} seeds; medians of {rounds} rounds of fresh processes"
        )
        found = {program: [] for program in PROGRAMS}
        for _ in range(rounds):
            for program, environment in PROGRAMS.items():
                found[program].append(measure("benchmarks.sweep_child", program, environment, name))
        seconds = {program: statistics.median(one["seconds"] for one in every) for program, every in found.items()}
        for program, every in found.items():
            lines.append(f"  {program}: {seconds[program]:.2f} s for {members} fits ({every[-1]['route']})")
        for other in list(PROGRAMS)[1:]:
            lines.append(f"  {other} over the sweep: {seconds[other] / seconds['pullback']:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(describe())
