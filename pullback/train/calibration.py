"""Conformal calibration of a trained model: how far its predictions can be trusted, measured on rows kept for that.

The rows are used for nothing else, neither for a step nor for choosing an epoch; that is what makes their scores
exchangeable with those of new rows. Classification takes the least ambiguous sets, never empty; regression intervals
of constant width, one for each output.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num
from scipy.special import expit, softmax
from scipy.stats import betabinom

from pullback.core.errors import RunFolderError
from pullback.prob import (
    Interval,
    absolute_residual,
    conformal_quantile,
    conformal_rank,
    coverage_distribution,
    least_ambiguous_score,
    least_ambiguous_set,
    residual_interval,
    wilson_interval,
)

FORMAT = 1
LEVELS = (0.8, 0.9, 0.95)
# What calibration.json may hold of each output, so that every level can be asked for later.
MOST_SCORES = 10_000
SETS, INTERVALS = "least_ambiguous", "absolute_residual"
EXPECTED_LEVEL = 0.99

Outputs = Num[np.ndarray, "rows *outputs"]


@dataclass(frozen=True)
class Coverage:
    """Coverage found on held-out rows.

    Parameters
    ----------
    found : share of the rows whose label or value was covered, with its Wilson interval; the mean over the outputs.
    expected : limits that the share keeps with probability 0.99 if the rows are exchangeable with the calibration
        rows and scores do not tie: those of the beta-binomial distribution.
    size : mean number of classes in a set, or mean width of an interval in the units of the targets given.
    """

    found: Interval
    expected: tuple[float, float]
    size: float


@dataclass(frozen=True)
class Bound:
    """What a score may be at one level: one number an output, infinite where the rows are too few for the level."""

    level: float
    rank: int
    quantile: tuple[float, ...]
    coverage: Coverage | None = None


@dataclass(frozen=True)
class Calibration:
    r"""Bounds $\hat q$ on the conformal score, from n rows.

    Parameters
    ----------
    score : "least_ambiguous", $1 - \hat p_y$, or "absolute_residual", $|y - \hat y|$.
    n : calibration rows behind it.
    bounds : one for each of the levels 0.8, 0.9 and 0.95, with coverage where it was measured.
    split : held-out rows on which coverage was measured, or None.
    ranks : from 1, of the scores that are kept, the last n; of more than 10,000 rows about that many, evenly spread.
    scores : for each output the scores at these ranks, the smallest first.

    Examples
    --------
    >>> logits = np.log(np.array([[0.75, 0.25]] * 4 + [[0.5, 0.5]]))
    >>> calibration = calibrate(logits, np.zeros(5, int), "classification")
    >>> calibration.bound(0.8).rank, round(calibration.bound(0.8).quantile[0], 6), calibration.bound(0.9).quantile
    (5, 0.5, (inf,))
    >>> calibration.bound(0.55).rank
    4
    """

    score: str
    n: int
    bounds: tuple[Bound, ...]
    split: str | None = None
    ranks: tuple[int, ...] = ()
    scores: tuple[tuple[float, ...], ...] = ()

    def bound(self, level: float) -> Bound:
        """The bound at any level: infinite where the rows are too few, which need n >= level / (1 - level).

        Where the score of the rank itself was not kept, that of the next rank stands for it, which covers more.

        Raises
        ------
        ConfigurationError
            for a level that is not between 0 and 1.
        """
        for bound in self.bounds:
            if math.isclose(bound.level, level):
                return bound
        rank = conformal_rank(self.n, level)
        if rank > self.n:
            return Bound(level, rank, (math.inf,) * len(self.scores))
        place = bisect.bisect_left(self.ranks, rank)
        return Bound(level, self.ranks[place], tuple(column[place] for column in self.scores))

    def sets(self, probabilities: Float[np.ndarray, "rows classes"], level: float) -> Bool[np.ndarray, "rows classes"]:
        """Which classes belong to the set of each row."""
        return least_ambiguous_set(probabilities, self.bound(level).quantile[0])

    def intervals(
        self, predicted: Float[np.ndarray, "rows outputs"], level: float
    ) -> tuple[Float[np.ndarray, "rows outputs"], Float[np.ndarray, "rows outputs"]]:
        """Lower and upper limits around the values predicted, in the units of the targets given."""
        return residual_interval(predicted, 1.0, np.array(self.bound(level).quantile))

    def to_json(self) -> dict[str, Any]:
        """JSON values; an infinite bound is null."""
        bounds = [asdict(bound) for bound in self.bounds]
        for bound in bounds:
            bound["quantile"] = [_or_none(quantile) for quantile in bound["quantile"]]
            if bound["coverage"] is not None:
                bound["coverage"]["size"] = _or_none(bound["coverage"]["size"])
        record = {"format": FORMAT, "method": "split conformal", "score": self.score, "n": self.n}
        return record | {"split": self.split, "bounds": bounds, "ranks": self.ranks, "scores": self.scores}

    @classmethod
    def from_json(cls, record: Any) -> Calibration:
        """The calibration that `to_json` wrote.

        Raises
        ------
        RunFolderError
            if the record is something else.
        """
        try:
            if record["format"] != FORMAT or record["score"] not in (SETS, INTERVALS):
                raise ValueError(f"format {record['format']}, score {record['score']}")
            bounds = tuple(_bound(bound) for bound in record["bounds"])
            n, ranks = int(record["n"]), tuple(int(rank) for rank in record["ranks"])
            scores = tuple(tuple(float(score) for score in column) for column in record["scores"])
            if ranks[-1:] != (n,) or any(len(column) != len(ranks) for column in scores):
                raise ValueError("ranks and scores that do not belong together")
            return cls(record["score"], n, bounds, record["split"], ranks, scores)
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(
                "calibration.json is no calibration",
                expected=f"format {FORMAT} as a training run writes it",
                got=f"{type(error).__name__}: {error}",
                fix="restore the file, or delete it to predict without intervals",
            ) from error


def calibrate(outputs: Outputs, targets: np.ndarray, task: str, levels: tuple[float, ...] = LEVELS) -> Calibration:
    """Bounds from the model's outputs on the calibration rows and their targets."""
    if task == "regression":
        residuals = absolute_residual(as_columns(outputs), as_columns(targets))
        score, scores = INTERVALS, list(residuals.T)
    else:
        score, scores = SETS, [least_ambiguous_score(class_probabilities(outputs), targets.reshape(-1))]
    n = len(targets)
    bounds = tuple(
        Bound(level, conformal_rank(n, level), tuple(conformal_quantile(column, level) for column in scores))
        for level in levels
    )
    ranks = np.unique(np.ceil(np.linspace(1, n, min(n, MOST_SCORES))).astype(np.int64))
    kept = tuple(tuple(np.sort(column)[ranks - 1].tolist()) for column in scores)
    return Calibration(score, n, bounds, ranks=tuple(ranks.tolist()), scores=kept)


