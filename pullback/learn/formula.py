"""A formula such as `y ~ x1 + C(group) + s(age)` in front of any estimator."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pullback.core.errors import ConfigurationError, DataError, PullbackError, missing_extra

INTERCEPT = "Intercept"


def _fitted_has(name: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "estimator_", self.estimator), name))


class Formula(BaseEstimator):
    r"""An estimator whose target and columns a formula names, as in R.

    $$ \texttt{y ~ x1 + C(group) + s(age)}: \qquad
       \eta = \beta_0 + \beta_1 x_1 + \sum_g \gamma_g [\text{group} = g] + \sum_j \delta_j b_j(\text{age}) $$

    The language is that of formulaic (nearly R's and patsy's): `a + b`, `a:b`, `a*b`, `- 1` for no intercept, `C(x)`
    for categories with treatment coding, `log(x)`, `poly(x, 2)`, `bs(x, df=6)`; beside it `s(x, df=5)`, a natural
    cubic spline, centered so that the intercept stays identified. What a transformation learns (knots, levels, centers)
    it keeps for new rows. A formula may hold any Python expression of the columns: take formulas from people you trust.

    Parameters
    ----------
    formula : target, `~`, columns. For a classifier the target is the name of a column.
    estimator : any scikit-learn estimator; its `fit_intercept` follows the formula.
    missing : "drop" leaves rows with a missing value out of the fit and says how many in `dropped_rows_`; "error"
        refuses them. New rows with missing values are refused.

    Attributes
    ----------
    estimator_ : the fitted estimator; its `summary()` and other methods are reached through this object too.
    columns_ : names of the columns that the formula made.
    dropped_rows_ : rows left out.

    Raises
    ------
    MissingExtraError
        without the package formulaic.
    DataError
        for a column that the data lack, missing values where they are refused, levels that the fit did not see.

    Examples
    --------
    >>> import pandas as pd
    >>> from pullback.learn.linear_regression import LinearRegression
    >>> table = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0], "x": [0.0, 1.0, 0.0, 1.0], "g": ["a", "a", "b", "b"]})
    >>> model = Formula("y ~ x + C(g)", LinearRegression()).fit(table)  # doctest: +SKIP
    >>> model.columns_, model.estimator_.coef_.round(3)  # doctest: +SKIP
    (['x', 'C(g)[T.b]'], array([1., 3.]))

    References
    ----------
    Wilkinson, Rogers, "Symbolic description of factorial models for analysis of variance", Applied Statistics 22
    (1973); Chambers, Hastie, "Statistical Models in S" (1992), chapter 2.
    """

    def __init__(self, formula: str, estimator: Any, *, missing: str = "drop") -> None:
        self.formula = formula
        self.estimator = estimator
        self.missing = missing

    def fit(self, data: Any, y: None = None, **rows: Any) -> Formula:
        """Fit to a data frame of any make, or a mapping of columns.

        Further keywords (`sample_weight`, `clusters`, `offset`, ...) go to the estimator's `fit`: the name of a column,
        or one value a row.
        """
        if self.missing not in ("drop", "error"):
            raise ConfigurationError(
                "missing is not understood", expected="'drop' or 'error'", got=repr(self.missing), fix="choose one"
            )
        frame = _frame(data)
        target, columns = _sides(self.formula)
        kept = self._complete(frame, target, columns)
        made = _evaluate(self._left(target) + columns, kept)
        design = made if self._classifies else made.rhs
        self.specification_ = design.model_spec
        self.dropped_rows_ = len(frame) - len(kept)
        values = kept[target].to_numpy() if self._classifies else _one_column(made.lhs, target)
        self.estimator_ = self._with_intercept(INTERCEPT in design.columns)
        inputs = _without_intercept(design)
        self.columns_ = list(inputs.columns)
        given = {
            name: _values_of(name, value, kept, _rows_of(data)) for name, value in rows.items() if value is not None
        }
        self.estimator_.fit(inputs, values, **given)
        return self

    def design(self, data: Any) -> pd.DataFrame:
        """The columns of the formula for new rows, without that of the intercept."""
        check_is_fitted(self, "specification_")
        frame = _frame(data)
        needed = [name for name in map(str, self.specification_.required_variables) if name in frame]
        _refuse_missing(frame[needed], "the new rows")
        with _readable(self.formula), warnings.catch_warnings():
            warnings.simplefilter("error")
            made = self.specification_.get_model_matrix(frame, na_action="ignore", context=_transformations())
        _refuse_missing(made, "the new rows")
        return _without_intercept(made)

    def predict(self, data: Any, **options: Any) -> np.ndarray:
        """Predictions for the rows of a data frame."""
        return self.estimator_.predict(self.design(data), **options)

    @_fitted_has("predict_proba")
    def predict_proba(self, data: Any) -> np.ndarray:
        """Probabilities of the classes."""
        return self.estimator_.predict_proba(self.design(data))

    @_fitted_has("decision_function")
    def decision_function(self, data: Any) -> np.ndarray:
        """Scores of the classes."""
        return self.estimator_.decision_function(self.design(data))

    @_fitted_has("summary")
    def summary(self, **options: Any) -> Any:
        """The estimator's table of coefficients."""
        return self.estimator_.summary(**options)

    @property
    def _classifies(self) -> bool:
        return is_classifier(self.estimator)

    def _left(self, target: str) -> str:
        return "~ " if self._classifies else f"{target} ~ "

    def _complete(self, frame: pd.DataFrame, target: str, columns: str) -> pd.DataFrame:
        # Before anything is evaluated, so that knots and levels are those of the rows that are fitted.
        with _readable(self.formula):
            named = set(map(str, _formulaic().Formula(self._left(target) + columns).required_variables))
        if self._classifies:
            if target not in frame:
                raise _no_column(target, frame)
            named.add(target)
        used = frame[[name for name in frame.columns if name in named]]
        if self.missing == "error":
            _refuse_missing(used, "the data")
        return frame.loc[used.notna().all(axis=1)]

    def _with_intercept(self, intercept: bool) -> Any:
        estimator: Any = clone(self.estimator)
        return estimator.set_params(fit_intercept=intercept) if "fit_intercept" in estimator.get_params() else estimator


