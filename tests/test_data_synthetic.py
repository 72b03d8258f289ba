"""Synthetic sets: functions of the seed, with the moments and shapes of their laws."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.core.errors import ConfigurationError
from pullback.data import sha256, synthetic

SETS = [
    synthetic.spirals, synthetic.moons, synthetic.blobs, synthetic.noisy_polynomial, synthetic.swiss_roll,
    synthetic.gaussian_mixture,
]  # fmt: skip


@pytest.mark.parametrize("draw", SETS)
def test_a_function_of_the_seed(draw):
    assert sha256(draw(200, 0.3, 5)) == sha256(draw(200, 0.3, 5)) != sha256(draw(200, 0.3, 6))
    assert len(draw(17)) == 17 and draw(17).name == draw.__name__
    assert draw(17).feature_names is not None


@pytest.mark.parametrize("draw", SETS)
@pytest.mark.parametrize("wrong", [{"n": 0}, {"noise": -1.0}])
def test_bad_settings(draw, wrong):
    with pytest.raises(ConfigurationError):
        draw(**wrong)


@pytest.mark.parametrize(
    ("draw", "wrong"),
    [(synthetic.spirals, {"arms": 1}), (synthetic.spirals, {"turns": 0.0}), (synthetic.blobs, {"width": 0.0}),
     (synthetic.noisy_polynomial, {"coefficients": ()}), (synthetic.gaussian_mixture, {"components": 0})],
)  # fmt: skip
def test_bad_settings_of_their_own(draw, wrong):
    with pytest.raises(ConfigurationError):
        draw(**wrong)


def test_points_of_a_spiral_lie_on_their_arm():
    data = synthetic.spirals(300, 0.0, 0, arms=3, turns=1.0)
    x, y = data.inputs.astype(float).T
    phase = np.arctan2(y, x) - 2 * np.pi * (np.hypot(x, y) + data.targets / 3)
    np.testing.assert_allclose(np.cos(phase), 1, atol=1e-3)


def test_moons_are_two_half_circles():
    data = synthetic.moons(400, 0.0)
    lower = data.inputs[data.targets == 1]
    np.testing.assert_allclose(((lower - [1.0, 0.5]) ** 2).sum(1), 1, atol=1e-5)
    assert data.inputs[data.targets == 0, 1].min() >= 0 and lower[:, 1].max() <= 0.5


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_noise_is_the_standard_deviation(sigma):
    clean, noisy = synthetic.moons(20_000, 0.0, 1), synthetic.moons(20_000, sigma, 1)
    assert abs((noisy.inputs - clean.inputs).std() / sigma - 1) < 0.02
    clean, noisy = synthetic.noisy_polynomial(20_000, 0.0, 1), synthetic.noisy_polynomial(20_000, sigma, 1)
    assert abs((noisy.targets - clean.targets).std() / sigma - 1) < 0.03


def test_polynomial_values():
    data = synthetic.noisy_polynomial(50, 0.0, coefficients=(1.0, -2.0, 0.5))
    x = data.inputs[:, 0].astype(float)
    np.testing.assert_allclose(data.targets, 1 - 2 * x + 0.5 * x**2, atol=1e-6)
    assert np.abs(x).max() <= 1


def test_swiss_roll_target_is_the_angle():
    data = synthetic.swiss_roll(200, 0.0)
    t = data.targets.astype(float)
    np.testing.assert_allclose(data.inputs[:, 0], t * np.cos(t), atol=1e-4)
    assert data.task == "regression" and 1.5 * np.pi <= t.min() and t.max() <= 4.5 * np.pi


def test_clouds_have_unit_spread_about_their_centers():
    data = synthetic.blobs(30_000, 1.5, 0, classes=2, features=3)
    for label in (0, 1):
        cloud = data.inputs[data.targets == label].astype(float)
        np.testing.assert_allclose(np.cov(cloud.T), 2.25 * np.eye(3), atol=0.1)


def test_mixture_without_noise_has_one_point_a_component():
    data = synthetic.gaussian_mixture(400, 0.0, 0, classes=2, components=3)
    assert len(np.unique(data.inputs, axis=0)) == 6
