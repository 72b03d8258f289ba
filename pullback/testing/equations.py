r"""The equation shown is the code run: the LaTeX of a kernel, read back from its text and compared with the kernel.

The reader (`latex_parser`) and the evaluator (`latex_evaluator`) know LaTeX and NumPy, and nothing of how the text was
made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.explain.arguments import passed
from pullback.explain.equation import Equation, equation
from pullback.explain.tracing import Trace, call_with, trace
from pullback.testing.latex_evaluator import evaluate
from pullback.testing.latex_parser import Page, parse

# Spread of the random entries: wide enough for both sides of every kink.
SPREADS = (1.0, 4.0, 0.1)


@dataclass(frozen=True)
class EquationExample:
    """One kernel under check.

    Parameters
    ----------
    name : how the test is called.
    kernel : the kernel, with settings fixed by `functools.partial` where they have no default.
    examples : shapes of its arguments, where the annotations leave them open.
    positive : arguments that are not negative.
    below : integer arguments and what they are less than.
    values : entries mixed into the random ones of every real argument: kinks.
    output : LaTeX of the results.
    symbols : LaTeX of arguments that have another meaning than their names.
    """

    name: str
    kernel: Callable[..., Any]
    examples: tuple[Any, ...] = ()
    positive: tuple[str, ...] = ()
    below: Mapping[str, int] = field(default_factory=dict)
    values: tuple[float, ...] = ()
    output: str | Sequence[str] | None = None
    symbols: Mapping[str, str] = field(default_factory=dict)

    def equation(self) -> Equation:
        """The equation of the kernel."""
        return equation(self.kernel, *self.examples, output=self.output, symbols=self.symbols)


def check_equation(example: EquationExample, *, draws: int = 3, tolerance: float = 1e-12) -> float:
    """The largest error of the equation against the code, relative where the code's value is large; raises beyond.

    The code runs in double precision on random inputs, one draw a spread and seed.
    """
    shown = example.equation()
    traced = trace(example.kernel, example.examples)
    largest = 0.0
    for seed in range(draws):
        inputs = _inputs(example, traced, seed)
        expected = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(_run(example.kernel, traced, inputs))]
        found = evaluate_equation(shown, traced, inputs, [value.shape for value in expected])
        for value, truth in zip(found, expected, strict=True):
            error = difference(value, np.squeeze(truth))
            assert error <= tolerance, f"{example.name}: {shown.latex} is off by {error:.2g} from the code"
            largest = max(largest, error)
    return largest


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to values beyond one; entries that are NaN on both sides agree."""
    if found.shape != expected.shape:
        return float("inf")
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0.0, np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))
    return float("inf") if np.isnan(error).any() else float(error.max(initial=0.0))


def evaluate_equation(
    shown: Equation, traced: Trace, inputs: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]
) -> list[np.ndarray]:
    """The results that the LaTeX of an equation says, for these inputs."""
    leaves = [leaf for name in _names(traced) for leaf in jax.tree.leaves(inputs[name])]
    values = {**traced.arguments.numbers, **dict(zip(traced.inputs, leaves, strict=True))}
    arrays = {latex: np.asarray(values[name]) for name, latex in shown.symbols.items()}
    arrays |= dict(shown.constants)
    arrays = {name: value.astype(np.float64) for name, value in arrays.items()}
    page = parse(shown.latex, {*arrays, *shown.results})
    written = [tuple(size for size in shape if size > 1) for shape in shapes]
    return evaluate(page, arrays, functions_of(shown), written)


def functions_of(shown: Equation) -> dict[str, Page]:
    """The named functions that an equation uses, and those that they use."""
    found: dict[str, Page] = {}
    for definition in shown.definitions:
        found |= functions_of(definition)
        page = parse(definition.latex, {*definition.symbols.values()})
        found[page.lines[0].name] = page
    return found


def _names(traced: Trace) -> list[str]:
    """Arguments that are inputs of the program, in its order."""
    return [name for name in traced.order if name in traced.arguments.arrays or name in traced.symbols]


def _inputs(example: EquationExample, traced: Trace, seed: int) -> dict[str, Any]:
    """Random arrays for the arrays, the numbers as they are."""
    generator = np.random.default_rng(seed)
    spread = SPREADS[seed % len(SPREADS)]

    def draw(name: str, leaf: Any) -> np.ndarray:
        kind = jnp.dtype(leaf.dtype).kind
        if kind == "b":
            return np.asarray(generator.random(leaf.shape) < 0.5)
        if kind in "iu":
            return np.asarray(generator.integers(0, example.below.get(name, 5), leaf.shape), leaf.dtype)
        values = spread * generator.standard_normal(leaf.shape)
        if example.values:
            values = np.where(generator.random(leaf.shape) < 0.4, generator.choice(example.values, leaf.shape), values)
        return np.asarray(np.abs(values) + 0.01 if name in example.positive else values)

    drawn = {
        name: jax.tree.map(lambda leaf, name=name: draw(name, leaf), value)
        for name, value in traced.arguments.arrays.items()
    }
    return {**drawn, **traced.arguments.numbers}


def _run(kernel: Callable[..., Any], traced: Trace, inputs: Mapping[str, Any]) -> Any:
    with jax.enable_x64(True):
        arrays = {name: jax.tree.map(jnp.asarray, inputs[name]) for name in traced.arguments.arrays}
        known = {**passed(traced.arguments, traced.arguments.numbers), **arrays}
        return jax.tree.map(np.asarray, call_with(kernel, traced.order, known))
