"""Score test of columns that a generalized linear model leaves out."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pullback.models.linear.generalized_linear import GeneralizedLinearFit, as_rows, chosen_law
from pullback.prob.inference import HypothesisTest, score_test


def added_columns_test(
    fit: GeneralizedLinearFit,
    X: Any,
    added: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    family: str = "normal",
    link: str | None = None,
    trials: Any = None,
    fit_intercept: bool = True,
    information: str = "expected",
) -> HypothesisTest:
    r"""Rao's test that the coefficients of the columns `added` are zero, from the fit without them.

    $$ S = \frac{1}{\phi} u^\top \big( [X\ A]^\top \operatorname{diag}(w W) [X\ A] \big)^{-1} u, \qquad
       u = [X\ A]^\top w s $$

    with the scores $s$ and the information $W$ of the rows at the fit.

    Parameters
    ----------
    fit : of `fit_generalized_linear` on `X` with alpha zero and the same settings.
    added : $A$, shape (n, q).
    information : "expected" or "observed".

    Raises
    ------
    DataError
        if the added columns depend on each other or on those of the fit.

    Examples
    --------
    >>> from pullback.models.linear.generalized_linear import fit_generalized_linear
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([1.0, 2.0, 2.0, 6.0, 8.0])
    >>> fit = fit_generalized_linear(x, y, family="poisson")
    >>> print(added_columns_test(fit, x, x**2, y, family="poisson"))
    score test: chi2(1) = 0.002622, p = 0.9592

    References
    ----------
    Pregibon, "Score tests in GLIM with applications", GLIM 82, Springer (1982).
    """
    law = chosen_law(family, link, "fisher_scoring", False)
    with jax.enable_x64(True):
        given = [None if value is None else np.asarray(value, np.float64) for value in (X, y, sample_weight, trials)]
        rows = as_rows(given[0], given[1], given[2], None, None, given[3], law)
        eta = jnp.asarray(np.asarray(fit.linear_predictor, np.float64))
        scores = np.asarray(law.family.score(rows.share, eta, law.link))
        curvature = law.family.information(eta, law.link)
        if information == "observed":
            curvature = law.family.observed_information(rows.share, eta, law.link)
        weight, W = np.asarray(rows.weight * rows.trials), np.asarray(curvature)
    A = np.asarray(added, np.float64)
    Z = np.concatenate([np.ones((len(A), int(fit_intercept))), np.asarray(X, np.float64), A], axis=1)
    there = weight > 0
    u = Z[there].T @ (weight * scores)[there]
    matrix = Z[there].T @ ((weight * W)[there, None] * Z[there])
    phi = float(fit.dispersion)
    return score_test(u / phi, matrix / phi, A.shape[1])
