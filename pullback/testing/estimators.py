"""The estimators of `pullback.learn`, and the checks that each of them inherits.

A new estimator is one line of `ESTIMATORS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import has_fit_parameter

ROWS_SAMPLED = "rows are drawn in batches, so a row twice is not a row of weight two"
WEIGHTS_OF_SAMPLED_ROWS = tuple(
    (f"check_sample_weight_equivalence_on_{kind}_data", ROWS_SAMPLED) for kind in ("dense", "sparse")
)


@dataclass(frozen=True)
class EstimatorExample:
    """An estimator with what the shared checks must know of it.

    Parameters
    ----------
    estimator : to be cloned.
    deterministic : whether weights of integers equal repeated rows to 1e-8.
    positive_target : whether the target of a regression must be positive.
    expected_failures : checks of scikit-learn that cannot hold, with the reason.
    """

    estimator: Any
    deterministic: bool = True
    positive_target: bool = False
    expected_failures: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        options = type(self.estimator)().get_params()
        changed = {k: v for k, v in self.estimator.get_params().items() if k in options and v != options[k]}
        return type(self.estimator).__name__ + "".join(f"-{k}={v}" for k, v in changed.items())


def scikit_learn_checks(example: EstimatorExample) -> list[Any]:
    """The checks of `sklearn.utils.estimator_checks` for this estimator, each ready to be called."""
    expected = dict(example.expected_failures)
    checks = estimator_checks_generator(example.estimator, expected_failed_checks=expected, mark=None)
    return list(checks)


def fresh(example: EstimatorExample) -> Any:
    """An unfitted estimator with the options of the example, and a fixed seed where it has one."""
    estimator: Any = clone(example.estimator)
    return estimator.set_params(random_state=0) if "random_state" in estimator.get_params() else estimator


def small_data(example: EstimatorExample, rows: int = 60, features: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Rows without separation: three classes, or a linear target with noise."""
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, features))
    if get_tags(example.estimator).input_tags.positive_only:
        X = np.abs(X)
    signal = X @ np.linspace(1, -1, features)
    if is_classifier(example.estimator):
        return X, np.digitize(signal + 2 * random.normal(size=rows), [-0.8, 0.8])
    target = signal + 0.3 * random.normal(size=rows)
    return X, np.exp(target / 2) if example.positive_target else target


def answer(fitted: Any, X: np.ndarray) -> Any:
    """What the fitted estimator makes of the rows: a prediction, or other columns."""
    return fitted.predict(X) if hasattr(fitted, "predict") else fitted.transform(X)


def check_weights_are_repetition(example: EstimatorExample) -> None:
    """A row of weight k is k equal rows, and one of weight zero is none."""
    if not has_fit_parameter(example.estimator, "sample_weight"):
        return
    X, y = small_data(example)
    weight = np.random.default_rng(1).integers(0, 4, size=len(y))
    repeated = np.repeat(np.arange(len(y)), weight)
    weighted = fresh(example).fit(X, y, sample_weight=weight)
    plain = fresh(example).fit(X[repeated], y[repeated])
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(weighted, method):
            np.testing.assert_allclose(getattr(weighted, method)(X), getattr(plain, method)(X), rtol=1e-8, atol=1e-8)
    for name in ("coef_", "intercept_", "standard_errors_", "log_likelihood_"):
        if hasattr(weighted, name):
            np.testing.assert_allclose(
                getattr(weighted, name), getattr(plain, name), rtol=1e-8, atol=1e-8, err_msg=name
            )


def check_float32_with_large_offset(example: EstimatorExample) -> None:
    """Inputs in float32 far from zero: the fit is that of the same numbers in float64."""
    X, y = small_data(example)
    X = (X + 1000).astype(np.float32)
    single = fresh(example).fit(X, y)
    double = fresh(example).fit(X.astype(np.float64), y)
    np.testing.assert_allclose(answer(single, X), answer(double, X.astype(np.float64)), rtol=1e-6)


def check_output_is_numpy(example: EstimatorExample) -> None:
    """Every fitted array is NumPy's, in float64 where it is real."""
    X, y = small_data(example)
    fitted = fresh(example).fit(X, y)
    assert type(answer(fitted, X)) is np.ndarray
    for name, value in vars(fitted).items():
        if name.endswith("_") and hasattr(value, "dtype"):
            assert isinstance(value, np.ndarray | np.generic), f"{name} is {type(value).__name__}"
            assert value.dtype != np.float32, f"{name} is float32"


CHECKS: tuple[Callable[[EstimatorExample], None], ...] = (
    check_weights_are_repetition,
    check_float32_with_large_offset,
    check_output_is_numpy,
)