def _formulaic() -> ModuleType:
    try:
        return importlib.import_module("formulaic")
    except ImportError:
        raise missing_extra("formulaic", "formula", "a formula") from None


@functools.cache
def _transformations() -> Mapping[str, Any]:
    """What the formula language has beside formulaic's own."""
    splines = importlib.import_module("formulaic.transforms.cubic_spline")
    state = importlib.import_module("formulaic.utils.stateful_transforms")
    smooth = functools.partial(splines.cubic_spline, df=5, cyclic=False, constraints="center")
    return {"s": state.stateful_transform(smooth)}


def _sides(formula: str) -> tuple[str, str]:
    target, tilde, columns = formula.partition("~")
    if not (tilde and target.strip() and columns.strip()):
        raise ConfigurationError(
            "the formula has not two sides", expected="target ~ columns", got=repr(formula), fix="write 'y ~ x1 + x2'"
        )
    return target.strip(), columns.strip()


def _frame(data: Any) -> pd.DataFrame:
    if isinstance(data, Mapping):
        return pd.DataFrame(dict(data)).reset_index(drop=True)
    try:
        return nw.from_native(data, eager_only=True).to_pandas().reset_index(drop=True)
    except TypeError as error:
        raise DataError(
            "a formula needs columns with names",
            expected="a data frame, or a mapping from names to columns",
            got=type(data).__name__,
            fix="pass pandas.DataFrame(array, columns=[...])",
        ) from error


def _rows_of(data: Any) -> int:
    return len(next(iter(data.values()), ())) if isinstance(data, Mapping) else len(data)


class _readable:
    """formulaic's errors, said in our form."""

    def __init__(self, formula: str) -> None:
        self._formula = formula

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is None or isinstance(error, PullbackError):
            return
        if isinstance(error, Exception):
            raise DataError(
                f"the formula {self._formula!r} cannot be evaluated on these data",
                expected="columns, levels and values as the formula and the fit know them",
                got=str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__,
                fix="compare the names in the formula with the columns of the data",
            ) from error


def _evaluate(formula: str, frame: pd.DataFrame) -> Any:
    with _readable(formula):
        made = _formulaic().model_matrix(
            formula, frame, context=_transformations(), na_action="ignore", output="pandas"
        )
    for part in (made.lhs, made.rhs) if hasattr(made, "lhs") else (made,):
        _refuse_missing(part, "the evaluated formula")
    return made


def _refuse_missing(columns: Any, where: str) -> None:
    absent = np.asarray(columns.isna())
    if absent.any():
        row, column = np.argwhere(absent)[0]
        raise _missing_value(f"{columns.columns[column]} of {where}", int(row))


def _missing_value(column: str, row: int) -> DataError:
    return DataError(
        f"a value is missing in {column}",
        expected="a value in every row",
        got=f"none in row {row}",
        fix="fill it in, leave the row out, or fit with missing='drop'",
    )


def _no_column(name: str, frame: pd.DataFrame) -> DataError:
    return DataError(
        f"the data have no column {name!r}",
        expected=f"one of {', '.join(map(str, frame.columns))}",
        got=name,
        fix="correct the name in the formula; the target of a classifier is one column",
    )


def _one_column(values: pd.DataFrame, target: str) -> np.ndarray:
    if values.shape[1] != 1:
        raise DataError(
            f"the target {target!r} makes {values.shape[1]} columns",
            expected="one column of numbers",
            got=", ".join(map(str, values.columns[:4])),
            fix="pass a classifier for a target of categories",
        )
    return values.iloc[:, 0].to_numpy(dtype=np.float64)


def _without_intercept(design: Any) -> pd.DataFrame:
    frame = pd.DataFrame(design)
    return frame.drop(columns=INTERCEPT) if INTERCEPT in frame.columns else frame


def _values_of(name: str, value: Any, kept: pd.DataFrame, rows: int) -> np.ndarray:
    if isinstance(value, str):
        if value not in kept:
            raise _no_column(value, kept)
        return kept[value].to_numpy()
    values = np.asarray(value)
    if values.shape[:1] != (rows,):
        raise DataError(
            f"{name} has another number of rows than the data",
            expected=f"{rows} values, or the name of a column",
            got=f"shape {values.shape}",
            fix=f"pass one value a row in {name}",
        )
    return values[kept.index]
