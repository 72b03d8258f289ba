"""One measured process: `python -m benchmarks.table_memory_child ROAD [data_path]` prints what it found as JSON.

Linux only: the peak of resident memory is read from, and reset in, the process's own folder under /proc.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback import data, models, train
from pullback.train.epochs import close_epoch, run_epoch
from pullback.train.experiment import prepare
from pullback.train.interruption import Interruption
from pullback.train.loop import Loop, build_loop
from pullback.train.progress import Silent
from pullback.train.step import Examples, select_rows

ROWS, COLUMNS = 1_000_000, 20
OWN = Path("/proc/self")


def resident(field: str) -> int:
    """Bytes of this process: `VmRSS` now, `VmHWM` at most since the last reset."""
    lines = (OWN / "status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def table(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal columns, and whether the first two of them sum to more than zero."""
    inputs = np.random.default_rng(0).standard_normal((rows, COLUMNS), np.float32)
    return inputs, (inputs[:, 0] + inputs[:, 1] > 0).astype(np.int32)


def perceptron() -> Any:
    """The library's perceptron with its own sizes, two hidden layers of 128."""
    return models.build("multilayer_perceptron", {"in_shape": [COLUMNS], "out_features": 2}, jax.random.key(0))


SETTINGS: dict[str, Any] = {"loss": "categorical_cross_entropy", "batch_size": 1024, "metrics": ("accuracy",)}


def from_arrays(rows: int) -> Any:
    """One epoch as `train.fit` runs it on two arrays; the training data."""
    own = table(rows)
    train.fit(perceptron(), own, epochs=1, progress=False, **SETTINGS)
    return own


def from_table(rows: int) -> Any:
    """The same from an array that `data.table` takes, with parts held out and a run folder; the training data."""
    inputs, targets = table(rows)
    parts = data.split(data.table(inputs, target=targets), seed=0)
    preprocessing = data.TablePreprocessing.fit(parts[0])
    training, validation, test = (preprocessing(part) for part in parts)
    with tempfile.TemporaryDirectory() as folder:
        train.fit(
            perceptron(),
            training,
            validation_data=validation,
            test_data=test,
            epochs=1,
            run_dir=folder,
            progress=False,
            **SETTINGS,
        )
    return training


ROADS: dict[str, Callable[[int], Any]] = {"arrays": from_arrays, "table": from_table}


def peak(road: str) -> tuple[float, Any]:
    """The peak of memory above that of a process that has compiled and run it all on few rows, in tables."""
    ROADS[road](2000)
    before = resident("VmRSS")
    (OWN / "clear_refs").write_text("5")
    training = ROADS[road](ROWS)
    return (resident("VmHWM") - before) / (4 * ROWS * COLUMNS), training


def data_path_share(training: Any, epochs: int = 5) -> float:
    """Time to draw the order of an epoch and take every batch out of the table, over the time of the epoch.

    Of each the shortest time: what disturbs only ever adds.
    """
    experiment = train.Experiment(perceptron(), training, epochs=2**30, **SETTINGS)
    loop = build_loop(
        prepare(experiment), progress=Silent(), interruption=Interruption(), folder=None, checkpoint_seconds=1e9
    )

    def epoch() -> None:
        run_epoch(loop)
        close_epoch(loop, 0.0, 0.0)
        jax.block_until_ready(loop.leaves)

    take = jax.jit(lambda examples, order: batches(loop, examples, order))

    def data_path() -> None:
        take(loop.examples, jax.device_put(loop.draw_order(1))).block_until_ready()

    times = [(seconds(data_path), seconds(epoch)) for _ in range(epochs + 1)]
    return min(path for path, _ in times) / min(whole for _, whole in times)


def batches(loop: Loop, examples: Examples, order: jax.Array) -> jax.Array:
    """Every batch of an epoch, added up so that none is optimized away.

    The row ids are left out, as they are from the step of a model without randomness.
    """
    size = loop.prepared.batch_size

    def add(step: jax.Array, total: jax.Array) -> jax.Array:
        rows = select_rows(examples, order, step * size, size)
        return total + jnp.sum(rows.inputs) + jnp.sum(rows.targets).astype(jnp.float32)

    return jax.lax.fori_loop(0, loop.prepared.steps_per_epoch, add, jnp.float32(0))


def seconds(run: Callable[[], object]) -> float:
    """Time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main(road: str, *wanted: str) -> None:
    """Measure and print."""
    found, training = peak(road)
    share = {"data_path": data_path_share(training)} if "data_path" in wanted else {}
    print(json.dumps({"peak": found, **share}))


if __name__ == "__main__":
    main(*sys.argv[1:])
