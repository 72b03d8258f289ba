"""Rules of sorting and of the choice of the largest: checks, several operands, ties, one sort for both ways."""

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


def with_keys(random: np.random.Generator) -> tuple[Any, ...]:
    """Whole numbers to sort by, with ties, and numbers that are carried along."""
    return np.array([[2, 0, 2, 1], [1, 1, 0, 0]], np.int32), random.normal(size=(2, 4)), random.normal(size=(2, 4))


CASES = [
    Case("sorts", lambda x: [jnp.sort(x, axis=0), jnp.sort(x, descending=True), jnp.median(x, axis=1)], real((3, 4))),
    Case("sort of nothing", lambda x: jnp.sort(x, axis=0), real((0, 2))),
    Case("sort by two operands", lambda x, y: lax.sort((x, y), num_keys=2), real((2, 3), (2, 3))),
    Case("sort by the first operand", lambda x, y: lax.sort((x, y), dimension=0), real((3, 2), (3, 2))),
    Case("sort by whole numbers", lambda k, x, y: lax.sort((k, x, y), is_stable=True), with_keys),
    Case("the largest", lambda x: [lax.top_k(x, 2), lax.top_k(x, 3, axis=0), jnp.quantile(x, 0.3)], real((4, 5))),
    Case("about the largest", lambda x: [lax.approx_max_k(x, 2), lax.approx_min_k(x, 2, 0)], real((4, 5))),
]


@checked(CASES)
def test_rule(case, check):
    check(case)


def test_ties_keep_their_derivatives_in_the_order_of_the_sort_as_in_jax():
    x, weights = jnp.asarray([2.0, 1.0, 2.0, 1.0]), jnp.asarray([1.0, 10.0, 100.0, 1000.0])
    for function in (jnp.sort, lambda x: lax.top_k(x, 3)[0]):
        cost = lambda x, f=function: jnp.dot(f(x), weights[: f(x).size])  # noqa: E731
        np.testing.assert_array_equal(autodiff.grad(cost)(x), jax.grad(cost)(x))


def test_both_ways_take_one_sort():
    both = jax.make_jaxpr(lambda x: autodiff.grad(lambda x: jnp.dot(lax.sort(x), jnp.arange(5.0)))(x))
    assert str(both(jnp.ones(5))).count("sort[") == 1
    along = jax.make_jaxpr(lambda x: autodiff.jvp(lax.sort, (x,), (x,)))
    assert str(along(jnp.ones(5))).count("sort[") == 1


def test_a_sort_key_that_is_all_that_moves_leaves_the_others_still():
    x, y = jnp.asarray([3.0, 1.0, 2.0]), jnp.asarray([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(autodiff.grad(lambda x: jnp.sum(lax.sort((x, y))[1] ** 2))(x), jnp.zeros(3))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_cotangents_have_the_type_of_their_operands(dtype):
    x = jnp.asarray([3.0, 1.0, 2.0], dtype)
    found = autodiff.grad(lambda x: jnp.sum(jnp.sort(x).astype(jnp.float32) * jnp.asarray([1.0, 2.0, 3.0])))(x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(np.asarray(found, float), [3, 1, 2])
