"""Every estimator keeps scikit-learn's contract, and ours beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest

from pullback.learn import (
    ElasticNet,
    GeneralizedLinearRegressor,
    HuberRegressor,
    Lasso,
    LeastSquaresClassifier,
    LinearRegression,
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
    NaiveBayes,
    OneVsOne,
    OneVsRest,
    Perceptron,
    PolynomialFeatures,
    QuantileRegressor,
    RadialBasisFeatures,
    RandomFourierFeatures,
    Ridge,
    RidgePath,
    SoftmaxRegression,
    SplineFeatures,
)
from pullback.testing.estimators import CHECKS, WEIGHTS_OF_SAMPLED_ROWS, EstimatorExample, scikit_learn_checks

# One line an estimator, in the order of the alphabet.
ESTIMATORS: list[EstimatorExample] = [
    EstimatorExample(ElasticNet()),
    EstimatorExample(GeneralizedLinearRegressor()),
    EstimatorExample(HuberRegressor()),
    EstimatorExample(Lasso()),
    EstimatorExample(LeastSquaresClassifier()),
    EstimatorExample(LinearRegression()),
    EstimatorExample(LogisticRegression()),
    EstimatorExample(MLPClassifier(), deterministic=False, expected_failures=WEIGHTS_OF_SAMPLED_ROWS),
    EstimatorExample(MLPRegressor(), deterministic=False, expected_failures=WEIGHTS_OF_SAMPLED_ROWS),
    EstimatorExample(NaiveBayes()),
    EstimatorExample(NaiveBayes("multinomial")),
    EstimatorExample(NaiveBayes("bernoulli")),
    EstimatorExample(OneVsOne(NaiveBayes())),
    EstimatorExample(OneVsRest(NaiveBayes())),
    EstimatorExample(Perceptron(), deterministic=False, expected_failures=WEIGHTS_OF_SAMPLED_ROWS),
    EstimatorExample(PolynomialFeatures()),
    EstimatorExample(QuantileRegressor()),
    EstimatorExample(RadialBasisFeatures()),
    EstimatorExample(RandomFourierFeatures()),
    EstimatorExample(Ridge()),
    EstimatorExample(RidgePath()),
    EstimatorExample(SoftmaxRegression()),
    EstimatorExample(SplineFeatures()),
]

# Other families of estimators that are in the list already.
FAMILIES = [
    EstimatorExample(GeneralizedLinearRegressor(family="poisson"), positive_target=True),
    EstimatorExample(GeneralizedLinearRegressor(family="gamma"), positive_target=True),
]
EXAMPLES: list[Any] = [*ESTIMATORS, *(pytest.param(example, marks=pytest.mark.slow) for example in FAMILIES)]
# Whose contract takes longer than ten seconds: each of its hundred fits has other shapes, and compiles.
LONG = (
    GeneralizedLinearRegressor,
    HuberRegressor,
    LeastSquaresClassifier,
    MLPClassifier,
    MLPRegressor,
    RidgePath,
    SoftmaxRegression,
)
CONTRACTS = [
    pytest.param(example, marks=pytest.mark.slow if isinstance(example.estimator, LONG) else ())
    for example in (*ESTIMATORS, *FAMILIES)
]


def named(example: EstimatorExample) -> str:
    return example.name


@pytest.mark.parametrize("example", CONTRACTS, ids=named)
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)
def test_scikit_learn_contract(example: EstimatorExample) -> None:
    """`check_estimator`, with no exception but those that the example names with their reason."""
    expected = dict(example.expected_failures)
    failures = []
    for estimator, check in scikit_learn_checks(example):
        name = check.func.__name__
        if name in expected:
            continue
        try:
            check(estimator)
        except SkipTest:  # for want of an optional package
            continue
        except Exception as error:  # every failure at once, since each fit compiles
            failures.append(f"{name}: {type(error).__name__}: {error}")
    assert not failures, "\n".join(failures)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_shared(example: EstimatorExample, check: Callable[[Any], None]) -> None:
    if check.__name__ == "check_weights_are_repetition" and not example.deterministic:
        pytest.skip("rows are drawn in batches")
    check(example)


def test_every_estimator_is_checked() -> None:
    from sklearn.base import BaseEstimator

    from pullback import learn

    public = {value for value in vars(learn).values() if isinstance(value, type) and issubclass(value, BaseEstimator)}
    # A formula takes frames, not arrays; tests/test_learn_formula.py has its tests.
    public -= {learn.Formula}
    assert public == {type(example.estimator) for example in ESTIMATORS}
    assert np.all([example.name for example in ESTIMATORS])
