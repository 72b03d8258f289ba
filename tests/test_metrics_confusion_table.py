"""Scores of labels with their intervals: values of scikit-learn, limits of SciPy, coverage by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn.metrics

from pullback.core.errors import ConfigurationError, DataError
from pullback.metrics import ConfusionTable, confusion_table
from pullback.metrics.confusion_intervals import F_SCORES, RATES
from pullback.metrics.confusion_table import TABLE_SCORES

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.integers(0, 4, 200)
CALLED = np.where(RANDOM.random(200) < 0.6, TRUE, RANDOM.integers(0, 4, 200))
WEIGHTS = RANDOM.integers(0, 4, 200)
NAMES = np.array(["ash", "beech", "cedar", "Douglas fir"])


def recall_of_others(y: Any, p: Any, *, average: str, sample_weight: Any, precision: bool = False) -> float:
    """Specificity, or negative predictive value, from scikit-learn's table of each class against the others."""
    cells = sklearn.metrics.multilabel_confusion_matrix(y, p, sample_weight=sample_weight).astype(float)
    hits, others = cells[:, 0, 0], cells[:, 0, 0] + (cells[:, 1, 0] if precision else cells[:, 0, 1])
    if average == "micro":
        return hits.sum() / others.sum()
    return np.average(hits / others, weights=cells[:, 1].sum(1) if average == "weighted" else None)


WHOLE: dict[str, Callable[..., float]] = {
    "accuracy": sklearn.metrics.accuracy_score,
    "balanced_accuracy": sklearn.metrics.balanced_accuracy_score,
    "matthews_correlation": sklearn.metrics.matthews_corrcoef,
    "cohen_kappa": sklearn.metrics.cohen_kappa_score,
}
AVERAGED: dict[str, Callable[..., float]] = {
    "precision": sklearn.metrics.precision_score,
    "recall": sklearn.metrics.recall_score,
    "sensitivity": sklearn.metrics.recall_score,
    "specificity": recall_of_others,
    "negative_predictive_value": lambda *rows, **settings: recall_of_others(*rows, precision=True, **settings),
    "f1": sklearn.metrics.f1_score,
    "f_beta": lambda *rows, **settings: sklearn.metrics.fbeta_score(*rows, beta=0.5, **settings),
}


def test_every_score_has_an_oracle() -> None:
    assert set(TABLE_SCORES) == set(WHOLE) | set(AVERAGED)


@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS / 1.7], ids=["rows", "counts", "fractions"])
def test_values_are_those_of_scikit_learn(weights: np.ndarray | None) -> None:
    table = confusion_table(TRUE, CALLED, sample_weight=weights)
    for name, theirs in WHOLE.items():
        assert table.score(name).value == pytest.approx(theirs(TRUE, CALLED, sample_weight=weights), rel=1e-12), name
    for name, theirs in AVERAGED.items():
        for average in ("macro", "micro", "weighted"):
            ours = table.score(name, average=average, beta=0.5)
            expected = theirs(TRUE, CALLED, average=average, sample_weight=weights)
            assert ours.value == pytest.approx(expected, rel=1e-12), (name, average)
            assert ours.lower < ours.value < ours.upper and ours.n == round(table.n)
    counts = sklearn.metrics.confusion_matrix(TRUE, CALLED, sample_weight=weights)
    np.testing.assert_allclose(table.counts, counts, rtol=1e-12)


@pytest.mark.parametrize("name", TABLE_SCORES)
def test_a_weight_is_as_many_equal_rows(name: str) -> None:
    weighted = confusion_table(TRUE, CALLED, sample_weight=WEIGHTS)
    repeated = confusion_table(np.repeat(TRUE, WEIGHTS), np.repeat(CALLED, WEIGHTS))
    choices = [{}] if name in WHOLE else [{"label": 2}, {"average": "macro"}, {"average": "micro"}]
    for choice in choices:
        assert weighted.score(name, beta=2.0, **choice) == repeated.score(name, beta=2.0, **choice)


