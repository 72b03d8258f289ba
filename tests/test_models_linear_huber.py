"""Huber's regression: scikit-learn's minimum, the conditions of a minimum, weights as rows, outliers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import HuberRegressor as PeerHuberRegressor

from pullback.core.errors import ConfigurationError
from pullback.core.random import generator
from pullback.learn.huber_regressor import HuberRegressor
from pullback.models.linear.huber import fit_huber

ROWS, COLUMNS = 60, 4


def table(outliers: int = 10) -> tuple[np.ndarray, np.ndarray]:
    random = generator(0, "huber")
    X = random.normal(size=(ROWS, COLUMNS)) * [1, 10, 0.1, 1] + [0, 100, 0, 1]
    y = X @ [1.0, -0.2, 5.0, 0.0] + random.normal(size=ROWS)
    y[:outliers] += 50
    return X, y


def objective(X: np.ndarray, y: np.ndarray, w: np.ndarray, fit: Any, epsilon: float, alpha: float) -> float:
    """As scikit-learn's documentation has it."""
    z = np.abs(y - X @ fit.coef - fit.intercept) / fit.scale
    H = np.where(z < epsilon, z**2, 2 * epsilon * z - epsilon**2)
    return float(w @ (fit.scale + H * fit.scale) + alpha * fit.coef @ fit.coef)


@pytest.mark.parametrize("epsilon", [1.1, 1.35, 3.0])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_minimum_is_scikit_learns(epsilon: float, alpha: float, intercept: bool) -> None:
    X, y = table()
    weight = generator(1, "weights").uniform(0, 2, size=ROWS)
    found = fit_huber(X, y, weight, epsilon=epsilon, alpha=alpha, fit_intercept=intercept)
    assert found.converged
    scale, center = X.std(0), X.mean(0) if intercept else np.zeros(COLUMNS)
    if alpha == 0:  # then the columns may be scaled, without which the peer stops early
        peer = PeerHuberRegressor(epsilon=epsilon, alpha=0.0, fit_intercept=intercept, max_iter=10_000, tol=1e-9)
        peer.fit((X - center) / scale, y, weight)
        # The peer's L-BFGS stops where the objective no longer falls by more than about 1e-9 of itself, some 1e-4 from
        # the minimum; how near ours is shows below, by the objective and by differences around it.
        np.testing.assert_allclose(found.coef * scale, peer.coef_, atol=1e-3)
        theirs = found._replace(
            coef=peer.coef_ / scale, intercept=peer.intercept_ - center @ (peer.coef_ / scale), scale=peer.scale_
        )
        least = objective(X, y, weight, theirs, epsilon, 0.0)
        assert found.objective <= least * (1 + 1e-12)
        assert found.objective == pytest.approx(least, rel=1e-6)
    assert found.objective == pytest.approx(objective(X, y, weight, found, epsilon, alpha), rel=1e-10)
    # A convex objective is smallest where its derivatives are zero: by differences that nobody derived.
    for place in range(COLUMNS + 2):
        for step in (1e-4, -1e-4):
            theta = np.concatenate([found.coef, [found.intercept, found.scale]])
            if place == COLUMNS and not intercept:
                continue
            theta[place] += step * (1 if place >= COLUMNS else 1 / scale[place])
            moved = found._replace(coef=theta[:COLUMNS], intercept=theta[COLUMNS], scale=theta[-1])
            assert objective(X, y, weight, moved, epsilon, alpha) >= found.objective * (1 - 1e-12)


def test_a_row_of_weight_three_is_three_rows() -> None:
    X, y = table()
    weight = np.arange(ROWS) % 4.0
    repeated = np.repeat(np.arange(ROWS), weight.astype(int))
    weighted, plain = fit_huber(X, y, weight), fit_huber(X[repeated], y[repeated])
    for name in ("coef", "intercept", "scale", "objective"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(plain, name), rtol=1e-8)


def test_rows_far_off_are_told_and_change_little() -> None:
    X, y = table()
    far = table()[1]
    far[:10] += 1e6
    near, model = HuberRegressor(alpha=0.0).fit(X, y), HuberRegressor(alpha=0.0).fit(X, far)
    np.testing.assert_allclose(model.coef_, near.coef_, rtol=1e-8)
    assert model.outliers_[:10].all() and model.outliers_[10:].sum() < 15


def test_with_all_residuals_small_it_is_least_squares() -> None:
    X, y = table(outliers=0)
    found = fit_huber(X, y, epsilon=100.0, alpha=0.0)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(ROWS)]), y)[0]
    np.testing.assert_allclose(np.append(found.coef, found.intercept), expected, rtol=1e-7)
    residual = y - X @ found.coef - found.intercept
    assert found.scale == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-8)


def test_rows_on_a_plane_are_fitted_exactly() -> None:
    X, _ = table()
    y = X @ [1.0, -0.2, 5.0, 0.0] + 3
    y[:10] += 7
    found = fit_huber(X, y, alpha=0.0)
    np.testing.assert_allclose(found.coef, [1.0, -0.2, 5.0, 0.0], atol=1e-6)
    assert 0 < found.scale < 1e-6


def test_one_program_for_all_settings() -> None:
    X, y = table()
    epsilons = np.array([1.1, 1.35, 3.0])
    with jax.enable_x64(True):
        rows = jnp.asarray(X), jnp.asarray(y)
        coefs = np.asarray(jax.vmap(lambda epsilon: fit_huber(*rows, epsilon=epsilon).coef)(jnp.asarray(epsilons)))
    for epsilon, coef in zip(epsilons, coefs, strict=True):
        np.testing.assert_allclose(coef, fit_huber(X, y, epsilon=epsilon).coef, rtol=1e-7)


def test_bad_settings_are_refused_and_the_step_limit_is_said() -> None:
    X, y = table()
    with pytest.raises(ConfigurationError, match="epsilon is out of its range"):
        fit_huber(X, y, epsilon=0.9)
    with pytest.raises(ConfigurationError, match="alpha is out of its range"):
        fit_huber(X, y, alpha=-1.0)
    with pytest.raises(ConfigurationError, match="one output"):
        fit_huber(X, np.stack([y, y], axis=1))
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        HuberRegressor(max_iter=2).fit(X, y)
