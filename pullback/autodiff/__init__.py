"""Derivatives of traced programs, by rules one can read."""

from __future__ import annotations

from pullback.autodiff import numerical
from pullback.autodiff.check import DerivativeCheck, check
from pullback.autodiff.curvature import gauss_newton_product, hessian, hvp, per_example_gradients, stop_gradient
from pullback.autodiff.describe import RuleDescription, describe_rule, rules_table
from pullback.autodiff.evaluation.evaluation_trace import EvaluationTrace
from pullback.autodiff.evaluation.trace import trace
from pullback.autodiff.forward import jvp
from pullback.autodiff.jacobian import jacobian
from pullback.autodiff.linearize import linearize
from pullback.autodiff.operations import gradient_cost
from pullback.autodiff.primitive import Operation, Rule, define, implementation, inner_jaxpr, transposed
from pullback.autodiff.program import equations, subprograms
from pullback.autodiff.reverse import grad, value_and_grad, vjp

__all__ = [
    "DerivativeCheck",
    "EvaluationTrace",
    "Operation",
    "Rule",
    "RuleDescription",
    "check",
    "define",
    "describe_rule",
    "equations",
    "gauss_newton_product",
    "grad",
    "gradient_cost",
    "hessian",
    "hvp",
    "implementation",
    "inner_jaxpr",
    "jacobian",
    "jvp",
    "linearize",
    "numerical",
    "per_example_gradients",
    "rules_table",
    "stop_gradient",
    "subprograms",
    "trace",
    "transposed",
    "value_and_grad",
    "vjp",
]
