"""What a fitted generalized linear model says about its coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import unknown_name
from pullback.models.linear.dependent_columns import collinearity_findings
from pullback.models.linear.generalized_linear import GeneralizedLinearFit, as_rows, chosen_law
from pullback.models.linear.separation import Separation, find_separation
from pullback.prob.families import family_named
from pullback.prob.inference import COVARIANCE_KINDS, Finding, Inference
from pullback.prob.inference.covariance import cluster_codes, sandwich_covariance
from pullback.prob.inference.inference import INTERCEPT

INFORMATION = ("expected", "observed")
# A fitted probability as near to an end as this, or a mean as near to zero, makes it worth asking for separation.
SUSPICIOUS = 1e-5
# Numbers of the linear program that answers for sure.
LARGEST_PROGRAM = 20_000_000


TITLES = {
    ("binomial", "logit"): "Logistic regression",
    ("binomial", "probit"): "Probit regression",
    ("poisson", "log"): "Poisson regression",
    ("gamma", "log"): "Gamma regression",
}


def generalized_linear_inference(
    fit: GeneralizedLinearFit,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    family: str = "normal",
    link: str | None = None,
    offset: Any = None,
    exposure: Any = None,
    trials: Any = None,
    fit_intercept: bool = True,
    names: Sequence[str] | None = None,
    dependent: str = "y",
    covariance: str = "classical",
    clusters: Any = None,
    information: str = "expected",
    separation: Separation | None = None,
    findings: tuple[Finding, ...] = (),
) -> Inference:
    r"""Covariance, tests and intervals of the coefficients of an unpenalized fit.

    The classical covariance is $\phi$ times the inverse of the expected (or observed) information; the robust ones have
    the inverse of the observed information on both sides of the scores of the rows. The laws of the statistics are
    normal and $\chi^2$, as statsmodels takes them; for the F tests of least squares see the linear model.

    Parameters
    ----------
    fit : of `fit_generalized_linear` with alpha zero and the same arrays and settings.
    names : of the columns; x1, x2, ... by default.
    covariance : "classical", "HC0", "HC1", "HC2", "HC3" or "clustered", which needs `clusters`. statsmodels gives
        HC0 under each of the four names for models other than least squares; here they differ.
    information : "expected" or "observed", of the classical covariance; for canonical links they are one.
    separation : what `separation_of` the rows found, if that was asked before; looked for by default.
    findings : what is already known; collinear columns and separation are added.

    Raises
    ------
    ConfigurationError
        for an unknown kind of covariance or information.

    Examples
    --------
    >>> from pullback.models.linear.generalized_linear import fit_generalized_linear
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([1.0, 2.0, 2.0, 6.0, 8.0])
    >>> fit = fit_generalized_linear(x, y, family="poisson")
    >>> found = generalized_linear_inference(fit, x, y, family="poisson")
    >>> found.estimates.round(4).tolist(), found.standard_errors.round(4).tolist()
    ([0.0136, 0.5286], [0.6093, 0.1915])

    References
    ----------
    White, "Maximum likelihood estimation of misspecified models", Econometrica 50 (1982).
    """
    if covariance not in COVARIANCE_KINDS:
        raise unknown_name("kind of covariance", covariance, COVARIANCE_KINDS)
    if information not in INFORMATION:
        raise unknown_name("information", information, INFORMATION)
    law = chosen_law(family, link, "fisher_scoring", False)
    with jax.enable_x64(True):
        given = [_host(value) for value in (X, y, sample_weight, offset, exposure, trials)]
        rows: Any = as_rows(given[0], given[1], given[2], given[3], given[4], given[5], law)
        rows = jax.tree.map(np.asarray, rows)
    Z = np.concatenate([np.ones((len(rows.X), int(fit_intercept))), rows.X], axis=1)
    columns = list(names) if names is not None else [f"x{j + 1}" for j in range(rows.X.shape[1])]
    labels = tuple([INTERCEPT] * fit_intercept + columns)
    there = rows.weight > 0
    if int(fit.rank) < Z.shape[1]:
        findings = (*findings, *collinearity_findings(rows.X[there], columns, fit_intercept))
    apart = separation_of(fit, Z, rows.share, rows.weight, family) if separation is None else separation
    findings = (*findings, *separation_findings(apart, labels, bool(fit.bias_reduced)))
    if not bool(fit.converged) and apart.kind == "none":
        findings = (*findings, Finding("no convergence", f"the iteration ended after {int(fit.steps)} steps"))
    return Inference(
        names=labels,
        estimates=np.concatenate([np.atleast_1d(fit.intercept)[: int(fit_intercept)], fit.coef]),
        covariance=_covariance(fit, Z, rows, law, covariance, clusters, information),
        covariance_kind=covariance,
        observations=float(fit.observations),
        residual_degrees_of_freedom=float(fit.observations - fit.rank),
        distribution="normal",
        log_likelihood=float(fit.log_likelihood),
        null_log_likelihood=float(fit.null_log_likelihood),
        deviance=float(fit.deviance),
        null_deviance=float(fit.null_deviance),
        dispersion=float(fit.dispersion),
        parameters=int(fit.rank),
        findings=findings,
        title=TITLES.get((law.family.name, law.link.name), "Generalized linear model"),
        dependent=dependent,
        details=(("family", law.family.name), ("link", law.link.name)),
        clusters=cluster_codes(clusters, rows.weight)[1] if covariance == "clustered" else None,
    )


def _host(value: Any) -> Any:
    return None if value is None else np.asarray(value, np.float64)


def _covariance(
    fit: GeneralizedLinearFit, Z: Any, rows: Any, law: Any, kind: str, clusters: Any, information: str
) -> np.ndarray:
    known = np.asarray(fit.identified)
    inverse = fit.information_inverse if kind == "classical" and information == "expected" else None
    bread = np.asarray(fit.observed_information_inverse if inverse is None else inverse, np.float64)
    found = bread * float(fit.dispersion)
    if kind != "classical":
        with jax.enable_x64(True):
            eta = jnp.asarray(np.asarray(fit.linear_predictor, np.float64))
            scores = np.asarray(law.family.score(jnp.asarray(rows.share), eta, law.link))
        found = sandwich_covariance(
            bread,
            np.where(rows.weight > 0, rows.trials * scores, 0)[:, None] * Z,
            rows.weight,
            kind=kind,
            leverage=np.asarray(fit.leverage, np.float64),
            parameters=float(fit.rank),
            clusters=clusters,
        )
    return np.where(known[:, None] & known, found, np.nan)


def separation_of(fit: GeneralizedLinearFit, Z: Any, y: Any, weight: Any, family: str) -> Separation:
    """Separation of the rows that are there, asked for only where a fitted mean is at the end of its range."""
    n, k = Z.shape
    none = Separation("none", np.zeros(k), np.zeros(k, bool), np.zeros(n, bool), n)
    there = np.asarray(weight) > 0
    with jax.enable_x64(True):
        boundary = np.asarray(family_named(family).boundary(jnp.asarray(y[there])))
    eta = np.asarray(fit.linear_predictor, np.float64)[there]
    extreme = boundary * eta > -np.log(SUSPICIOUS)
    if family == "binomial":
        # Every link has left the middle of the range by then.
        extreme = boundary * eta > 4
    if bool(fit.converged) and not extreme.any():
        return none
    if not boundary.any() or Z.size > LARGEST_PROGRAM:
        return none
    found = find_separation(Z[there], boundary)
    rows = np.zeros(n, bool)
    rows[there] = found.rows
    return found._replace(rows=rows, total=int(there.sum()))


def separation_findings(apart: Separation, names: Sequence[str], bias_reduced: bool = False) -> tuple[Finding, ...]:
    """Separation as a sentence that names the columns."""
    if apart.kind == "none":
        return ()
    part = [name for name, has in zip(names, apart.columns, strict=True) if has and name != INTERCEPT]
    of = f"{'complete' if apart.kind == 'complete' else 'quasi-complete'} separation"
    ending = "the maximum-likelihood estimates are infinite, their standard errors mean nothing"
    if bias_reduced:
        ending = "the maximum-likelihood estimates are infinite, these are the ones by Jeffreys's prior"
    message = (
        f"{', '.join(part) or 'the intercept'} fit{'s' if len(part) < 2 else ''} {int(apart.rows.sum())} of "
        f"{apart.total} rows without error: {ending}"
    )
    evidence = {f"column {name}": float(value) for name, value in zip(names, apart.direction, strict=True) if value}
    return (Finding(of, message, evidence),)
