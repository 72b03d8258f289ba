"""Nearness to centers as further columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from pullback.core.checks import positive_integer
from pullback.core.errors import ConfigurationError, unknown_name
from pullback.learn.rows import prediction_rows
from pullback.models.features import median_distance, radial_basis

CENTERS = ("kmeans", "subset")
# Pairs among this many rows: their median is within some percent of that of all pairs.
ROWS_OF_MEDIAN = 1000


class RadialBasisFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""$x \mapsto \bigl(\exp(-\lVert x - c_j \rVert^2 / (2 s^2))\bigr)_j$ for centers $c_j$ and a width $s$.

    The columns should be of one scale: put `StandardScaler` before.

    Parameters
    ----------
    n_components : number of centers; no more than there are different rows.
    centers : `"kmeans"`, the means of clusters, or `"subset"`, rows drawn without replacement.
    width : $s > 0$; without it the median distance of two rows.
    random_state : of the clusters and the draws.

    Attributes
    ----------
    centers_, width_ : $c_j$, shape (centers, features), and $s$.

    Errors
    ------
    `ConfigurationError` for settings outside these.

    Examples
    --------
    >>> near = RadialBasisFeatures(n_components=2, width=1.0, random_state=0).fit([[0.0], [0.0], [5.0]])
    >>> sorted(near.transform([[5.0]]).round(3).ravel().tolist())
    [0.0, 1.0]

    Source: Broomhead, Lowe, Complex Systems 2, 1988; centers from k-means, Moody, Darken, Neural Computation 1, 1989.
    """

    def __init__(
        self, n_components: Any = 100, *, centers: Any = "kmeans", width: Any = None, random_state: Any = None
    ) -> None:
        self.n_components = n_components
        self.centers = centers
        self.width = width
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RadialBasisFeatures:
        """Choose the centers and the width."""
        X = validate_data(self, X, dtype=np.float64)
        positive_integer("n_components", self.n_components)
        if self.centers not in CENTERS:
            raise unknown_name("choice of centers", str(self.centers), CENTERS)
        random = check_random_state(self.random_state)
        distinct = np.unique(X, axis=0)
        count = min(self.n_components, len(distinct))
        if count == len(distinct):
            self.centers_ = distinct
        elif self.centers == "subset":
            self.centers_ = distinct[random.choice(len(distinct), count, replace=False)]
        else:
            self.centers_ = KMeans(count, random_state=random).fit(X).cluster_centers_
        self.width_ = chosen_width(self.width, X, random)
        self._n_features_out = count
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "rows centers"]:
        """One column a center: one at the center, zero far from it."""
        X = prediction_rows(self, X)
        return np.asarray(radial_basis(X, self.centers_, self.width_))


def chosen_width(width: float | None, X: Float[np.ndarray, "rows features"], random: Any) -> float:
    """The width as given, or the median distance of two rows."""
    if width is None:
        chosen = random.choice(len(X), ROWS_OF_MEDIAN, replace=False) if len(X) > ROWS_OF_MEDIAN else slice(None)
        return median_distance(X[chosen])
    if not np.isfinite(width) or width <= 0:
        raise ConfigurationError(
            "width must be positive", expected="a number > 0, or None", got=repr(width), fix="leave width out"
        )
    return float(width)
