"""Random waves as further columns, whose inner products approximate a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from pullback.core.checks import positive_integer
from pullback.learn.radial_basis_features import chosen_width
from pullback.learn.rows import prediction_rows
from pullback.models.features import random_fourier


class RandomFourierFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""$x \mapsto z(x)$ with $z(x)^\top z(y) \approx \exp(-\lVert x - y \rVert^2 / (2 s^2))$.

    A linear model in these columns approximates one with the kernel, at a cost that grows linearly with the rows. The
    error falls as $1/\sqrt D$ with the number $D$ of frequencies.

    Parameters
    ----------
    n_frequencies : $D$; each gives a cosine and a sine, so there are $2 D$ columns.
    width : $s > 0$; without it the median distance of two rows.
    random_state : of the frequencies.

    Attributes
    ----------
    frequencies_ : shape (features, D), normal with standard deviation $1/s$.
    width_ : $s$.

    Errors
    ------
    `ConfigurationError` for settings outside these.

    Examples
    --------
    >>> waves = RandomFourierFeatures(2000, width=1.0, random_state=0)
    >>> z = waves.fit_transform([[0.0], [1.0]])
    >>> float((z @ z.T)[0, 1].round(1)), float(np.exp(-0.5).round(1))
    (0.6, 0.6)

    Source: Rahimi, Recht, Random features for large-scale kernel machines, NIPS 2007.
    """

    def __init__(self, n_frequencies: Any = 100, *, width: Any = None, random_state: Any = None) -> None:
        self.n_frequencies = n_frequencies
        self.width = width
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RandomFourierFeatures:
        """Draw the frequencies."""
        X = validate_data(self, X, dtype=np.float64)
        positive_integer("n_frequencies", self.n_frequencies)
        random = check_random_state(self.random_state)
        self.width_ = chosen_width(self.width, X, random)
        self.frequencies_ = random.normal(size=(X.shape[1], self.n_frequencies)) / self.width_
        self._n_features_out = 2 * self.n_frequencies
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "rows columns"]:
        """The cosines, then the sines."""
        X = prediction_rows(self, X)
        return np.asarray(random_fourier(X, self.frequencies_))
