r"""What every derivative rule must do: a case names a function and its arguments, and inherits all checks.

A family of rules writes a list of cases and one parametrized test:

    CASES = [Case("sine", jnp.sin, lambda random: (random.normal(size=(2, 3)),))]

    @pytest.mark.parametrize("check", CHECKS)
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
    def test_rule(case, check):
        check(case)

The oracles are JAX's own derivatives and differences in float64; with an energy \(E(x) = \sum w f(x) + |f(x)|^2 / 2\)
of the outputs for the second order, so that a linear function has one too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pullback.autodiff import jvp, vjp


class Mode(NamedTuple):
    """One differentiator: forward and reverse mode with the signatures of `jax.jvp` and `jax.vjp`."""

    jvp: Callable[..., Any]
    vjp: Callable[..., Any]


JAX = Mode(jax.jvp, jax.vjp)
OURS = Mode(jvp, vjp)


@dataclass(frozen=True)
class Case:
    """One function whose derivatives are under check.

    Parameters
    ----------
    name : how the test is called; also the seed of its random numbers.
    function : of arrays or nested structures of them; what it returns may be nested too. Results that are not real or
        complex numbers have no derivative and are left out.
    args : makes the tuple of arguments from a generator, in float64, the same shapes at every call. Real and complex
        arrays move, integers and booleans stay. Keep clear of kinks, where conventions may differ.
    second_order : whether a second derivative exists and is checked.
    reverse : whether reverse mode exists; false for a `while` loop.
    mapped : whether `jax.vmap` can take the function.
    condition : condition number of the result; widens all tolerances.
    """

    name: str
    function: Callable[..., Any]
    args: Callable[[np.random.Generator], tuple[Any, ...]]
    second_order: bool = True
    reverse: bool = True
    mapped: bool = True
    condition: float = 1.0


Arrays = list[Array]


class Problem(NamedTuple):
    """A case as a function of its moving arrays alone, at one point, with directions in both spaces."""

    function: Callable[..., Arrays]
    point: Arrays
    tangents: Arrays
    cotangents: Arrays
    fixed: Arrays


def check_first_order(case: Case) -> None:
    """Forward and reverse mode agree with JAX, all operands moving at once and each by itself."""
    with jax.enable_x64(True):
        problem = _problem(case)
        for positions in _choices(len(problem.point)):

            def both(problem: Problem, positions: tuple[int, ...] = positions) -> Any:
                part = _restricted(problem, positions)
                return [_first_order(mode, part, case.reverse) for mode in (OURS, JAX)]

            ours, theirs = _compiled(case, both)(*problem[1:])
            _assert_close(ours, theirs, 1e-12 * case.condition, f"{case.name}, operands {positions}")


def check_second_order(case: Case) -> None:
    """Hessian-vector products of three kinds agree with JAX's forward over reverse mode."""
    if not (case.second_order and case.reverse):
        return
    with jax.enable_x64(True):
        both = lambda problem: [_second_order(mode, mode, problem) for mode in (OURS, JAX)]  # noqa: E731
        ours, theirs = _compiled(case, both)(*_problem(case)[1:])
        for kind in theirs:
            _assert_close(ours[kind], theirs["forward over reverse"], 1e-12 * case.condition, f"{case.name}, {kind}")


def check_nested(case: Case) -> None:
    """Ours inside JAX's derivative and JAX's inside ours give the same second order."""
    if not (case.second_order and case.reverse):
        return
    with jax.enable_x64(True):
        pairs = ((JAX, JAX), (OURS, JAX), (JAX, OURS))
        nested = lambda problem: [_second_order(*pair, problem) for pair in pairs]  # noqa: E731
        expected, *found = _compiled(case, nested)(*_problem(case)[1:])
        for values in found:
            _assert_close(values, expected, 1e-12 * case.condition, case.name)


def check_numerically(case: Case) -> None:
    """First and second derivative along a direction agree with extrapolated central differences."""
    with jax.enable_x64(True):
        work = lambda problem: _against_differences(case, problem)  # noqa: E731
        for order, (found, expected) in _compiled(case, work)(*_problem(case)[1:]).items():
            _assert_close(found, expected, 1e-6 * case.condition, f"{case.name}, {order}")


