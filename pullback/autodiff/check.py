r"""Are the derivatives of a function right? Both modes against differences, and against each other.

With \(J\) the Jacobian, forward mode gives \(J d\), reverse mode \(J^\top w\), and differences give \(J d\) from values
alone. Three comparisons follow for each direction \(d\) and each weighting \(w\) of the results:

\[ (J d)_\text{forward} = (J d)_\text{differences}, \qquad \langle J^\top w, d\rangle_\text{reverse} =
   \langle w, J d \rangle_\text{differences}, \qquad \langle J^\top w, d\rangle_\text{reverse} =
   \langle w, J d \rangle_\text{forward}. \]

The last one, the dot-product test, needs no differences and holds to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.autodiff.check_arguments import prepare_comparison
from pullback.autodiff.compared import Compared
from pullback.autodiff.compared_entry import Entry
from pullback.autodiff.diagnosis import Cause, diagnose
from pullback.core.checks import positive
from pullback.core.errors import DerivativeError

# Entries up to which every partial derivative is compared by itself.
_ENTRYWISE = 64
# Relative disagreement of the two modes that rounding explains in float64, and in units of a lower precision.
_ROUNDING, _UNITS = 1e-8, 100


@dataclass(frozen=True)
class DerivativeCheck:
    """What came of a check.

    Parameters
    ----------
    passed : whether both modes agree with differences and with each other.
    worst : the entry with the largest relative error, found by bisection where the arguments are large.
    forward_error, reverse_error : largest relative error of each mode; `None` for a mode that this program has not.
    modes_error : largest relative disagreement of the two modes; `None` if there is only one.
    cause, explanation : the likely reason for a disagreement, as a keyword and in words.
    tolerance : relative error that passes.
    entries, probes : numbers the check moved, and directions in which it compared.
    notes : why a mode is missing.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> found = check(lambda x, y: jnp.floor(x) * y, 2.0, 3.0)
    >>> found.passed, found.worst.argument, found.worst.ours, found.cause
    (False, 'x', 0.0, 'kink')
    """

    passed: bool
    worst: Entry
    forward_error: float | None
    reverse_error: float | None
    modes_error: float | None
    cause: Cause
    explanation: str
    tolerance: float
    entries: int
    probes: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        show = lambda error: "not available" if error is None else f"{error:.1e}"  # noqa: E731
        worst = self.worst
        lines = [
            f"derivatives {'agree' if self.passed else 'DISAGREE'} "
            f"({self.entries} numbers, {self.probes} directions, tolerance {self.tolerance:.0e})",
            f"  forward mode against differences: {show(self.forward_error)}",
            f"  reverse mode against differences: {show(self.reverse_error)}",
            f"  forward against reverse mode:     {show(self.modes_error)}",
            f"  worst entry: d {worst.result} / d {worst.argument}, relative error {worst.relative_error:.1e}",
            f"    {worst.mode} mode {worst.ours:.10g}, differences {worst.numerical:.10g} +- {worst.uncertainty:.1g}",
        ]
        if not self.passed:
            lines.append(f"  likely cause: {self.cause}: {self.explanation}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    __repr__ = __str__


def check(
    function: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    throw: bool = False,
) -> DerivativeCheck:
    r"""Compare the derivatives of `function` at `args` with differences, in float64.

    An entry passes if \(|a - b| \le \tau \max(|a|, |b|, 10^{-3} \max |J|) + \rho\), with \(\tau\) the tolerance and
    \(\rho\) the rounding error that differences cannot avoid. Up to 64 numbers, every partial derivative is compared;
    beyond, random directions of signs \(\pm 1\) through each array and through all, and where they fail the worst entry
    is found by bisection.

    Parameters
    ----------
    function : written with JAX; arrays or nested structures of them, in and out.
    args : where. Real arrays are read as float64; integers and anything else stay as they are.
    argnums : positions of the arguments that move; all that hold real numbers if not given.
    tolerance : relative; 1e-6 for a function that computes in float64, about 3e-3 for one that uses float32 inside or
        returns it, which is measured.
    seed : of the random directions.
    throw : raise a `DerivativeError` that carries the finding instead of returning a failed check.

    Errors
    ------
    `DerivativeError` if there is no real number to move or to differentiate, or neither mode exists; with `throw`, if
    the check fails.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> check(lambda x, y: jnp.sin(x) * y, 0.5, 2.0).passed
    True
    >>> found = check(lambda x: jax.nn.relu(x).sum(), np.array([1.0, 0.0, -1.0]))
    >>> found.passed, found.worst.argument, found.cause
    (False, 'x[1]', 'kink')
    """
    compared = prepare_comparison(function, args, argnums)
    chosen = _tolerance(compared.epsilon) if tolerance is None else positive("tolerance", tolerance)
    random = np.random.default_rng(seed)
    compared.choose_weights(random, _ENTRYWISE)
    probes = compared.axes() if compared.size <= _ENTRYWISE else compared.random_directions(random)
    entries = compared.entries(probes)
    worst = max(entries, key=lambda entry: entry.excess(chosen))
    if worst.excess(chosen) > 1 and compared.size > _ENTRYWISE:
        worst = _bisected(compared, worst, chosen)
    modes_error = compared.modes_error(probes)
    agree = modes_error is None or modes_error <= max(_ROUNDING, _UNITS * compared.epsilon)
    passed = bool(worst.excess(chosen) <= 1 and agree and compared.finite)
    cause, explanation = ("none", "") if passed else diagnose(compared, worst, agree)
    found = DerivativeCheck(
        passed,
        worst,
        _largest(entries, "forward"),
        _largest(entries, "reverse"),
        modes_error,
        cause,
        explanation,
        chosen,
        compared.size,
        len(probes),
        compared.notes,
    )
    if throw and not passed:
        raise DerivativeError(
            f"a derivative disagrees with differences: d {worst.result} / d {worst.argument}, {worst.mode} mode",
            expected=f"{worst.numerical:.10g} +- {worst.uncertainty:.1g} by differences",
            got=f"{worst.ours:.10g}",
            fix=f"look for the likely cause: {cause}: {explanation}",
        )
    return found


def _tolerance(epsilon: float) -> float:
    """1e-6 in double precision; the square root law of differences below."""
    return max(1e-6, 10 * math.sqrt(epsilon) if epsilon > 1e-12 else 0.0)


def _largest(entries: Sequence[Entry], mode: str) -> float | None:
    return max((entry.relative_error for entry in entries if entry.mode == mode), default=None)


def _bisected(compared: Compared, worst: Entry, tolerance: float) -> Entry:
    """The single entry at the end of the halves that disagree more."""
    direction = worst.direction
    while (moving := np.flatnonzero(direction)).size > 1:
        halves = []
        for part in np.array_split(moving, 2):
            half = np.zeros_like(direction)
            half[part] = direction[part]
            halves.append(half)
        entries = [entry for entry in compared.entries(halves) if entry.mode == worst.mode]
        worst = max(entries, key=lambda entry: entry.excess(tolerance))
        direction = worst.direction
    return max(
        (entry for entry in compared.entries([abs(direction)]) if entry.mode == worst.mode),
        key=lambda entry: entry.excess(tolerance),
    )
