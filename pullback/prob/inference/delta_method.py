"""Uncertainty of a function of estimates, by its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import stats

from pullback.prob.inference.summary import Summary, coefficient_rows
from pullback.prob.level import confidence_level


@dataclass(frozen=True, eq=False)
class DerivedEstimates:
    r"""Values $f(\hat b)$ with their covariance, normal in the limit.

    Attributes
    ----------
    names : one for each value.
    estimates : shape (q,).
    covariance : shape (q, q); NaN for values that hang on a coefficient that the data do not identify.
    """

    names: tuple[str, ...]
    estimates: Float[np.ndarray, " q"]
    covariance: Float[np.ndarray, "q q"]

    @property
    def standard_errors(self) -> Float[np.ndarray, " q"]:
        """Roots of the diagonal of the covariance."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def statistics(self) -> Float[np.ndarray, " q"]:
        """Values over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.estimates / self.standard_errors

    @property
    def p_values(self) -> Float[np.ndarray, " q"]:
        """Two-sided probabilities of statistics at least as large if a value is zero."""
        return 2 * stats.norm.sf(np.abs(self.statistics))

    def intervals(self, level: float = 0.95) -> Float[np.ndarray, "q 2"]:
        """Limits of each value, shape (q, 2)."""
        half_width = stats.norm.ppf((1 + confidence_level(level)) / 2) * self.standard_errors
        return np.stack([self.estimates - half_width, self.estimates + half_width], axis=1)

    def summary(self, level: float = 0.95) -> Summary:
        """The values as a table."""
        columns = ("", "estimate", "std. error", "z", "P>|z|", f"[{100 * level:g}%", "interval]")
        errors, limits = self.standard_errors, self.intervals(level)
        rows = coefficient_rows(self.names, self.estimates, errors, self.statistics, self.p_values, limits)
        return Summary("Functions of the coefficients", (), columns, rows)


def delta_method(
    f: Callable[..., Any],
    estimates: Float[np.ndarray, " k"],
    covariance: Float[np.ndarray, "k k"],
    *,
    names: tuple[str, ...] | None = None,
) -> DerivedEstimates:
    r"""Values and covariance of $f(\hat b)$ to first order.

    $$ \operatorname{cov} f(\hat b) \approx J V J^\top, \qquad J = \frac{\partial f}{\partial b}(\hat b) $$

    Parameters
    ----------
    f : function of the coefficients, written with `jax.numpy`; a number or a vector.
    estimates, covariance : $\hat b$ and $V$.
    names : of the values; f1, f2, ... by default.

    Examples
    --------
    The ratio of two coefficients, for example the dose at which half respond:

    >>> b, V = np.array([-3.0, 1.5]), np.array([[0.25, -0.1], [-0.1, 0.05]])
    >>> dose = delta_method(lambda b: -b[0] / b[1], b, V)
    >>> dose.estimates.tolist(), dose.standard_errors.round(6).tolist()
    ([2.0], [0.149071])

    References
    ----------
    Casella, Berger, "Statistical Inference", 2nd edition (2002), section 5.5.4.
    """
    with jax.enable_x64(True):
        b = jnp.asarray(np.asarray(estimates, np.float64))
        values = np.atleast_1d(np.asarray(f(b)))
        J = np.asarray(jax.jacobian(lambda b: jnp.atleast_1d(f(b)))(b))
    known = np.isfinite(np.diag(covariance))
    spread = J[:, known] @ covariance[np.ix_(known, known)] @ J[:, known].T
    undetermined = np.any(J[:, ~known] != 0, axis=1)
    spread[undetermined] = np.nan
    spread[:, undetermined] = np.nan
    chosen = tuple(f"f{i + 1}" for i in range(len(values))) if names is None else names
    return DerivedEstimates(chosen, values, spread)
