"""What every estimator that maximizes a likelihood says beside its coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from pullback.prob.inference import Inference, Summary


class LikelihoodInference:
    r"""Standard errors, covariance, log-likelihood and the table of an estimator fitted by maximum likelihood.

    A subclass calls `keep_inference` at the end of `fit`, with the `Inference`, or with the reason why there is none.

    Attributes
    ----------
    inference_ : the `Inference`, for tests, intervals and information criteria.
    standard_errors_, covariance_ : of the intercept, if there is one, and the coefficients.
    log_likelihood_ : of the rows.

    Errors
    ------
    `AttributeError` that gives the reason, for a fit without inference, such as a penalized one.
    """

    _inference: Inference | None
    _no_inference: str

    def keep_inference(self, inference: Inference | None, reason: str = "") -> None:
        """Keep what the fit says, or why it says nothing."""
        self._inference = inference
        self._no_inference = reason

    @property
    def inference_(self) -> Inference:
        """Estimates with their covariance, tests and intervals."""
        found = self.__dict__.get("_inference")
        if found is None:
            reason = self.__dict__.get("_no_inference") or "it is not fitted; call fit first"
            raise AttributeError(f"{type(self).__name__} has no inference: {reason}")
        return found

    @property
    def standard_errors_(self) -> np.ndarray:
        """One for each coefficient, the intercept's first; NaN for what the data do not identify."""
        return self.inference_.standard_errors

    @property
    def covariance_(self) -> np.ndarray:
        """Of the coefficients, the intercept first."""
        return self.inference_.covariance

    @property
    def log_likelihood_(self) -> float:
        """Of the rows of the fit."""
        return self.inference_.log_likelihood

    def summary(self, level: float = 0.95) -> Summary:
        """The table of the fit, as text, HTML (shown in notebooks) or LaTeX (`.to_latex()`)."""
        check_is_fitted(self)
        return self.inference_.summary(level)


def column_names(estimator: Any) -> tuple[str, ...]:
    """Names of the columns of the fit; x1, x2, ... where the table had none."""
    named = getattr(estimator, "feature_names_in_", None)
    if named is not None:
        return tuple(str(name) for name in named)
    return tuple(f"x{j + 1}" for j in range(estimator.n_features_in_))
