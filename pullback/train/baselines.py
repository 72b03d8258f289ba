"""Honest baselines beside a trained network: the same rows, the same preprocessing, a paired difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pullback.core.errors import ConfigurationError, DataError
from pullback.data import Dataset
from pullback.prob import Interval, bootstrap_interval, mean_interval, wilson_interval

CONSTANT = "constant"
# Above this number of rows the central limit theorem is as good as resampling, and much quicker.
MOST_RESAMPLED = 5000
# The most levels that scikit-learn's boosting takes as a category.
MOST_BOOSTED_LEVELS = 254


@dataclass(frozen=True)
class Score:
    """The score of one predictor on the held-out rows.

    Parameters
    ----------
    name : of the predictor.
    score : with its interval.
    rows : what is paired: 1 or 0 a row for a classification, the squared error for a regression.
    """

    name: str
    score: Interval
    rows: np.ndarray


@dataclass(frozen=True)
class BaselineComparison:
    """A network beside the baselines, on the same held-out rows.

    Parameters
    ----------
    metric : "accuracy" or "r_squared".
    network, baselines : scores; the baselines in the order in which they were fitted.
    best : the baseline with the best score on these rows. That choice favors the baseline.
    difference : score of the network less that of the best baseline, paired by rows.
    """

    metric: str
    network: Score
    baselines: tuple[Score, ...]
    best: str
    difference: Interval

    @property
    def verdict(self) -> str:
        """Whether the network wins, as a sentence."""
        model = self.network.name
        if self.difference.lower > 0:
            return f"The {model} beats the best baseline, {self.best}."
        if self.difference.upper < 0:
            return f"The {model} does not win: {self.best} is better. Use {self.best}, or give the {model} more data."
        return (
            f"The {model} does not win: its difference to {self.best} cannot be told from zero on "
            f"{self.difference.n} rows. The simpler model may do."
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values: the score of each predictor, and the difference to the best."""
        rows = [{"name": score.name, **asdict(score.score)} for score in (self.network, *self.baselines)]
        difference = {"to": self.best, **asdict(self.difference)}
        return {"format": 1, "metric": self.metric, "rows": rows, "difference": difference, "verdict": self.verdict}


