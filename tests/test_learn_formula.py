"""Formulas in front of estimators, against statsmodels' own formulas and against columns made by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from pullback.core.errors import ConfigurationError, DataError, MissingExtraError
from pullback.learn.formula import Formula
from pullback.testing.peers import peer


def table(rows: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    x, age = random.normal(size=rows), random.uniform(20, 60, size=rows)
    group = random.choice(["a", "b", "c"], size=rows)
    y = 1 + 2 * x + (group == "b") + np.sin(age / 8) + 0.1 * random.normal(size=rows)
    kind = np.where(y > np.median(y), "high", "low")
    return pd.DataFrame({"y": y, "x": x, "group": group, "age": age, "w": random.integers(1, 4, rows), "kind": kind})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("y ~ x + C(group)", "y ~ x + C(group)"),
        ("y ~ x * C(group) + np.log(age)", "y ~ x * C(group) + np.log(age)"),
        ("y ~ x + s(age)", "y ~ x + cr(age, df=5, constraints='center')"),
        ("y ~ C(group) + x - 1", "y ~ C(group) + x - 1"),
        ("np.log(y + 20) ~ poly(x, 2)", "np.log(y + 20) ~ x + I(x**2)"),
    ],
)
def test_predictions_of_statsmodels(ours: str, theirs: str) -> None:
    peer("formulaic")
    formulas = peer("statsmodels.formula.api")
    data, new = table(), table(20).assign(x=0.3)
    fitted = Formula(ours, LinearRegression()).fit(data)
    other = formulas.ols(theirs, data).fit()
    np.testing.assert_allclose(fitted.predict(new), other.predict(new), rtol=1e-9)
    # An intercept is a coefficient there and an option of the estimator here.
    assert len(fitted.columns_) + fitted.estimator_.fit_intercept == len(other.params)


def test_missing_rows_are_left_out_before_anything_is_learned() -> None:
    peer("formulaic")
    data = table()
    data.loc[3, "x"] = np.nan
    data.loc[7, "group"] = None
    data.loc[9, "w"] = 5
    model = Formula("y ~ x + C(group) + s(age)", LinearRegression()).fit(data, sample_weight="w")
    complete = data.dropna()
    other = Formula("y ~ x + C(group) + s(age)", LinearRegression()).fit(complete, sample_weight=complete["w"])
    assert model.dropped_rows_ == 2
    np.testing.assert_allclose(model.predict(complete), other.predict(complete), rtol=1e-12)
    with pytest.raises(DataError, match="missing in x of the new rows"):
        model.predict(data)
    with pytest.raises(DataError, match="missing in x of the data"):
        Formula("y ~ x", LinearRegression(), missing="error").fit(data)


def test_classifiers_take_the_column_as_it_is() -> None:
    peer("formulaic")
    data = table()
    by_formula = Formula("kind ~ x + age", LogisticRegression(max_iter=1000)).fit(data)
    by_hand = LogisticRegression(max_iter=1000).fit(data[["x", "age"]], data["kind"])
    np.testing.assert_allclose(by_formula.predict_proba(data), by_hand.predict_proba(data[["x", "age"]]), rtol=1e-8)
    assert by_formula.predict(data).tolist() == by_hand.predict(data[["x", "age"]]).tolist()
    assert not hasattr(Formula("y ~ x", LinearRegression()), "predict_proba")


def test_columns_of_a_mapping() -> None:
    peer("formulaic")
    data = {"y": [1.0, 2.0, 4.0, 5.0], "x": [0.0, 1.0, 0.0, 1.0], "g": ["a", "a", "b", "b"]}
    model = Formula("y ~ x + C(g)", LinearRegression()).fit(data)
    assert model.columns_ == ["x", "C(g)[T.b]"]
    np.testing.assert_allclose(model.estimator_.coef_, [1.0, 3.0], atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "change", "message"),
    [
        ("y ~ nothing", {}, "`nothing` is not present"),
        ("y", {}, "has not two sides"),
        ("y ~ x +", {}, "cannot be evaluated"),
        ("group ~ x", {}, "makes 3 columns"),
        ("y ~ np.log(x)", {}, "missing in np.log"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_bad_formulas(formula: str, change: dict[str, Any], message: str) -> None:
    peer("formulaic")
    with pytest.raises((DataError, ConfigurationError), match=message):
        Formula(formula, LinearRegression()).fit(table().assign(**change))


def test_bad_rows() -> None:
    peer("formulaic")
    data = table()
    model = Formula("y ~ x + C(group)", LinearRegression()).fit(data)
    with pytest.raises(DataError, match="not seen in original dataset"):
        model.predict(data.assign(group="z"))
    with pytest.raises(DataError, match="cannot be evaluated"):
        model.predict(data[["x"]])
    with pytest.raises(DataError, match="columns with names"):
        model.predict(np.ones((3, 2)))
    with pytest.raises(DataError, match="another number of rows"):
        Formula("y ~ x", LinearRegression()).fit(data, sample_weight=[1.0, 2.0])
    with pytest.raises(DataError, match="no column 'weights'"):
        Formula("y ~ x", LinearRegression()).fit(data, sample_weight="weights")
    with pytest.raises(ConfigurationError, match="missing is not understood"):
        Formula("y ~ x", LinearRegression(), missing="keep").fit(data)


def test_without_formulaic_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "formulaic", None)
    with pytest.raises(MissingExtraError, match=r"pullback\[formula\]"):
        Formula("y ~ x", LinearRegression()).fit(table())
