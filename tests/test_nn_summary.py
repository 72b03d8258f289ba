"""Summaries: published parameter counts, multiply-adds in closed form, any module."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jaxtyping import Array

from pullback.core.errors import ShapeError
from pullback.nn import (
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool,
    Sequential,
    multiply_adds,
    parameter_count,
    relu,
    summary,
    tanh,
)


def _perceptron(widths: tuple[int, ...]) -> Sequential:
    keys = jax.random.split(jax.random.key(0), len(widths))
    layers: list[Any] = [Flatten()]
    for position, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        layers += [Linear(inputs, outputs, key=keys[position]), relu]
    return Sequential(layers[:-1])


def _lenet() -> Sequential:
    """LeNet-5 as it is built today: relu, max pooling, a fully connected third convolution."""
    keys = jax.random.split(jax.random.key(0), 5)
    return Sequential(
        [
            Conv2d(1, 6, 5, padding=2, key=keys[0]),
            relu,
            MaxPool((2, 2)),
            Conv2d(6, 16, 5, key=keys[1]),
            relu,
            MaxPool((2, 2)),
            Flatten(),
            Linear(400, 120, key=keys[2]),
            relu,
            Linear(120, 84, key=keys[3]),
            relu,
            Linear(84, 10, key=keys[4]),
        ]
    )


class Transformed(eqx.Module):
    """Own weights beside members, and a member used inside `scan`, `jit` and `vmap`."""

    weight: Array
    cell: Linear
    out: Linear

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        x = x @ self.weight
        x, _ = jax.lax.scan(lambda h, _: (tanh(self.cell(h)), None), x, None, length=7)
        x = jax.jit(lambda h: self.cell(h))(x)
        return jax.vmap(lambda row: self.out(row))(x)


def test_perceptron_of_the_course() -> None:
    model = _perceptron((784, 400, 200, 100, 50, 10))
    rows = summary(model, (28, 28, 1))
    assert parameter_count(model) == sum(row.parameters for row in rows) == 419_860
    assert sum(row.multiply_adds for row in rows) == 784 * 400 + 400 * 200 + 200 * 100 + 100 * 50 + 50 * 10
    assert [row.path for row in rows] == [f"layers[{position}]" for position in range(10)]
    assert rows[0].type == "Flatten" and rows[0].input_shape == (28, 28, 1) and rows[0].output_shape == (784,)
    assert rows[2].type == "Activation(relu)" and rows[2].parameters == rows[2].multiply_adds == 0
    assert rows[9].output_shape == (10,) and rows[9].parameters == 510


def test_lenet_5() -> None:
    rows = summary(_lenet(), (28, 28, 1))
    assert sum(row.parameters for row in rows) == 61_706
    assert [row.multiply_adds for row in rows if row.parameters] == [117_600, 240_000, 48_000, 10_080, 840]
    assert [row.output_shape for row in rows if row.type == "MaxPool"] == [(14, 14, 6), (5, 5, 16)]


def test_model_with_memory() -> None:
    keys = jax.random.split(jax.random.key(0))
    layers = [Conv2d(1, 4, 3, key=keys[0]), BatchNorm(4), relu, Flatten(), Linear(144, 2, key=keys[1])]
    rows = summary(Sequential(layers), (8, 8, 1))
    assert [row.parameters for row in rows] == [40, 8, 0, 0, 290]
    assert [row.multiply_adds for row in rows] == [36 * 36, 0, 0, 0, 288]


def test_any_module_is_counted_by_its_program() -> None:
    keys = jax.random.split(jax.random.key(0))
    model = Transformed(jnp.ones((3, 4)), Linear(4, 4, key=keys[0]), Linear(4, 2, key=keys[1]))
    rows = {row.path: row for row in summary(model, (3,))}
    assert list(rows) == ["", "cell", "out"]
    assert [row.parameters for row in rows.values()] == [12, 20, 10]
    # The scan runs the cell seven times and the compiled call once more.
    assert [row.multiply_adds for row in rows.values()] == [12, 8 * 16, 8]


def test_nested_containers_appear_only_with_something_of_their_own() -> None:
    inner = Sequential([Linear(3, 3, key=jax.random.key(0)), relu])
    rows = summary(Sequential([inner, Dropout(0.5)]), (3,))
    assert [row.path for row in rows] == ["layers[0].layers[0]", "layers[0].layers[1]", "layers[1]"]
    single = summary(Linear(3, 2, key=jax.random.key(0)), (3,))
    assert [(row.path, row.type, row.parameters) for row in single] == [("", "Linear", 8)]


def test_nothing_is_computed() -> None:
    # Eight gigabytes of activations, were they computed.
    rows = summary(Sequential([relu, relu]), (1024, 1024, 1024, 2))
    assert rows[1].output_shape == (1024, 1024, 1024, 2)


def test_wrong_input_names_the_layer() -> None:
    with pytest.raises(ShapeError, match=r"layers\[1\]: Linear\(784, 10\)"):
        summary(_perceptron((784, 10)), (27, 27))


def test_double_precision() -> None:
    with jax.enable_x64(True):
        rows = summary(Linear(3, 2, dtype=jnp.float64, key=jax.random.key(0)), (3,), jnp.float64)
    assert rows[0].parameters == 8


@pytest.mark.parametrize(
    ("lhs", "kernel", "arguments", "expected"),
    [
        # outputs x kernel positions x input channels
        ((1, 28, 28, 1), (5, 5, 1, 6), {"padding": "SAME"}, 28 * 28 * 6 * 25),
        ((1, 14, 14, 6), (5, 5, 6, 16), {"padding": "VALID"}, 10 * 10 * 16 * 25 * 6),
        ((2, 8, 8, 4), (3, 3, 4, 8), {"padding": "SAME", "window_strides": (2, 2)}, 2 * 16 * 8 * 9 * 4),
        ((1, 8, 8, 4), (3, 3, 1, 8), {"padding": "SAME", "feature_group_count": 4}, 64 * 8 * 9),
        ((1, 8, 8, 4), (3, 3, 4, 8), {"padding": "SAME", "rhs_dilation": (2, 2)}, 64 * 8 * 9 * 4),
        # A transposed convolution: every input meets every kernel entry.
        ((1, 8, 8, 4), (2, 2, 4, 8), {"padding": ((1, 1), (1, 1)), "lhs_dilation": (2, 2)}, 64 * 4 * 4 * 8),
    ],
)
def test_convolutions(lhs: tuple[int, ...], kernel: tuple[int, ...], arguments: dict[str, Any], expected: int) -> None:
    settings = {"window_strides": (1, 1), **arguments}
    program = jax.make_jaxpr(
        lambda x, k: jax.lax.conv_general_dilated(x, k, dimension_numbers=("NHWC", "HWIO", "NHWC"), **settings)
    )(jnp.zeros(lhs), jnp.zeros(kernel))
    assert multiply_adds(program).total() == expected


def test_products_and_control_flow() -> None:
    a, b = jnp.ones((5, 2, 3)), jnp.ones((5, 3, 4))
    assert multiply_adds(jax.make_jaxpr(jnp.matmul)(a, b)).total() == 5 * 2 * 3 * 4
    gradient = jax.make_jaxpr(jax.grad(lambda a, b: jnp.sum(jnp.sin(a @ b))))(a, b)
    # The product and the one that pulls back to `a`.
    assert multiply_adds(gradient).total() == 2 * 120
    branch = jax.make_jaxpr(lambda a, b: jax.lax.cond(a.sum() > 0, lambda: (a @ b).sum(), lambda: a.sum()))(a, b)
    assert multiply_adds(branch).total() == 120
    rematerialized = jax.make_jaxpr(jax.checkpoint(lambda a, b: a @ b))(a, b)
    assert multiply_adds(rematerialized).total() == 120
