"""The outcome of a test of a hypothesis, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class HypothesisTest:
    r"""A statistic with the probability of one at least as large if the hypothesis holds.

    Attributes
    ----------
    name : "Wald", "likelihood ratio", "score".
    statistic : $W \sim \chi^2_q$ under the hypothesis; with residual degrees of freedom, $F \sim F_{q, \nu}$.
    degrees_of_freedom : $q$, the number of independent restrictions.
    residual_degrees_of_freedom : $\nu$, or None for the limit law $\chi^2_q$.

    Examples
    --------
    >>> print(HypothesisTest("Wald", 3.841458820694124, 1))
    Wald test: chi2(1) = 3.841, p = 0.05
    >>> print(HypothesisTest("Wald", 4.0, 2, 10.0))
    Wald test: F(2, 10) = 4, p = 0.05292
    """

    name: str
    statistic: float
    degrees_of_freedom: int
    residual_degrees_of_freedom: float | None = None

    @property
    def p_value(self) -> float:
        """Probability of a statistic at least as large."""
        if self.residual_degrees_of_freedom is None:
            return float(stats.chi2.sf(self.statistic, self.degrees_of_freedom))
        return float(stats.f.sf(self.statistic, self.degrees_of_freedom, self.residual_degrees_of_freedom))

    @property
    def distribution(self) -> str:
        """The law of the statistic under the hypothesis, "chi2(q)" or "F(q, nu)"."""
        if self.residual_degrees_of_freedom is None:
            return f"chi2({self.degrees_of_freedom})"
        return f"F({self.degrees_of_freedom}, {self.residual_degrees_of_freedom:.10g})"

    def __str__(self) -> str:
        return f"{self.name} test: {self.distribution} = {self.statistic:.4g}, p = {self.p_value:.4g}"
