"""Programs compiled by XLA, counted and explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from pullback.core.trees import flatten_by_path

# XLA's YNNPACK convolutions, above all their kernel gradients, are slower on a CPU than Eigen's; its reductions are
# faster. Products are left alone: without a convolution the default measures best.
CONVOLUTION_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}

Signature = tuple[Any, ...]


@dataclass
class Programs:
    """The compiled programs of one fit, at most one a name unless shapes change.

    Parameters
    ----------
    convolutional : whether the model convolves; decides the compiler options on a CPU.
    say : receives one line when a program has to be compiled again, with what differed and the seconds it took.
    """

    convolutional: bool = False
    say: Callable[[str], None] = lambda line: None
    compiled: dict[str, dict[Signature, Callable[..., Any]]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(len(versions) for versions in self.compiled.values())

    def get(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], donate: Sequence[int] = ()
    ) -> Callable[..., Any]:
        """The program `name` for arguments of these shapes; compiled on first use."""
        versions = self.compiled.setdefault(name, {})
        signature = _signature(args)
        if signature not in versions:
            started = time.perf_counter()
            traced = jax.jit(function, donate_argnums=tuple(donate)).trace(*args)
            program = _compile(traced.lower(), self._options())
            seconds = time.perf_counter() - started
            self.seconds += seconds
            if versions:
                self.say(f"compiled {name} again in {seconds:.1f} s: {_difference(next(iter(versions)), signature)}")
            versions[signature] = program
        return versions[signature]

    def _options(self) -> dict[str, str]:
        return CONVOLUTION_OPTIONS if self.convolutional and jax.default_backend() == "cpu" else {}


def _compile(lowered: Any, options: dict[str, str]) -> Callable[..., Any]:
    try:
        return lowered.compile(compiler_options=options)
    except jax.errors.JaxRuntimeError as error:
        if not options or "compile option" not in str(error):
            raise
        return lowered.compile()


def _signature(args: tuple[Any, ...]) -> Signature:
    leaves = flatten_by_path(args)
    return tuple((path, leaf.shape, str(leaf.dtype)) for path, leaf in leaves.items())


def _difference(before: Signature, after: Signature) -> str:
    changed = [
        f"{path} was {shape} {dtype}, is {new_shape} {new_dtype}"
        for (path, shape, dtype), (_, new_shape, new_dtype) in zip(before, after, strict=False)
        if (shape, dtype) != (new_shape, new_dtype)
    ]
    return changed[0] if changed else f"{len(before)} arrays before, {len(after)} now"
