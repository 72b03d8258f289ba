"""One measured process: `python -m benchmarks.autodiff.child PROGRAM CASE SECONDS` prints a number as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.autodiff.case import CASES, GradientCase
from pullback.autodiff import value_and_grad

DIFFERENTIATORS: dict[str, Callable[..., Any]] = {"pullback": value_and_grad, "jax": jax.value_and_grad}


def compile_seconds(case: GradientCase, differentiator: Callable[..., Any]) -> float:
    """From the Python function to the executable program."""
    function, args = case.prepare()
    # The backend starts, and the arguments exist, before the clock runs.
    jax.block_until_ready(args)
    started = time.perf_counter()
    jax.jit(differentiator(function)).lower(*args).compile()
    return time.perf_counter() - started


def run_seconds(case: GradientCase, differentiator: Callable[..., Any], seconds: float) -> float:
    """Median time of a call, over calls that take `seconds` together after a quarter as many to warm up."""
    function, args = case.prepare()
    program = jax.jit(differentiator(function)).lower(*args).compile()
    times = []
    for share in (0.25, 1.0):
        times.clear()
        end = time.perf_counter() + share * seconds
        while len(times) < 5 or time.perf_counter() < end:
            started = time.perf_counter()
            jax.block_until_ready(program(*args))
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def disagreement(case: GradientCase) -> float:
    """Distance of the two gradients over the length of JAX's, in the Euclidean norm."""
    function, args = case.prepare()
    ours, theirs = (
        np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(jax.jit(differentiator(function))(*args))])
        for differentiator in (value_and_grad, jax.value_and_grad)
    )
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def main(program: str, name: str, seconds: float) -> None:
    """Measure and print."""
    case = CASES[name]
    if program == "disagreement":
        result = disagreement(case)
    elif case.compiling:
        result = compile_seconds(case, DIFFERENTIATORS[program])
    else:
        result = run_seconds(case, DIFFERENTIATORS[program], seconds)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
