"""Time to start: bare Python, `import pullback`, `pullback --help`, `pullback list`, in alternating processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS: dict[str, list[str]] = {
    "bare Python": ["-c", "pass"],
    "import pullback": ["-c", "import pullback"],
    "pullback --help": ["-m", "pullback", "--help"],
    "pullback list": ["-m", "pullback", "list"],
}


def seconds(repetitions: int = 15) -> dict[str, float]:
    """Median wall time of each command."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repetitions):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def describe() -> str:
    """The measurements, one line each."""
    return "\n".join(f"{name}: {1000 * value:.0f} ms" for name, value in seconds().items())
