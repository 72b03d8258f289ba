"""Rules of convolutions: every order of axes, stride, padding, dilation and grouping, against JAX and differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from rule_cases import checked, chosen

from pullback.autodiff import grad, vjp
from pullback.testing.derivatives import Case, check_first_order, check_second_order

LAST = ("NHWC", "HWIO", "NHWC")
# Shape of the image, of the kernel, order of axes, and settings of `lax.conv_general_dilated`.
SETTINGS = {
    "plain": ((2, 6, 5, 3), (3, 3, 3, 4), LAST, dict(padding="SAME")),
    "valid": ((2, 6, 5, 2), (3, 2, 2, 3), LAST, dict()),
    "strided": ((2, 8, 7, 3), (3, 3, 3, 2), LAST, dict(strides=(2, 3), padding=((1, 1), (0, 1)))),
    "dilated": ((1, 9, 8, 2), (3, 2, 2, 3), LAST, dict(dilation=(2, 3), padding=((2, 1), (1, 2)))),
    "cropped": ((2, 7, 6, 2), (2, 3, 2, 3), LAST, dict(padding=((-1, 1), (1, -2)))),
    "pointwise": ((2, 4, 5, 3), (1, 1, 3, 4), LAST, dict(strides=(2, 1))),
    "depthwise": ((2, 6, 5, 4), (3, 3, 1, 8), LAST, dict(padding="SAME", groups=4)),
    "groups": ((2, 5, 5, 6), (3, 2, 2, 9), LAST, dict(strides=(1, 2), padding="SAME", groups=3)),
    "batch_groups": ((6, 5, 4, 2), (2, 3, 2, 3), LAST, dict(padding=((1, 0), (1, 1)), batch_groups=3)),
    "spaced": ((2, 4, 3, 3), (3, 3, 3, 2), LAST, dict(padding=((1, 2), (2, 1)), spacing=(2, 3))),
    "spaced_and_strided": (
        (2, 4, 5, 2),
        (3, 2, 2, 3),
        LAST,
        dict(strides=(3, 2), padding=((1, 1), (0, 1)), spacing=(2, 2)),
    ),
    "spaced_in_groups": ((2, 4, 3, 4), (3, 3, 2, 6), LAST, dict(spacing=(2, 1), padding=((2, 2), (1, 1)), groups=2)),
    "everything": (
        (1, 4, 5, 4),
        (2, 3, 2, 2),
        LAST,
        dict(strides=(2, 1), padding=((2, 1), (0, 3)), spacing=(2, 3), dilation=(2, 1), groups=2),
    ),
    "everything_in_batches": (
        (4, 4, 5, 3),
        (2, 3, 3, 4),
        LAST,
        dict(strides=(2, 3), padding=((2, 1), (1, 3)), spacing=(3, 2), dilation=(1, 2), batch_groups=2),
    ),
    "channels_first": ((2, 3, 6, 5), (4, 3, 3, 2), ("NCHW", "OIHW", "NCHW"), dict(padding="SAME")),
    "channels_first_groups": ((2, 4, 6, 5), (6, 2, 3, 2), ("NCHW", "OIHW", "NCHW"), dict(strides=(2, 1), groups=2)),
    "mixed_orders": ((6, 2, 5, 3), (4, 3, 3, 2), ("HNWC", "OHIW", "NWCH"), dict(strides=(1, 2), spacing=(2, 1))),
    "mixed_orders_plain": ((6, 2, 5, 3), (4, 3, 3, 2), ("HNWC", "OHIW", "NWCH"), dict(strides=(2, 1))),
    "one_axis": ((2, 9, 3), (4, 3, 2), ("NHC", "HIO", "NHC"), dict(strides=(2,), padding=((3, 0),), dilation=(2,))),
    "one_axis_spaced": ((2, 5, 3), (4, 3, 2), ("NHC", "HIO", "NHC"), dict(padding=((3, 1),), spacing=(3,))),
    "three_axes": ((1, 4, 5, 3, 2), (2, 3, 2, 2, 3), ("NDHWC", "DHWIO", "NDHWC"), dict(padding="SAME")),
    "no_axis": ((3, 4), (5, 4), None, dict()),
}


def convolution(orders, strides=None, padding="VALID", spacing=None, dilation=None, groups=1, batch_groups=1):
    def function(x, kernel):
        step = (1,) * (x.ndim - 2) if strides is None else strides
        borders = ((0, 0),) * (x.ndim - 2) if padding == "VALID" else padding
        return lax.conv_general_dilated(x, kernel, step, borders, spacing, dilation, orders, groups, batch_groups)

    return function


def case(name, wrap=lambda function: function, front=()):
    image, kernel, orders, settings = SETTINGS[name]
    shapes = ((*front, *image), (*front, *kernel))
    arguments = lambda random: tuple(random.normal(size=shape) for shape in shapes)  # noqa: E731
    return Case(name if not front else f"{name}_wrapped", wrap(convolution(orders, **settings)), arguments)


def in_a_loop(function):
    """One image and kernel a step, the result of each fed on."""
    step = lambda carry, pair: (carry + jnp.sum(jnp.sin(function(*pair))), function(*pair))  # noqa: E731
    return lambda x, kernel: lax.scan(step, 0.0, (x, kernel))


CASES = [
    case("strided"),
    case("everything"),
    case("everything_in_batches"),
    case("mixed_orders"),
    case("spaced"),
    case("groups", in_a_loop, (2,)),
    case("plain", lambda function: jax.vmap(function), (3,)),
]


@checked(CASES)
def test_rule(case, check):
    check(case)


FAST = {"plain", "strided", "depthwise", "batch_groups", "spaced_in_groups", "mixed_orders", "one_axis_spaced"}


@pytest.mark.parametrize("case", chosen(map(case, SETTINGS), FAST))
def test_settings(case):
    check_first_order(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(map(case, SETTINGS)), ids=lambda case: case.name)
def test_settings_in_second_order(case):
    check_second_order(case)


def test_constant_kernel():
    """A filter written into the function as numbers."""
    blur = np.full((3, 3, 1, 1), 1 / 9)
    function = convolution(LAST, padding="SAME")
    check_first_order(Case("blur", lambda x: function(x, blur), lambda random: (random.normal(size=(2, 5, 5, 1)),)))
    image = np.random.default_rng(0).normal(size=(2, 5, 5, 1))
    check_first_order(Case("filter", lambda k: function(image, k), lambda random: (random.normal(size=(3, 3, 1, 2)),)))


def test_half_precision_accumulates_in_single():
    """Products of bfloat16 summed in float32: types and values of the gradients are JAX's."""
    random = np.random.default_rng(0)
    x, kernel = (jnp.asarray(random.normal(size=shape), jnp.bfloat16) for shape in ((2, 6, 6, 3), (3, 3, 3, 4)))
    function = lambda x, kernel: lax.conv_general_dilated(  # noqa: E731
        x, kernel, (1, 1), "SAME", dimension_numbers=LAST, preferred_element_type=jnp.float32
    )
    (value, pull), (expected, jax_pull) = vjp(function, x, kernel), jax.vjp(function, x, kernel)
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)
    for ours, theirs in zip(pull(expected), jax_pull(expected), strict=True):
        assert ours.dtype == jnp.bfloat16
        np.testing.assert_allclose(ours.astype(jnp.float32), theirs.astype(jnp.float32), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("shapes", [((0, 5, 5, 2), (3, 3, 2, 3)), ((2, 2, 5, 2), (3, 3, 2, 3))])
def test_without_an_image_or_a_window(shapes):
    x, kernel = (jnp.ones(shape) for shape in shapes)
    function = convolution(LAST)
    (value, pull), (expected, jax_pull) = vjp(function, x, kernel), jax.vjp(function, x, kernel)
    assert value.shape == expected.shape
    for ours, theirs in zip(pull(expected), jax_pull(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def gradient_equations(name):
    """The convolutions, ours and JAX's, that the gradient of a setting consists of."""
    image, kernel, orders, settings = SETTINGS[name]
    function = convolution(orders, **settings)
    gradient = grad(lambda x, k: jnp.sum(function(x, k) ** 2), argnums=(0, 1))
    program = jax.make_jaxpr(gradient)(jnp.ones(image), jnp.ones(kernel))
    return [
        equation
        for equation in program.jaxpr.eqns
        if "convolution" in (name := equation.primitive.name) or "conv_g" in name
    ]


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="these forms are taken on a CPU")
@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "depthwise": ["convolution", "convolution_input_gradient", "convolution_kernel_gradient"],
        "channels_first_groups": ["convolution", "convolution_input_gradient", "convolution_kernel_gradient"],
        # A transposed convolution: its gradients are a strided convolution and its kernel gradient.
        "spaced": ["convolution_input_gradient", "convolution", "convolution_kernel_gradient"],
        "plain": ["convolution", "convolution_input_gradient", "conv_general_dilated"],
        "batch_groups": ["conv_general_dilated"] * 3,
    }.items(),
)
def test_forms_on_a_cpu(name, expected):
    assert [equation.primitive.name for equation in gradient_equations(name)] == expected


@pytest.mark.parametrize("case", chosen(map(case, SETTINGS), {"groups", "spaced"}))
def test_elsewhere_convolutions_stay_as_they_are(case, monkeypatch):
    """What other platforms run is checked here too, by taking their line of the table."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    equations = gradient_equations(case.name)
    assert {equation.primitive.name for equation in equations} == {"conv_general_dilated"}
    check_first_order(case)
