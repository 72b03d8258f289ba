"""Drawn boundaries lie where the model's own equations put them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.special
from matplotlib.contour import QuadContourSet
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from pullback.core.errors import ConfigurationError, DataError
from pullback.explain.class_support import class_support
from pullback.explain.decision_boundary import decision_boundary

IRIS = load_iris()
TWO = IRIS.target > 0
X, Y = IRIS.data[TWO], np.array(["versicolor", "virginica"])[IRIS.target[TWO] - 1]


def contour_points(figure: Any, place: int = 0) -> np.ndarray:
    """Points of one contour drawn over two features."""
    drawn = [item for item in figure.axes[0].collections if isinstance(item, QuadContourSet)]
    return np.concatenate([path.vertices for path in drawn[place].get_paths()])


def verticals(figure: Any) -> list[float]:
    """Where vertical lines stand along one feature."""
    lines = (np.asarray(line.get_xdata(), float) for line in figure.axes[0].lines)
    return sorted(set(x[0].item() for x in lines if len(x) == 2 and x[0] == x[1]))


@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_boundary_over_two_features_is_the_line_of_equal_cost(threshold: float) -> None:
    model = LogisticRegression().fit(X[:, 2:], Y)
    points = contour_points(decision_boundary(model, X[:, 2:], Y, threshold=threshold))
    logits = points @ model.coef_[0] + model.intercept_[0]
    assert len(points) > 20
    np.testing.assert_allclose(logits, scipy.special.logit(threshold), atol=5e-3)


def test_boundary_without_probabilities_is_where_the_decision_function_is_zero() -> None:
    model = RidgeClassifier().fit(X[:, :2], Y)
    points = contour_points(decision_boundary(model, X[:, :2], Y))
    np.testing.assert_allclose(model.decision_function(points), 0, atol=1e-6)


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_boundary_along_one_feature(threshold: float) -> None:
    model = LogisticRegression().fit(X[:, [3]], Y)
    figure = decision_boundary(model, X[:, [3]], Y, threshold=threshold)
    expected = (scipy.special.logit(threshold) - model.intercept_[0]) / model.coef_[0, 0]
    assert verticals(figure) == pytest.approx([expected], abs=1e-4)
    assert figure.axes[0].get_ylabel() == "probability of virginica"


def test_boundaries_of_three_classes_are_where_two_logits_are_equal() -> None:
    model = LogisticRegression(max_iter=500).fit(IRIS.data[:, [2]], IRIS.target)
    slopes, starts = model.coef_[:, 0], model.intercept_
    expected = [(starts[k] - starts[k + 1]) / (slopes[k + 1] - slopes[k]) for k in range(2)]
    found = verticals(decision_boundary(model, IRIS.data[:, [2]], IRIS.target))
    assert found == pytest.approx(expected, abs=1e-3)


def test_answers_and_margins_are_those_of_the_estimator() -> None:
    points = np.random.default_rng(0).uniform(0, 8, (300, 4))
    for model in (LogisticRegression(max_iter=500), RidgeClassifier()):
        model.fit(IRIS.data, IRIS.target)
        support = class_support(model, points)
        np.testing.assert_array_equal(support.answers, model.predict(points))
        assert ((support.margins > 0).sum(axis=1) == 1).all()
        assert ((support.sureness >= 0) & (support.sureness <= 1)).all()


def test_other_columns_of_a_frame_are_held() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(kind=np.where(X[:, 0] > 6, "long", "short"))
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(frame[["kind"]], Y)

    class Model:
        classes_ = encoded.classes_
        seen: pd.DataFrame

        def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
            self.seen = rows if "seen" not in vars(self) else self.seen
            return encoded.predict_proba(rows[["kind"]])

    model = Model()
    figure = decision_boundary(model, frame, Y, features=("d", "a"), at={"b": 3.5}, resolution=11)
    assert (model.seen["b"] == 3.5).all() and (model.seen["c"] == np.median(X[:, 2])).all()
    assert set(model.seen["kind"]) == {frame["kind"].mode()[0]} and list(model.seen.columns) == list(frame.columns)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("d", "a")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts and texts[0].startswith("b = 3.5")


def test_picture_is_written(tmp_path: Any) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:, :2], Y)
    decision_boundary(model, X[:, :2], Y, resolution=51).savefig(tmp_path / "boundary.png")
    assert (tmp_path / "boundary.png").stat().st_size > 20_000


def test_what_cannot_be_drawn_is_refused() -> None:
    model = LogisticRegression().fit(X, Y)
    with pytest.raises(ConfigurationError, match="one feature or two"):
        decision_boundary(model, X, Y)
    with pytest.raises(ConfigurationError, match="no column 'width'"):
        decision_boundary(model, X, Y, features=("width",))
    with pytest.raises(ConfigurationError, match="no classes_"):
        decision_boundary(DecisionTreeRegressor().fit(X, X[:, 0]), X, features=(0, 1))
    with pytest.raises(ConfigurationError, match="threshold"):
        decision_boundary(model, X, Y, features=(0, 1), threshold=1.0)
    with pytest.raises(DataError, match="100 rows, 3 labels"):
        decision_boundary(model, X, Y[:3], features=(0, 1))

    class Silent:
        classes_ = model.classes_

    with pytest.raises(ConfigurationError, match="how sure"):
        decision_boundary(Silent(), X, Y, features=(0, 1))
