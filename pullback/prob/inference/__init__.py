"""Inference from a maximized likelihood: covariances, tests, intervals, and the table of them."""

from __future__ import annotations

from pullback.optim.diagnosis.finding import Finding
from pullback.prob.inference.covariance import COVARIANCE_KINDS, sandwich_covariance
from pullback.prob.inference.delta_method import DerivedEstimates, delta_method
from pullback.prob.inference.hypothesis_test import HypothesisTest
from pullback.prob.inference.inference import Inference
from pullback.prob.inference.information_criteria import akaike_information_criterion, bayesian_information_criterion
from pullback.prob.inference.laplace import LaplacePosterior, laplace_approximation
from pullback.prob.inference.score_test import score_test
from pullback.prob.inference.summary import Summary
from pullback.prob.inference.wald_test import wald_test

__all__ = [
    "COVARIANCE_KINDS",
    "DerivedEstimates",
    "Finding",
    "HypothesisTest",
    "Inference",
    "LaplacePosterior",
    "Summary",
    "akaike_information_criterion",
    "bayesian_information_criterion",
    "delta_method",
    "laplace_approximation",
    "sandwich_covariance",
    "score_test",
    "wald_test",
]