def compare_with_baselines(
    train: Dataset,
    test: Dataset,
    outputs: np.ndarray,
    *,
    name: str = "network",
    num_numeric: int | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> BaselineComparison:
    r"""Fit the baselines on `train` and set them beside the network's outputs on `test`.

    Ridge ($\alpha = 1$) or logistic regression ($C = 1$), histogram gradient boosting with scikit-learn's settings,
    and the constant: the commonest class or the mean. The score is the accuracy, or

    $$ R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y)^2} $$

    and the difference of two scores is taken row by row, which cancels what makes a row hard for everyone.

    Parameters
    ----------
    train : all rows that the network saw in training or for the choice of its epoch.
    test : rows that nothing was fitted on.
    outputs : raw outputs of the network for `test`, shape (n, K) logits or (n,) or (n, 1).
    name : of the model that gave the outputs.
    num_numeric : number of input columns that are numbers; those after them are codes of categories.
    level, seed : of the intervals.

    Raises
    ------
    DataError
        if the outputs are not one a row.

    Examples
    --------
    >>> from pullback.data import synthetic
    >>> from pullback.data import split
    >>> train, test = split(synthetic.moons(400, 0.1), {"train": 0.5, "test": 0.5}, seed=0)
    >>> perfect = np.eye(2)[test.targets]
    >>> comparison = compare_with_baselines(train, test, perfect)
    >>> comparison.best, comparison.difference.value >= 0
    ('gradient boosting', True)
    """
    if len(outputs) != len(test):
        raise DataError(
            "there is not one output a held-out row",
            expected=f"{len(test)} rows",
            got=f"shape {outputs.shape}",
            fix="pass the outputs for the test rows",
        )
    regression = train.task == "regression"
    if test.targets.ndim != 1 and test.targets.size != len(test):
        raise ConfigurationError("the baselines predict one target", got=f"targets of shape {test.targets.shape}")
    targets = test.targets.reshape(-1)
    known = train.inputs.shape[-1] if num_numeric is None else num_numeric
    judge: Callable[[str, np.ndarray], Score] = (
        _real_judge(targets, level, seed) if regression else _judge(targets, level)
    )
    network = judge(name, predicted(outputs, regression))
    x, x_test = _flat(train), _flat(test)
    baselines = []
    for baseline, estimator in estimators(regression, known, x, seed).items():
        fitted = estimator.fit(x, train.targets.reshape(-1))
        baselines.append(judge(baseline, np.asarray(fitted.predict(x_test))))
    best = max(baselines, key=lambda score: score.score.value)
    difference = paired_difference(network, best, targets, regression, level, seed)
    metric = "r_squared" if regression else "accuracy"
    return BaselineComparison(metric, network, tuple(baselines), best.name, difference)


def estimators(regression: bool, num_numeric: int, x: np.ndarray, seed: int) -> dict[str, Any]:
    """The baselines, not fitted yet; codes of categories are told apart from numbers."""
    codes = list(range(num_numeric, x.shape[1]))
    linear = Ridge(alpha=1.0) if regression else LogisticRegression(C=1.0, max_iter=1000, random_state=seed % 2**32)
    if codes:
        one_hot = (OneHotEncoder(handle_unknown="ignore"), codes)
        linear = make_pipeline(make_column_transformer(one_hot, remainder="passthrough"), linear)
    # scikit-learn's annotation names strings alone, its documentation lists of columns too.
    boosted: Any = [column for column in codes if x[:, column].max() < MOST_BOOSTED_LEVELS] or None
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    return {
        "ridge regression" if regression else "logistic regression": linear,
        "gradient boosting": kind(categorical_features=boosted, random_state=seed % 2**32),
        CONSTANT: DummyRegressor() if regression else DummyClassifier(strategy="prior"),
    }


def predicted(outputs: np.ndarray, regression: bool) -> np.ndarray:
    """The class or the value that raw outputs stand for."""
    if regression:
        return outputs.reshape(-1)
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        return (outputs.reshape(-1) > 0).astype(np.int64)
    return outputs.argmax(1)


def paired_difference(
    network: Score, baseline: Score, targets: np.ndarray, regression: bool, level: float, seed: int
) -> Interval:
    """Score of the network less that of the baseline, with the interval of a paired bootstrap.

    Above 5,000 rows it is the interval of a mean, that of a ratio by the delta method.
    """
    if not regression:
        return _mean_or_bootstrap(network.rows - baseline.rows, level, seed)
    return _ratio_to_spread(baseline.rows - network.rows, targets, 0.0, level, seed)


def _ratio_to_spread(values: np.ndarray, targets: np.ndarray, offset: float, level: float, seed: int) -> Interval:
    r"""Interval of $o + \sum_i v_i / \sum_i (y_i - \bar y)^2$; that spread is drawn anew with the rows.

    Above 5,000 rows by the delta method: $o + r + (v_i - r s_i) / \bar s$ are values whose mean is the ratio and whose
    deviation is its own, with $r$ the ratio and $s_i = (y_i - \bar y)^2$.
    """
    y = targets.astype(np.float64)
    if len(y) > MOST_RESAMPLED:
        spread = np.square(y - y.mean())
        ratio = values.mean() / spread.mean()
        return _mean_or_bootstrap(offset + ratio + (values - ratio * spread) / spread.mean(), level, seed)

    def statistic(values: np.ndarray, y: np.ndarray) -> float:
        whole = np.square(y - y.mean()).sum()
        return offset + float(values.sum() / whole) if whole > 0 else np.nan

    return bootstrap_interval(values, y, statistic=statistic, level=level, seed=seed, **RESAMPLING)


RESAMPLING: dict[str, Any] = {"resamples": 4999, "method": "percentile"}


def _mean_or_bootstrap(values: np.ndarray, level: float, seed: int) -> Interval:
    if len(values) > MOST_RESAMPLED:
        return mean_interval(len(values), float(values.sum()), float(np.square(values).sum()), level)
    return bootstrap_interval(values, level=level, seed=seed, **RESAMPLING)


def _judge(targets: np.ndarray, level: float) -> Callable[[str, np.ndarray], Score]:
    def judge(name: str, classes: np.ndarray) -> Score:
        right = (classes == targets).astype(np.float64)
        return Score(name, wilson_interval(int(right.sum()), len(right), level), right)

    return judge


def _real_judge(targets: np.ndarray, level: float, seed: int) -> Callable[[str, np.ndarray], Score]:
    y = targets.astype(np.float64)

    def judge(name: str, values: np.ndarray) -> Score:
        errors = np.square(y - values)
        return Score(name, _ratio_to_spread(-errors, y, 1.0, level, seed), errors)

    return judge


def _flat(dataset: Dataset) -> np.ndarray:
    return dataset.inputs.reshape(len(dataset), -1)


METRIC_NAMES = {"accuracy": "accuracy", "r_squared": "R squared"}


def comparison_lines(comparison: BaselineComparison) -> list[str]:
    r"""The comparison as the lines of a table, the verdict last.

    Examples
    --------
    >>> half = Interval(0.5, 0.4, 0.6, 0.95, 100, "wilson")
    >>> rows = np.zeros(100)
    >>> zero = Interval(0.0, -0.1, 0.1, 0.95, 100, "bootstrap")
    >>> network, constant = (Score(name, half, rows) for name in ("network", "constant"))
    >>> both = BaselineComparison("accuracy", network, (constant,), "constant", zero)
    >>> print("\n".join(comparison_lines(both)))
                                 accuracy   95% interval
    network                        0.5000   [0.4000, 0.6000]
    constant                       0.5000   [0.4000, 0.6000]
    network - constant, paired    +0.0000   [-0.1000, +0.1000]
    The network does not win: its difference to constant cannot be told from zero on 100 rows. The simpler model may do.
    """
    level = f"{100 * comparison.difference.level:g}% interval"
    paired = f"{comparison.network.name} - {comparison.best}, paired"
    width = len(paired)
    lines = [f"{'':{width}}{METRIC_NAMES[comparison.metric]:>11}   {level}"]
    lines += [_line(score.name, width, score.score, "") for score in (comparison.network, *comparison.baselines)]
    return [*lines, _line(paired, width, comparison.difference, "+"), comparison.verdict]


def _line(name: str, width: int, score: Interval, sign: str) -> str:
    limits = f"[{score.lower:{sign}.4f}, {score.upper:{sign}.4f}]"
    return f"{name:{width}}{score.value:>{sign}11.4f}   {limits}"


def together(parts: Sequence[Dataset]) -> Dataset:
    """Rows of several parts of one data set as one."""
    first = parts[0]
    return Dataset(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.targets for part in parts]),
        first.task,
        first.name,
        first.class_names,
        first.feature_names,
        np.concatenate([part.indices for part in parts]),
    )