def with_coverage(calibration: Calibration, outputs: Outputs, targets: np.ndarray, split: str) -> Calibration:
    """The calibration with the coverage of its sets or intervals on held-out rows."""
    bounds = tuple(
        replace(bound, coverage=_coverage(calibration, bound.level, outputs, targets)) for bound in calibration.bounds
    )
    return replace(calibration, bounds=bounds, split=split)


def _coverage(calibration: Calibration, level: float, outputs: Outputs, targets: np.ndarray) -> Coverage:
    if calibration.score == SETS:
        sets = calibration.sets(class_probabilities(outputs), level)
        covered, sizes = sets[np.arange(len(sets)), targets.reshape(-1)], sets.sum(axis=1)
    else:
        lower, upper = calibration.intervals(as_columns(outputs), level)
        values = as_columns(targets)
        covered, sizes = (lower <= values) & (values <= upper), upper - lower
    # Outputs of one row hang together: counted as one trial, the interval errs on the wide side.
    rows = covered.reshape(len(covered), -1)
    found = wilson_interval(round(float(rows.mean(axis=1).sum())), len(rows))
    return Coverage(found, expected_coverage(calibration.n, level, len(targets)), float(sizes.mean()))


def expected_coverage(n: int, level: float, rows: int) -> tuple[float, float]:
    r"""Limits that coverage on m held-out rows keeps with probability 0.99, given n calibration rows.

    $$ m \cdot \text{coverage} \sim \mathrm{BetaBinomial}(m, k, n + 1 - k) $$

    Examples
    --------
    >>> [round(limit, 3) for limit in expected_coverage(n=99, level=0.9, rows=200)]
    [0.79, 0.975]
    """
    a, b = coverage_distribution(n, level)
    if b == 0:
        return 1.0, 1.0
    tail = (1 - EXPECTED_LEVEL) / 2
    low, high = betabinom(rows, a, b).ppf([tail, 1 - tail])
    return float(low) / rows, float(high) / rows


def class_probabilities(outputs: Outputs) -> Float[np.ndarray, "rows classes"]:
    r"""Probabilities from logits in float64: softmax of K columns, $(1 - \sigma(z), \sigma(z))$ of a single one.

    Examples
    --------
    >>> class_probabilities(np.array([[0.0], [np.log(3.0)]]))
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    logits = as_columns(outputs)
    if logits.shape[1] > 1:
        return softmax(logits, axis=1)
    return np.concatenate([expit(-logits), expit(logits)], axis=1)


def as_columns(values: Outputs) -> Float[np.ndarray, "rows outputs"]:
    """One column an output, in float64."""
    return np.asarray(values, np.float64).reshape(len(values), -1)


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else float(value)


def _bound(record: dict[str, Any]) -> Bound:
    about = record["coverage"]
    coverage = None
    if about is not None:
        low, high = about["expected"]
        coverage = Coverage(Interval(**about["found"]), (low, high), _or_infinite(about["size"]))
    return Bound(record["level"], record["rank"], tuple(map(_or_infinite, record["quantile"])), coverage)
