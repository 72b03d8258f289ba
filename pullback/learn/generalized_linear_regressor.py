"""Generalized linear models, as an estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn.inference import LikelihoodInference, column_names
from pullback.learn.rows import Rows, checked_weight, padded_values, prediction_rows, regression_rows
from pullback.models.linear.generalized_linear import GeneralizedLinearFit, fit_generalized_linear
from pullback.models.linear.generalized_linear_inference import (
    generalized_linear_inference,
    separation_findings,
    separation_of,
)
from pullback.models.linear.generalized_linear_predictions import (
    MeanBand,
    average_marginal_effects,
    deviance_of,
    mean_band,
    mean_of,
)
from pullback.models.linear.separation import Separation
from pullback.prob.families import family_named
from pullback.prob.inference import DerivedEstimates

SEPARATION = ("report", "error", "firth")


class GeneralizedLinearRegressor(LikelihoodInference, RegressorMixin, BaseEstimator):
    r"""Maximum likelihood of $g(\operatorname{E} y) = b_0 + x^\top b$ for a normal, Poisson, gamma or binomial law.

    Parameters
    ----------
    family : "normal", "poisson", "gamma" or "binomial".
    link : "identity", "log", "logit", "probit", "cloglog" or "inverse"; None for the family's canonical link, but the
        logarithm for "gamma", as scikit-learn has it: the canonical one may predict negative means.
    alpha : ridge penalty, scaled as in scikit-learn; a penalized fit has no standard errors.
    fit_intercept : whether there is a $b_0$.
    tol : length of a step, in standard errors, at which the iteration ends.
    max_iter : most steps.
    covariance : "classical", "HC0", "HC1", "HC2", "HC3" or "clustered" by the `clusters` given to `fit`.
    separation : what to do where a binomial or Poisson likelihood has no maximum: "report" it in the findings and
        keep the last iterate, "error", or "firth": fit by Jeffreys's prior instead, whose maximum is finite.

    Attributes
    ----------
    coef_, intercept_ : of the predictor.
    n_iter_ : steps that were made.
    inference_, standard_errors_, covariance_, log_likelihood_ : see `LikelihoodInference`.

    Errors
    ------
    `DataError` for targets that the family cannot have, and for separation if that was chosen.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 2.0, 6.0, 8.0]
    >>> model = GeneralizedLinearRegressor(family="poisson").fit(X, y)
    >>> model.coef_.round(4).tolist(), model.standard_errors_.round(4).tolist()
    ([0.5286], [0.6093, 0.1915])

    Source: McCullagh, Nelder, "Generalized Linear Models", 2nd edition (1989).
    """

    def __init__(
        self,
        *,
        family: Any = "normal",
        link: Any = None,
        alpha: Any = 0.0,
        fit_intercept: Any = True,
        tol: Any = 1e-9,
        max_iter: Any = 100,
        covariance: Any = "classical",
        separation: Any = "report",
    ) -> None:
        self.family = family
        self.link = link
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.covariance = covariance
        self.separation = separation

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.family in ("poisson", "gamma")
        return tags

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        trials: Any = None,
        clusters: Any = None,
    ) -> GeneralizedLinearRegressor:
        """Maximum likelihood on the rows; `offset`, `exposure`, `trials` and `clusters` have an entry for each row."""
        if self.separation not in SEPARATION:
            raise ConfigurationError(
                "separation is not understood", expected=", ".join(SEPARATION), got=repr(self.separation)
            )
        rows = regression_rows(self, X, y, sample_weight)
        present = checked_weight(sample_weight, len(np.asarray(y))) > 0
        extra = {"offset": offset, "exposure": exposure, "trials": trials}
        extra = {name: padded_values(value, present, len(rows.X)) for name, value in extra.items() if value is not None}
        settings = {"family": self.family, "link": self._link, "fit_intercept": bool(self.fit_intercept), **extra}
        found = self._solved(rows, settings, False)
        apart = self._separation(found, rows, extra.get("trials"))
        if apart is not None and apart.kind != "none" and self.separation == "firth":
            found = self._solved(rows, settings, True)
        if not found.converged and (apart is None or apart.kind == "none"):
            warnings.warn(
                f"no maximum of the likelihood after {int(found.steps)} steps; raise max_iter or scale the columns",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_ = found.coef
        self.intercept_ = float(found.intercept)
        self.n_iter_ = max(int(found.steps), 1)
        if self.alpha:
            self.keep_inference(None, "the fit is penalized (alpha > 0), which makes the estimates biased; fit alpha=0")
        else:
            labels = None if clusters is None else padded_values(clusters, present, len(rows.X))
            self.keep_inference(
                generalized_linear_inference(
                    found,
                    rows.X,
                    rows.y,
                    rows.weight,
                    names=column_names(self),
                    covariance=self.covariance,
                    clusters=labels,
                    separation=apart,
                    **settings,
                )
            )
        return self

    @property
    def _link(self) -> str:
        if self.link is not None:
            return self.link
        return "log" if self.family == "gamma" else family_named(self.family).canonical_link

    def _solved(self, rows: Rows, settings: dict[str, Any], reduced: bool) -> GeneralizedLinearFit:
        return fit_generalized_linear(
            rows.X,
            rows.y,
            rows.weight,
            alpha=float(self.alpha),
            tolerance=float(self.tol),
            max_steps=int(self.max_iter),
            bias_reduction=reduced,
            **settings,
        )

    def _separation(self, found: GeneralizedLinearFit, rows: Rows, trials: Any) -> Separation | None:
        if self.alpha:
            return None
        Z = np.concatenate([np.ones((len(rows.X), int(bool(self.fit_intercept)))), rows.X], axis=1)
        share = rows.y if trials is None else rows.y / trials
        apart = separation_of(found, Z, share, rows.weight, self.family)
        names = (("intercept",) if self.fit_intercept else ()) + column_names(self)
        if apart.kind != "none" and self.separation == "error":
            raise DataError(
                str(separation_findings(apart, names)[0]),
                expected="classes that overlap in every direction",
                got=f"{apart.kind} separation",
                fix="leave the column out, choose separation='firth', or a penalty alpha > 0",
            )
        if apart.kind != "none" and self.separation == "firth" and self.family != "binomial":
            raise ConfigurationError(
                "separation='firth' is for the binomial family",
                expected="family='binomial'",
                got=repr(self.family),
                fix="choose a penalty alpha > 0",
            )
        return apart

    def predict(self, X: Any, *, offset: Any = None) -> np.ndarray:
        r"""The mean $\mu = g^{-1}(b_0 + x^\top b + o)$, in float64."""
        return mean_of(self._link, self._predictor(X, offset))

    def _predictor(self, X: Any, offset: Any) -> np.ndarray:
        eta = prediction_rows(self, X) @ self.coef_ + self.intercept_
        return eta if offset is None else eta + np.asarray(offset, np.float64)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """$D^2$, the share of the deviance explained: one less the deviance by that of the mean; $R^2$ if normal."""
        eta, y = self._predictor(X, None), np.asarray(y, np.float64)
        w = checked_weight(sample_weight, len(y))
        mean = np.full_like(y, np.average(y, weights=w))
        constant = deviance_of(self.family, "identity", y, mean, w)
        return 1 - deviance_of(self.family, self._link, y, eta, w) / constant if constant > 0 else 0.0

    def predict_band(self, X: Any, *, offset: Any = None, level: float = 0.95) -> MeanBand:
        """The mean with its standard error and confidence limits."""
        return mean_band(self.inference_, prediction_rows(self, X), link=self._link, offset=offset, level=level)

    def average_marginal_effects(
        self, X: Any, *, sample_weight: Any = None, discrete: tuple[str, ...] = ()
    ) -> DerivedEstimates:
        """How much the mean changes with each column, averaged over the rows."""
        rows = prediction_rows(self, X)
        return average_marginal_effects(
            self.inference_, rows, link=self._link, sample_weight=sample_weight, discrete=discrete
        )
