import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import scipy.stats
from PIL import Image
from sklearn.calibration import calibration_curve

from pullback.report.figures.images import are_images, image_addresses
from pullback.report.figures.learning_curves import learning_curves, wants_log_scale
from pullback.report.figures.residuals import normal_order_statistics, residual_panels, running_median
from pullback.report.number_text import seconds_text
from pullback.report.outcome import Classification
from pullback.report.reliability import outcome_bins
from pullback.report.run_folder import Epoch


def epochs(losses: list[float], rates: list[float] | None = None) -> list[Epoch]:
    rates = rates or [0.1] * len(losses)
    return [
        Epoch(number, number * 10, rate, {"loss": loss}, {"loss": 1.1 * loss}, False)
        for number, (loss, rate) in enumerate(zip(losses, rates, strict=True), 1)
    ]


def test_reliability_bins_are_those_of_scikit_learn():
    draw = np.random.default_rng(1)
    chance = draw.random(500)
    observed = (draw.random(500) < chance).astype(np.int64)
    outcome = Classification(np.log(np.column_stack([1 - chance, chance])), observed, ("no", "yes"), True)
    bins = outcome_bins(outcome, 0.95)
    frequency, probability = calibration_curve(observed, chance, n_bins=10)
    np.testing.assert_allclose([part.accuracy.value for part in bins], frequency)
    np.testing.assert_allclose([part.confidence for part in bins], probability)


def test_order_statistics_are_those_of_the_beta_distribution():
    median, lower, upper = normal_order_statistics(20)
    for k in (1, 10, 20):
        limits = scipy.stats.norm.ppf(scipy.stats.beta(k, 21 - k).ppf([0.025, 0.5, 0.975]))
        np.testing.assert_allclose([lower[k - 1], median[k - 1], upper[k - 1]], limits, rtol=1e-9)


def test_running_median_of_a_line_is_the_line():
    x = np.random.default_rng(0).permutation(300).astype(float)
    at, median = running_median(x, 2 * x + 1)
    np.testing.assert_allclose(median, 2 * at + 1)


def test_images_keep_their_values():
    images = np.linspace(-1, 3, 2 * 5 * 6).reshape(2, 5, 6, 1)
    for image, address in zip(images, image_addresses(images), strict=True):
        decoded = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L")
        np.testing.assert_allclose(np.asarray(decoded), (image[..., 0] + 1) / 4 * 255, atol=1.5)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 8, 8), True),
        ((3, 8, 8, 1), True),
        ((3, 8, 8, 3), True),
        ((3, 8, 8, 2), False),
        ((3, 30), False),
        ((3, 2, 8), False),
    ],
)
def test_what_is_an_image(shape, expected):
    assert are_images(np.zeros(shape)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 0.01], True), ([1.0, 0.5], False), ([1.0, 0.0], False), ([1.0, -0.01], False), ([], False)],
)
def test_log_scale_where_a_curve_spans_much_and_is_positive(values, expected):
    assert wants_log_scale(values) is expected


@pytest.mark.parametrize(
    "losses",
    [[1.0], [1.0, float("nan"), 0.5], [float("nan")] * 3, [0.0, 0.0], [-1.0, -2.0], [1e-12, 1e12], [5.0, 5.0, 5.0]],
)
def test_curves_of_any_course_are_drawn_as_well_formed_pictures(losses):
    panels = learning_curves(epochs(losses, [0.1 / number for number in range(1, len(losses) + 1)]), best=1)
    assert [panel.title for panel in panels] == ["Loss", "Learning rate"][: 1 + (len(losses) > 1)]
    for panel in panels:
        picture = ElementTree.fromstring(str(panel.svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
        assert picture.get("aria-label")


def test_residuals_that_do_not_vary_are_drawn():
    assert len(residual_panels(np.ones(5), np.ones(5))) == 3


def test_a_minute_is_told_in_seconds_and_an_hour_in_minutes():
    assert [seconds_text(value) for value in (0.5, 60, 119.6, 3600)] == ["500 ms", "60.0 s", "120 s", "1 h 0 min"]
