"""Corrected p-values and the analysis of variance, against statsmodels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pullback.core.errors import DataError, ShapeError
from pullback.prob.factorial import factorial_analysis
from pullback.prob.holm import holm
from pullback.testing.peers import peer


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_holm_is_statsmodels(count: int) -> None:
    multitest = peer("statsmodels.stats.multitest")
    values = np.random.default_rng(count).uniform(size=count) ** 3
    np.testing.assert_allclose(holm(values), multitest.multipletests(values, method="holm")[1], rtol=1e-14)


def test_what_was_not_compared_does_not_count() -> None:
    values = np.array([0.02, np.nan, 0.01])
    np.testing.assert_allclose(holm(values)[[0, 2]], holm(values[[0, 2]]), rtol=1e-15)
    assert np.isnan(holm(values)[1])
    with pytest.raises(DataError, match="no probability"):
        holm(np.array([0.5, 1.5]))


@pytest.mark.parametrize("shape", [(2, 3, 4), (3, 2, 2, 3)])
def test_effects_are_those_of_statsmodels(shape: tuple[int, ...]) -> None:
    api, anova = peer("statsmodels.formula.api"), peer("statsmodels.stats.anova")
    frame = peer("pandas")
    scores = np.random.default_rng(0).normal(size=shape)
    scores += np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    names = ["a", "b", "c"][: len(shape) - 1]
    rows = [
        dict(zip([*names, "seed"], map(str, index), strict=True)) | {"y": scores[index]}
        for index in itertools.product(*map(range, shape))
    ]
    terms = [*names, *(f"{one}:{other}" for one, other in itertools.combinations(names, 2)), "seed"]
    table = anova.anova_lm(api.ols("y ~ " + " + ".join(terms), frame.DataFrame(rows)).fit())
    found = factorial_analysis(scores, names)
    assert found.residual_degrees_of_freedom == int(table.loc["Residual", "df"])
    assert found.residual_variance == pytest.approx(table.loc["Residual", "mean_sq"], rel=1e-10)
    for effect in found.effects:
        expected = table.loc[":".join(effect.factors)]
        assert effect.degrees_of_freedom == int(expected["df"])
        assert effect.sum_of_squares == pytest.approx(expected["sum_sq"], rel=1e-9, abs=1e-12)
        assert effect.statistic == pytest.approx(expected["F"], rel=1e-8, abs=1e-10)
        assert effect.p_value == pytest.approx(expected["PR(>F)"], rel=1e-8)


def test_a_planted_interaction_is_found() -> None:
    noise = 0.1 * np.random.default_rng(1).normal(size=(2, 2, 8))
    planted = np.array([[0.0, 1.0], [1.0, 0.0]])[..., None]
    effects = {effect.factors: effect for effect in factorial_analysis(planted + noise, ["a", "b"]).effects}
    assert effects[("a", "b")].adjusted < 1e-6 < min(effects[("a",)].adjusted, effects[("b",)].adjusted)


def test_designs_that_tell_nothing_are_refused() -> None:
    good = np.random.default_rng(0).normal(size=(2, 2, 2))
    with pytest.raises(ShapeError, match="not those of these factors"):
        factorial_analysis(good, ["a"])
    with pytest.raises(DataError, match="does not vary"):
        factorial_analysis(good[:1], ["a", "b"])
    with pytest.raises(DataError, match="cannot be analysed"):
        factorial_analysis(np.where(good > 0, np.inf, good), ["a", "b"])
    with pytest.raises(DataError, match="nothing is left"):
        factorial_analysis(good[..., :1], ["a", "b"])
