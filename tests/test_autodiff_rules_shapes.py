"""Rules of operations that move elements: every check of `testing.derivatives` over edges, strides and empty axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from rule_cases import checked

from pullback import autodiff
from pullback.testing.derivatives import Case


def real(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """Normal numbers."""
    return lambda random: tuple(random.normal(size=shape) for shape in shapes)


def placed(*shapes: tuple[int, ...], at: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """Normal numbers, and a place."""
    return lambda random: (*real(*shapes)(random), *(np.asarray(index, np.int32) for index in at))


def moved(x: Any) -> list[Any]:
    """Operations of one operand of shape (3, 1, 4)."""
    return [
        lax.reshape(x, (4, 3)),
        lax.reshape(x, (2, 6), (2, 0, 1)),
        lax.squeeze(x, (1,)),
        lax.expand_dims(x, (0, 3)),
        lax.transpose(x, (2, 0, 1)),
        lax.rev(x, (0, 2)),
        lax.broadcast_in_dim(x, (2, 3, 5, 4), (1, 2, 3)),
        jnp.tile(x, (2, 3, 1)),
        lax.slice(x, (1, 0, 0), (3, 1, 4), (1, 1, 3)),
        lax.slice(x, (2, 0, 1), (2, 1, 4)),
        jnp.roll(x, 1, 2),
        jnp.repeat(x, 2, axis=0),
        lax.split(x, (1, 3), 2)[1],
        lax.split(x, (1, 0, 3), 2),
        jnp.unstack(x, axis=2)[1],
        jnp.unstack(x, axis=-1),
        jnp.swapaxes(x, 0, 2)[::-2, ..., None],
        jnp.diag(x[:, 0, 1]),
        jnp.triu(x[:, 0]),
    ]


def joined(x: Any, y: Any) -> list[Any]:
    """Operations of two operands of shapes (2, 3) and (2, 3)."""
    return [lax.concatenate([x, y, x], 1), jnp.stack([x, y, y], 1), jnp.stack([x, y], -1), jnp.concatenate([x, y[:0]])]


def padded(edges: list[tuple[int, int, int]], shape: tuple[int, ...]) -> Callable[..., Any]:
    """A pad whose value and array move together: JAX has no way back to the value alone."""
    return lambda v: lax.pad(v[1:].reshape(shape), v[0], edges)


def updated(x: Any, part: Any, *place: Any) -> Any:
    """An array with a part of it replaced."""
    return lax.dynamic_update_slice(x, part, place)


EDGES = {
    "around": [(1, 2, 0), (0, 1, 0)],
    "between": [(0, 0, 2), (1, 0, 1)],
    "cut": [(-1, 0, 0), (-1, -1, 0)],
    "cut between": [(-2, 1, 1), (1, -2, 2)],
    "cut to nothing": [(-3, 0, 0), (0, 0, 0)],
}

CASES = [
    Case("one operand", moved, real((3, 1, 4))),
    Case("two operands", joined, real((2, 3), (2, 3))),
    *(Case(f"padding {kind}", padded(edges, (3, 4)), real((13,))) for kind, edges in EDGES.items()),
    Case("padding of nothing", padded([(1, 1, 0), (0, 1, 0)], (0, 2)), real((1,))),
    Case("slice at a place", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 2)), placed((4, 3), at=(1, 1))),
    Case("slice over an edge", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 2)), placed((4, 3), at=(9, -4))),
    Case("update at a place", updated, placed((4, 3), (2, 2), at=(1, 0))),
    Case("update over an edge", updated, placed((4, 3), (2, 2), at=(7, -4))),
    Case("nothing at all", lambda x: [lax.rev(x, (0,)), x[1:], lax.concatenate([x, x], 0)], real((0, 2))),
]


@checked(CASES)
def test_rule(case, check):
    check(case)


def names(program: Any) -> list[str]:
    return [equation.primitive.name for equation in program.jaxpr.eqns]


def test_one_piece_of_a_split_needs_no_zeros_for_the_others():
    back = jax.make_jaxpr(lambda x, d: autodiff.vjp(lambda x: lax.split(x, (2, 3, 4), 0)[1], x)[1](d))
    assert names(back(jnp.ones(9), jnp.ones(3))) == ["split", "pad"]


def test_the_way_back_of_a_pad_around_is_one_slice():
    back = jax.make_jaxpr(lambda x, d: autodiff.vjp(lambda x: jnp.pad(x, 2), x)[1](d))
    assert [name for name in names(back(jnp.ones(5), jnp.ones(9))) if name not in ("jit", "pad")] == ["slice"]


def test_the_padding_value_receives_the_sum_around_even_beside_large_cotangents():
    # The difference of two sums would lose the small one.
    _, pull = autodiff.vjp(lambda x, p: lax.pad(x, p, [(1, 1, 0)]), jnp.ones(2, jnp.float32), jnp.float32(0))
    _, around = pull(jnp.asarray([1e-3, 1e8, 3e8, 2e-3], jnp.float32))
    np.testing.assert_allclose(around, 3e-3, rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, pytest.param(jnp.bfloat16, marks=pytest.mark.slow)])
def test_cotangents_have_the_type_of_their_operands(dtype):
    x = jnp.asarray(np.arange(12).reshape(3, 1, 4) / 8, dtype)
    value, theirs = jax.vjp(moved, x)
    pull = lambda cotangents: autodiff.vjp(moved, x)[1](cotangents)  # noqa: E731
    cotangents = jax.tree.map(jnp.ones_like, value)
    (ours,), (expected,) = jax.jit(pull)(cotangents), jax.jit(theirs)(cotangents)
    assert ours.dtype == expected.dtype == dtype
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(expected, float), rtol=0.02)
