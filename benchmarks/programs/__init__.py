"""The programs that run a training case, one file each, and their literal table.

Each module has `prepare(case) -> epoch`, where `epoch()` trains one epoch and returns when all of its work is done.
"""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    """Module, what is shown, the packages it needs, and settings of its process."""

    module: str
    label: str
    packages: tuple[str, ...] = ()
    needs_compiler: bool = False
    environment: tuple[tuple[str, str], ...] = ()


PROGRAMS: dict[str, Program] = {
    "pullback": Program("benchmarks.programs.pullback_train", "Pullback"),
    "pullback_again": Program("benchmarks.programs.pullback_train", "Pullback, again"),
    "pullback_malloc": Program(
        "benchmarks.programs.pullback_train", "Pullback, PULLBACK_MALLOC=1", environment=(("PULLBACK_MALLOC", "1"),)
    ),
    "torch_eager": Program("benchmarks.programs.torch_eager", "PyTorch, eager", ("torch",)),
    "torch_compiled": Program(
        "benchmarks.programs.torch_compiled", "PyTorch, torch.compile", ("torch",), needs_compiler=True
    ),
    "flax_nnx": Program("benchmarks.programs.flax_nnx", "Flax NNX + Optax", ("flax", "optax")),
}