def check_vmapped(case: Case) -> None:
    """Mapped over three draws of the arguments, both modes give what each draw gives alone."""
    if not case.mapped:
        return
    with jax.enable_x64(True):
        draws = [_problem(case, draw)[1:] for draw in range(3)]
        derivatives = _compiled(case, lambda problem: _first_order(OURS, problem, case.reverse))
        mapped = jax.vmap(derivatives)(*_stacked(draws))
        alone = _stacked([derivatives(*arrays) for arrays in draws])
        _assert_close(mapped, alone, 1e-12 * case.condition, case.name)


def check_compiled(case: Case) -> None:
    """Compiled or operation by operation, the derivatives are the same."""
    with jax.enable_x64(True):
        problem = _problem(case)
        derivatives = lambda problem: _first_order(OURS, problem, case.reverse)  # noqa: E731
        compiled = _compiled(case, derivatives)(*problem[1:])
        _assert_close(compiled, derivatives(problem), 1e-12 * case.condition, case.name)


def check_single_precision(case: Case) -> None:
    """In float32 the derivatives stay float32 and agree with JAX within 1e-5 in the Euclidean norm."""
    both = lambda problem: [_first_order(mode, problem, case.reverse) for mode in (OURS, JAX)]  # noqa: E731
    ours, theirs = _compiled(case, both)(*_problem(case, dtype=jnp.float32)[1:])
    for found, expected in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert found.dtype == expected.dtype, f"{case.name}: {found.dtype} instead of {expected.dtype}"
    found, expected = (_flat(values) for values in (ours, theirs))
    assert np.linalg.norm(found - expected) <= 1e-5 * case.condition * np.linalg.norm(expected), case.name


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_first_order,
    check_second_order,
    check_nested,
    check_numerically,
    check_vmapped,
    check_compiled,
    check_single_precision,
)


def _problem(case: Case, draw: int = 0, dtype: Any = jnp.float64) -> Problem:
    random = np.random.default_rng([zlib.crc32(case.name.encode()), draw])
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(case.args(random))]
    moving = [_cast(leaf, dtype) for leaf in leaves if _moves(leaf)]
    fixed = [jnp.asarray(leaf) for leaf in leaves if not _moves(leaf)]
    function = _function(case, fixed)
    outputs = jax.eval_shape(function, *moving)
    return Problem(
        function, moving, [_direction(random, x) for x in moving], [_direction(random, y) for y in outputs], fixed
    )


def _compiled(case: Case, work: Callable[[Problem], Any]) -> Callable[..., Any]:
    """`work` as a program of the arrays of a problem, so that none of them is a constant of it."""
    return jax.jit(lambda *arrays: work(Problem(_function(case, arrays[-1]), *arrays)))


def _stacked(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *values: jnp.stack(values), *trees)


def _function(case: Case, fixed: Arrays) -> Callable[..., Arrays]:
    """`case.function` from its moving arrays to the results that have a derivative."""
    leaves, structure = jax.tree.flatten(case.args(np.random.default_rng(0)))
    moves = [_moves(np.asarray(leaf)) for leaf in leaves]

    def function(*moving: Array) -> Arrays:
        arrays, rest = iter(moving), iter(fixed)
        args = jax.tree.unflatten(structure, [next(arrays) if move else next(rest) for move in moves])
        return [result for result in jax.tree.leaves(case.function(*args)) if _moves(result)]

    return function


def _moves(array: Any) -> bool:
    return jnp.issubdtype(array.dtype, jnp.inexact)


def _cast(leaf: np.ndarray, dtype: Any) -> Array:
    complex_dtype = jnp.complex128 if dtype == jnp.float64 else jnp.complex64
    return jnp.asarray(leaf, complex_dtype if np.iscomplexobj(leaf) else dtype)


def _direction(random: np.random.Generator, like: Any) -> Array:
    values = random.normal(size=like.shape)
    if jnp.issubdtype(like.dtype, jnp.complexfloating):
        values = values + 1j * random.normal(size=like.shape)
    return jnp.asarray(values, like.dtype)


def _choices(count: int) -> list[tuple[int, ...]]:
    """All operands, and each alone where there are several: a rule treats an operand that stays in its own way."""
    everything = tuple(range(count))
    return [everything] if count == 1 else [everything, *((position,) for position in everything)]


