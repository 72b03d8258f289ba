"""Microseconds to log one scalar to the run folder's append-only log."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from pullback.train.log import Log


def microseconds_per_scalar(records: int = 5000, blocks: int = 5) -> float:
    """Median over blocks; each record holds one scalar and is handed to the operating system at once."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "metrics.jsonl")
        for _ in range(blocks):
            started = time.perf_counter()
            for step in range(records):
                log.write({"event": "scalar", "step": step, "loss": 0.5 + step})
            times.append(1e6 * (time.perf_counter() - started) / records)
        log.close()
    return statistics.median(times)


def describe() -> str:
    """The measurement in one line."""
    return f"one scalar a record: {microseconds_per_scalar():.1f} microseconds"
