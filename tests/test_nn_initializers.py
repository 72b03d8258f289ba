"""Initializers: variances in closed form, bounds, orthogonality, and PyTorch's tables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.nn import Linear
from pullback.nn import initializers as init

LINEAR, CONVOLUTION = (300, 200), (3, 3, 20, 60)
LINEAR_FANS, CONVOLUTION_FANS = (200, 300), (180, 540)

# Standard deviation as a function of the fans, from the papers; gains from PyTorch's documentation.
LAWS: list[tuple[str, Callable[..., Array], Callable[[int, int], float], bool]] = [
    ("lecun_uniform", init.lecun_uniform, lambda i, o: (1 / i) ** 0.5, True),
    ("lecun_normal", init.lecun_normal, lambda i, o: (1 / i) ** 0.5, False),
    ("lecun_normal truncated", functools.partial(init.lecun_normal, truncated=True), lambda i, o: (1 / i) ** 0.5, True),
    ("glorot_uniform", init.glorot_uniform, lambda i, o: (2 / (i + o)) ** 0.5, True),
    ("glorot_normal", init.glorot_normal, lambda i, o: (2 / (i + o)) ** 0.5, False),
    (
        "glorot_normal tanh",
        functools.partial(init.glorot_normal, nonlinearity="tanh"),
        lambda i, o: 5 / 3 * (2 / (i + o)) ** 0.5,
        False,
    ),
    ("he_uniform", init.he_uniform, lambda i, o: (2 / i) ** 0.5, True),
    ("he_normal", init.he_normal, lambda i, o: (2 / i) ** 0.5, False),
    ("he_normal fan_out", functools.partial(init.he_normal, mode="fan_out"), lambda i, o: (2 / o) ** 0.5, False),
    (
        "he_uniform leaky",
        functools.partial(init.he_uniform, nonlinearity="leaky_relu", negative_slope=0.5),
        lambda i, o: (1.6 / i) ** 0.5,
        True,
    ),
    ("fan_in_uniform", init.fan_in_uniform, lambda i, o: (1 / (3 * i)) ** 0.5, True),
    ("normal", functools.partial(init.normal, standard_deviation=0.3), lambda i, o: 0.3, False),
    ("normal truncated", functools.partial(init.normal, truncated=True), lambda i, o: 1.0, True),
    ("uniform", functools.partial(init.uniform, bound=0.6), lambda i, o: 0.6 / 3**0.5, True),
]


@pytest.mark.parametrize(("name", "initializer", "deviation", "bounded"), LAWS, ids=[law[0] for law in LAWS])
@pytest.mark.parametrize(
    ("shape", "layout", "fans"),
    [(LINEAR, "out_in", LINEAR_FANS), (CONVOLUTION, "kernel_in_out", CONVOLUTION_FANS)],
    ids=["linear", "convolution"],
)
def test_mean_deviation_and_bound(
    name: str,
    initializer: Callable[..., Array],
    deviation: Callable[[int, int], float],
    bounded: bool,
    shape: tuple[int, ...],
    layout: Any,
    fans: tuple[int, int],
) -> None:
    draws = np.asarray(initializer(jax.random.key(0), shape, jnp.float32, layout=layout), np.float64).ravel()
    expected = deviation(*fans)
    # Five standard errors of the mean and, for a kurtosis of at most 3, of the standard deviation.
    assert abs(draws.mean()) < 5 * expected / math.sqrt(draws.size)
    assert abs(draws.std() / expected - 1) < 5 / math.sqrt(2 * draws.size)
    reach = abs(draws).max() / expected
    assert (reach < 2.28) if bounded else (reach > 3.5)


def test_laws_by_kolmogorov_and_smirnov() -> None:
    key = jax.random.key(1)
    normal = np.asarray(init.he_normal(key, LINEAR)) / math.sqrt(2 / 200)
    uniform = np.asarray(init.fan_in_uniform(key, LINEAR)) * math.sqrt(200)
    truncated = np.asarray(init.normal(key, LINEAR, truncated=True)) * init.TRUNCATED_DEVIATION
    assert scipy.stats.kstest(normal.ravel(), "norm").pvalue > 1e-3
    assert scipy.stats.kstest(uniform.ravel(), scipy.stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert scipy.stats.kstest(truncated.ravel(), scipy.stats.truncnorm(-2, 2).cdf).pvalue > 1e-3
    assert scipy.stats.truncnorm(-2, 2).std() == pytest.approx(init.TRUNCATED_DEVIATION, rel=1e-12)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((40, 10), "out_in"),
        ((10, 40), "out_in"),
        ((3, 3, 4, 12), "kernel_in_out"),
        ((1, 1, 4, 12), "kernel_in_out"),
    ],
)
def test_orthogonal(shape: tuple[int, ...], layout: Any) -> None:
    weight = init.orthogonal(jax.random.key(0), shape, scale=1.5, layout=layout)
    outputs = shape[0] if layout == "out_in" else shape[-1]
    matrix = weight.reshape(outputs, -1) if layout == "out_in" else weight.reshape(-1, outputs).T
    singular_values = np.linalg.svd(np.asarray(matrix), compute_uv=False)
    np.testing.assert_allclose(singular_values, 1.5, rtol=1e-5)


def test_orthogonal_is_uniform_over_signs() -> None:
    # Without the signs of the diagonal of R, the first entry of a Householder Q is never positive.
    draws = jax.vmap(lambda key: init.orthogonal(key, (3, 3)))(jax.random.split(jax.random.key(0), 400))
    assert 150 < int((draws[:, 0, 0] > 0).sum()) < 250


def test_constants_shapes_and_dtypes() -> None:
    assert init.zeros(None, (2, 3)).tolist() == [[0.0] * 3] * 2
    assert init.constant(None, (2,), value=0.5).tolist() == [0.5, 0.5]
    with jax.enable_x64(True):
        for initializer in (init.he_normal, init.orthogonal, init.fan_in_uniform):
            assert initializer(jax.random.key(0), (4, 3), jnp.float64).dtype == jnp.float64


def test_fans_count_paths() -> None:
    assert init.fans((7, 5)) == (5, 7)
    assert init.fans((3, 3, 4, 8), "kernel_in_out") == (36, 72)
    with pytest.raises(ConfigurationError, match="input and output axes"):
        init.he_normal(jax.random.key(0), (5,))
    with pytest.raises(ConfigurationError, match="unknown nonlinearity"):
        init.gain("reluu")
    with pytest.raises(ConfigurationError, match="unknown fan mode"):
        init.he_normal(jax.random.key(0), (5, 4), mode="fan_inn")


def test_layer_takes_an_initializer() -> None:
    layer = Linear(200, 300, weight_initializer=init.he_normal, key=jax.random.key(0))
    assert float(layer.weight.std()) == pytest.approx(0.1, rel=0.02)
