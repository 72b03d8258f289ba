"""Inference: against statsmodels' least squares, textbooks' tests, and what it must refuse."""

import html

import numpy as np
import pytest

from pullback.core.errors import ConfigurationError, DataError
from pullback.prob.inference import (
    DerivedEstimates,
    Finding,
    Inference,
    delta_method,
    sandwich_covariance,
    score_test,
    wald_test,
)
from pullback.testing.peers import peer

RANDOM = np.random.default_rng(7)
X = np.column_stack([np.ones(40), RANDOM.normal(size=(40, 2)), RANDOM.integers(0, 2, 40)])
Y = X @ [1.0, 0.5, -0.3, 0.8] + RANDOM.normal(size=40) * (1 + X[:, 3])
CLUSTERS = np.repeat(np.arange(10), 4)


def least_squares(X=X, y=Y, w=None, kind="classical", clusters=None, distribution="t"):
    """Textbook least squares as an `Inference`."""
    w = np.ones(len(y)) if w is None else w
    bread = np.linalg.inv(X.T @ (w[:, None] * X))
    b = bread @ X.T @ (w * y)
    e, n, k = y - X @ b, w.sum(), X.shape[1]
    rss, mean = w @ e**2, w @ y / n
    V = rss / (n - k) * bread
    if kind != "classical":
        leverage = np.sum((X @ bread) * X, axis=1)
        V = sandwich_covariance(bread, X * e[:, None], w, kind=kind, leverage=leverage, clusters=clusters)
    null = w @ (y - mean) ** 2
    return Inference(
        names=("intercept", "x1", "x2", "x3"),
        estimates=b,
        covariance=V,
        covariance_kind=kind,
        observations=n,
        residual_degrees_of_freedom=n - k,
        distribution=distribution,
        log_likelihood=-n / 2 * (np.log(2 * np.pi * rss / n) + 1),
        null_log_likelihood=-n / 2 * (np.log(2 * np.pi * null / n) + 1),
        deviance=rss,
        null_deviance=null,
        dispersion=rss / (n - k),
        parameters=k,
        title="Linear regression",
    )


def test_the_classical_table_is_statsmodels():
    theirs = peer("statsmodels.api").OLS(Y, X).fit()
    ours = least_squares()
    np.testing.assert_allclose(ours.standard_errors, theirs.bse, rtol=1e-10)
    np.testing.assert_allclose(ours.p_values, theirs.pvalues, rtol=1e-8)
    np.testing.assert_allclose(ours.intervals(0.9), theirs.conf_int(0.1), rtol=1e-9)
    np.testing.assert_allclose([ours.aic, ours.bic], [theirs.aic, theirs.bic], rtol=1e-12)
    assert ours.deviance_explained == pytest.approx(theirs.rsquared, rel=1e-12)
    assert ours.adjusted_r_squared == pytest.approx(theirs.rsquared_adj, rel=1e-12)
    test = ours.overall_test()
    assert (test.statistic, test.p_value) == (pytest.approx(theirs.fvalue, rel=1e-9), pytest.approx(theirs.f_pvalue))


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_covariances_are_statsmodels(kind):
    theirs = peer("statsmodels.api").OLS(Y, X).fit(cov_type=kind)
    ours = least_squares(kind=kind, distribution="normal")
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-9)
    np.testing.assert_allclose(ours.p_values, theirs.pvalues, rtol=1e-7)


def test_clustered_covariance_is_statsmodels():
    theirs = peer("statsmodels.api").OLS(Y, X).fit(cov_type="cluster", cov_kwds={"groups": CLUSTERS})
    np.testing.assert_allclose(
        least_squares(kind="clustered", clusters=CLUSTERS).covariance, theirs.cov_params(), rtol=1e-9
    )


def test_clusters_of_one_row_are_hc1_but_for_the_factor():
    each = least_squares(kind="clustered", clusters=np.arange(40)).covariance
    # G / (G - 1) (n - 1) / (n - k) with G = n is n / (n - k).
    np.testing.assert_allclose(each, least_squares(kind="HC1").covariance, rtol=1e-12)


@pytest.mark.parametrize("kind", ["classical", "HC0", "HC1", "HC2", "HC3", "clustered"])
def test_a_weight_is_a_number_of_rows(kind):
    w = np.tile([1.0, 2.0, 0.0, 3.0], 10)
    index = np.repeat(np.arange(40), w.astype(int))
    weighted = least_squares(w=w, kind=kind, clusters=CLUSTERS)
    repeated = least_squares(X[index], Y[index], kind=kind, clusters=CLUSTERS[index])
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-9, atol=1e-15)


def test_joint_hypotheses_are_statsmodels():
    theirs = peer("statsmodels.api").OLS(Y, X).fit()
    R, r = np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 2.0]]), np.array([0.1, 1.0])
    expected = theirs.f_test((R, r))
    found = least_squares().wald_test(R, r)
    assert found.statistic == pytest.approx(float(expected.fvalue), rel=1e-9)
    assert found.p_value == pytest.approx(float(expected.pvalue), rel=1e-9)
    expected = theirs.wald_test((R, r), use_f=False, scalar=True)
    found = least_squares(distribution="normal").wald_test(R, r)
    assert found.statistic == pytest.approx(float(expected.statistic), rel=1e-9)
    assert found.p_value == pytest.approx(float(expected.pvalue), rel=1e-9)


