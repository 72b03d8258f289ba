"""Classification by Bayes' rule with independent columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.learn.rows import classification_rows, prediction_rows
from pullback.models.naive_bayes import (
    bernoulli_log_joint,
    fit_bernoulli_naive_bayes,
    fit_gaussian_naive_bayes,
    fit_multinomial_naive_bayes,
    gaussian_log_joint,
    multinomial_log_joint,
)

DISTRIBUTIONS = ("gaussian", "multinomial", "bernoulli")


class NaiveBayes(ClassifierMixin, BaseEstimator):
    r"""$P(k \mid x) \propto \pi_k \prod_j p(x_j \mid k)$.

    Parameters
    ----------
    distribution : of a column within a class: `"gaussian"`, `"multinomial"` for counts, `"bernoulli"` for yes and no.
    alpha : imagined counts of every column, > 0; not for the Gaussian.
    binarize : above which a number is a yes, for the Bernoulli.
    var_smoothing : part of the largest variance of a column that is added to all, for the Gaussian.
    priors : $\pi_k$ in the order of `classes_`; without them the shares of the rows.

    Attributes
    ----------
    classes_, class_log_prior_ : the classes and $\log \pi_k$.
    theta_, var_ : means and variances, shape (classes, features), of the Gaussian.
    feature_log_prob_ : $\log \theta_{kj}$ of the other two.

    Errors
    ------
    `ConfigurationError` for settings outside these, `DataError` for negative counts.

    Examples
    --------
    >>> model = NaiveBayes().fit([[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"])
    >>> model.predict([[0.7], [4.2]]).tolist(), float(model.predict_proba([[2.5]])[0, 0].round(3))
    (['low', 'high'], 0.5)

    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2009, 6.6.3. The parameters are those
    of scikit-learn's GaussianNB, MultinomialNB and BernoulliNB; other than there, weights count in `var_smoothing`
    too, so that a weight is a repetition.
    """

    def __init__(
        self,
        distribution: Any = "gaussian",
        *,
        alpha: Any = 1.0,
        binarize: Any = 0.0,
        var_smoothing: Any = 1e-9,
        priors: Any = None,
    ) -> None:
        self.distribution = distribution
        self.alpha = alpha
        self.binarize = binarize
        self.var_smoothing = var_smoothing
        self.priors = priors

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NaiveBayes:
        """Shares of the classes, and the law of every column within each."""
        if self.distribution not in DISTRIBUTIONS:
            raise unknown_name("distribution", str(self.distribution), DISTRIBUTIONS)
        for name, lowest_allowed in (("alpha", False), ("var_smoothing", True)):
            value = getattr(self, name)
            if not np.isfinite(value) or value < 0 or (value == 0 and not lowest_allowed):
                raise ConfigurationError(
                    f"{name} is out of its range",
                    expected="a number >= 0" if lowest_allowed else "a number > 0",
                    got=repr(value),
                    fix=f"leave {name} out",
                )
        rows, self.classes_ = classification_rows(self, X, y, sample_weight, pad=False)
        inputs, count = self._counted(rows.X), len(self.classes_)
        if self.distribution == "gaussian":
            found = fit_gaussian_naive_bayes(
                inputs, rows.y, rows.weight, classes=count, variance_smoothing=float(self.var_smoothing)
            )
            self.theta_, self.var_ = np.asarray(found.mean), np.asarray(found.variance)
        else:
            fit = fit_multinomial_naive_bayes if self.distribution == "multinomial" else fit_bernoulli_naive_bayes
            found = fit(inputs, rows.y, rows.weight, classes=count, alpha=float(self.alpha))
            self.feature_log_prob_ = np.asarray(found.log_probability)
        self.class_log_prior_ = np.asarray(found.log_prior) if self.priors is None else self._given_prior(count)
        return self

    def predict_joint_log_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        r"""$\log \pi_k p(x \mid k)$, for the multinomial up to a term that does not depend on the class."""
        X = self._counted(prediction_rows(self, X))
        if self.distribution == "gaussian":
            return np.asarray(gaussian_log_joint(X, self.class_log_prior_, self.theta_, self.var_))
        joint = multinomial_log_joint if self.distribution == "multinomial" else bernoulli_log_joint
        return np.asarray(joint(X, self.class_log_prior_, self.feature_log_prob_))

    def predict_log_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        r"""$\log P(k \mid x)$."""
        joint = self.predict_joint_log_proba(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        r"""$P(k \mid x)$; far too sure of itself where columns depend on each other."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class with the highest probability."""
        joint = self.predict_joint_log_proba(X)
        return self.classes_[joint.argmax(axis=1)]

    def _counted(self, X: Any) -> Any:
        if self.distribution == "bernoulli":
            return (X > self.binarize).astype(np.float64)
        if self.distribution == "multinomial" and np.any(X < 0):
            row, column = np.argwhere(X < 0)[0]
            raise DataError(
                "Negative values in data passed to a multinomial NaiveBayes, which takes counts",
                expected="counts of zero or more",
                got=f"{X[row, column]:g} in row {row}, column {column}",
                fix="choose distribution='gaussian' for measurements",
            )
        return X

    def _given_prior(self, count: int) -> np.ndarray:
        priors = np.asarray(self.priors, np.float64)
        if priors.shape != (count,) or np.any(priors < 0) or not np.isclose(priors.sum(), 1.0):
            raise ConfigurationError(
                "priors are no probabilities of the classes",
                expected=f"{count} numbers >= 0 that sum to 1",
                got=repr(self.priors),
                fix="leave priors out to take the shares of the rows",
            )
        with np.errstate(divide="ignore"):
            return np.log(priors)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        counts = self.distribution == "multinomial"
        tags.input_tags.positive_only = counts
        # Measurements are no counts: on these scikit-learn asks for no accuracy.
        tags.classifier_tags.poor_score = counts
        return tags
