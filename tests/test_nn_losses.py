"""Losses against closed forms, in single precision against double, and their refusal to broadcast."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pullback.core.errors import ConfigurationError, ShapeError
from pullback.nn import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    SquaredError,
    get_loss,
)

REAL = (SquaredError(), AbsoluteError(), Huber(0.7))


def test_table_and_names() -> None:
    for name, family in LOSSES.items():
        loss = get_loss(name)
        assert isinstance(loss, family) and loss.name == name  # pyright: ignore[reportArgumentType]
        assert loss.target_kind in ("class_index", "binary", "real")
        assert loss.expects_logits == ("cross_entropy" in name)
    with pytest.raises(ConfigurationError, match="did you mean 'squared_error'"):
        get_loss("square_error")
    own = lambda prediction, target: prediction[:, 0]  # noqa: E731
    assert get_loss(own) is own


def test_settings_are_checked() -> None:
    for build in (lambda: Huber(0.0), lambda: BinaryCrossEntropy(1.0), lambda: CategoricalCrossEntropy(-0.1)):
        with pytest.raises(ConfigurationError):
            build()


def test_squared_and_absolute_error_are_likelihoods() -> None:
    # Up to constants: -log of the normal density of variance 1/2, and of the Laplace density of scale 1.
    y_hat, y = np.array([0.3, -1.2, 2.0]), np.array([1.0, -1.0, -4.0])
    normal = -scipy.stats.norm.logpdf(y, y_hat, math.sqrt(0.5)) - 0.5 * math.log(math.pi)
    laplace = -scipy.stats.laplace.logpdf(y, y_hat) - math.log(2)
    with jax.enable_x64(True):
        np.testing.assert_allclose(SquaredError()(jnp.asarray(y_hat), jnp.asarray(y)), normal, rtol=1e-12)
        np.testing.assert_allclose(AbsoluteError()(jnp.asarray(y_hat), jnp.asarray(y)), laplace, rtol=1e-12)


@given(st.floats(-50, 50), st.floats(0.01, 10))
def test_huber_lies_between(r: float, delta: float) -> None:
    with jax.enable_x64(True):
        value = float(Huber(delta)(jnp.asarray([r]), jnp.zeros(1))[0])
    assert value == pytest.approx(scipy.special.huber(delta, r), rel=1e-9, abs=1e-15)


@given(st.floats(-1000, 1000), st.sampled_from([0, 1]))
def test_binary_cross_entropy_is_exact_in_single_precision(z: float, t: int) -> None:
    z32 = np.float32(z)
    exact = -scipy.special.log_expit(np.float64(z32) * (2 * t - 1))
    value = float(BinaryCrossEntropy()(jnp.asarray([z32]), jnp.asarray([t]))[0])
    assert value == pytest.approx(exact, rel=1e-5, abs=1e-37)


def test_binary_cross_entropy_gradient_is_sigmoid_minus_target() -> None:
    z = jnp.asarray([-1000.0, -3.0, 0.0, 0.5, 1000.0])
    for t in (0, 1):
        gradient = jax.grad(lambda z, t=t: jnp.sum(BinaryCrossEntropy()(z, jnp.full(5, t))))(z)
        np.testing.assert_allclose(gradient, scipy.special.expit(np.asarray(z)) - t, rtol=1e-6, atol=1e-7)


@given(st.lists(st.floats(-1000, 1000), min_size=2, max_size=5), st.data())
def test_categorical_cross_entropy_is_exact_in_single_precision(z: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(z) - 1))
    z32 = np.asarray([z], np.float32)
    exact = -scipy.special.log_softmax(z32.astype(np.float64), -1)[0, k]
    value = float(CategoricalCrossEntropy()(jnp.asarray(z32), jnp.asarray([k]))[0])
    assert value == pytest.approx(exact, rel=1e-5, abs=2e-7)


def test_categorical_cross_entropy_gradient_is_softmax_minus_target() -> None:
    z = jnp.asarray([[0.0, 0.0, 0.0], [1000.0, -1000.0, 0.0], [2.0, -1.0, 0.5]])
    k = jnp.asarray([0, 1, 2])
    gradient = jax.grad(lambda z: jnp.sum(CategoricalCrossEntropy()(z, k)))(z)
    expected = scipy.special.softmax(np.asarray(z), -1) - np.eye(3)[np.asarray(k)]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


def test_untrained_classifier_loses_log_of_the_number_of_classes() -> None:
    loss = CategoricalCrossEntropy(label_smoothing=0.1)(jnp.zeros((4, 10)), jnp.arange(4))
    np.testing.assert_allclose(loss, math.log(10), rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_indices_are_rows_with_a_single_one(smoothing: float) -> None:
    loss = CategoricalCrossEntropy(smoothing)
    z = jax.random.normal(jax.random.key(0), (2, 3, 4))
    k = jnp.asarray([[0, 1, 2], [3, 3, 0]])
    np.testing.assert_allclose(loss(z, k), loss(z, jax.nn.one_hot(k, 4)), rtol=1e-5)


def test_two_classes_are_the_binary_loss() -> None:
    z = jax.random.normal(jax.random.key(1), (6, 2)) * 5
    t = jnp.asarray([0, 1, 1, 0, 1, 0])
    np.testing.assert_allclose(
        CategoricalCrossEntropy(0.1)(z, t), BinaryCrossEntropy(0.1)(z[:, 1] - z[:, 0], t), rtol=2e-5, atol=1e-6
    )


def test_label_out_of_range_is_nan_and_masked_class_is_finite() -> None:
    z = jnp.zeros((3, 2))
    assert jnp.isnan(CategoricalCrossEntropy()(z, jnp.asarray([0, 2, -1]))).tolist() == [False, True, True]
    masked = jnp.asarray([[0.0, 0.0, -jnp.inf]])
    loss, gradient = jax.value_and_grad(lambda z: CategoricalCrossEntropy()(z, jnp.asarray([0]))[0])(masked)
    assert float(loss) == pytest.approx(math.log(2))
    np.testing.assert_allclose(gradient, [[-0.5, 0.5, 0.0]])


@pytest.mark.parametrize("loss", REAL, ids=lambda loss: loss.name)
def test_one_value_an_example(loss: Any) -> None:
    prediction = jax.random.normal(jax.random.key(0), (4, 2, 3))
    target = jnp.ones((4, 2, 3))
    values = loss(prediction, target)
    assert values.shape == (4,)
    single = loss(prediction[2].reshape(-1), target[2].reshape(-1))
    assert float(values[2]) == pytest.approx(float(jnp.mean(single)), rel=1e-5)
    np.testing.assert_allclose(loss(prediction[:, :1, 0], target[:, 0, 0]), loss(prediction[:, 0, 0], target[:, 0, 0]))


@pytest.mark.parametrize("loss", [*REAL, BinaryCrossEntropy()], ids=lambda loss: loss.name)
@pytest.mark.parametrize(
    ("prediction", "target"),
    [((4, 3), (4,)), ((4,), (4, 1)), ((4, 1), (1, 4)), ((4, 1), (4, 3)), ((4, 3), (1, 3)), ((4,), ()), ((4,), (3,))],
)
def test_nothing_broadcasts(loss: Any, prediction: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="never broadcasts"):
        loss(jnp.zeros(prediction), jnp.zeros(target))


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((4, 3), jnp.zeros((4, 1), jnp.int32)),
        ((4, 3), jnp.zeros(3, jnp.int32)),
        ((4,), jnp.zeros(4, jnp.int32)),
        ((4, 3), jnp.zeros(4)),
        ((4, 3), jnp.zeros((1, 3))),
        ((4, 3), jnp.zeros((4, 3), jnp.int32)),
    ],
)
def test_categorical_takes_nothing_else(prediction: tuple[int, ...], target: Any) -> None:
    with pytest.raises(ShapeError, match="one class index"):
        CategoricalCrossEntropy()(jnp.zeros(prediction), target)


def test_absolute_error_has_derivative_zero_where_it_vanishes() -> None:
    assert jax.grad(lambda x: jnp.sum(AbsoluteError()(x, jnp.zeros(3))))(jnp.asarray([-2.0, 0.0, 2.0])).tolist() == [
        -1.0,
        0.0,
        1.0,
    ]


@pytest.mark.parametrize("loss", [*REAL, BinaryCrossEntropy(0.1)], ids=lambda loss: loss.name)
def test_derivatives_are_the_differences(loss: Any) -> None:
    with jax.enable_x64(True):
        x = jnp.asarray([-2.3, -0.4, 0.31, 1.7])
        t = jnp.asarray([0.0, 1.0, 1.0, 0.0])
        step = 1e-6
        gradient = jax.grad(lambda x: jnp.sum(loss(x, t)))(x)
        np.testing.assert_allclose(gradient, (loss(x + step, t) - loss(x - step, t)) / (2 * step), rtol=1e-7, atol=1e-9)
