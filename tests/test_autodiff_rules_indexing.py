"""Rules of reading and writing at places that are data: every mode, repeated and missing places, windows, batches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from rule_cases import checked, chosen

from pullback.autodiff import grad, jvp, vjp
from pullback.core.errors import DerivativeError
from pullback.testing.derivatives import Case, check_first_order, check_second_order

REPEATED = np.array([3, 0, 3, 1, 3])
DISTINCT = np.array([4, 0, 2])
OUTSIDE = np.array([1, 9, -2, 1])
BATCHED = np.array([[0, 2, 2], [1, 0, 1]])


def normal(*shapes):
    return lambda random: tuple(random.normal(size=shape) for shape in shapes)


def places_of_windows(x, places):
    """Windows of 2 x 3 that start at `places`."""
    numbers = lax.GatherDimensionNumbers(offset_dims=(1, 2), collapsed_slice_dims=(), start_index_map=(0, 1))
    return lax.gather(x, places, numbers, (2, 3), mode="clip")


def written_windows(write):
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(1, 2), inserted_window_dims=(), scatter_dims_to_operand_dims=(0, 1)
    )
    return lambda x, y: write(x, np.array([[0, 1], [1, 2], [4, 0]]), y, numbers, mode="clip")


def batched(x, places):
    """`x[b, places[b]]` with the batch axis named as such."""
    return jnp.take_along_axis(x, places, axis=1)


# Reading.
READ_CASES = [
    Case("rows", lambda table: table[REPEATED], normal((5, 3))),
    Case("take", lambda table: jnp.take(table, REPEATED, axis=1), normal((2, 5, 3))),
    Case("one_a_row", lambda x: x[np.arange(4), REPEATED[:4]], normal((4, 5))),
    Case("along_axis", lambda x: batched(x, BATCHED), normal((2, 3))),
    Case("filled", lambda x: jnp.nan_to_num(jnp.take(x, OUTSIDE, axis=0)), normal((4, 2))),
    Case("filled_with_one", lambda x: x.at[OUTSIDE].get(mode="fill", fill_value=1.0), normal((4, 2))),
    Case("clipped", lambda x: x.at[OUTSIDE].get(mode="clip"), normal((4, 2))),
    Case("wrapped", lambda x: jnp.take(x, OUTSIDE, axis=0, mode="wrap"), normal((4, 2))),
    Case("windows", lambda x: places_of_windows(x, np.array([[0, 1], [1, 2], [9, 0]])), normal((5, 6))),
    Case("masked", lambda x: x[np.array([True, False, True, True])], normal((4, 2))),
    Case("complex", lambda x: x[REPEATED], lambda random: (random.normal(size=5) + 1j * random.normal(size=5),)),
    Case("twice", lambda x: x[REPEATED][:, BATCHED], normal((5, 3))),
    Case(
        "places_as_argument",
        lambda x, places: x[places] ** 2,
        lambda random: (random.normal(size=(5, 2)), random.integers(0, 5, size=(3, 2))),
    ),
]
# Writing.
WRITE_CASES = [
    Case("add", lambda x, y: x.at[REPEATED].add(y), normal((5, 3), (5, 3))),
    Case("add_one_number", lambda x, y: x.at[REPEATED].add(y), normal((5, 3), ())),
    Case("add_outside", lambda x, y: x.at[OUTSIDE].add(y, mode="drop"), normal((4, 2), (4, 2))),
    Case("add_clipped", lambda x, y: x.at[OUTSIDE].add(y, mode="clip"), normal((4, 2), (4, 2))),
    Case("add_windows", written_windows(lax.scatter_add), normal((5, 6), (3, 2, 3))),
    Case(
        "add_mapped",
        jax.vmap(lambda x, i, y: x.at[i].add(y), (0, None, 1)),
        lambda random: (random.normal(size=(2, 5)), random.integers(0, 5, size=4), random.normal(size=(4, 2))),
    ),
    Case("segment_sum", lambda y: jax.ops.segment_sum(y, np.array([0, 2, 2, 0, 1]), 4), normal((5, 2))),
    Case("subtract", lambda x, y: x.at[REPEATED].subtract(y), normal((5, 3), (5, 3))),
    Case("set", lambda x, y: x.at[DISTINCT].set(y), normal((5, 3), (3, 3))),
    Case("set_distinct", lambda x, y: x.at[DISTINCT].set(y, unique_indices=True), normal((5, 3), (3, 3))),
    Case("set_repeated", lambda x, y: x.at[REPEATED].set(y), normal((5, 3), (5, 3))),
    Case("set_outside", lambda x, y: x.at[OUTSIDE].set(y), normal((4, 2), (4, 2))),
    Case("set_clipped", lambda x, y: x.at[OUTSIDE].set(y, mode="clip"), normal((4, 2), (4, 2))),
    Case("set_windows", written_windows(lax.scatter), normal((5, 6), (3, 2, 3))),
    Case("set_one_number", lambda x: x.at[3].set(2.0), normal((5,))),
    Case("set_to_itself", lambda x: x.at[2].set(x[0] * x[1]), normal((5,))),
    Case("set_constant_rows", lambda x: x.at[REPEATED].set(np.ones((5, 3))), normal((5, 3))),
    Case("constant_table", lambda y: jnp.asarray(np.arange(5.0)).at[DISTINCT].set(y) ** 2, normal((3,))),
    Case("set_columns", lambda x, y: x.at[:, BATCHED[0]].set(y), normal((2, 3), (2, 3))),
    Case("set_mapped", jax.vmap(lambda x, y: x.at[np.array([2, 0, 2])].set(y), 1), normal((3, 2), (3, 2))),
    Case("multiply", lambda x, y: x.at[DISTINCT].multiply(y, unique_indices=True), normal((5, 3), (3, 3))),
    Case("multiply_constant", lambda x: x.at[REPEATED].multiply(2.0), normal((5, 3))),
    # Without a rule of ours: the family stays whole.
    Case("max", lambda x, y: x.at[REPEATED].max(y), normal((5, 3), (5, 3)), second_order=False),
    Case("min", lambda x, y: x.at[DISTINCT].min(y), normal((5, 3), (3, 3)), second_order=False),
]


def swapped(x, y):
    """Reading and writing in a loop, at places that move with it."""

    def step(carry, t):
        carry = carry.at[t % 3].add(jnp.sin(carry[(t + 1) % 3]) * y[t % 2])
        return carry.at[REPEATED[:2] % 3].set(carry[:2] * y[0]), carry[t % 2]

    return lax.scan(step, x, jnp.arange(4))


def case_named(name):
    return next(case for case in (*READ_CASES, *WRITE_CASES) if case.name == name)


CASES = [
    *map(case_named, ("rows", "filled_with_one", "windows", "add", "set_repeated", "multiply")),
    Case("in_scan", swapped, normal((3, 2), (2, 2))),
]


@checked(CASES)
def test_rule(case, check):
    check(case)


FAST = """rows one_a_row along_axis filled filled_with_one clipped masked complex places_as_argument add_one_number
add_outside add_mapped subtract set_one_number set_clipped set_windows multiply max""".split()


@pytest.mark.parametrize("case", chosen([*READ_CASES, *WRITE_CASES], FAST))
def test_places(case):
    check_first_order(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [*READ_CASES, *WRITE_CASES], ids=lambda case: case.name)
def test_places_in_second_order(case):
    check_second_order(case)


def test_a_place_outside_passes_nothing_on():
    """What is read outside is NaN, its tangent and its cotangent are zero."""
    x = jnp.arange(3.0)
    read = lambda x: jnp.take(x, jnp.array([1, 7]))  # noqa: E731
    value, tangent = jvp(read, (x,), (jnp.ones(3),))
    np.testing.assert_array_equal(value, [1.0, jnp.nan])
    np.testing.assert_array_equal(tangent, [1.0, 0.0])
    np.testing.assert_array_equal(vjp(read, x)[1](jnp.array([2.0, 5.0]))[0], [0.0, 2.0, 0.0])


def test_an_update_that_is_written_over_has_no_derivative():
    result = lambda y: jnp.zeros(3).at[jnp.array([1, 1, 2])].set(y)  # noqa: E731
    y = jnp.array([4.0, 5.0, 6.0])
    value, pull = vjp(result, y)
    first = float(value[1] == 4.0)
    np.testing.assert_array_equal(pull(jnp.array([1.0, 10.0, 100.0]))[0], [10 * first, 10 * (1 - first), 100.0])


def test_factors_at_places_that_may_be_the_same_are_refused():
    with pytest.raises(DerivativeError, match="unique_indices=True"):
        grad(lambda y: jnp.sum(jnp.ones(3).at[jnp.array([0, 1])].multiply(y)))(jnp.ones(2))


def test_a_table_of_one_kind_gives_a_gradient_of_that_kind():
    table = jnp.ones((4, 2), jnp.bfloat16)
    assert grad(lambda table: jnp.sum(table[jnp.array([1, 1])].astype(jnp.float32)))(table).dtype == jnp.bfloat16
