import numpy as np
import pytest
import scipy.stats
from report_folders import Written, cancer_folder, diabetes_folder, digits_folder
from report_page import Page
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

import pullback.report
from pullback.metrics import calibrated_limit
from pullback.testing.peers import peer


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Written, Page]]:
    root = tmp_path_factory.mktemp("runs")
    written = {"digits": digits_folder(root), "cancer": cancer_folder(root), "diabetes": diabetes_folder(root)}
    return {name: (run, Page.of(pullback.report.write(run.path))) for name, run in written.items()}


def value_shown(page: Page, score: str) -> tuple[float, float]:
    """The number in a row of the table of scores, and half a unit of its last digit."""
    shown = page.row(score)[1].replace("\N{NARROW NO-BREAK SPACE}", "")
    return float(shown), 0.5000001 * 10.0 ** -len(shown.partition(".")[2])


def test_scores_of_many_classes_are_those_of_scikit_learn(runs):
    run, page = runs["digits"]
    predicted, probabilities = run.outputs.argmax(1), np.exp(run.outputs)
    probabilities /= probabilities.sum(1, keepdims=True)
    expected = {
        "Accuracy": np.mean(predicted == run.targets),
        "Balanced accuracy": balanced_accuracy_score(run.targets, predicted),
        "Macro F1": f1_score(run.targets, predicted, average="macro"),
        "Cross entropy": log_loss(run.targets, probabilities),
        "Brier score": brier_score_loss(run.targets, probabilities),
    }
    for score, value in expected.items():
        shown, tolerance = value_shown(page, score)
        assert shown == pytest.approx(value, abs=tolerance), score


def test_scores_of_two_classes_are_those_of_scikit_learn(runs):
    run, page = runs["cancer"]
    logit = run.outputs[:, 0].astype(float)
    chance = 1 / (1 + np.exp(-logit))
    expected = {
        "ROC AUC": roc_auc_score(run.targets, logit),
        "Brier score": brier_score_loss(run.targets, chance),
        "Cross entropy": log_loss(run.targets, chance),
        "Macro F1": f1_score(run.targets, logit > 0, average="macro"),
    }
    for score, value in expected.items():
        shown, tolerance = value_shown(page, score)
        assert shown == pytest.approx(value, abs=tolerance), score


def test_scores_of_a_regression_are_those_of_scikit_learn(runs):
    run, page = runs["diabetes"]
    expected = {
        "Root mean squared error": root_mean_squared_error(run.targets, run.outputs[:, 0]),
        "Mean absolute error": mean_absolute_error(run.targets, run.outputs[:, 0]),
        "R²": r2_score(run.targets, run.outputs[:, 0]),
    }
    for score, value in expected.items():
        shown, tolerance = value_shown(page, score)
        assert shown == pytest.approx(value, abs=tolerance), score


def test_every_score_has_rows_interval_level_and_method(runs):
    for name, scores in {"digits": 6, "cancer": 7, "diabetes": 3}.items():
        run, page = runs[name]
        start = next(place for place, row in enumerate(page.rows) if row[:2] == ["score", "value"])
        table = page.rows[start + 1 : start + 1 + scores]
        for row in table:
            assert str(len(run.targets)) in row and "95%" in row and row[-1]
            assert any(" – " in cell or " to " in cell for cell in row[2:3]), row


def test_scores_by_class_are_those_of_scikit_learn_and_statsmodels(runs):
    proportion = peer("statsmodels.stats.proportion")
    run, page = runs["digits"]
    predicted = run.outputs.argmax(1)
    precision, recall, f1, support = precision_recall_fscore_support(run.targets, predicted)
    start = next(place for place, row in enumerate(page.rows) if row[:3] == ["class", "rows", "recall"])
    for k, row in enumerate(page.rows[start + 1 : start + 11]):
        low, high = proportion.proportion_confint(int(round(recall[k] * support[k])), support[k], method="wilson")
        assert row[1] == str(support[k])
        assert row[2].split() == [f"{recall[k]:.3f}", f"{low:.3f}", "–", f"{high:.3f}"]
        assert row[3].startswith(f"{precision[k]:.3f}")
        negatives = run.targets != k
        assert row[4].startswith(f"{np.mean(predicted[negatives] != k):.3f}")
        assert row[5] == f"{f1[k]:.3f}"


def test_calibrated_limit_of_one_bin_is_the_binomial_quantile():
    rows, chance = 400, 0.55
    errors = np.abs(np.arange(rows + 1) / rows - chance)
    weights = scipy.stats.binom.pmf(np.arange(rows + 1), rows, chance)
    order = np.argsort(errors)
    exact = errors[order][np.searchsorted(np.cumsum(weights[order]), 0.95)]
    assert calibrated_limit(np.full(rows, chance)) == pytest.approx(exact, abs=0.003)
