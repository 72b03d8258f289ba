"""What an unpenalized softmax regression says about its coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.special

from pullback.core.errors import unknown_name
from pullback.core.precision import double_precision
from pullback.models.linear.dependent_columns import collinearity_findings
from pullback.models.linear.softmax import SoftmaxFit
from pullback.models.linear.softmax_kernels import softmax, softmax_hessian
from pullback.models.linear.softmax_separation import softmax_separation_findings, suspected_separation
from pullback.prob.inference import Finding, Inference, sandwich_covariance
from pullback.prob.inference.covariance import cluster_codes
from pullback.prob.inference.inference import INTERCEPT

EPSILON = float(np.finfo(float).eps)
# A direction of the columns, scaled to a mean square of one, in which they have no more than this is none of theirs.
NEGLIGIBLE = 1e-7
KINDS = ("classical", "HC0", "HC1", "clustered")


def softmax_inference(
    fit: SoftmaxFit,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    reference: int = 0,
    fit_intercept: bool = True,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    covariance: str = "classical",
    clusters: Any = None,
) -> Inference:
    r"""Covariance, tests and intervals of the coefficients of each class against a reference class.

    $$ \log \frac{p_k}{p_r} = (a_k - a_r) + x^\top (b_k - b_r), \qquad
       V = \Big( \big[ X^\top \operatorname{diag}( w\, p_k (\delta_{kl} - p_l) ) X \big]_{k, l \ne r} \Big)^{-1} $$

    Parameters
    ----------
    fit : of `fit_softmax` with an infinite `C` and the same arrays.
    reference : index of the class whose coefficients are zero.
    names, classes : of the columns and the classes, for the names "class:column".
    covariance : "classical", "HC0", "HC1" or "clustered" by the labels `clusters` of the rows.

    Raises
    ------
    ConfigurationError
        for another kind of covariance: with several classes a row has no one leverage.

    Examples
    --------
    >>> from pullback.models.linear.softmax import fit_softmax
    >>> X, y = np.array([[0.0], [1.0], [-1.0], [0.0], [1.0], [-1.0]]), np.array([0, 1, 1, 2, 0, 2])
    >>> found = softmax_inference(fit_softmax(X, y, C=np.inf), X, y)
    >>> found.names
    ('1:intercept', '1:x1', '2:intercept', '2:x1')

    References
    ----------
    Agresti, "Categorical Data Analysis", 3rd ed., section 8.1.
    """
    if covariance not in KINDS:
        raise unknown_name("kind of covariance of several classes", covariance, KINDS)
    X, y = np.asarray(X, np.float64), np.asarray(y, int)
    w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    B = np.concatenate([fit.intercept[:, None], fit.coef], axis=1) if fit_intercept else np.asarray(fit.coef)
    Z = np.concatenate([np.ones((len(X), int(fit_intercept))), X], axis=1)
    others = [k for k in range(len(B)) if k != reference]
    # Of columns of one scale, so that the inverse loses no digits to their units.
    scale = np.sqrt(w @ Z**2 / w.sum())
    scale = np.where(scale > 0, scale, 1)
    H = np.asarray(_information(Z / scale, B * scale, w))[others][:, :, others]
    rank, identified = _identified(Z / scale, w)
    size = len(others) * Z.shape[1]
    bread = np.linalg.pinv(H.reshape(size, size), rcond=size * EPSILON, hermitian=True)
    bread = bread / np.outer(*[np.tile(scale, len(others))] * 2)
    known = np.tile(identified, len(others))
    labels = [str(k) for k in range(len(B))] if classes is None else [str(name) for name in classes]
    variables = [f"x{j + 1}" for j in range(X.shape[1])] if names is None else list(names)
    columns = [INTERCEPT, *variables] if fit_intercept else variables
    coefficients = tuple(f"{labels[k]}:{column}" for k in others for column in columns)
    there = w > 0
    findings: tuple[Finding, ...] = ()
    if rank < Z.shape[1]:
        findings = collinearity_findings(X[there], variables, fit_intercept)
    scores = Z @ B.T
    apart = suspected_separation(Z[there], y[there], scores[there], bool(fit.converged), reference)
    findings = (*findings, *softmax_separation_findings(apart, coefficients))
    if not bool(fit.converged) and apart.kind == "none":
        findings = (*findings, Finding("no convergence", f"the iteration ended after {int(fit.steps)} steps"))
    covariances = _covariance(bread, Z, B, y, w, others, covariance, clusters)
    log_likelihood = -float(fit.objective)
    shares = np.bincount(y, weights=w, minlength=len(B)) / w.sum()
    present = shares[shares > 0]
    null = float(w.sum() * np.sum(present * np.log(present))) if fit_intercept else -float(w.sum() * np.log(len(B)))
    return Inference(
        names=coefficients,
        estimates=(B[others] - B[reference]).ravel(),
        covariance=np.where(known[:, None] & known, covariances, np.nan),
        covariance_kind=covariance,
        observations=float(w.sum()),
        residual_degrees_of_freedom=float(w.sum() - len(others) * rank),
        distribution="normal",
        log_likelihood=log_likelihood,
        null_log_likelihood=null,
        deviance=-2 * log_likelihood,
        null_deviance=-2 * null,
        dispersion=1.0,
        parameters=len(others) * rank,
        findings=findings,
        title=f"Softmax regression against class {labels[reference]}",
        clusters=cluster_codes(clusters, w)[1] if covariance == "clustered" else None,
    )


def _singular(Z: Any, w: Any) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and right vectors of the weighted columns, by their triangle, which has few rows."""
    R = np.linalg.qr(np.sqrt(w / w.sum())[:, None] * Z, mode="r")
    padded = np.concatenate([R, np.zeros((max(Z.shape[1] - len(R), 0), Z.shape[1]))])
    values, vectors = np.linalg.svd(padded)[1:]
    return values, vectors


def _identified(Z: Any, w: Any) -> tuple[int, np.ndarray]:
    """The rank, and which columns have no part in a combination of columns that is zero."""
    values, vectors = _singular(Z, w)
    free = values <= NEGLIGIBLE
    return int(np.sum(~free)), np.abs(vectors[free]).max(axis=0, initial=0) < np.sqrt(NEGLIGIBLE)


def _covariance(bread: Any, Z: Any, B: Any, y: Any, w: Any, others: list[int], kind: str, clusters: Any) -> Any:
    if kind == "classical":
        return bread
    surprise = np.eye(len(B))[y] - scipy.special.softmax(Z @ B.T, axis=1)
    scores = (surprise[:, others, None] * Z[:, None, :]).reshape(len(Z), -1)
    return np.asarray(sandwich_covariance(bread, scores, w, kind=kind, clusters=clusters))


@double_precision
def _information(Z: Any, B: Any, w: Any) -> Any:
    Z, B, w = (jnp.asarray(value) for value in (Z, B, w))
    return softmax_hessian(Z, softmax(Z @ B.T), w)