def _restricted(problem: Problem, positions: Sequence[int]) -> Problem:
    def function(*moving: Array) -> Arrays:
        point = list(problem.point)
        for position, value in zip(positions, moving, strict=True):
            point[position] = value
        return problem.function(*point)

    point, tangents = ([values[position] for position in positions] for values in (problem.point, problem.tangents))
    return Problem(function, point, tangents, problem.cotangents, problem.fixed)


def _first_order(mode: Mode, problem: Problem, reverse: bool) -> dict[str, Arrays]:
    point, tangents = tuple(problem.point), tuple(problem.tangents)
    value, tangent = mode.jvp(problem.function, point, tangents)
    if not reverse:
        return {"value": value, "tangent": tangent}
    again, pull = mode.vjp(problem.function, *point)
    return {"value": value, "tangent": tangent, "again": again, "cotangent": list(pull(problem.cotangents))}


def _second_order(outer: Mode, inner: Mode, problem: Problem) -> dict[str, Arrays]:
    """Products of the Hessian of the energy with the tangents, by three routes."""
    energy, point, tangents = _energy(problem), tuple(problem.point), tuple(problem.tangents)
    gradient = _gradient(inner, energy)
    return {
        "forward over reverse": outer.jvp(gradient, point, tangents)[1],
        "reverse over reverse": _gradient(outer, lambda *x: _inner(gradient(*x), tangents))(*point),
        "reverse over forward": _gradient(outer, lambda *x: inner.jvp(energy, x, tangents)[1])(*point),
    }


def _against_differences(case: Case, problem: Problem) -> dict[str, tuple[Any, Any]]:
    """What ours and the differences say, by the kind of derivative."""
    first, slope = _first_order(OURS, problem, case.reverse), _difference(problem.function, problem)
    found: dict[str, tuple[Any, Any]] = {"forward": (first["tangent"], slope)}
    if case.reverse:
        along = _inner(first["cotangent"], problem.tangents)
        found["reverse"] = (along, _inner(problem.cotangents, slope))
    if case.reverse and case.second_order:
        gradient = _gradient(OURS, _energy(problem))
        curvature = OURS.jvp(gradient, tuple(problem.point), tuple(problem.tangents))[1]
        found["second"] = (curvature, _difference(gradient, problem))
    return found


def _energy(problem: Problem) -> Callable[..., Array]:
    def energy(*point: Array) -> Array:
        outputs = problem.function(*point)
        return _inner(problem.cotangents, outputs) + _inner(outputs, outputs) / 2

    return energy


def _gradient(mode: Mode, function: Callable[..., Array]) -> Callable[..., Arrays]:
    def gradient(*point: Array) -> Arrays:
        value, pull = mode.vjp(function, *point)
        return list(pull(jnp.ones_like(value)))

    return gradient


def _inner(left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Sum of products, without conjugation: the pairing under which JAX transposes. Its real part for complex ones."""
    return sum((jnp.real(jnp.sum(a * b)) for a, b in zip(left, right, strict=True)), start=jnp.zeros(()))


def _difference(function: Callable[..., Arrays], problem: Problem) -> Arrays:
    r"""\((4 D_{h/2} - D_h) / 3\) of central differences \(D_h\) along the tangents; its error is of order \(h^4\)."""

    def central(step: float) -> Arrays:
        above, below = (
            function(*(x + sign * step * d for x, d in zip(problem.point, problem.tangents, strict=True)))
            for sign in (1, -1)
        )
        return [(a - b) / (2 * step) for a, b in zip(above, below, strict=True)]

    return [(4 * fine - coarse) / 3 for fine, coarse in zip(central(5e-4), central(1e-3), strict=True)]


def _flat(tree: Any) -> np.ndarray:
    leaves = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(tree)]
    return np.concatenate([np.zeros(0), *leaves])


def _assert_close(found: Any, expected: Any, relative: float, where: str) -> None:
    """Each array agrees relative to its own largest entry, or to a thousandth of the largest entry of all."""
    floor = 1e-3 * np.max(np.abs(_flat(expected)), initial=0.0, where=np.isfinite(_flat(expected)))
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    for number, (ours, theirs) in enumerate(pairs):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert ours.dtype == theirs.dtype, f"{where}: result {number} is {ours.dtype} instead of {theirs.dtype}"
        scale = max(floor, np.max(np.abs(theirs), initial=0.0, where=np.isfinite(theirs)))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=relative * scale, err_msg=f"{where}: result {number}")
