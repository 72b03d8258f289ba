"""Which score is high enough: the threshold of least cost, and of any criterion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import ConfigurationError, unknown_name
from pullback.metrics import scores
from pullback.metrics.confusion_table import ConfusionTable
from pullback.metrics.roc_curve import passed, scored_rows
from pullback.metrics.rows import Vector
from pullback.prob import Interval, mean_interval

# Criteria of matrices (..., 2, 2), the larger the better.
CRITERIA: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "accuracy": scores.accuracy,
    "balanced_accuracy": scores.balanced_accuracy,
    "matthews_correlation": scores.matthews_correlation,
    "cohen_kappa": scores.cohen_kappa,
    "f1": lambda counts: scores.f_score(counts, None)[..., 1],
}


@dataclass(frozen=True)
class Costs:
    r"""What each of the four outcomes costs; a gain is a negative cost.

    Calling a row positive costs less on average where its probability p satisfies $(1 - p) \, c_{FP} + p \, c_{TP} \le
    (1 - p) \, c_{TN} + p \, c_{FN}$, that is from the threshold

    $$ p^* = \frac{c_{FP} - c_{TN}}{(c_{FP} - c_{TN}) + (c_{FN} - c_{TP})} $$

    Raises
    ------
    ConfigurationError
        unless both errors cost more than the right answer to the same row.

    Examples
    --------
    >>> Costs(false_positive=1, false_negative=9).threshold
    0.1

    References
    ----------
    Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.
    """

    false_positive: float
    false_negative: float
    true_positive: float = 0.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        if not (self.false_positive > self.true_negative and self.false_negative > self.true_positive):
            raise ConfigurationError(
                "an error does not cost more than the right answer",
                expected="false_positive > true_negative and false_negative > true_positive",
                got=f"{self}",
                fix="raise the costs of errors, or turn gains into negative costs of right answers",
            )

    @property
    def threshold(self) -> float:
        """The probability from which calling a row positive costs least, if probabilities are calibrated."""
        wrong_alarm = self.false_positive - self.true_negative
        return wrong_alarm / (wrong_alarm + self.false_negative - self.true_positive)

    def mean(self, counts: np.ndarray) -> np.ndarray:
        """Mean cost a row of matrices (..., 2, 2)."""
        return scores.ratio((counts * self.matrix).sum((-2, -1)), counts.sum((-2, -1)))

    @property
    def matrix(self) -> np.ndarray:
        """Costs in the place of their counts, (2, 2)."""
        return np.array([[self.true_negative, self.false_positive], [self.false_negative, self.true_positive]], float)


@dataclass(frozen=True, eq=False)
class Threshold:
    """A threshold and what it does on the rows it was chosen on.

    Parameters
    ----------
    threshold : a row is called positive where its score is at least this; infinity calls none.
    value : the criterion there, with its interval. The choice among thresholds makes it look better than it is, which
        no interval of one threshold can show: measure it on other rows.
    table : the confusion matrix there.
    """

    threshold: float
    value: Interval
    table: ConfusionTable


def best_threshold(
    truth: Vector,
    score: Vector,
    criterion: str | Costs,
    *,
    sample_weight: Vector | None = None,
    positive: Any = None,
    level: float = 0.95,
) -> Threshold:
    """The threshold of the best criterion on these rows, of equal ones the highest; found by one sort.

    Parameters
    ----------
    criterion : a name from `CRITERIA`, or costs, whose mean a row is made least.
    truth, score, sample_weight, positive : as for `roc_curve`.

    Raises
    ------
    ConfigurationError
        for an unknown criterion.
    DataError
        as `roc_curve`.

    Examples
    --------
    >>> found = best_threshold([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.7, 0.9], Costs(1, 5))
    >>> print(found.threshold, found.value)
    0.3 0.1667 [-0.2618, 0.5951] (95% t, n = 6)
    >>> best_threshold([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.7, 0.9], "accuracy").threshold
    0.7
    """
    if isinstance(criterion, str) and criterion not in CRITERIA:
        raise unknown_name("criterion", criterion, CRITERIA)
    thresholds, true, false = passed(*scored_rows(truth, score, sample_weight, positive))
    counts = np.stack([np.stack([false[-1] - false, false], -1), np.stack([true[-1] - true, true], -1)], -2)
    values = CRITERIA[criterion](counts) if isinstance(criterion, str) else -criterion.mean(counts)
    place = int(np.nanargmax(values))
    table = ConfusionTable((False, True), counts[place])
    if isinstance(criterion, str):
        return Threshold(thresholds[place].item(), table.score(criterion, level=level), table)
    total, squares = (float((table.counts * criterion.matrix**power).sum()) for power in (1, 2))
    return Threshold(thresholds[place].item(), mean_interval(table.n, total, squares, level), table)
