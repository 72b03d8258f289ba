"""Families and links: against SciPy's laws, against their own derivatives, and in the tails."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import special, stats

from pullback.core.errors import ConfigurationError
from pullback.prob.families import FAMILIES, family_named
from pullback.prob.links import LINKS, link_named

PROBABILITY_LINKS = ("logit", "probit", "cloglog")
ETA = np.array([-3.0, -0.5, 0.2, 1.5])


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def predictors(link):
    return jnp.asarray(np.abs(ETA) if link in ("identity", "inverse") else ETA)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_its_inverse_and_their_derivatives_agree(name):
    link, eta = LINKS[name], predictors(name)
    mu = link.inverse(eta)
    np.testing.assert_allclose(link(mu), eta, rtol=1e-12)
    np.testing.assert_allclose(link.derivative(eta), np.diag(jax.jacobian(link.inverse)(eta)), rtol=1e-12)
    np.testing.assert_allclose(link.log_inverse(eta), np.log(mu), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(link.log_slope(eta), link.derivative(eta) / mu, rtol=1e-12)
    if name in PROBABILITY_LINKS:
        np.testing.assert_allclose(link.log_complement(eta), np.log1p(-np.asarray(mu)), rtol=1e-12)
        np.testing.assert_allclose(link.complement_slope(eta), link.derivative(eta) / (1 - mu), rtol=1e-12)


def exact(name, eta):
    """log mu, log(1 - mu), mu' / mu, mu' / (1 - mu) in four hundred digits."""
    with mpmath.workdps(400):
        x = mpmath.mpf(eta)
        if name == "logit":
            mu, rest = 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x))
            slope = mu * rest
        elif name == "probit":
            mu, rest = mpmath.erfc(-x / mpmath.sqrt(2)) / 2, mpmath.erfc(x / mpmath.sqrt(2)) / 2
            slope = mpmath.exp(-(x**2) / 2) / mpmath.sqrt(2 * mpmath.pi)
        else:
            t = mpmath.exp(x)
            mu, rest = -mpmath.expm1(-t), mpmath.exp(-t)
            slope = t * rest
        return [float(v) for v in (mpmath.log(mu), mpmath.log(rest), slope / mu, slope / rest)]


@pytest.mark.parametrize("name", PROBABILITY_LINKS)
@pytest.mark.parametrize("eta", [-1000.0, -40.0, -6.0, 3.0, 6.0])
def test_logarithms_and_slopes_are_exact_far_out(name, eta):
    link, x = LINKS[name], jnp.array([eta])
    found = [link.log_inverse(x), link.log_complement(x), link.log_slope(x), link.complement_slope(x)]
    np.testing.assert_allclose(np.concatenate(found), exact(name, eta), rtol=2e-9, atol=1e-300)


@pytest.mark.parametrize("name", ("logit", "probit"))
def test_symmetric_links_are_exact_at_plus_one_thousand(name):
    link, x = LINKS[name], jnp.array([1000.0])
    found = [link.log_inverse(x), link.log_complement(x), link.log_slope(x), link.complement_slope(x)]
    np.testing.assert_allclose(np.concatenate(found), exact(name, 1000), rtol=2e-9, atol=1e-300)


CASES = [
    ("normal", "identity", [-1.0, 0.5, 2.0, 3.0]),
    ("normal", "log", [0.1, 0.5, 2.0, 3.0]),
    ("poisson", "log", [0.0, 1.0, 2.0, 7.0]),
    ("poisson", "identity", [0.0, 1.0, 2.0, 7.0]),
    ("gamma", "log", [0.1, 1.0, 2.0, 7.0]),
    ("gamma", "inverse", [0.1, 1.0, 2.0, 7.0]),
    ("binomial", "logit", [0.0, 1.0, 0.25, 1.0]),
    ("binomial", "probit", [0.0, 1.0, 0.25, 1.0]),
    ("binomial", "cloglog", [0.0, 1.0, 0.25, 1.0]),
]


@pytest.mark.parametrize("family, link, y", CASES)
def test_score_and_information_are_derivatives_of_the_deviance(family, link, y):
    law, g, eta, y = FAMILIES[family], LINKS[link], predictors(link), jnp.asarray(y)

    def total(eta):
        return jnp.sum(law.deviance(y, eta, g)) / 2

    np.testing.assert_allclose(law.score(y, eta, g), -jax.grad(total)(eta), rtol=1e-10, atol=1e-12)
    hessian = np.diag(jax.hessian(total)(eta))
    np.testing.assert_allclose(law.observed_information(y, eta, g), hessian, rtol=1e-9, atol=1e-12)
    mu = g.inverse(eta)
    # Where the observation is its mean, the observed information is the expected one.
    np.testing.assert_allclose(law.information(eta, g), law.observed_information(mu, eta, g), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(law.information(eta, g), g.derivative(eta) ** 2 / law.variance(mu), rtol=1e-9)


@pytest.mark.parametrize("family, link, y", CASES)
def test_deviance_is_twice_the_log_likelihood_that_is_missing(family, link, y):
    law, g, eta, y = FAMILIES[family], LINKS[link], predictors(link), jnp.asarray(y)
    m, phi = jnp.ones(4), jnp.asarray(0.7) if not law.known_dispersion else jnp.asarray(1.0)
    inner = np.asarray(law.boundary(y) == 0) & np.asarray((link != "log") | (y > 0))
    saturated = law.log_likelihood(y, g(y), g, phi, m)
    missing = 2 * phi * (saturated - law.log_likelihood(y, eta, g, phi, m))
    np.testing.assert_allclose(law.deviance(y, eta, g)[inner], missing[inner], rtol=1e-9, atol=1e-12)


def test_log_likelihoods_are_scipys():
    eta, phi, one = jnp.asarray(np.abs(ETA)), jnp.asarray(0.7), jnp.ones(4)
    y = jnp.array([0.5, 1.0, 2.0, 4.0])
    mu = np.exp(np.abs(ETA))
    log = link_named("log")
    found = family_named("normal").log_likelihood(y, eta, log, phi, one)
    np.testing.assert_allclose(found, stats.norm.logpdf(y, mu, np.sqrt(0.7)), rtol=1e-12)
    found = family_named("gamma").log_likelihood(y, eta, log, phi, one)
    np.testing.assert_allclose(found, stats.gamma.logpdf(y, 1 / 0.7, scale=0.7 * mu), rtol=1e-12)
    counts = jnp.array([0.0, 1.0, 2.0, 9.0])
    found = family_named("poisson").log_likelihood(counts, eta, log, phi, one)
    np.testing.assert_allclose(found, stats.poisson.logpmf(counts, mu), rtol=1e-12)
    trials = jnp.array([5.0, 6.0, 7.0, 9.0])
    found = family_named("binomial").log_likelihood(counts / trials, jnp.asarray(ETA), link_named("logit"), phi, trials)
    np.testing.assert_allclose(found, stats.binom.logpmf(counts, trials, special.expit(ETA)), rtol=1e-11)


@pytest.mark.parametrize("name", PROBABILITY_LINKS)
def test_a_certain_prediction_that_fails_costs_its_logarithm_and_not_infinity(name):
    link, binomial = LINKS[name], FAMILIES["binomial"]
    y, eta = jnp.array([1.0]), jnp.array([-1000.0])
    assert float(binomial.deviance(y, eta, link)[0]) == pytest.approx(-2 * exact(name, -1000)[0], rel=1e-9)
    assert np.isfinite(binomial.score(y, eta, link)).all()


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'poisson'"):
        family_named("poison")
    with pytest.raises(ConfigurationError, match="did you mean 'logit'"):
        link_named("logits")
