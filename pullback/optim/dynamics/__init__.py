"""Optimization as dynamics: methods on a quadratic as linear systems, gradient descent as a step along the flow."""

from __future__ import annotations

from pullback.optim.dynamics.errors import observed_rate, predicted_errors
from pullback.optim.dynamics.flow import FlowOrder, flow_order, gradient_flow, quadratic_flow
from pullback.optim.dynamics.iteration import METHODS, iteration_eigenvalues, iteration_matrix, spectral_radius
from pullback.optim.dynamics.parameters import OptimalParameters, optimal_parameters, stability_limit

__all__ = [
    "METHODS",
    "FlowOrder",
    "OptimalParameters",
    "flow_order",
    "gradient_flow",
    "iteration_eigenvalues",
    "iteration_matrix",
    "observed_rate",
    "optimal_parameters",
    "predicted_errors",
    "quadratic_flow",
    "spectral_radius",
    "stability_limit",
]
