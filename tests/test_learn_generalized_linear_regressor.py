"""The estimator of generalized linear models: its choices, its errors, and what it says beside predictions."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import PoissonRegressor

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn.generalized_linear_regressor import GeneralizedLinearRegressor

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(30, 2))
COUNTS = RANDOM.poisson(np.exp(X @ [0.5, -0.3] + 0.4)).astype(float)
SIDE = (X[:, 0] > 0) * 1.0


def test_a_penalized_poisson_fit_is_scikit_learns_and_has_no_standard_errors():
    ours = GeneralizedLinearRegressor(family="poisson", alpha=0.5).fit(X, COUNTS)
    theirs = PoissonRegressor(alpha=0.5, tol=1e-12, max_iter=1000).fit(X, COUNTS)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)
    assert ours.score(X, COUNTS) == pytest.approx(theirs.score(X, COUNTS), rel=1e-6)
    assert not hasattr(ours, "standard_errors_")
    with pytest.raises(AttributeError, match="penalized"):
        _ = ours.covariance_


def test_an_unfitted_model_says_so():
    with pytest.raises(AttributeError, match="not fitted"):
        _ = GeneralizedLinearRegressor().inference_


def test_the_table_names_the_columns_and_weights_are_rows():
    import pandas as pd

    frame = pd.DataFrame(X, columns=["age", "dose"])
    w = np.tile([1.0, 2.0, 0.0], 10)
    weighted = GeneralizedLinearRegressor(family="poisson", covariance="HC1").fit(frame, COUNTS, w)
    repeated = GeneralizedLinearRegressor(family="poisson", covariance="HC1").fit(
        frame.loc[np.repeat(np.arange(30), w.astype(int))], np.repeat(COUNTS, w.astype(int))
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8)
    np.testing.assert_allclose(weighted.standard_errors_, repeated.standard_errors_, rtol=1e-8)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-10)
    text = str(weighted.summary())
    assert "age" in text and "dose" in text and "HC1" in text
    assert weighted.inference_.wald_test("age").degrees_of_freedom == 1


def test_clusters_and_exposure_come_with_the_rows():
    time, clusters = np.linspace(1, 2, 30), np.array(list("abcdef") * 5)
    model = GeneralizedLinearRegressor(family="poisson", covariance="clustered")
    fitted = model.fit(X, COUNTS, exposure=time, clusters=clusters)
    assert np.isfinite(fitted.standard_errors_).all()
    np.testing.assert_allclose((fitted.predict(X) * time).sum(), COUNTS.sum(), rtol=1e-8)
    band = fitted.predict_band(X)
    assert ((band.lower < band.mean) & (band.mean < band.upper)).all()
    with pytest.raises(DataError, match="entry for each row"):
        model.fit(X, COUNTS, exposure=time[:3], clusters=clusters)
    with pytest.raises(ConfigurationError, match="needs the clusters"):
        model.fit(X, COUNTS)


def test_separation_is_reported_refused_or_bounded():
    reported = GeneralizedLinearRegressor(family="binomial").fit(X, SIDE)
    assert reported.inference_.findings[0].name == "complete separation"
    with pytest.raises(DataError, match="complete separation: x1"):
        GeneralizedLinearRegressor(family="binomial", separation="error").fit(X, SIDE)
    finite = GeneralizedLinearRegressor(family="binomial", separation="firth").fit(X, SIDE)
    assert 0 < finite.coef_[0] < 20 < reported.coef_[0]
    assert "Jeffreys" in finite.inference_.findings[0].message
    # Data that overlap are fitted by maximum likelihood whatever was chosen.
    mixed = np.where(np.arange(30) % 5, SIDE, 1 - SIDE)
    plain = GeneralizedLinearRegressor(family="binomial").fit(X, mixed)
    chosen = GeneralizedLinearRegressor(family="binomial", separation="firth").fit(X, mixed)
    np.testing.assert_array_equal(plain.coef_, chosen.coef_)
    effects = plain.average_marginal_effects(X)
    assert effects.names == ("x1", "x2") and np.isfinite(effects.standard_errors).all()


def test_too_few_steps_are_a_warning_and_nonsense_is_refused():
    with pytest.warns(ConvergenceWarning, match="after 1 steps"):
        GeneralizedLinearRegressor(family="poisson", max_iter=1).fit(X, COUNTS)
    with pytest.raises(ConfigurationError, match="separation is not understood"):
        GeneralizedLinearRegressor(separation="perhaps").fit(X, COUNTS)
    with pytest.raises(ConfigurationError, match="unknown kind of covariance"):
        GeneralizedLinearRegressor(family="poisson", covariance="HC7").fit(X, COUNTS)
    with pytest.raises(DataError, match="gamma law does not have"):
        GeneralizedLinearRegressor(family="gamma").fit(X, -COUNTS)
