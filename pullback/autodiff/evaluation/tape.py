r"""The tape of an evaluation to be read: it keeps the adjoint of every value, and says where there is none.

\[ \bar v_i = \frac{\partial y}{\partial v_i} \]

is kept for all places, where reverse mode lets go of it once it is used; so a value is the derivative of the result in
that intermediate, whether or not an argument moves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import JaxprEqn

from pullback.autodiff.parameters import apply
from pullback.autodiff.record import Entry, Table, Tape, Tracked, differentiable, pulled
from pullback.autodiff.rule import add
from pullback.core.errors import DerivativeError


class AdjointTape(Tape):
    """A tape that goes on where an operation has no way back."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.reasons: list[str] = []
        self._blocked: list[tuple[int, tuple[int | None, ...], tuple[int | None, ...]]] = []

    def operation(self, equation: JaxprEqn, operands: Sequence[Tracked], known: bool) -> list[Tracked]:
        """The results of one operation; each real one has a place of its own, unless it is a known constant."""
        try:
            results = self.step(equation, operands)
        except DerivativeError as error:
            self.reasons.append(error.what)
            results = [self._own(Tracked(value)) for value in apply(equation, [each.value for each in operands])]
            sources = tuple(operand.place for operand in operands)
            self._blocked.append((len(self.entries), sources, tuple(result.place for result in results)))
        return results if known else [self._own(result) for result in results]

    def _own(self, result: Tracked) -> Tracked:
        if result.place is None and differentiable(result.value):
            return self.track(result.value)
        return result

    def adjoints(self, cotangents: Mapping[int, Any]) -> tuple[dict[int, Any], set[int]]:
        """The adjoint of each place that the results depend on, and the places where it cannot be found."""
        found = dict(cotangents)
        lost: set[int] = set()
        steps: list[tuple[int, Any]] = [(2 * index + 1, entry) for index, entry in enumerate(self.entries)]
        steps += [(2 * before, blocked) for before, *blocked in self._blocked]
        for _, step in sorted(steps, key=lambda pair: pair[0], reverse=True):
            sources, targets = (step.sources, step.targets) if isinstance(step, Entry) else step
            if any(place in lost for place in targets):
                lost.update(place for place in sources if place is not None)
                continue
            outgoing = [None if place is None else found.get(place) for place in targets]
            if all(direction is None for direction in outgoing):
                continue
            if not isinstance(step, Entry) or not self._pull(step, outgoing, found):
                lost.update(place for place in sources if place is not None)
        return found, lost

    def _pull(self, entry: Entry, outgoing: list[Any], found: dict[int, Any]) -> bool:
        try:
            incoming = pulled(entry.rule, entry.point, outgoing)
        except DerivativeError as error:
            self.reasons.append(error.what)
            return False
        for place, cotangent in zip(entry.sources, incoming, strict=True):
            if place is not None and cotangent is not None:
                found[place] = add(found.get(place), _as_array(cotangent))
        return True


def _as_array(cotangent: Any) -> Any:
    return cotangent if isinstance(cotangent, jax.Array) else jax.numpy.asarray(cotangent)
