"""Estimators among scikit-learn's own tools: pipelines, searches, calibration, routing of weights, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as TheirLogisticRegression
from sklearn.linear_model import Ridge as TheirRidge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pullback import learn
from pullback.learn import LogisticRegression, Ridge
from pullback.learn.formula import Formula
from pullback.learn.saved_types import SAVED_TYPES
from pullback.learn.saving import load, save
from pullback.learn.table_models import TABLE_MODELS


def needs_a_base(kind: type) -> bool:
    return kind.__name__ in ("OneVsOne", "OneVsRest")


PUBLIC: list[type] = [
    value
    for value in vars(learn).values()
    if isinstance(value, type) and issubclass(value, BaseEstimator) and value is not Formula
]


def table() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=60), "z": random.normal(size=60), "group": ["a", "b", "c"] * 20})
    return frame, frame["x"].to_numpy() + (frame["group"] == "b") + 0.3 * random.normal(size=60)


def example(kind: type) -> tuple[Any, np.ndarray, np.ndarray]:
    estimator = kind(LogisticRegression()) if needs_a_base(kind) else kind()
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 3))
    signal = X[:, 0] - X[:, 2] + random.normal(size=60)
    return estimator, X, np.digitize(signal, [-0.7, 0.7]) if is_classifier(estimator) else np.exp(signal / 3)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_saved_and_loaded(kind: type, tmp_path: Path) -> None:
    """A file gives back parameters, fitted attributes and predictions, exactly."""
    estimator, X, y = example(kind)
    fitted = estimator.fit(X, y)
    save(fitted, tmp_path / "estimator")
    again = load(tmp_path / "estimator")
    assert str(again.get_params()) == str(fitted.get_params())
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(fitted, method):
            np.testing.assert_array_equal(getattr(again, method)(X), getattr(fitted, method)(X))
    if hasattr(fitted, "standard_errors_"):
        assert str(again.summary()) == str(fitted.summary())


def test_the_table_of_saved_types_holds_every_estimator_and_every_model_of_a_table() -> None:
    assert set(PUBLIC) <= set(SAVED_TYPES)
    for model in TABLE_MODELS.values():
        assert type(model.make()) in SAVED_TYPES


def test_columns_of_both_kinds_in_a_pipeline() -> None:
    frame, y = table()
    columns = make_column_transformer((StandardScaler(), ["x", "z"]), (OneHotEncoder(), ["group"]))
    ours = make_pipeline(columns, Ridge(alpha=0.5)).fit(frame, y)
    theirs = make_pipeline(columns, TheirRidge(alpha=0.5)).fit(frame, y)
    np.testing.assert_allclose(ours.predict(frame), theirs.predict(frame), rtol=1e-8)


def test_grid_search_in_two_processes() -> None:
    X, y = load_diabetes(return_X_y=True)
    grid = {"alpha": [0.01, 0.1, 1.0, 10.0]}
    ours = GridSearchCV(Ridge(), grid, n_jobs=2).fit(X, y)
    theirs = GridSearchCV(TheirRidge(), grid).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-8)


def test_calibrated_classifiers() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X[:, :4])
    ours = CalibratedClassifierCV(LogisticRegression(tol=1e-10), cv=3).fit(X, y)
    theirs = CalibratedClassifierCV(TheirLogisticRegression(tol=1e-10, max_iter=1000), cv=3).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_cross_validation_in_a_pipeline() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    ours = cross_val_score(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    theirs = cross_val_score(make_pipeline(StandardScaler(), TheirLogisticRegression(max_iter=1000)), X, y)
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_weights_are_routed() -> None:
    X, y = load_diabetes(return_X_y=True)
    weight = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    found = []
    with sklearn.config_context(enable_metadata_routing=True):
        for kind in (Ridge, TheirRidge):
            scaler = StandardScaler().set_fit_request(sample_weight=True)
            model = kind(alpha=0.1).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            routed = cross_validate(make_pipeline(scaler, model), X, y, params={"sample_weight": weight})
            found.append(routed["test_score"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8)


def test_frames_out_of_transformers() -> None:
    frame, _ = table()
    made = clone(learn.PolynomialFeatures()).set_output(transform="pandas").fit_transform(frame[["x", "z"]])
    assert isinstance(made, pd.DataFrame)
    assert "x z" in made.columns


def test_the_only_warning_is_of_convergence() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning):
        LogisticRegression(max_iter=1).fit(X, y)
