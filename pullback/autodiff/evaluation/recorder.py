"""Evaluating a program operation by operation, with tangents along and adjoints back, and writing everything down.

A function that the program only names is entered, and so is the branch that a conditional takes and, where the number
of passes is small, each pass of a `while`. A `scan` stays one operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, jaxpr_as_fun

from pullback.autodiff.evaluation.labels import argument_names, program_name, scopes
from pullback.autodiff.evaluation.reader import counted
from pullback.autodiff.evaluation.steps import Group, Recording, Single, Step
from pullback.autodiff.evaluation.tape import AdjointTape
from pullback.autodiff.parameters import (
    branches,
    called,
    called_name,
    checkpoint,
    constants_of,
    repetition,
)
from pullback.autodiff.program import equations
from pullback.autodiff.push import push_one
from pullback.autodiff.record import Tracked, collect, differentiable
from pullback.autodiff.rules import RULES
from pullback.core.errors import DerivativeError

# A loop of more passes than this is one operation in a trace.
LONGEST_LOOP = 100
CHECKPOINTS = ("checkpoint", "remat", "remat2")


class Recorder:
    """One evaluation while it happens."""

    def __init__(self) -> None:
        self.tape = AdjointTape(RULES)
        self.tracked: list[Tracked] = []
        self.tangents: list[Any] = []
        self.known: set[int] = set()
        self.without_tangent: set[int] = set()
        self.constants: dict[int, int] = {}
        self._scope: tuple[str, ...] = ()

    def place(self, tracked: Tracked, tangent: Any = None, *, known: bool = False) -> int:
        """A new place for a value."""
        self.tracked.append(tracked)
        self.tangents.append(tangent)
        place = len(self.tracked) - 1
        if known:
            self.known.add(place)
        return place

    def variable(self, value: Any, tangent: Any) -> int:
        """A place for an argument."""
        return self.place(self.tape.track(value) if differentiable(value) else Tracked(value), tangent)

    def run(self, program: ClosedJaxpr, inputs: Sequence[int]) -> tuple[list[Step], list[int]]:
        """The steps of a program, and the places of its results."""
        environment: dict[Any, int] = dict(zip(program.jaxpr.invars, inputs, strict=True))
        named = zip(program.jaxpr.constvars, constants_of(program), program.consts, strict=True)
        for variable, value, original in named:
            environment[variable] = self.place(Tracked(value), known=True)
            self.constants[environment[variable]] = id(original)

        def read(atom: Any) -> int:
            return self.place(Tracked(atom.val), known=True) if isinstance(atom, Literal) else environment[atom]

        outer = self._scope
        steps: list[Step] = []
        for equation in program.jaxpr.eqns:
            if not equation.outvars:
                continue
            self._scope = (*outer, *scopes(equation))
            step, targets = self._step(equation, tuple(read(atom) for atom in equation.invars))
            environment.update(zip(equation.outvars, targets, strict=True))
            steps.append(step)
        self._scope = outer
        return steps, [read(atom) for atom in program.jaxpr.outvars]

    def _step(self, equation: JaxprEqn, sources: tuple[int, ...]) -> tuple[Step, Sequence[int]]:
        if not self.known.issuperset(sources):
            inner = called(equation)
            if inner is not None:
                return self._group(called_name(equation), "function", inner, sources)
            if equation.primitive.name in CHECKPOINTS:
                inner = checkpoint(equation).program
                return self._group(program_name(inner, "<checkpoint>"), "function", inner, sources)
            if equation.primitive.name == "cond":
                return self._branch(equation, sources)
            if equation.primitive.name == "while":
                passes = self._passes(equation, sources)
                if passes <= LONGEST_LOOP:
                    return self._unrolled(equation, sources, passes)
        return self._single(equation, sources)

    def _group(
        self, name: str, kind: str, program: ClosedJaxpr, sources: tuple[int, ...]
    ) -> tuple[Group, Sequence[int]]:
        members, targets = self.run(program, sources)
        names = argument_names(program, len(sources))
        return Group(name, kind, tuple(members), sources, tuple(targets), names, self._scope), targets

    def _branch(self, equation: JaxprEqn, sources: tuple[int, ...]) -> tuple[Group, Sequence[int]]:
        programs = branches(equation)
        taken = int(np.clip(self.tracked[sources[0]].value, 0, len(programs) - 1))
        name = f"branch {taken + 1} of {len(programs)}"
        return self._group(name, "branch", programs[taken], sources[1:])

    def _passes(self, equation: JaxprEqn, sources: tuple[int, ...]) -> int:
        """How often the body of a `while` runs here."""
        loop = repetition(equation)
        values = [self.tracked[source].value for source in sources]
        of_test, rest = values[: loop.test_constants], values[loop.test_constants :]
        of_body, start = rest[: loop.body_constants], rest[loop.body_constants :]
        count, *_ = lax.while_loop(
            lambda state: jaxpr_as_fun(loop.test)(*of_test, *state[1:])[0],
            lambda state: (state[0] + 1, *jaxpr_as_fun(loop.body)(*of_body, *state[1:])),
            (jnp.int32(0), *start),
        )
        return int(count)

    def _unrolled(self, equation: JaxprEqn, sources: tuple[int, ...], passes: int) -> tuple[Group, Sequence[int]]:
        loop = repetition(equation)
        of_body = sources[loop.test_constants : loop.test_constants + loop.body_constants]
        state = sources[loop.test_constants + loop.body_constants :]
        members = []
        for number in range(passes):
            group, targets = self._group(f"pass {number + 1}", "pass", loop.body, (*of_body, *state))
            members.append(group)
            state = tuple(targets)
        given = sources[loop.test_constants :]
        names = argument_names(loop.body, len(given))
        name = f"{counted(passes, 'pass')} of {program_name(loop.body, 'while')}"
        return Group(name, "loop", tuple(members), given, state, names, self._scope), state

    def _single(self, equation: JaxprEqn, sources: tuple[int, ...]) -> tuple[Single, list[int]]:
        known = self.known.issuperset(sources)
        operands = [self.tracked[source] for source in sources]
        results = self.tape.operation(equation, operands, known)
        tangents, found = self._tangents(equation, sources, len(results))
        targets = [self.place(result, t, known=known) for result, t in zip(results, tangents, strict=True)]
        if not found:
            self.without_tangent.update(place for place in targets if differentiable(self.tracked[place].value))
        return Single(equation, sources, tuple(targets), self._scope), targets

    def _tangents(self, equation: JaxprEqn, sources: tuple[int, ...], count: int) -> tuple[list[Any], bool]:
        """Tangents of the results of an operation, and whether they could be found."""
        if not self.without_tangent.isdisjoint(sources):
            return [None] * count, False
        duals = [(self.tracked[source].value, self.tangents[source]) for source in sources]
        if all(tangent is None for _, tangent in duals):
            return [None] * count, True
        try:
            return [tangent for _, tangent in push_one(RULES, equation, duals)], True
        except DerivativeError as error:
            self.tape.reasons.append(error.what)
            return [None] * count, False


class _Evaluation:
    """A program as a function from arguments, directions and cotangents to all numbers of its recording."""

    def __init__(self, program: ClosedJaxpr) -> None:
        self.program = program
        self.recorder = Recorder()
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.steps: list[Step] = []
        self.lost: set[int] = set()

    def __call__(self, values: list[Any], directions: list[Any], cotangents: list[Any]) -> tuple[Any, Any, Any]:
        self.recorder = recorder = Recorder()
        self.inputs = [recorder.variable(value, t) for value, t in zip(values, directions, strict=True)]
        self.steps, self.outputs = recorder.run(self.program, self.inputs)
        pairs = zip([recorder.tracked[place] for place in self.outputs], cotangents, strict=True)
        found, self.lost = recorder.tape.adjoints(collect(pairs))
        moved = {place: tangent for place, tangent in enumerate(recorder.tangents) if tangent is not None}
        adjoints = {
            place: found[tracked.place] for place, tracked in enumerate(recorder.tracked) if tracked.place in found
        }
        return [tracked.value for tracked in recorder.tracked], moved, adjoints

    def recording(self, values: list[Any], tangents: dict[int, Any], adjoints: dict[int, Any]) -> Recording:
        """All numbers on the host; a derivative that is zero everywhere is written out."""
        recorder = self.recorder
        host = {place: _on_host(value) for place, value in enumerate(values)}
        forward, backward = ({p: _on_host(v) for p, v in found.items()} for found in (tangents, adjoints))
        for place, value in host.items():
            tape_place = recorder.tracked[place].place
            if tape_place is None:
                continue
            if tape_place in self.lost:
                backward.pop(place, None)
            else:
                backward.setdefault(place, np.zeros_like(value))
            if place not in recorder.without_tangent:
                forward.setdefault(place, np.zeros_like(value))
        return Recording(
            tuple(self.steps),
            tuple(self.inputs),
            tuple(self.outputs),
            host,
            forward,
            backward,
            frozenset(recorder.known),
            dict(recorder.constants),
            tuple(dict.fromkeys(recorder.tape.reasons)),
        )


def record(
    program: ClosedJaxpr, values: Sequence[Any], directions: Sequence[Any], cotangents: Sequence[Any]
) -> Recording:
    """Evaluate a program with tangents and adjoints; a direction or cotangent that is zero is `None`.

    It is one compiled program, unless a choice or a loop depends on a value: then it runs operation by operation.
    """
    evaluation = _Evaluation(program)
    decides = any(equation.primitive.name in ("cond", "while") for equation in equations(program))
    call = evaluation if decides else jax.jit(evaluation)
    return evaluation.recording(*call(list(values), list(directions), list(cotangents)))


def _on_host(value: Any) -> Any:
    """A value as a NumPy array; a random key stays what it is."""
    return value if jnp.issubdtype(jax.typeof(value).dtype, jax.dtypes.prng_key) else np.asarray(value)
