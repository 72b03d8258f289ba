"""Rules of reductions over windows: sums, maxima, minima, any function; their ties, paddings and spacings."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from rule_cases import checked, chosen

from pullback.autodiff import grad, jvp, vjp
from pullback.core.errors import DerivativeError
from pullback.testing.derivatives import (
    Case,
    check_first_order,
    check_numerically,
    check_second_order,
    check_vmapped,
)

# Shape, window, strides, padding, spacing of the operand, dilation of the window.
SETTINGS = {
    "halves": ((2, 6, 4, 3), (1, 2, 2, 1), (1, 2, 2, 1), "VALID", None, None),
    "remainder": ((2, 7, 5, 2), (1, 2, 3, 1), (1, 2, 3, 1), "VALID", None, None),
    "overlapping": ((2, 7, 6, 2), (1, 3, 3, 1), (1, 2, 1, 1), "SAME", None, None),
    "gaps": ((1, 8, 7, 1), (1, 2, 2, 1), (1, 3, 3, 1), "VALID", None, None),
    "channels_first": ((2, 3, 6, 4), (1, 1, 2, 2), (1, 1, 2, 2), "VALID", None, None),
    "every_axis": ((4, 5, 3), (2, 2, 3), (2, 1, 1), ((1, 0), (0, 1), (1, 1)), None, None),
    "apart": ((4, 2, 5), (2, 1, 3), (2, 1, 1), "VALID", None, None),
    "one_axis": ((9,), (4,), (1,), ((3, 0),), None, None),
    "wide": ((3, 14), (1, 11), (1, 1), "SAME", None, None),
    "very_wide": ((70,), (66,), (1,), ((65, 0),), None, None),
    "cropped": ((8, 2), (2, 1), (1, 1), ((-1, -2), (0, 0)), None, None),
    "spaced": ((1, 4, 3, 2), (1, 3, 4, 1), (1, 1, 2, 1), ((0, 0), (1, 1), (1, 0), (0, 0)), (1, 2, 3, 1), None),
    "trivial": ((3, 2), (1, 1), (1, 1), "VALID", None, None),
}
DILATED = {
    "dilated": ((2, 9, 7, 2), (1, 3, 2, 1), (1, 2, 1, 1), ((0, 0), (2, 1), (1, 1), (0, 0)), None, (1, 2, 3, 1)),
    "dilated_and_spaced": ((5, 2), (3, 1), (2, 1), ((1, 2), (0, 0)), (2, 1), (3, 1)),
}


def reduction(start, join, settings):
    shape, window, strides, padding, spacing, dilation = settings
    return lambda x: lax.reduce_window(x, start, join, window, strides, padding, spacing, dilation)


def sums(settings):
    return reduction(0.0, lax.add, settings)


def largest(settings):
    return reduction(-jnp.inf, lax.max, settings)


def smallest(settings):
    return reduction(jnp.inf, lax.min, settings)


def apart(shape):
    """Numbers of which no two are close, in random order: no step of a difference changes which is the largest."""

    def args(random):
        values = random.permutation(np.arange(np.prod(shape))) - np.prod(shape) / 2 + random.uniform(-0.2, 0.2)
        return (values.reshape(shape) / 4,)

    return args


def inside(function):
    """Nested in a loop, where what is kept for the way back is stacked."""
    return lambda x: lax.scan(lambda carry, row: (carry + jnp.sum(function(row) ** 2), function(row)), 0.0, x)


def extremes(settings):
    return lambda x: (largest(settings)(x), smallest(settings)(x))


def together(settings):
    return lambda x: (sums(settings)(x), extremes(settings)(x))


OVERLAPPING, HALVES = SETTINGS["overlapping"], SETTINGS["halves"]
# A family of settings each, with first and second order; JAX has no reverse mode for a maximum over a cropped image.
SETTING_CASES = [
    *(Case(name, together(s), apart(s[0])) for name, s in SETTINGS.items() if name != "cropped"),
    *(Case(name, sums(s), apart(s[0])) for name, s in DILATED.items()),
    Case("cropped", sums(SETTINGS["cropped"]), apart((8, 2))),
]
CASES = [
    Case("sum", sums(OVERLAPPING), apart((2, 7, 6, 2))),
    Case("max", largest(OVERLAPPING), apart((2, 7, 6, 2))),
    Case("min", smallest(SETTINGS["spaced"]), apart((1, 4, 3, 2))),
    Case("mapped", jax.vmap(together(OVERLAPPING), 1, 2), apart((2, 3, 7, 6, 2))),
    Case("in_scan", inside(lambda x: jnp.concatenate(jax.tree.leaves(together(HALVES)(x)))), apart((3, 2, 6, 4, 3))),
    # JAX's own derivatives of a pooling, differentiated by our rules.
    Case("gradient_of_max", jax.grad(lambda x: jnp.sum(largest(OVERLAPPING)(x) ** 3)), apart((2, 7, 6, 2))),
    Case("gradient_of_min", jax.grad(lambda x: jnp.sum(smallest(HALVES)(x) ** 3)), apart((2, 6, 4, 3))),
    Case(
        "tangent_of_max",
        lambda x, v: jax.jvp(largest(OVERLAPPING), (x,), (v,)),
        lambda random: (*apart((2, 7, 6, 2))(random), random.normal(size=(2, 7, 6, 2))),
    ),
]
# Without a reverse mode in JAX.
NUMERICAL_CASES = [
    *(Case(f"extremes_{name}", extremes(s), apart(s[0])) for name, s in DILATED.items()),
    Case("extremes_cropped", extremes(SETTINGS["cropped"]), apart((8, 2))),
    Case("product", reduction(1.0, lax.mul, OVERLAPPING), apart((2, 7, 6, 2))),
    Case("product_twice", reduction(2.0, lax.mul, SETTINGS["spaced"]), apart((1, 4, 3, 2))),
    Case("maximum_from_zero", reduction(0.0, lax.max, HALVES), apart((2, 6, 4, 3))),
]


@checked(CASES)
def test_rule(case, check):
    check(case)


@pytest.mark.parametrize("case", chosen(SETTING_CASES, {"overlapping", "channels_first", "wide", "spaced", "dilated"}))
def test_settings(case):
    check_first_order(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", SETTING_CASES, ids=lambda case: case.name)
def test_settings_in_second_order(case):
    check_second_order(case)


@pytest.mark.parametrize("case", chosen(NUMERICAL_CASES, {"extremes_cropped", "product_twice"}))
def test_where_jax_has_no_reverse_mode(case):
    check_numerically(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", NUMERICAL_CASES, ids=lambda case: case.name)
def test_mapped_where_jax_has_no_reverse_mode(case):
    check_vmapped(case)


TIES = {
    "constant": np.zeros((2, 6, 6, 1)),
    "few_values": np.random.default_rng(0).integers(0, 3, (2, 6, 6, 2)).astype(float),
    "signed_zeros": np.where(np.arange(72).reshape(2, 6, 6, 1) % 2, 0.0, -0.0),
}


@pytest.mark.parametrize("name", TIES)
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
@pytest.mark.parametrize("kind", [largest, smallest], ids=["max", "min"])
def test_ties_go_where_jax_sends_them(name, padding, kind):
    """With cotangents that are whole numbers every sum is exact, so the gradients are equal to the last bit."""
    x = jnp.asarray(TIES[name], jnp.float32)
    for window, strides in (((1, 2, 2, 1), (1, 2, 2, 1)), ((1, 3, 2, 1), (1, 1, 2, 1))):
        f = kind((x.shape, window, strides, padding, None, None))
        value, pull = jax.vjp(f, x)
        weights = jnp.arange(1.0, 1 + value.size, dtype=x.dtype).reshape(value.shape)
        np.testing.assert_array_equal(vjp(f, x)[1](weights)[0], pull(weights)[0])
        np.testing.assert_array_equal(
            jvp(f, (x,), (jnp.cumsum(x + 1, 1),))[1], jax.jvp(f, (x,), (jnp.cumsum(x + 1, 1),))[1]
        )


def test_a_window_with_nan_is_nan():
    x = jnp.array([1.0, jnp.nan, 3.0, 2.0])
    pairs = lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2,), (2,), "VALID")  # noqa: E731
    value, pull = vjp(pairs, x)
    np.testing.assert_array_equal(value, [jnp.nan, 3.0])
    np.testing.assert_array_equal(pull(jnp.ones(2))[0][2:], [1.0, 0.0])


@pytest.mark.parametrize("shape", [(0, 4, 4, 2), (2, 1, 4, 2)])
def test_no_window_or_no_image(shape):
    f = lambda x: together((shape, (1, 2, 2, 1), (1, 2, 2, 1), "VALID", None, None))(x)  # noqa: E731
    x = jnp.ones(shape)
    (values, pull), (expected, jax_pull) = vjp(f, x), jax.vjp(f, x)
    assert jax.tree.map(jnp.shape, values) == jax.tree.map(jnp.shape, expected)
    np.testing.assert_array_equal(pull(values)[0], jax_pull(expected)[0])


def test_counts_have_no_derivative():
    counts = lambda x: lax.reduce_window((x > 0).astype(jnp.int32), 0, lax.add, (2,), (2,), "VALID")  # noqa: E731
    x = jnp.array([1.0, -1.0, 2.0, 3.0])
    np.testing.assert_array_equal(
        grad(lambda x: jnp.sum(x * jnp.repeat(counts(x), 2).astype(x.dtype)))(x), [1.0, 1.0, 2.0, 2.0]
    )


def test_too_large_a_window_for_any_function():
    product = reduction(1.0, lax.mul, ((80,), (70,), (1,), "VALID", None, None))
    with pytest.raises(DerivativeError, match="at most 64 elements"):
        grad(lambda x: jnp.sum(product(x)))(jnp.ones(80))


@pytest.mark.parametrize(
    "name", ["overlapping", *(pytest.param(name, marks=pytest.mark.slow) for name in ("spaced", "wide"))]
)
def test_elsewhere_windows_stay_as_they_are(name, monkeypatch):
    """What other platforms run is checked here too, by taking their line of the table."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    settings = SETTINGS[name]
    program = jax.make_jaxpr(grad(lambda x: jnp.sum(sums(settings)(x)) + jnp.sum(largest(settings)(x))))
    names = {equation.primitive.name for equation in program(jnp.ones(settings[0])).jaxpr.eqns}
    assert not any("max_pool" in name for name in names) and "select_and_scatter_add" in names
    check_first_order(Case(name, together(settings), apart(settings[0])))
