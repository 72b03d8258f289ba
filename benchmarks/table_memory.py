"""Memory of one epoch on a table of a million rows, and the share of its time that batches cost."""

from __future__ import annotations

import json
import subprocess
import sys

ROADS = {
    "arrays": "train.fit on arrays",
    "table": "data.table, split, preprocessing and train.fit with a run folder",
}


def measure(road: str, data_path: bool = True) -> dict[str, float]:
    """What a fresh process finds: `peak` in multiples of the table; `data_path`, a share of the time of an epoch."""
    command = [sys.executable, "-m", "benchmarks.table_memory_child", road, *["data_path"] * data_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def describe() -> str:
    """The measurements, one line each."""
    lines = ["1,000,000 x 20 in float32 (80 MB), a perceptron of two hidden layers of 128, batch 1024, one epoch"]
    for road, said in ROADS.items():
        found = measure(road)
        lines.append(
            f"{said}: peak of memory {found['peak']:.2f} times the table, itself included; "
            f"data path {100 * found['data_path']:.1f}% of its time"
        )
    return "\n".join(lines)
