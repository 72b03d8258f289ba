"""One function between vectors whose two modes and whose differences can be laid side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.autodiff.compared_entry import Entry
from pullback.autodiff.differences import Quotient, noise, richardson
from pullback.autodiff.forward import jvp
from pullback.autodiff.reverse import vjp
from pullback.autodiff.vector_function import VectorFunction
from pullback.core.errors import DerivativeError

Vectors = Sequence[np.ndarray]

# First steps of the two tables of differences.
_COARSE, _FINE = 0.1, 1e-4

# A derivative smaller than this, relative to the value over its scale, may be all rounding.
_NEGLIGIBLE = 1e-6

# Precision of float32, in which a function may compute and return float64.
SINGLE = 2.0**-23


class Compared:
    """The function as `function(vector) -> vector`, with its derivatives by three means.

    `weights` are the combinations of the results that reverse mode is asked for; `finite` tells whether the function
    itself is finite here; `epsilon` is the relative precision of its values and
    `roughness` their measured scatter; `notes` says why a mode is missing.
    """

    def __init__(self, numerical: VectorFunction, function: Callable[[Any], Any]) -> None:
        self.numerical = numerical
        self.function = function
        self.point = numerical.inputs.vector
        self.finite = bool(np.isfinite(numerical.outputs.vector).all())
        self.roughness = self._measured_roughness()
        # Float64 results that were computed in float32; what is rougher still is no precision but noise.
        self.epsilon = self.roughness if 1e-9 < self.roughness < 1e-6 else numerical.epsilon
        self.weights: Vectors = ()
        self.pulled: list[np.ndarray] = []
        missing: list[str] = []
        self.forward = _available("forward", self._forward, missing)
        self.reverse = _available("reverse", self._reverse, missing)
        self.notes = tuple(missing)
        if self.forward is None and self.reverse is None:
            raise DerivativeError(
                "the function has neither a forward nor a reverse derivative",
                expected="a function that one of the two modes can differentiate",
                got="; ".join(missing),
                fix="remove what neither mode supports, or give it a rule by jax.custom_jvp",
            )

    @property
    def size(self) -> int:
        return len(self.point)

    def axes(self) -> list[np.ndarray]:
        """The unit vectors."""
        return list(np.eye(self.size))

    def random_directions(self, random: np.random.Generator, arrays: int = 32, everything: int = 3) -> list[np.ndarray]:
        """Random signs, on the larger arrays one by one and on all together."""
        signs = lambda: random.choice([-1.0, 1.0], self.size)  # noqa: E731
        inputs = self.numerical.inputs
        bounds = inputs.offsets
        lengths = np.diff(bounds)
        directions = [signs() for _ in range(everything)]
        for leaf in np.argsort(-lengths, kind="stable")[:arrays]:
            if lengths[leaf]:
                part = np.zeros(self.size)
                part[bounds[leaf] : bounds[leaf + 1]] = signs()[bounds[leaf] : bounds[leaf + 1]]
                directions.append(part)
        return directions

    def choose_weights(self, random: np.random.Generator, limit: int) -> None:
        """Each result by itself if there are few, else three random combinations."""
        count = len(self.numerical.outputs.vector)
        self.weights = list(np.eye(count)) if count <= limit else list(random.choice([-1.0, 1.0], (3, count)))
        if self.reverse is not None:
            self.pulled = [self.reverse(weight) for weight in self.weights]

    def entries(self, directions: Vectors) -> list[Entry]:
        """For each direction the worst result in forward mode and the worst weighting in reverse mode."""
        quotients = [self.quotient(direction) for direction in directions]
        size = max((_finite_size(quotient.value) for quotient in quotients), default=0.0)
        found: list[Entry] = []
        for direction, quotient in zip(directions, quotients, strict=True):
            if self.forward is not None:
                found.append(self._forward_entry(direction, quotient, size))
            found.extend(self._reverse_entry(direction, quotient, number, size) for number in range(len(self.pulled)))
        return found

    def modes_error(self, directions: Vectors) -> float | None:
        """The dot-product test: largest relative disagreement of the two modes."""
        if self.forward is None or self.reverse is None:
            return None
        products, scale = [], 0.0
        values = abs(np.where(np.isfinite(self.numerical.outputs.vector), self.numerical.outputs.vector, 0.0))
        for direction in directions:
            tangent, natural = self.forward(direction), _NEGLIGIBLE * values / self.scale(direction)
            for weight, pulled in zip(self.weights, self.pulled, strict=True):
                products.append(abs(weight @ tangent - pulled @ direction))
                terms = (weight * tangent, pulled * direction, weight * natural)
                scale = max(scale, *(float(np.linalg.norm(term)) for term in terms))
        worst = max(products, default=0.0)
        if not np.isfinite(worst):
            return np.inf
        return float(worst / scale) if worst else 0.0

    def quotient(self, direction: np.ndarray) -> Quotient:
        """Differences along a direction, from a coarse and a fine table.

        Each entry takes the table with the smaller estimated error; where the two contradict each other, the coarse
        one stepped over a kink or a jump, and the fine one counts.
        """
        scale = self.scale(direction)
        with np.errstate(all="ignore"):
            coarse, fine = (self._table(direction, scale, first * scale) for first in (_COARSE, _FINE))
            errors = [table.truncation + table.rounding for table in (coarse, fine)]
            compatible = abs(coarse.value - fine.value) <= 10 * (errors[0] + errors[1])
            take = ~((errors[0] <= errors[1]) & compatible)
        value, truncation, rounding = (
            np.where(take, getattr(fine, name), getattr(coarse, name)) for name in ("value", "truncation", "rounding")
        )
        return Quotient(value, truncation, rounding, coarse.step, 2, coarse.evaluations + fine.evaluations)

    def scale(self, direction: np.ndarray) -> float:
        """Length along the direction over which a function of unit scale changes."""
        moving = direction != 0
        size = max(1.0, float(np.max(np.abs(self.point[moving]), initial=0.0)))
        return size / (float(np.linalg.norm(direction)) or 1.0)

    def along(self, direction: np.ndarray, t: float) -> np.ndarray:
        """Results at a distance `t`."""
        return self.numerical.call(self.point + t * direction)

    def argument_name(self, direction: np.ndarray) -> str:
        """What moves: an entry, an array, or several."""
        moving = np.flatnonzero(direction)
        inputs = self.numerical.inputs
        if len(moving) == 1:
            return inputs.place(int(moving[0]))
        leaves = sorted({inputs.leaf(int(moving[0])), inputs.leaf(int(moving[-1]))})
        return inputs.paths[leaves[0]] if len(leaves) == 1 else "(random direction)"

    def result_name(self, weights: np.ndarray) -> str:
        """What is watched: an entry of the results or a combination."""
        chosen = np.flatnonzero(weights)
        if len(chosen) > 1:
            return "(combination of results)"
        name = self.numerical.outputs.place(int(chosen[0]))
        return f"result{name}" if not name or name.startswith("[") else name

    def _measured_roughness(self) -> float:
        """Scatter of neighboring values relative to their size, at least the precision of their type."""
        direction = np.where(np.arange(self.size) % 2, 1.0, -1.0)
        scale = self.scale(direction)
        with np.errstate(all="ignore"):
            # Noise is the same at every spacing, what is left of a steep but smooth function is not.
            levels = [
                noise(lambda t: self.along(direction, float(t.real)), 1e-3 * scale, scale, precision)
                for precision in (SINGLE, SINGLE / 4)
            ]
        measured = 4 * min(map(_finite_size, levels)) / (_finite_size(self.numerical.outputs.vector) or 1.0)
        return max(self.numerical.epsilon, measured if measured > 1e-9 else 0.0)

    def _table(self, direction: np.ndarray, scale: float, step: float) -> Quotient:
        return richardson(lambda t: self.along(direction, float(t.real)), 0.0, scale, self.roughness, step)

    def _forward_entry(self, direction: np.ndarray, quotient: Quotient, size: float) -> Entry:
        assert self.forward is not None
        ours = self.forward(direction)
        error = abs(ours - quotient.value)
        number = int(np.argmax(np.where(np.isfinite(error), error, np.inf)))
        weights = np.zeros(len(ours))
        weights[number] = 1.0
        return self._entry("forward", direction, weights, ours[number], quotient, size)

    def _reverse_entry(self, direction: np.ndarray, quotient: Quotient, number: int, size: float) -> Entry:
        ours = float(self.pulled[number] @ direction)
        return self._entry("reverse", direction, self.weights[number], ours, quotient, size)

    def _entry(
        self, mode: str, direction: np.ndarray, weights: np.ndarray, ours: float, quotient: Quotient, size: float
    ) -> Entry:
        chosen = weights != 0
        total = lambda values: float(weights[chosen] @ np.broadcast_to(values, weights.shape)[chosen])  # noqa: E731
        numerical = total(quotient.value)
        rounding, truncation = (
            float(abs(weights[chosen]) @ v[chosen]) for v in (quotient.rounding, quotient.truncation)
        )
        floor = 1e-3 * size * float(np.linalg.norm(weights))
        scale = max(_finite_size(np.array([ours, numerical])), floor)
        return Entry(
            mode,
            self.argument_name(direction),
            self.result_name(weights),
            float(ours),
            numerical,
            truncation + rounding,
            rounding * self.epsilon / self.roughness,
            scale,
            direction,
            weights,
        )

    def _forward(self) -> Callable[[np.ndarray], np.ndarray]:
        compiled = jax.jit(lambda direction: jvp(self.function, (jnp.asarray(self.point),), (direction,))[1])
        return _in_double(compiled, self.point)

    def _reverse(self) -> Callable[[np.ndarray], np.ndarray]:
        compiled = jax.jit(lambda weight: vjp(self.function, jnp.asarray(self.point))[1](weight)[0])
        return _in_double(compiled, self.numerical.outputs.vector)


def _in_double(compiled: Callable[..., Any], example: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def call(vector: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(compiled(np.asarray(vector, np.float64)))

    call(np.zeros_like(example))
    return call


def _available(mode: str, build: Callable[[], Any], missing: list[str]) -> Any:
    try:
        return build()
    except (DerivativeError, NotImplementedError) as error:
        missing.append(f"no {mode} mode: {str(error).splitlines()[0]}")
        return None


def _finite_size(values: np.ndarray) -> float:
    return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values)))
