"""Products of the columns as further columns."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import (
    _check_feature_names_in,  # pyright: ignore[reportAttributeAccessIssue]
    check_is_fitted,
    validate_data,
)

from pullback.core.errors import ConfigurationError
from pullback.learn.rows import prediction_rows
from pullback.models.features import polynomial_features, polynomial_terms


class PolynomialFeatures(TransformerMixin, BaseEstimator):
    r"""$x \mapsto (1, x_1, \ldots, x_p, x_1^2, x_1 x_2, \ldots)$: all monomials up to a degree.

    Parameters
    ----------
    degree : the highest, or the pair of the lowest and the highest.
    interaction_only : leave out powers of one column.
    include_bias : whether the first column is the constant one.

    Attributes
    ----------
    powers_ : exponent of each input in each output, shape (outputs, features).
    n_output_features_ : number of outputs.

    Errors
    ------
    `ConfigurationError` for a degree that is no integer of zero or more, or a pair that descends.

    Examples
    --------
    >>> features = PolynomialFeatures(degree=2).fit([[2.0, 3.0]])
    >>> features.transform([[2.0, 3.0]]).tolist(), features.get_feature_names_out(["a", "b"]).tolist()
    ([[1.0, 2.0, 3.0, 4.0, 6.0, 9.0]], ['1', 'a', 'b', 'a^2', 'a b', 'b^2'])

    Source: scikit-learn's estimator of the same name, with the same columns in the same order.
    """

    def __init__(self, degree: Any = 2, *, interaction_only: Any = False, include_bias: Any = True) -> None:
        self.degree = degree
        self.interaction_only = interaction_only
        self.include_bias = include_bias

    def fit(self, X: Any, y: Any = None) -> PolynomialFeatures:
        """Count the columns and list the monomials."""
        X = validate_data(self, X, dtype=np.float64)
        degree = _checked_degree(self.degree)
        features = X.shape[1]
        self._terms = polynomial_terms(
            features, degree, interaction_only=self.interaction_only, include_bias=self.include_bias
        )
        counts = [Counter(term) for term in self._terms]
        self.powers_ = np.array([[count[column] for column in range(features)] for count in counts], dtype=np.int64)
        self.powers_ = self.powers_.reshape(len(counts), features)
        self.n_output_features_ = len(counts)
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "rows outputs"]:
        """The monomials of each row."""
        return np.asarray(polynomial_features(prediction_rows(self, X), self._terms))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names such as `a^2` and `a b`."""
        check_is_fitted(self)
        names = np.asarray(_check_feature_names_in(self, input_features))
        return np.array([_name(Counter(term), names) for term in self._terms], dtype=object)


def _name(count: Counter[int], names: np.ndarray) -> str:
    powers = [names[column] if power == 1 else f"{names[column]}^{power}" for column, power in count.items()]
    return " ".join(powers) or "1"


def _checked_degree(degree: Any) -> int | tuple[int, int]:
    pair = tuple(degree) if isinstance(degree, tuple | list) else (0, degree)
    whole = all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in pair)
    if len(pair) != 2 or not whole or not 0 <= pair[0] <= pair[1]:
        raise ConfigurationError(
            "degree is not understood",
            expected="an integer of zero or more, or an ascending pair of such",
            got=repr(degree),
            fix="pass degree=2 for all products of two columns",
        )
    return int(pair[0]), int(pair[1])
