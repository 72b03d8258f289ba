"""Generalized linear models: against statsmodels on its bundled data, closed forms, and hard data."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import xlogy
from sklearn.datasets import load_breast_cancer

from pullback.core.errors import ConfigurationError, DataError, ShapeError
from pullback.models.linear.added_columns_test import added_columns_test
from pullback.models.linear.generalized_linear import fit_generalized_linear
from pullback.models.linear.generalized_linear_inference import generalized_linear_inference
from pullback.models.linear.generalized_linear_predictions import average_marginal_effects, mean_band
from pullback.models.linear.separation import find_separation
from pullback.testing.peers import peer

CLASSES = {"normal": "Gaussian", "poisson": "Poisson", "gamma": "Gamma", "binomial": "Binomial"}
LINKS = {
    "identity": "Identity",
    "log": "Log",
    "logit": "Logit",
    "probit": "Probit",
    "cloglog": "CLogLog",
    "inverse": "InversePower",
}
slow = pytest.mark.slow
SETS = [
    ("spector", "binomial", "logit"),
    pytest.param("cpunish", "poisson", "log", marks=slow),
    pytest.param("scotland", "gamma", "log", marks=slow),
    pytest.param("scotland", "gamma", "inverse", marks=slow),
    pytest.param("spector", "binomial", "probit", marks=slow),
    pytest.param("spector", "binomial", "cloglog", marks=slow),
    pytest.param("star98", "binomial", "logit", marks=slow),
    pytest.param("longley", "normal", "identity", marks=slow),
    pytest.param("stackloss", "normal", "log", marks=slow),
    pytest.param("engel", "gamma", "log", marks=slow),
    pytest.param("fair", "binomial", "logit", marks=slow),
    pytest.param("randhie", "poisson", "log", marks=slow),
    pytest.param("committee", "poisson", "log", marks=slow),
    pytest.param("statecrime", "gamma", "log", marks=slow),
]


def bundled(name):
    """Columns, target and trials of a set of statsmodels."""
    data = getattr(peer("statsmodels.api").datasets, name).load_pandas()
    X, y = data.exog.to_numpy(float), data.endog.to_numpy(float)
    X = X[:, np.ptp(X, axis=0) > 0]
    if name == "star98":
        return X, y[:, 0], y.sum(axis=1)
    return X, (y > 0) * 1.0 if name == "fair" else y, None


def statsmodels(X, y, family, link, trials=None, extra=None, **options):
    """Their fit, its tolerance at rounding."""
    api = peer("statsmodels.api")
    target = y if trials is None else np.column_stack([y, trials - y])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        law = getattr(api.families, CLASSES[family])(getattr(api.families.links, LINKS[link])())
        model = api.GLM(target, api.add_constant(X, has_constant="add"), family=law, **(extra or {}))
        return model.fit(tol=1e-14, maxiter=500, **options)


@pytest.mark.parametrize("name, family, link", SETS)
def test_bundled_sets_are_fitted_as_statsmodels_fits_them(name, family, link):
    X, y, trials = bundled(name)
    given = {"family": family, "link": link, "trials": trials}
    fit = fit_generalized_linear(X, y, **given)
    assert fit.converged
    # More clusters than coefficients, so that all of these can be tested at once.
    groups = np.arange(len(y)) % (12 if len(y) < 100 else 60)
    for kind, options in (
        ("classical", {}),
        ("HC0", {"cov_type": "HC0"}),
        ("clustered", {"cov_type": "cluster", "cov_kwds": {"groups": groups}}),
    ):
        theirs = statsmodels(X, y, family, link, trials, **options)
        ours = generalized_linear_inference(fit, X, y, covariance=kind, clusters=groups, **given)
        np.testing.assert_allclose(ours.estimates, theirs.params, rtol=1e-6)
        np.testing.assert_allclose(ours.standard_errors, theirs.bse, rtol=1e-6)
        np.testing.assert_allclose(ours.p_values, theirs.pvalues, rtol=1e-5, atol=1e-200)
        R = np.eye(len(ours.estimates))[1:]
        theirs_joint = theirs.wald_test(R, use_f=False, scalar=True)
        assert ours.wald_test(R).statistic == pytest.approx(float(theirs_joint.statistic), rel=1e-5)
    theirs = statsmodels(X, y, family, link, trials)
    assert ours.deviance == pytest.approx(theirs.deviance, rel=1e-9)
    assert ours.null_deviance == pytest.approx(theirs.null_deviance, rel=1e-9)
    assert ours.dispersion == pytest.approx(theirs.scale, rel=1e-7)
    assert ours.residual_degrees_of_freedom == theirs.df_resid
    if (family, link) != ("normal", "log"):
        # There they take the unbiased variance, not the one of the largest likelihood.
        assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-9)
        assert ours.aic == pytest.approx(theirs.aic, rel=1e-9)
        assert ours.bic == pytest.approx(theirs.bic_llf, rel=1e-9)


def malignant():
    data = load_breast_cancer()
    return data.data[:, [3]], (data.target == 0) * 1.0


def test_malignant_by_mean_area_to_all_printed_digits():
    X, y = malignant()
    fit = fit_generalized_linear(X, y, family="binomial")
    found = generalized_linear_inference(fit, X, y, family="binomial")
    assert [f"{b:.8f}" for b in found.estimates] == ["-7.97409315", "0.01176793"]
    assert [f"{s:.8f}" for s in found.standard_errors] == ["0.68286323", "0.00108969"]
    assert f"{found.log_likelihood:.8f}" == "-162.82825557"
    theirs = statsmodels(X, y, "binomial", "logit")
    np.testing.assert_allclose(found.estimates, theirs.params, rtol=1e-9)


RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(32, 3))
ETA = X @ [0.6, -0.4, 0.2] + 0.3
COUNTS = RANDOM.poisson(np.exp(ETA)).astype(float)
BINARY = (RANDOM.random(32) < 1 / (1 + np.exp(-ETA))) * 1.0


def poisson(X=X, y=COUNTS, **options):
    return fit_generalized_linear(X, y, family="poisson", **options)


def poisson_inference(fit, X=X, y=COUNTS, **options):
    return generalized_linear_inference(fit, X, y, family="poisson", **options)


def test_a_weight_is_a_number_of_rows():
    w = np.tile([1.0, 2.0, 0.0, 1.0], 8)
    index = np.repeat(np.arange(32), w.astype(int))
    weighted, repeated = poisson(sample_weight=w), poisson(X[index], COUNTS[index])
    groups = np.arange(32) // 4
    for kind in ("classical", "HC1", "HC3", "clustered"):
        a = poisson_inference(weighted, sample_weight=w, covariance=kind, clusters=groups)
        b = poisson_inference(repeated, X[index], COUNTS[index], covariance=kind, clusters=groups[index])
        np.testing.assert_allclose(a.estimates, b.estimates, rtol=1e-10)
        np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-8, atol=1e-14)
        values = [(x.log_likelihood, x.aic, x.bic, x.deviance, x.residual_degrees_of_freedom) for x in (a, b)]
        np.testing.assert_allclose(*values, rtol=1e-10)


def test_rows_of_weight_zero_may_hold_anything_finite():
    w = np.r_[np.ones(30), 0, 0]
    odd = COUNTS.copy()
    odd[30:] = -5.0
    other = COUNTS.copy()
    other[30:] = 70.0
    np.testing.assert_array_equal(poisson(y=odd, sample_weight=w).coef, poisson(y=other, sample_weight=w).coef)
    assert not np.allclose(poisson(y=odd, sample_weight=w).coef, poisson().coef)


def test_exposure_and_offset_are_statsmodels():
    time = np.linspace(0.5, 3, 32)
    theirs = statsmodels(X, COUNTS, "poisson", "log", extra={"exposure": time})
    fit = poisson(exposure=time)
    np.testing.assert_allclose(np.r_[fit.intercept, fit.coef], theirs.params, rtol=1e-8)
    # The null model has a closed form, events by time.
    rate = time * COUNTS.sum() / time.sum()
    assert float(fit.null_deviance) == pytest.approx(2 * np.sum(xlogy(COUNTS, COUNTS / rate) - COUNTS + rate), rel=1e-8)
    assert float(fit.null_deviance) == pytest.approx(theirs.null_deviance, rel=1e-8)
    np.testing.assert_allclose(poisson(offset=np.log(time)).coef, fit.coef, rtol=1e-10)
    found = poisson_inference(fit, exposure=time)
    np.testing.assert_allclose(found.standard_errors, theirs.bse, rtol=1e-8)


def test_score_test_of_added_columns_is_statsmodels():
    smaller = poisson(X[:, :1])
    found = added_columns_test(smaller, X[:, :1], X[:, 1:], COUNTS, family="poisson")
    theirs = statsmodels(X[:, :1], COUNTS, "poisson", "log")
    statistic, p, q = theirs.model.score_test(theirs.params, exog_extra=X[:, 1:])
    assert (found.statistic, found.p_value) == (
        pytest.approx(np.squeeze(statistic), rel=1e-8),
        pytest.approx(np.squeeze(p)),
    )
    assert found.degrees_of_freedom == q
    larger = poisson_inference(poisson())
    ratio = larger.likelihood_ratio_test(poisson_inference(smaller, X[:, :1]))
    # The three tests agree to first order.
    assert ratio.statistic == pytest.approx(found.statistic, rel=0.5)


def test_marginal_effects_and_bands_are_statsmodels():
    Z = np.column_stack([X[:, :2], X[:, 2] > 0])
    fit = fit_generalized_linear(Z, BINARY, family="binomial")
    found = generalized_linear_inference(fit, Z, BINARY, family="binomial")
    api = peer("statsmodels.api")
    theirs = api.Logit(BINARY, api.add_constant(Z)).fit(disp=0, tol=1e-12).get_margeff(dummy=True)
    ours = average_marginal_effects(found, Z, link="logit", discrete=("x3",))
    np.testing.assert_allclose(ours.estimates, theirs.margeff, rtol=1e-6)
    np.testing.assert_allclose(ours.standard_errors, theirs.margeff_se, rtol=1e-5)
    with pytest.raises(ConfigurationError, match="unknown column"):
        average_marginal_effects(found, Z, link="logit", discrete=("nobody",))
    model = statsmodels(Z, BINARY, "binomial", "logit")
    frame = model.get_prediction(api.add_constant(Z)).summary_frame(alpha=0.1)
    band = mean_band(found, Z, link="logit", level=0.9)
    np.testing.assert_allclose(band.mean, frame["mean"], rtol=1e-7)
    np.testing.assert_allclose(band.standard_error, frame["mean_se"], rtol=1e-6)
    np.testing.assert_allclose(
        np.stack([band.lower, band.upper], 1), frame[["mean_ci_lower", "mean_ci_upper"]], rtol=1e-6
    )
    with pytest.raises(ShapeError, match="do not fit the coefficients"):
        mean_band(found, Z[:, :1], link="logit")


def test_collinear_columns_are_named_and_share_their_effect():
    Z = np.column_stack([X, X[:, 0] - 2 * X[:, 1]])
    fit = poisson(Z)
    reference = poisson()
    np.testing.assert_allclose(fit.linear_predictor, reference.linear_predictor, atol=1e-8)
    # The shortest solution has no part in the null space of the columns.
    assert fit.coef @ [1.0, -2.0, 0.0, -1.0] == pytest.approx(0, abs=1e-9)
    found, plain = poisson_inference(fit, Z, covariance="HC1"), poisson_inference(reference, covariance="HC1")
    assert np.isnan(found.standard_errors).tolist() == [False, True, True, False, True]
    np.testing.assert_allclose(found.standard_errors[[0, 3]], plain.standard_errors[[0, 3]], rtol=1e-7)
    assert found.parameters == 4
    (finding,) = found.findings
    assert finding.name == "collinearity" and "x1, x2" in finding.message
    assert "" in [cell for row in found.summary().rows for cell in row]


def test_columns_of_all_groups_leave_the_intercept_open():
    groups = np.eye(4)[np.arange(32) % 4]
    fit = poisson(groups)
    means = [COUNTS[np.arange(32) % 4 == g].mean() for g in range(4)]
    np.testing.assert_allclose(np.exp(fit.coef + fit.intercept), means, rtol=1e-9)
    assert np.isnan(poisson_inference(fit, groups).standard_errors).all()


SIDES = np.sign(np.arange(32.0) - 15.5)


@pytest.mark.parametrize("kind, middle", [("complete", 0), ("quasi-complete", 4)])
def test_separation_is_found_and_named(kind, middle):
    y = (SIDES > 0) * 1.0
    x = np.column_stack([SIDES * np.linspace(1, 2, 32), X[:, 0]])
    if middle:
        # Four rows on the separating plane that nothing separates.
        x[14:18, 0], x[:, 1] = 0.0, 0.0
        x[14:18, 1], y[14:18] = [-1, 1, -1, 1], [0, 0, 1, 1]
    fit = fit_generalized_linear(x, y, family="binomial")
    found = generalized_linear_inference(fit, x, y, family="binomial")
    (finding,) = found.findings
    assert finding.name == f"{kind} separation" and "x1" in finding.message
    assert f"{32 - middle} of 32" in finding.message
    assert np.isfinite(found.estimates).all()


def test_data_that_overlap_are_not_called_separated():
    assert find_separation(np.column_stack([np.ones(32), X]), 2 * BINARY - 1).kind == "none"
    # Probabilities near the ends alone are no separation.
    x, y = np.column_stack([SIDES * np.linspace(1, 9, 32), X[:, 0]]), (SIDES > 0) * 1.0
    x[15:17] = [[0.05, 0.0], [-0.05, 0.0]]
    fit = fit_generalized_linear(x, y, family="binomial")
    assert fit.converged and np.abs(fit.linear_predictor).max() > 8
    assert generalized_linear_inference(fit, x, y, family="binomial").findings == ()


def test_counts_of_zero_in_a_group_are_separation_too():
    Z = np.column_stack([X[:, :2], np.arange(32) < 6])
    y = np.where(Z[:, 2] > 0, 0.0, COUNTS + 1)
    fit = poisson(Z, y)
    (finding,) = poisson_inference(fit, Z, y).findings
    assert finding.name == "quasi-complete separation" and finding.message.startswith("x3 fits 6 of 32")


def test_jeffreys_prior_adds_half_an_observation_to_each_cell():
    # Firth's estimate of the saturated model of a two by two table, in closed form.
    a, b, c, d = 0.0, 7.0, 5.0, 3.0
    x, y = np.array([[0.0], [1.0]]), np.array([a, c])
    fit = fit_generalized_linear(x, y, family="binomial", trials=np.array([a + b, c + d]), bias_reduction=True)
    assert fit.converged
    assert float(fit.intercept) == pytest.approx(np.log((a + 0.5) / (b + 0.5)), rel=1e-8)
    odds = np.log((c + 0.5) / (d + 0.5)) - np.log((a + 0.5) / (b + 0.5))
    assert float(fit.coef[0]) == pytest.approx(odds, rel=1e-8)


def test_ridge_is_scikit_learns():
    from sklearn.linear_model import PoissonRegressor

    theirs = PoissonRegressor(alpha=0.3, tol=1e-12, max_iter=1000).fit(X, COUNTS)
    fit = poisson(alpha=0.3)
    np.testing.assert_allclose(fit.coef, theirs.coef_, rtol=1e-6)
    assert float(fit.intercept) == pytest.approx(theirs.intercept_, rel=1e-6)


@pytest.mark.slow
def test_newton_and_scoring_end_at_the_same_point():
    y = np.exp(ETA) + 0.1
    scoring = fit_generalized_linear(X, y, family="gamma", link="log")
    newton = fit_generalized_linear(X, y, family="gamma", link="log", method="newton")
    np.testing.assert_allclose(newton.coef, scoring.coef, rtol=1e-8)
    assert newton.steps <= scoring.steps + 2


def test_large_offsets_of_a_column_change_the_intercept_only():
    moved = poisson(X + 1e7)
    np.testing.assert_allclose(moved.coef, poisson().coef, rtol=1e-6)


@pytest.mark.slow
def test_many_fits_are_one_program_and_each_equals_its_own():
    w = np.random.default_rng(0).multinomial(32, np.ones(32) / 32, size=3).astype(float)
    with jax.enable_x64(True):
        together = jax.vmap(lambda w: fit_generalized_linear(jnp.asarray(X), COUNTS, w, family="poisson"))(
            jnp.asarray(w)
        )
        coef = np.asarray(together.coef)
    alone = [poisson(sample_weight=row).coef for row in w]
    np.testing.assert_allclose(coef, alone, rtol=1e-9)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"family": "poisson", "y": -COUNTS - 1}, "poisson law does not have the value in row 0"),
        ({"family": "gamma", "y": COUNTS * 0}, "gamma law does not have"),
        ({"family": "binomial", "y": COUNTS + 2}, "binomial law does not have"),
        ({"family": "poisson", "link": "logit"}, "maps to probabilities"),
        ({"family": "normal", "trials": COUNTS + 1}, "only the binomial"),
        ({"family": "binomial", "exposure": COUNTS + 1}, "log link"),
        ({"family": "poisson", "bias_reduction": True}, "bias reduction"),
        ({"family": "poisson", "method": "guess"}, "unknown method"),
        ({"family": "poisson", "sample_weight": -np.ones(32)}, "weights are no frequencies"),
        ({"family": "poisson", "sample_weight": np.zeros(32)}, "weights are no frequencies"),
        ({"family": "poisson", "offset": np.full(32, np.nan)}, "does not have the value"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    options = {"y": COUNTS, **options}
    with pytest.raises((DataError, ConfigurationError), match=message):
        fit_generalized_linear(X, options.pop("y"), **options)


@pytest.mark.slow
def test_wald_intervals_cover_as_they_say():
    """2,000 sets in one program; the number that cover is binomial."""
    sets, n = 2000, 128
    random = np.random.default_rng(11)
    truth = np.array([-0.3, 0.7, -0.5])
    Z = random.normal(size=(n, 2))
    p = 1 / (1 + np.exp(-(truth[0] + Z @ truth[1:])))
    targets = (random.random((sets, n)) < p) * 1.0
    with jax.enable_x64(True):
        fits = jax.jit(jax.vmap(lambda y: fit_generalized_linear(jnp.asarray(Z), y, family="binomial")))(
            jnp.asarray(targets)
        )
        b = np.concatenate([np.asarray(fits.intercept)[:, None], np.asarray(fits.coef)], axis=1)
        errors = np.sqrt(np.einsum("ijj->ij", np.asarray(fits.information_inverse)))
    covered = (np.abs(b - truth) <= 1.959964 * errors).sum(axis=0)
    from scipy.stats import binom

    low, high = binom.interval(0.99, sets, 0.95)
    assert ((covered >= low) & (covered <= high)).all(), covered