def test_one_name_is_the_square_of_its_statistic():
    ours = least_squares()
    test = ours.wald_test("x2")
    assert test.statistic == pytest.approx(ours.statistics[2] ** 2, rel=1e-12)
    assert test.p_value == pytest.approx(ours.p_values[2], rel=1e-9)
    assert ours.wald_test(["x1", "x2"]).degrees_of_freedom == 2


def test_likelihood_ratio_is_statsmodels():
    api = peer("statsmodels.api")
    statistic, p, q = api.OLS(Y, X).fit().compare_lr_test(api.OLS(Y, X[:, :2]).fit())
    smaller = least_squares(X[:, :2])
    test = least_squares().likelihood_ratio_test(smaller)
    assert (test.statistic, test.p_value, test.degrees_of_freedom) == (pytest.approx(statistic), pytest.approx(p), q)
    with pytest.raises(ConfigurationError, match="smaller"):
        smaller.likelihood_ratio_test(least_squares())


def test_delta_method_is_exact_for_what_is_linear_and_first_order_for_what_is_not():
    ours = least_squares()
    R = np.array([[1.0, 2.0, 0.0, -1.0]])
    linear = ours.delta_method(lambda b: R @ b)
    np.testing.assert_allclose(linear.covariance, R @ ours.covariance @ R.T, rtol=1e-12)
    b, V = ours.estimates, ours.covariance
    ratio = ours.delta_method(lambda b: b[1] / b[3], names=("ratio",))
    # The textbook's variance of a ratio.
    variance = V[1, 1] / b[3] ** 2 + b[1] ** 2 * V[3, 3] / b[3] ** 4 - 2 * b[1] * V[1, 3] / b[3] ** 3
    assert ratio.standard_errors[0] == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert "ratio" in str(ratio.summary())


def test_what_is_not_identified_is_not_given_out():
    V = np.array([[1.0, np.nan], [np.nan, np.nan]])
    values = delta_method(lambda b: b, np.array([1.0, 2.0]), V)
    assert isinstance(values, DerivedEstimates)
    assert np.isnan(values.standard_errors).tolist() == [False, True]
    with pytest.raises(ConfigurationError, match="do not identify"):
        wald_test(np.ones(2), V, np.eye(2), np.zeros(2))
    assert wald_test(np.ones(2), V, np.eye(2)[:1], np.zeros(1)).statistic == 1


def test_hypotheses_that_follow_from_others_are_refused():
    with pytest.raises(ConfigurationError, match="depend on each other"):
        least_squares().wald_test([[0, 1, 0, 0], [0, 2, 0, 0]])
    with pytest.raises(ConfigurationError, match="does not fit"):
        least_squares().wald_test([[0, 1]])
    with pytest.raises(ConfigurationError, match="unknown coefficient"):
        least_squares().wald_test("x9")


def test_clusters_that_say_nothing_are_refused():
    with pytest.raises(DataError, match="one cluster"):
        least_squares(kind="clustered", clusters=np.zeros(40))
    with pytest.raises(ConfigurationError, match="needs the clusters"):
        least_squares(kind="clustered")
    with pytest.raises(DataError, match="do not fit the rows"):
        least_squares(kind="clustered", clusters=np.zeros(3))
    with pytest.raises(ConfigurationError, match="unknown kind"):
        least_squares(kind="HC9")


def test_score_test_of_a_proportion_is_pearsons():
    stats = peer("scipy.stats")
    counts = np.array([18.0, 30.0])
    p = 0.5
    score, information = np.array([18 / p - 30 / (1 - p)]), np.array([[48 / (p * (1 - p))]])
    expected = stats.chisquare(counts)
    found = score_test(score, information, 1)
    assert (found.statistic, found.p_value) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    with pytest.raises(DataError, match="not identified"):
        score_test(np.ones(2), np.ones((2, 2)), 1)


def test_the_table_says_everything_in_three_languages():
    ours = least_squares()
    odd = Inference(**{**vars(ours), "names": ("intercept", "a_1 & <b>", "50%", "x"), "findings": (Finding("f", "n"),)})
    table = odd.summary(0.9)
    text, page, paper = str(table), table._repr_html_(), table.to_latex()
    for word in ("Linear regression", "observations", "log-likelihood", "AIC", "R^2", "F(3, 36)", "[90%", "f: n"):
        assert word in text
        assert html.escape(word) in page
    assert "a_1 & <b>" in text and "a_1 &amp; &lt;b&gt;" in page and r"a\_1 \& \textless{}b\textgreater{}" in paper
    assert r"50\%" in paper
    assert page.count("<table>") == page.count("</table>") == 2
    assert f"{ours.estimates[1]:#.5g}" in text
