"""Which steps stand together, and which need no line of their own.

No line of its own has what computes nothing (a transpose, an index), a product or quotient of a value with a known
number, a truth value or an integer, where one line uses it; it stands in the expression of that line. A named function,
or a layer, is one line; it is written out where that takes no more than a line.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import jax.numpy as jnp
import numpy as np

from pullback.autodiff.evaluation.reader import MOVES
from pullback.autodiff.evaluation.steps import Group, Recording, Single, Step

COEFFICIENTS = frozenset(("div", "mul", "neg"))


def leading_to(steps: Iterable[Step], targets: Collection[int]) -> list[Step]:
    """The steps on which some places depend."""
    wanted, chosen = set(targets), []
    for step in reversed(list(steps)):
        if not wanted.isdisjoint(step.targets):
            chosen.append(step)
            wanted.update(step.sources)
    return chosen[::-1]


def arranged(
    steps: Sequence[Step], outputs: Sequence[int], depth: int, lines: Callable[[Group], int]
) -> tuple[Step, ...]:
    """The steps as they are shown: unnamed and short functions written out, layers put together.

    Parameters
    ----------
    depth : how many names of a scope are known from outside.
    lines : how many lines a group takes, written out.
    """
    needed = leading_to(_written_out(leading_to(steps, outputs), lines), outputs)
    runs = [(scope, list(run)) for scope, run in itertools.groupby(needed, key=lambda s: s.scope[: depth + 1][depth:])]
    shown: list[Step] = []
    for position, (scope, run) in enumerate(runs):
        if not scope:
            shown += run
            continue
        later = itertools.chain.from_iterable(steps for _, steps in runs[position + 1 :])
        group = _layer(scope[0], run, {*outputs, *(place for step in later for place in step.sources)})
        shown += run if lines(group) <= 1 else [group]
    if len(shown) == 1 and isinstance(shown[0], Group) and shown[0].kind in ("function", "layer"):
        return arranged(shown[0].members, outputs, len(shown[0].scope), lines)
    return tuple(shown)


def _written_out(steps: Iterable[Step], lines: Callable[[Group], int]) -> list[Step]:
    found: list[Step] = []
    for step in steps:
        if isinstance(step, Group) and step.kind == "function" and _is_short(step, lines):
            found += _written_out(step.members, lines)
        else:
            found.append(step)
    return found


def _is_short(group: Group, lines: Callable[[Group], int]) -> bool:
    """Whether a function has no name to be called by, or takes a line at most."""
    return group.name.startswith(("_", "<")) or lines(group) <= 1


def _layer(name: str, members: Sequence[Step], used: Collection[int]) -> Group:
    made = {place for member in members for place in member.targets}
    sources = dict.fromkeys(place for member in members for place in member.sources if place not in made)
    targets = dict.fromkeys(place for member in members for place in member.targets if place in used)
    scope = members[0].scope
    return Group(
        name,
        "layer",
        tuple(members),
        tuple(sources),
        tuple(targets),
        ("",) * len(sources),
        scope[: scope.index(name) + 1],
    )


def uniform(value: object) -> np.generic | None:
    """The number of which an array consists, `None` where there are several."""
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    first = value.reshape(-1)[0]
    return first if value.size == 1 or bool((value == first).all()) else None


def folded(recording: Recording, steps: Sequence[Step], outputs: Sequence[int]) -> set[int]:
    """Places that stand in the expressions of those that use them."""
    uses: Counter[int] = Counter(outputs)
    found: set[int] = set()
    for step in reversed(steps):
        times = 1
        if isinstance(step, Single) and len(step.targets) == 1 and step.targets[0] not in outputs:
            (place,) = step.targets
            if step.equation.primitive.name in MOVES or (uses[place] == 1 and _may_fold(recording, step)):
                found.add(place)
                times = uses[place]
        for source in step.sources:
            uses[source] += times
    return found


def _may_fold(recording: Recording, step: Single) -> bool:
    value = recording.values[step.targets[0]]
    if not jnp.issubdtype(value.dtype, jnp.inexact):
        return True
    name = step.equation.primitive.name
    if name not in COEFFICIENTS:
        return False
    known = [uniform(recording.values[p]) is not None if p in recording.known else False for p in step.sources]
    return name == "neg" or known[-1] or (name == "mul" and known[0])
