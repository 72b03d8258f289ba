from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from pullback.report.findings.classification import classification_findings
from pullback.report.findings.interval import held_out_findings, interval_finding
from pullback.report.findings.regression import regression_findings
from pullback.report.findings.training import training_findings
from pullback.report.outcome import Classification, Regression
from pullback.report.run_folder import Data, Epoch, Estimate, Finished, RunFolder

EMPTY = RunFolder(
    path=Path("run"), id="run", created="", command=None, recipe={}, settings={"epochs": 20},
    data=Data("data", "classification", None, None, (), {}, {}), environment={}, model=None, preprocessing=(),
    epochs=(), finished=None, failure=None, evaluations={}, timing=(), predictions=None,
)  # fmt: skip


def run_with(train: list[float], validation: list[float], reason: str | None = "epochs done") -> RunFolder:
    best = int(np.argmin(validation)) + 1
    epochs = tuple(
        Epoch(number, number, 0.1, {"loss": a}, {"loss": b}, number == best)
        for number, (a, b) in enumerate(zip(train, validation, strict=True), 1)
    )
    return replace(EMPTY, epochs=epochs, finished=None if reason is None else Finished(reason, best))


def outcome_of(confusion: np.ndarray, confidence: float = 0.9) -> Classification:
    """Rows with this confusion matrix, each predicted with the same probability."""
    observed, predicted = (np.repeat(place, confusion.ravel()) for place in np.indices(confusion.shape).reshape(2, -1))
    classes = len(confusion)
    probabilities = np.full((len(observed), classes), (1 - confidence) / (classes - 1))
    probabilities[np.arange(len(observed)), predicted] = confidence
    return Classification(np.log(probabilities), observed, tuple("abcdefgh"[:classes]), classes == 2)


def titles(findings):
    return {finding.title: finding for finding in findings}


def test_a_falling_curve_asks_for_more_epochs():
    losses = [2.0 * 0.9**epoch for epoch in range(20)]
    found = titles(training_findings(run_with(losses, losses)))
    assert found["Validation loss still falls at the end"].caution
    assert "below the 4 epochs before" in found["Validation loss still falls at the end"].text
    percent = 1 - 0.9**4
    assert f"{100 * percent:.0f}%" in found["Validation loss still falls at the end"].text
    assert "The last epoch, 20, was kept" in found


def test_a_rising_curve_is_called_rising():
    losses = [1.0 / epoch if epoch < 10 else 0.1 + 0.02 * (epoch - 10) for epoch in range(1, 21)]
    found = titles(training_findings(run_with([0.02] * 20, losses)))
    assert "Validation loss rose again" in found and "Epoch 10 of 20 was kept" in found
    assert found["Validation loss is 5.0 times the training loss"].caution


def test_a_level_curve_with_equal_losses():
    found = titles(training_findings(run_with([0.5] * 20, [0.5] * 20)))
    assert {"Validation loss has leveled off", "Training and validation loss are close together"} <= found.keys()


def test_early_stopping_and_interruption_are_told():
    stopped = titles(training_findings(run_with([1.0], [1.0], "early stopping: loss has not improved for 5 epochs")))
    assert "Training ended after 1 of 20 epochs." in stopped["Stopped early"].text
    assert titles(training_findings(run_with([1.0], [1.0], None)))["Not finished"].caution
    assert titles(training_findings(EMPTY))["No epoch is recorded"].caution


def test_accuracy_never_stands_without_the_constant_answer():
    found = titles(classification_findings(outcome_of(np.array([[95, 0], [5, 0]]), 0.95)))
    text = found["Classes are unequal in size"].text
    assert "Always answering “a” would be correct for 95 of 100 rows (accuracy 0.950); the model reaches 0.950" in text
    assert "0 of 5 are recognized" in found["“b” has the lowest recall"].text
    assert found["“b” has the lowest recall"].caution


def test_the_lowest_of_many_recalls_is_judged_as_the_lowest():
    confusion = np.diag([50] * 8)
    confusion[2, 2], confusion[2, 3] = 48, 2
    found = titles(classification_findings(outcome_of(confusion)))
    # Two of two errors fall into one of eight equal classes with probability 49 / 399.
    assert f"(p = {49 / 399:.3f})" in found["“c” has the lowest recall"].text
    assert not found["“c” has the lowest recall"].caution
    assert found["Most frequent confusion"].text == "“c” taken for “d”: 2 of 2 errors."
    confusion[2, 2], confusion[2, 3] = 25, 25
    assert titles(classification_findings(outcome_of(confusion)))["“c” has the lowest recall"].caution


@pytest.mark.parametrize(
    ("confidence", "title"),
    [(0.99, "Overconfident"), (0.6, "Underconfident"), (0.8, "Confidence fits accuracy on average")],
)
def test_confidence_is_compared_with_accuracy(confidence, title):
    assert title in titles(classification_findings(outcome_of(np.array([[80, 20], [20, 80]]), confidence)))


def test_bias_and_spread_of_residuals():
    draw = np.random.default_rng(0)
    predicted = draw.uniform(1, 10, 400)
    even = titles(regression_findings(Regression(predicted[:, None], (predicted + draw.normal(size=400))[:, None])))
    assert {"No bias can be seen", "The spread of the residuals is even"} <= even.keys()
    observed = predicted + 3 + predicted * draw.normal(size=400)
    uneven = titles(regression_findings(Regression(predicted[:, None], observed[:, None])))
    assert uneven["Predictions are too low on average"].caution
    assert uneven["The spread of the residuals grows with the prediction"].caution
    residuals = observed - predicted
    low, high = scipy.stats.t.interval(0.95, 399, residuals.mean(), scipy.stats.sem(residuals))
    assert f"{low:.2f} – {high:.2f}" in uneven["Predictions are too low on average"].text


def test_a_model_worse_than_the_mean_is_cautioned():
    observed = np.arange(20.0)
    found = titles(regression_findings(Regression(observed[::-1, None], observed[:, None])))
    assert found["Against the best constant answer"].caution


def test_the_interval_is_put_in_words():
    finding = interval_finding("accuracy", Estimate(0.972, 0.95, 0.985, 0.95, 360, "wilson"))
    assert finding is not None and "3.5 percentage points wide" in finding.text
    assert interval_finding("loss", Estimate(0.3)) is None
    assert [finding.title for finding in held_out_findings(run_with([1.0], [1.0]))] == ["No test data"]
