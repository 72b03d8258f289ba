"""One measured process: `python -m benchmarks.child PROGRAM CASE` prints the median seconds of a step as JSON."""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time

from benchmarks.cases import TRAINING_CASES
from benchmarks.programs import PROGRAMS
from pullback.core.memory import keep_freed_memory


def main(name: str, case_name: str, timed_epochs: int) -> None:
    """Warm up, time whole epochs, print."""
    if name.startswith("pullback"):
        # As the command does for its own process, before JAX starts, if PULLBACK_MALLOC=1 asks for it.
        keep_freed_memory()
    case = TRAINING_CASES[case_name]
    epoch = importlib.import_module(PROGRAMS[name].module).prepare(case)
    for _ in range(case.warm_epochs):
        epoch()
    times = []
    for _ in range(timed_epochs):
        started = time.perf_counter()
        epoch()
        times.append((time.perf_counter() - started) / case.steps)
    print(json.dumps(statistics.median(times)))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
