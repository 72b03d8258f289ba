"""The choice among rates beside closed forms, on heights that are made."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train.learning_rate_choice import CLIFF, DIVERGED, FLOOR, choose, heights_of, near

RATES = np.geomspace(1e-4, 1.0, 25)
PLACES = np.arange(len(RATES))


def seeds(means: np.ndarray, spread: float = 0.0, count: int = 16) -> np.ndarray:
    """Heights with these means exactly, and spreads of the same size at every rate."""
    noise = np.resize([1.0, -1.0], count)
    return means[:, None] + spread * noise


@pytest.mark.parametrize("center", [8, 12, 15])
def test_a_symmetric_basin_gives_its_middle(center: int) -> None:
    found = choose(RATES, seeds(0.002 * (PLACES - center) ** 2))
    assert found.learning_rate == pytest.approx(RATES[center], rel=1e-3)
    assert found.best == center and found.spread == pytest.approx(0, abs=1e-12)


def test_a_flat_bottom_gives_its_geometric_mean() -> None:
    """Walls that are too high to have weight, or to be taken into the mean of neighbours."""
    means = np.where((PLACES >= 5) & (PLACES <= 14), 0.0, 3.0)
    found = choose(RATES, seeds(means))
    assert found.learning_rate == pytest.approx(np.sqrt(RATES[5] * RATES[14]), rel=1e-12)
    assert (found.low, found.high) == (5, 14)


def test_what_scatters_is_not_taken_for_the_best() -> None:
    """Of two bottoms, equally deep by the mean, the quiet one."""
    means = np.where(np.isin(PLACES, [4, 5, 6, 16, 17, 18]), 0.0, 1.0)
    heights = seeds(means)
    heights[14:21] += 0.5 * np.resize([1.0, -1.0], 16)
    found = choose(RATES, heights)
    assert RATES[4] <= found.learning_rate <= RATES[6]


def test_the_spread_is_that_of_the_suggestion_over_seeds() -> None:
    """Basins whose middles vary with the seed: the choice varies as the mean of the middles, by the central limit."""
    random = np.random.default_rng(0)
    middles = random.normal(12, 2.0, 64)
    found = choose(RATES, 0.02 * (PLACES[:, None] - middles) ** 2)
    step = np.log(RATES[1] / RATES[0])
    assert np.log(found.learning_rate) == pytest.approx(np.log(RATES[0]) + step * middles.mean(), abs=0.5 * step)
    assert found.spread == pytest.approx(step * middles.std() / 8, rel=0.4)


def test_heights_of_losses() -> None:
    scores = np.array([[2.0, 1.0], [0.5, np.inf]])
    found = heights_of(scores, start=4.0)
    expected = np.log(np.array([2.0, 1.0, 0.5]) + 4.0 * FLOOR)
    np.testing.assert_allclose([*found[0], found[1, 0]], expected, rtol=1e-15)
    assert found[1, 1] == pytest.approx(found[0].max() + DIVERGED)


def test_losses_below_zero_have_heights_too() -> None:
    found = heights_of(np.array([[-3.0, -1.0], [2.0, -2.0]]), start=1.0)
    assert np.isfinite(found).all() and found[0, 0] == found.min() and found[1, 0] == found.max()


def test_only_what_hangs_together_is_near() -> None:
    heights = np.array([0.0, 2.0, 0.1, 0.0, 0.2, 3.0, 0.0])
    assert near(heights, 3, CLIFF) == (2, 4)
