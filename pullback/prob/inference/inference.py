"""What a fitted likelihood model says about its coefficients, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.core.errors import ConfigurationError
from pullback.optim.diagnosis.finding import Finding
from pullback.prob.inference.delta_method import DerivedEstimates, delta_method
from pullback.prob.inference.hypothesis_test import HypothesisTest
from pullback.prob.inference.information_criteria import akaike_information_criterion, bayesian_information_criterion
from pullback.prob.inference.summary import Summary, coefficient_rows, number_text, probability_text
from pullback.prob.inference.wald_test import restrictions, wald_test
from pullback.prob.level import confidence_level

INTERCEPT = "intercept"


@dataclass(frozen=True, eq=False)
class Inference:
    r"""Estimates $\hat b$ with their covariance $V$, and the likelihood they maximize.

    Attributes
    ----------
    names : one for each coefficient; "intercept" is the first if there is one; "class:column" with several classes.
    estimates : $\hat b$, shape (k,).
    covariance : $V$, shape (k, k); rows and columns are NaN for coefficients that the data do not identify.
    covariance_kind : "classical", "HC0", "HC1", "HC2", "HC3" or "clustered".
    observations : the sum of the weights of the rows.
    residual_degrees_of_freedom : observations less the rank of the columns.
    distribution : "t" or "normal", the law of an estimate over its standard error.
    log_likelihood, null_log_likelihood : of this model and of the one with an intercept only.
    deviance, null_deviance : the same as deviances: the sum of squares for a normal law.
    dispersion : $\phi$ with $\operatorname{var}(y) = \phi V(\mu)$; the variance $s^2$ for a normal law.
    parameters : counted by `aic` and `bic`: coefficients that are identified, not the dispersion (as statsmodels
        counts; R counts the dispersion too).
    findings : collinear columns, separation and the like.
    title : of the model, such as "Linear regression".
    dependent : name of the dependent variable.
    details : further lines of the summary's head, such as ("family", "poisson").
    clusters : how many there are, for a clustered covariance; fewer hypotheses than these can be tested together.

    Examples
    --------
    >>> found = Inference(
    ...     names=("intercept", "x"), estimates=np.array([1.0, 3.0]), covariance=np.diag([0.25, 1.0]),
    ...     covariance_kind="classical", observations=12.0, residual_degrees_of_freedom=10.0, distribution="t",
    ...     log_likelihood=-14.0, null_log_likelihood=-18.0, deviance=7.0, null_deviance=14.0, dispersion=0.7,
    ...     parameters=2, title="Linear regression")
    >>> found.statistics.tolist(), found.p_values.round(4).tolist(), found.aic
    ([2.0, 3.0], [0.0734, 0.0133], 32.0)
    >>> found.intervals(0.95).round(3).tolist()
    [[-0.114, 2.114], [0.772, 5.228]]
    >>> print(found.wald_test("x"))
    Wald test: F(1, 10) = 9, p = 0.01334
    """

    names: tuple[str, ...]
    estimates: Float[np.ndarray, " k"]
    covariance: Float[np.ndarray, "k k"]
    covariance_kind: str
    observations: float
    residual_degrees_of_freedom: float
    distribution: str
    log_likelihood: float
    null_log_likelihood: float
    deviance: float
    null_deviance: float
    dispersion: float
    parameters: int
    findings: tuple[Finding, ...] = ()
    title: str = ""
    dependent: str = "y"
    details: tuple[tuple[str, str], ...] = field(default=())
    clusters: int | None = None

    @property
    def standard_errors(self) -> Float[np.ndarray, " k"]:
        r"""$\sqrt{V_{jj}}$; NaN for coefficients that the data do not identify."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def statistics(self) -> Float[np.ndarray, " k"]:
        """Estimates over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.estimates / self.standard_errors

    @property
    def p_values(self) -> Float[np.ndarray, " k"]:
        """Two-sided probabilities of statistics at least as large if a coefficient is zero."""
        return 2 * self._law.sf(np.abs(self.statistics))

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return akaike_information_criterion(self.log_likelihood, self.parameters)

    @property
    def bic(self) -> float:
        """Schwarz's (Bayesian) information criterion, by the log-likelihood."""
        return bayesian_information_criterion(self.log_likelihood, self.parameters, self.observations)

    @property
    def deviance_explained(self) -> float:
        r"""$1 - D / D_0$: $R^2$ for least squares, $D^2$ in general."""
        return 1 - self.deviance / self.null_deviance if self.null_deviance > 0 else float("nan")

    @property
    def pseudo_r_squared(self) -> float:
        r"""McFadden's $1 - \ell / \ell_0$."""
        return 1 - self.log_likelihood / self.null_log_likelihood if self.null_log_likelihood else float("nan")

    @property
    def adjusted_r_squared(self) -> float:
        r"""$1 - (D / \nu) / (D_0 / \nu_0)$ with the residual degrees of freedom of this model and of the null one."""
        null_freedom = self.observations - (self._intercepts > 0)
        if not (self.null_deviance > 0 and self.residual_degrees_of_freedom > 0):
            return float("nan")
        return 1 - self.deviance / self.residual_degrees_of_freedom / (self.null_deviance / null_freedom)

    @property
    def _intercepts(self) -> int:
        return sum(name.split(":")[-1] == INTERCEPT for name in self.names)

    @property
    def test_degrees_of_freedom(self) -> float:
        """Of the t and F laws: the residual ones, or one less than the clusters, which are what varies then."""
        return self.residual_degrees_of_freedom if self.clusters is None else float(self.clusters - 1)

    @property
    def _law(self) -> Any:
        if self.distribution == "t":
            return stats.t(self.test_degrees_of_freedom)
        return stats.norm()

    def intervals(self, level: float = 0.95) -> Float[np.ndarray, "k 2"]:
        r"""Limits $\hat b_j \mp q \sqrt{V_{jj}}$ with the quantile $q$ of the law at $(1 + \text{level}) / 2$."""
        half_width = self.quantile(level) * self.standard_errors
        return np.stack([self.estimates - half_width, self.estimates + half_width], axis=1)

    def quantile(self, level: float) -> float:
        """How many standard errors an interval of this level reaches to each side."""
        return float(self._law.ppf((1 + confidence_level(level)) / 2))

    def wald_test(self, R: Any, r: Any = None) -> HypothesisTest:
        r"""Test of $R b = r$: `R` is a matrix (q, k), one row (k,), a name, or several names; `r` is zero by default.

        F with `test_degrees_of_freedom` where the law is "t", $\chi^2$ otherwise.

        Raises
        ------
        ConfigurationError
            for hypotheses that depend on each other, or as many as there are clusters or more: the covariance of
            clusters has a rank below their number.
        """
        matrix, side = restrictions(R, r, self.names)
        if self.clusters is not None and len(matrix) >= self.clusters:
            raise ConfigurationError(
                "there are too few clusters for these hypotheses",
                expected=f"fewer than {self.clusters} hypotheses, which is the number of clusters",
                got=f"{len(matrix)} hypotheses",
                fix="test fewer of them together, or take another covariance",
            )
        freedom = self.test_degrees_of_freedom if self.distribution == "t" else None
        return wald_test(self.estimates, self.covariance, matrix, side, freedom)

    def overall_test(self) -> HypothesisTest | None:
        r"""That every coefficient but the intercepts is zero; None where nothing else was fitted.

        The likelihood ratio; where the law is "t" the F test, by Wald's statistic if the covariance is a robust one.
        """
        q = self.parameters - self._intercepts
        if q < 1:
            return None
        if self.distribution != "t":
            return HypothesisTest("likelihood ratio", 2 * (self.log_likelihood - self.null_log_likelihood), q)
        if self.covariance_kind == "classical":
            F = (self.null_deviance - self.deviance) / q / self.dispersion
            return HypothesisTest("F", F, q, self.test_degrees_of_freedom)
        known = np.isfinite(self.standard_errors)
        chosen = [name for name, ok in zip(self.names, known, strict=True) if ok and name != INTERCEPT]
        too_few = self.clusters is not None and len(chosen) >= self.clusters
        return self.wald_test(chosen) if chosen and not too_few else None

    def likelihood_ratio_test(self, smaller: Inference) -> HypothesisTest:
        r"""Test of a smaller model within this one, $2 (\ell - \ell_0) \sim \chi^2_q$ for $q$ coefficients fewer."""
        q = self.parameters - smaller.parameters
        if q < 1 or smaller.observations != self.observations:
            raise ConfigurationError(
                "the other model is not a smaller one of the same rows",
                expected=f"fewer than {self.parameters} coefficients on {self.observations:g} observations",
                got=f"{smaller.parameters} coefficients on {smaller.observations:g} observations",
                fix="call it on the larger model, and fit both on the same rows",
            )
        return HypothesisTest("likelihood ratio", 2 * (self.log_likelihood - smaller.log_likelihood), q)

    def delta_method(self, f: Callable[..., Any], names: tuple[str, ...] | None = None) -> DerivedEstimates:
        r"""Values $f(\hat b)$ of a function of all coefficients, with their covariance."""
        return delta_method(f, self.estimates, self.covariance, names=names)

    def summary(self, level: float = 0.95) -> Summary:
        """The table of the fit, which prints as text and shows as HTML; `to_latex()` writes it for a paper."""
        percent = f"{100 * level:g}%"
        symbol = "t" if self.distribution == "t" else "z"
        columns = ("", "estimate", "std. error", symbol, f"P>|{symbol}|", f"[{percent}", "interval]")
        rows = coefficient_rows(
            self.names, self.estimates, self.standard_errors, self.statistics, self.p_values, self.intervals(level)
        )
        return Summary(self.title, self._head(), columns, rows, tuple(str(finding) for finding in self.findings))

    def _head(self) -> tuple[tuple[str, str], ...]:
        return (
            ("dependent variable", self.dependent),
            *self.details,
            ("observations", f"{self.observations:.10g}"),
            ("residual degrees of freedom", f"{self.residual_degrees_of_freedom:.10g}"),
            ("covariance", self.covariance_kind),
            ("log-likelihood", number_text(self.log_likelihood)),
            ("log-likelihood of the null", number_text(self.null_log_likelihood)),
            *self._explained(),
            ("AIC", number_text(self.aic)),
            ("BIC", number_text(self.bic)),
            ("deviance", number_text(self.deviance)),
            ("dispersion", number_text(self.dispersion)),
        )

    def _explained(self) -> tuple[tuple[str, str], ...]:
        """R^2 with its adjustment for least squares, McFadden's pseudo-R^2 otherwise, and the test of the whole."""
        if self.distribution == "t":
            shares = (("R^2", f"{self.deviance_explained:.4f}"), ("adjusted R^2", f"{self.adjusted_r_squared:.4f}"))
        else:
            shares = (("pseudo-R^2", f"{self.pseudo_r_squared:.4f}"),)
        test = self.overall_test()
        if test is None:
            return shares
        value = f"{number_text(test.statistic)} (p {probability_text(test.p_value)})"
        return (*shares, (f"{test.name}, {test.distribution}", value))