@pytest.mark.parametrize("name", [*RATES, *F_SCORES])
def test_rates_of_one_class_are_those_of_two_classes(name: str) -> None:
    table = confusion_table(NAMES[TRUE], NAMES[CALLED])
    for k, label in enumerate(NAMES.tolist()):
        alone = confusion_table(TRUE == k, CALLED == k)
        one, two = table.score(name, label=label, beta=2.0), alone.score(name, beta=2.0)
        assert one.value == pytest.approx(two.value, rel=1e-12)
        assert one.n == two.n
    expected = sklearn.metrics.fbeta_score(TRUE == 3, CALLED == 3, beta=2)
    assert confusion_table(TRUE == 3, CALLED == 3).score("f_beta", beta=2).value == pytest.approx(expected, rel=1e-12)


def test_limits_of_proportions_are_wilsons() -> None:
    table = confusion_table(TRUE, CALLED)
    hits, called, true = table.counts[1, 1], table.counts[:, 1].sum(), table.counts[1].sum()
    trials = {
        "precision": (hits, called),
        "recall": (hits, true),
        "specificity": (200 - true - called + hits, 200 - true),
        "negative_predictive_value": (200 - true - called + hits, 200 - called),
    }
    for name, (successes, n) in trials.items():
        theirs = scipy.stats.binomtest(int(successes), int(n)).proportion_ci(0.9, method="wilson")
        ours = table.score(name, label=1, level=0.9)
        np.testing.assert_allclose([ours.lower, ours.upper], [theirs.low, theirs.high], rtol=1e-10)
        assert (ours.n, ours.method) == (n, "wilson")


def test_limits_of_f1_are_those_of_the_jaccard_index() -> None:
    ours = confusion_table(TRUE == 1, CALLED == 1).score("f1")
    hits, either = int(((TRUE == 1) & (CALLED == 1)).sum()), int(((TRUE == 1) | (CALLED == 1)).sum())
    theirs = scipy.stats.binomtest(hits, either).proportion_ci(0.95, method="wilson")
    assert hits / either == pytest.approx(sklearn.metrics.jaccard_score(TRUE == 1, CALLED == 1), rel=1e-12)
    limits = [limit / (2 - limit) for limit in (ours.lower, ours.upper)]
    np.testing.assert_allclose(limits, [theirs.low, theirs.high], rtol=1e-10)


def test_what_is_not_known_is_nan_with_the_reason() -> None:
    table = confusion_table(["a", "b", "a", "c"], ["a", "a", "a", "c"])
    found = table.score("precision", label="b")
    assert math.isnan(found.value) and (found.lower, found.upper, found.n) == (0, 1, 0)
    assert found.method == "no row is called b"
    assert table.score("precision", label="b", zero_division=0.0).value == 0
    y, p = ["a", "b", "a", "c"], ["a", "a", "a", "c"]
    for zero in (math.nan, 0.0, 1.0):
        theirs = sklearn.metrics.precision_score(y, p, average="macro", zero_division=zero)
        assert table.score("precision", average="macro", zero_division=zero).value == pytest.approx(theirs)
    one = confusion_table([1, 1], [1, 1])
    assert math.isnan(one.score("cohen_kappa").value) and "one class" in one.score("matthews_correlation").method
    assert one.score("matthews_correlation", zero_division=0.0).value == 0


def test_labels_of_any_kind_and_order() -> None:
    counts = confusion_table(TRUE, CALLED).counts
    for true, called in ((NAMES[TRUE], NAMES[CALLED]), (pd.Series(NAMES[TRUE]), list(NAMES[CALLED]))):
        backwards = confusion_table(true, called, labels=NAMES[::-1].tolist())
        np.testing.assert_array_equal(backwards.counts, counts[::-1, ::-1])
    extra = confusion_table(TRUE, CALLED, labels=[0, 1, 2, 3, 9])
    assert extra.score("f1") == confusion_table(TRUE, CALLED).score("f1")
    assert extra.score("recall", label=9).n == 0


