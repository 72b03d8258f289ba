"""Splines of each column as further columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import (
    _check_feature_names_in,  # pyright: ignore[reportAttributeAccessIssue]
    check_array,
    check_is_fitted,
    validate_data,
)

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.learn.rows import checked_weight, prediction_rows
from pullback.models.features import b_spline_knots, b_splines, b_splines_with_tails, natural_splines

KNOTS = ("quantile", "uniform")
EXTRAPOLATIONS = ("auto", "constant", "linear", "continue", "periodic", "error")


class SplineFeatures(TransformerMixin, BaseEstimator):
    r"""$x_j \mapsto (B_1(x_j), \ldots, B_k(x_j))$: a basis of splines for each column.

    Parameters
    ----------
    n_knots : knots a column, the outermost at the ends of the data; at least 2. Equal quantiles give one knot.
    degree : of the polynomial pieces.
    knots : `"quantile"`, `"uniform"`, or their positions, shape (knots, features).
    natural : natural cubic splines, one a knot and with the value one there, instead of B-splines; the coefficient of a
        linear model is then the height of its curve at the knot.
    extrapolation : beyond the knots `"constant"`, `"linear"`, `"continue"` (the last polynomial), `"periodic"` or
        `"error"`; `"auto"` is linear for natural splines and constant for B-splines.
    include_bias : whether to keep the last spline of each column; without it the columns of a feature no longer sum to
        one, so that a model with an intercept has full rank.

    Attributes
    ----------
    knots_ : the knots of each feature, ascending.

    Errors
    ------
    `ConfigurationError` for settings outside these, `DataError` for rows beyond the knots with `"error"`.

    Examples
    --------
    >>> splines = SplineFeatures(n_knots=3, degree=1).fit([[0.0], [1.0], [4.0]])
    >>> splines.transform([[0.5], [4.0]]).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]

    Source: the columns of scikit-learn's `SplineTransformer`, whose default knots are uniform; natural splines, Green
    and Silverman, Nonparametric Regression and Generalized Linear Models, 1994.
    """

    def __init__(
        self,
        n_knots: Any = 5,
        *,
        degree: Any = 3,
        knots: Any = "quantile",
        natural: Any = False,
        extrapolation: Any = "auto",
        include_bias: Any = True,
    ) -> None:
        self.n_knots = n_knots
        self.degree = degree
        self.knots = knots
        self.natural = natural
        self.extrapolation = extrapolation
        self.include_bias = include_bias

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> SplineFeatures:
        """Place the knots; a weight of k counts a row k times in the quantiles."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self._check_settings()
        weight = checked_weight(sample_weight, len(X))
        X, weight = X[weight > 0], weight[weight > 0]
        if isinstance(self.knots, str):
            self.knots_ = [self._placed(column, weight) for column in X.T]
        else:
            self.knots_ = list(_given_knots(self.knots, X.shape[1]).T.copy())
        periodic = self.extrapolation == "periodic"
        for base in self.knots_ if periodic else []:
            if len(base) <= self.degree:
                raise ConfigurationError(
                    "too few knots for periodic splines of this degree",
                    expected=f"more than {self.degree} distinct knots",
                    got=f"{len(base)}",
                    fix="raise n_knots or lower degree",
                )
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "rows outputs"]:
        """The splines of each column, side by side."""
        X = prediction_rows(self, X)
        blocks = [self._basis(X[:, column], knots) for column, knots in enumerate(self.knots_)]
        return np.concatenate([block[:, : self._kept(block.shape[1])] for block in blocks], axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names such as `a_sp_0`, as scikit-learn's."""
        check_is_fitted(self)
        names = np.asarray(_check_feature_names_in(self, input_features))
        counts = [self._kept(self._splines(len(knots))) for knots in self.knots_]
        named = [f"{name}_sp_{i}" for name, count in zip(names, counts, strict=True) for i in range(count)]
        return np.array(named, dtype=object)

    def _kept(self, splines: int) -> int:
        return splines if self.include_bias else splines - 1

    def _splines(self, knots: int) -> int:
        if self.natural:
            return knots
        return knots - 1 if self.extrapolation == "periodic" else knots + self.degree - 1

    def _placed(self, column: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if self.knots == "uniform":
            base = np.linspace(column.min(), column.max(), self.n_knots)
        else:
            base = weighted_quantiles(column, weight, np.linspace(0, 1, self.n_knots))
        base = np.unique(base)
        # A constant column: any knots around it give columns that sum to one.
        return base if len(base) > 1 else base[0] + max(abs(base[0]), 1.0) * np.array([-0.5, 0.5])

    def _basis(self, x: np.ndarray, base: np.ndarray) -> Any:
        mode = self.extrapolation
        if mode == "auto":
            mode = "linear" if self.natural else "constant"
        if mode == "error" and (np.any(x < base[0]) or np.any(x > base[-1])):
            worst = x[np.argmax(np.maximum(base[0] - x, x - base[-1]))]
            raise DataError(
                "a value lies beyond the knots",
                expected=f"values from {base[0]:g} to {base[-1]:g}",
                got=f"{worst:g}",
                fix="choose another extrapolation, or leave the row out",
            )
        if self.natural:
            return natural_splines(np.clip(x, base[0], base[-1]) if mode == "constant" else x, base)
        knots = b_spline_knots(base, self.degree, periodic=mode == "periodic")
        if mode == "periodic":
            basis = b_splines(base[0] + (x - base[0]) % (base[-1] - base[0]), knots, self.degree)
            folded = np.array(basis[:, : len(base) - 1])
            folded[:, : self.degree] += basis[:, len(base) - 1 :]
            return folded
        if mode in ("continue", "error"):
            return b_splines(x, knots, self.degree)
        return b_splines_with_tails(x, knots, self.degree, mode)

    def _check_settings(self) -> None:
        if isinstance(self.knots, str) and self.knots not in KNOTS:
            raise unknown_name("placement of knots", self.knots, KNOTS)
        if self.extrapolation not in EXTRAPOLATIONS:
            raise unknown_name("extrapolation", str(self.extrapolation), EXTRAPOLATIONS)
        if self.natural and self.extrapolation in ("continue", "periodic"):
            raise ConfigurationError(
                f"natural splines have no extrapolation {self.extrapolation!r}",
                expected="'auto', 'constant', 'linear' or 'error'",
                got=repr(self.extrapolation),
                fix="leave extrapolation out: a natural spline goes on as a straight line",
            )
        for name, value, least in (("n_knots", self.n_knots, 2), ("degree", self.degree, 0)):
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise ConfigurationError(
                    f"{name} is not understood",
                    expected=f"an integer of {least} or more",
                    got=repr(value),
                    fix=f"pass {name}={max(least, 3)}",
                )


def weighted_quantiles(
    values: Float[np.ndarray, " rows"], weight: Float[np.ndarray, " rows"], levels: Float[np.ndarray, " levels"]
) -> Float[np.ndarray, " levels"]:
    """Quantiles of the values each repeated `weight` times, interpolated linearly between neighbors.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0]), np.array([1.0, 2.0]), np.array([0.5, 0.75, 1.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    order = np.argsort(values, kind="stable")
    values, ends = values[order], np.cumsum(weight[order])
    place = levels * (ends[-1] - 1)
    below = np.floor(np.maximum(place, 0.0))
    low, high = (
        values[np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)] for at in (below, below + 1)
    )
    return low + (np.maximum(place, 0.0) - below) * (high - low)


def _given_knots(knots: Any, features: int) -> np.ndarray:
    base = check_array(knots, dtype="float64", ensure_min_samples=2, input_name="knots")
    if base.shape[1] != features or not np.all(np.diff(base, axis=0) > 0):
        raise ConfigurationError(
            "knots do not fit the data",
            expected=f"ascending numbers of the shape (knots, {features})",
            got=f"shape {base.shape}, " + ("ascending" if np.all(np.diff(base, axis=0) > 0) else "not ascending"),
            fix="pass one ascending column a feature",
        )
    return base
