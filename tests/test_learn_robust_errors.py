"""Robust and clustered standard errors of classifiers, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn import LogisticRegression, SoftmaxRegression
from pullback.testing.peers import peer


def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 2))
    signal = X @ [1.0, -0.5] + random.logistic(size=300)
    return X, np.digitize(signal, [-1.0, 1.0]), random.integers(0, 30, 300)


def test_logistic_regression() -> None:
    api = peer("statsmodels.api")
    X, y, _ = rows()
    ours = LogisticRegression(C=np.inf, covariance="HC0").fit(X, y > 0)
    theirs = api.Logit(y > 0, api.add_constant(X)).fit(disp=0, tol=1e-12, cov_type="HC0")
    np.testing.assert_allclose(ours.standard_errors_, theirs.bse, rtol=1e-6)
    # statsmodels leaves the factor of HC1 out where the model is not linear.
    more = LogisticRegression(C=np.inf, covariance="HC1").fit(X, y > 0)
    np.testing.assert_allclose(more.covariance_, ours.covariance_ * 300 / 297, rtol=1e-12)


def test_logistic_regression_by_clusters() -> None:
    api = peer("statsmodels.api")
    X, y, clusters = rows()
    ours = LogisticRegression(C=np.inf, covariance="clustered").fit(X, y > 0, clusters=clusters)
    theirs = api.Logit(y > 0, api.add_constant(X)).fit(
        disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": clusters}
    )
    np.testing.assert_allclose(ours.standard_errors_, theirs.bse, rtol=1e-6)


def test_softmax_regression() -> None:
    api = peer("statsmodels.api")
    X, y, _ = rows()
    ours = SoftmaxRegression(C=np.inf, covariance="HC0").fit(X, y)
    theirs = api.MNLogit(y, api.add_constant(X)).fit(disp=0, method="newton", tol=1e-12, cov_type="HC0")
    np.testing.assert_allclose(ours.standard_errors_, np.asarray(theirs.bse).T.ravel(), rtol=1e-6)


def test_a_row_twice_has_the_weight_two() -> None:
    X, y, clusters = rows()
    weight = np.random.default_rng(1).integers(0, 3, 300)
    twice = np.repeat(np.arange(300), weight)
    for estimator in (LogisticRegression, SoftmaxRegression):
        model = estimator(C=np.inf, covariance="clustered")
        weighted = model.fit(X, y > 0, weight, clusters=clusters).standard_errors_
        repeated = model.fit(X[twice], y[twice] > 0, clusters=clusters[twice]).standard_errors_
        np.testing.assert_allclose(weighted, repeated, rtol=1e-8)


def test_what_is_refused() -> None:
    X, y, _ = rows()
    with pytest.raises(ConfigurationError, match="kind of covariance of several classes"):
        SoftmaxRegression(C=np.inf, covariance="HC3").fit(X, y)
    with pytest.raises(DataError, match="an entry for each row"):
        LogisticRegression(C=np.inf, covariance="clustered").fit(X, y > 0, clusters=[1, 2])
