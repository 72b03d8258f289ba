r"""What a model makes of each column of a table: permutation importance and partial dependence, with intervals.

Importance of column j: how much the loss rises when its values are shuffled among the rows,

$$ I_j = \frac{1}{n} \sum_i \Big( \frac{1}{R} \sum_r \ell(f(x_i^{(j, \pi_r)}), y_i) - \ell(f(x_i), y_i) \Big) $$

Partial dependence on column j: the mean prediction with that column set to v in every row,

$$ \bar f_j(v) = \frac{1}{n} \sum_i f(x_i^{(j = v)}) $$

Both on rows that the model was not fitted to, with Student's interval over the rows. That of the partial dependence is
of the difference from each row's own mean over the grid: what all values of the column share is no effect of it.
Both see the model, not the world: of two columns that say the same, each may look unimportant.

Sources: Breiman, "Random forests", Machine Learning 45 (2001); Fisher, Rudin, Dominici, "All models are wrong, but many
are useful", JMLR 20 (2019); Friedman, "Greedy function approximation", Annals of Statistics 29 (2001).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.random import generator
from pullback.data import Dataset
from pullback.prob import Interval, mean_interval
from pullback.train.table_features import Feature

FORMAT = 1
ROWS, REPEATS = 500, 5
FEWEST_ROWS = 10
GRID, DEPENDENCE_ROWS, DEPENDENCE_COLUMNS = 12, 200, 6
MOST_CURVES = 10
# Row evaluations in all; a bound on operations and not on time, so that the result is a function of the seed.
BUDGET, MULTIPLY_ADDS = 400_000, 2 * 10**10

# Outputs as numbers to look at (probabilities, or values in units), and one loss a row.
Evaluate = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def explanations(
    evaluate: Evaluate, data: Dataset, features: Sequence[Feature], seed: int, multiply_adds: int = 1
) -> dict[str, Any] | None:
    """Content of `explanations.json`, or None where there are too few rows or too many columns for the budget.

    Parameters
    ----------
    evaluate : (inputs, targets) -> (predictions with one column a curve, losses).
    data : held-out rows.
    multiply_adds : of the model for one row; a large model is asked less often.
    """
    budget = int(np.clip(MULTIPLY_ADDS / max(multiply_adds, 1), 5_000, BUDGET))
    rows = min(len(data), ROWS, budget // max(len(features), 1))
    if rows < FEWEST_ROWS:
        return None
    repeats = int(np.clip(budget // (rows * len(features)), 1, REPEATS))
    random = generator(seed, "permutation importance")
    part = data.take(np.sort(random.choice(len(data), rows, replace=False)))
    ranked = permutation_importance(evaluate, part, features, repeats, random)
    by_name = {feature.name: feature for feature in features}
    shown = [by_name[name] for name, _ in ranked if by_name[name].kind != "date"][:DEPENDENCE_COLUMNS]
    fewer = part.take(np.arange(min(rows, DEPENDENCE_ROWS, max(budget // (GRID * DEPENDENCE_COLUMNS), FEWEST_ROWS))))
    return {
        "format": FORMAT,
        "rows": rows,
        "repeats": repeats,
        "importance": [{"column": name, **_limits(interval)} for name, interval in ranked],
        "partial_dependence": [partial_dependence(evaluate, fewer, feature) for feature in shown],
    }


def permutation_importance(
    evaluate: Evaluate, data: Dataset, features: Sequence[Feature], repeats: int, random: np.random.Generator
) -> list[tuple[str, Interval]]:
    """Importance of each column with its interval, the largest first."""
    _, losses = evaluate(data.inputs, data.targets)
    found = []
    for feature in features:
        rises = np.zeros(len(data))
        for _ in range(repeats):
            shuffled = data.inputs.copy()
            order = random.permutation(len(data))
            shuffled[:, feature.positions] = data.inputs[order][:, feature.positions]
            rises += (evaluate(shuffled, data.targets)[1].astype(np.float64) - losses) / repeats
        found.append((feature.name, _mean(rises)))
    return sorted(found, key=lambda entry: -entry[1].value)


def partial_dependence(evaluate: Evaluate, data: Dataset, feature: Feature) -> dict[str, Any]:
    """Mean prediction over a grid of a column, each curve with its limits."""
    grid = _grid(feature, data.inputs)
    stacked = np.concatenate([feature.with_value(data.inputs, value) for value in grid])
    outputs = evaluate(stacked, np.tile(data.targets, (len(grid),) + (1,) * (data.targets.ndim - 1)))[0]
    curves = outputs.reshape(len(grid), len(data), -1)[..., :MOST_CURVES].astype(np.float64)
    values = [feature.mean + feature.scale * value for value in grid]
    return {
        "column": feature.name,
        "kind": feature.kind,
        "values": [float(value) for value in values],
        "labels": [feature.labels[int(place)] for place in grid] if feature.kind == "category" else None,
        "curves": [_curve(curves[..., number]) for number in range(curves.shape[2])],
    }


def _curve(predictions: np.ndarray) -> dict[str, list[float]]:
    """Mean over the rows at each grid value, and limits from the spread about each row's own mean."""
    own = predictions.mean(axis=0)
    limits = [_mean(values - own) for values in predictions]
    center = float(own.mean())
    return {
        "value": [center + interval.value for interval in limits],
        "lower": [center + interval.lower for interval in limits],
        "upper": [center + interval.upper for interval in limits],
    }


def _grid(feature: Feature, inputs: np.ndarray) -> np.ndarray:
    """Quantiles of a number between its 5th and 95th percentile, the two truth values, or the commonest labels."""
    if feature.kind == "boolean":
        return np.array([0.0, 1.0])
    if feature.kind == "number":
        values = inputs[:, feature.positions[0]].astype(np.float64)
        return np.unique(np.quantile(values, np.linspace(0.05, 0.95, GRID)))
    if feature.coded:
        codes = inputs[:, feature.positions[0]].astype(np.int64)
        counts = np.bincount(codes, minlength=len(feature.labels) + 1)[1:]
    else:
        counts = inputs[:, feature.positions].sum(axis=0)
    return np.sort(np.argsort(-counts, kind="stable")[:GRID]).astype(np.float64)


def _mean(values: np.ndarray) -> Interval:
    return mean_interval(len(values), float(values.sum()), float(np.square(values).sum()))


def _limits(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "lower": interval.lower, "upper": interval.upper}