def test_summary_shows_every_number() -> None:
    summary = confusion_table(NAMES[TRUE], NAMES[CALLED]).summary(0.9)
    text, page = str(summary), summary._repr_html_()
    for label, rates in summary.classes.items():
        for interval in rates.values():
            assert interval.level == 0.9
            shown = f"{interval.value:.3f} [{interval.lower:.3f}, {interval.upper:.3f}]"
            assert shown in text and shown in page and label in text
    assert "cohen kappa" in text and "90% intervals" in text
    assert "&lt;b&gt;" in confusion_table(["<b>", "c"], ["c", "c"]).summary()._repr_html_()


BAD: dict[str, tuple[Callable[[], ConfusionTable], str]] = {
    "missing": (lambda: confusion_table([0.0, math.nan], [0, 1]), "nan in row 1"),
    "none": (lambda: confusion_table(["a", "b"], ["a", None]), "None in row 1"),
    "unknown": (lambda: confusion_table([0, 7, 8], [0, 1, 1], labels=[0, 1]), "7 in row 1, and 1 more"),
    "lengths": (lambda: confusion_table([0, 1], [0]), "2 and 1"),
    "kinds": (lambda: confusion_table(["0", "1"], [0, 1]), "strings"),
    "mixed": (lambda: confusion_table(["0", 1], ["0", "1"]), "'0' and 1"),
    "empty": (lambda: confusion_table([], []), "at least one row"),
    "matrix": (lambda: confusion_table(np.eye(2), np.eye(2)), "one a row"),
    "negative weight": (lambda: confusion_table([0, 1], [0, 1], sample_weight=[1, -1]), "-1.0 in row 1"),
    "shares": (lambda: confusion_table([0, 1], [0, 1], sample_weight=[0.4, 0.5]), "less than one row"),
    "weights": (lambda: confusion_table([0, 1], [0, 1], sample_weight=[1]), "differ in length"),
    "twice": (lambda: confusion_table([0, 1], [0, 1], labels=[0, 1, 0]), "names one twice"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named(name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(DataError, match=words):
        make()


def test_unknown_names_are_refused() -> None:
    table = confusion_table(TRUE, CALLED)
    with pytest.raises(ConfigurationError, match="did you mean 'precision'"):
        table.score("precison")
    with pytest.raises(ConfigurationError, match="macro"):
        table.score("precision", average="makro")
    with pytest.raises(DataError, match="one of 0, 1, 2, 3"):
        table.score("precision", label=5)


SIMULATED: dict[str, dict[str, Any]] = {
    "accuracy": {},
    "balanced_accuracy": {},
    "matthews_correlation": {},
    "cohen_kappa": {},
    "precision": {"label": 0},
    "recall": {"average": "macro"},
    "negative_predictive_value": {"average": "weighted"},
    "specificity": {"average": "micro"},
    "f1": {"label": 2},
    "f_beta": {"label": 1, "beta": 2.0},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATED)
@pytest.mark.parametrize("n", [60, 400])
def test_intervals_cover_the_true_score(name: str, n: int) -> None:
    cells = np.array([[0.35, 0.05, 0.02], [0.04, 0.22, 0.04], [0.03, 0.05, 0.20]])
    truth = ConfusionTable((0, 1, 2), cells * 1e6).score(name, **SIMULATED[name]).value
    random, covered, sets = np.random.default_rng(3), 0, 500
    for _ in range(sets):
        counts = random.multinomial(n, cells.ravel()).reshape(3, 3)
        covered += truth in ConfusionTable((0, 1, 2), counts).score(name, **SIMULATED[name])
    # The 99.9% band of a binomial count is 0.032 wide to each side; discreteness takes or gives half a percent.
    assert abs(covered / sets - 0.95) < 0.037
