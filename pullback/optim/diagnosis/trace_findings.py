"""Findings that can be read off the course of a minimization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from pullback.optim.convergence import ConvergenceOrder
from pullback.optim.diagnosis.critical_point import DEGENERATE, MAXIMUM, SADDLE, CriticalPoint
from pullback.optim.diagnosis.curvature import Curvature
from pullback.optim.diagnosis.finding import Finding
from pullback.optim.diagnosis.step_size import label_of
from pullback.optim.diagnosis.theory import Theory
from pullback.optim.dynamics import optimal_parameters, spectral_radius
from pullback.optim.reason import Reason, ended_with
from pullback.optim.result import OptimizationResult

# From here on gradient descent needs more than a hundred steps a digit.
ILL_CONDITIONED = 100.0
# With fewer steps an order is chance.
FEWEST = 4


@dataclass(frozen=True, eq=False)
class Course:
    """A minimization that ended, with what was computed of it once.

    Parameters
    ----------
    result : what `minimize` returned.
    name : of the method.
    theory : what is known of its convergence.
    curvature : where it ended, or at the best point of a course that left the finite numbers.
    critical_point : the kind of its end; `None` for many unknowns.
    convergence : order and rate that were observed.
    quadratic : whether the function is one.
    path : the points, or `None` if they were not kept.
    """

    result: OptimizationResult
    name: str
    theory: Theory
    curvature: Curvature
    critical_point: CriticalPoint | None
    convergence: ConvergenceOrder
    quadratic: bool
    path: Float[np.ndarray, "rows n"] | None

    def ended(self, *reasons: Any) -> bool:
        """Whether it ended for one of these reasons."""
        return bool(ended_with(self.result.reason, *reasons))

    @property
    def learning_rate(self) -> float | None:
        """The last rate of gradient descent with a rate that was given."""
        rule = getattr(self.result.method, "learning_rate", None)
        # A rule that measures its rate is neither.
        given = self.name == "gradient_descent" and (
            callable(rule) or isinstance(rule, float | int | Array | np.ndarray)
        )
        lengths = np.asarray(self.result.trace.step_length)[1:]
        return float(lengths[-1]) if given and len(lengths) and np.isfinite(lengths[-1]) else None


def not_finite(course: Course) -> Finding | None:
    """The value or the gradient left the finite numbers, or the value fell without end."""
    if not course.ended(Reason.not_finite, Reason.not_finite_at_start, Reason.unbounded):
        return None
    steps, value = int(course.result.steps), float(course.result.value)
    text = f"{course.result.message}, after {steps} steps, where the value was {value:.6g}"
    return Finding("not-finite", text, {"steps": steps, "value": value})


def step_limit(course: Course) -> Finding | None:
    """The steps were used up, and at the observed rate so many more are needed."""
    if not course.ended(Reason.step_limit):
        return None
    steps, norm = int(course.result.steps), float(course.result.gradient_norm)
    evidence = {"steps": steps, "gradient_norm": norm}
    text = f"{steps} steps were not enough: the gradient norm is {norm:.3g}"
    if course.convergence.kind == "linear" and 0 < course.convergence.rate < 1:
        evidence["steps_per_digit"] = _steps_per_digit(course.convergence.rate)
        text += f", and a tenth of it takes {evidence['steps_per_digit']:.3g} more at the observed rate"
    return Finding("step-limit", text, evidence)


def _steps_per_digit(rate: float) -> float:
    return float(np.log(10) / -np.log(rate))


def step_size(course: Course) -> Finding | None:
    """The label of the learning rate."""
    rate = course.learning_rate
    if rate is None or not np.isfinite(course.curvature.largest):
        return None
    return label_of(course.curvature, rate, course.quadratic)


def overshoot(course: Course) -> Finding | None:
    """Steps of gradient descent that raised the value."""
    rate = course.learning_rate
    values = np.asarray(course.result.trace.value, np.float64)
    if rate is None or len(values) < 2:
        return None
    rises = int(np.sum(np.diff(values) > 1e-10 * np.abs(values[:-1])))
    if not rises:
        return None
    steepest = float(np.nanmax(np.asarray(course.result.trace.curvature)[1:]))
    text = f"{rises} of {len(values) - 1} steps raised the value"
    if rate * steepest > 2:
        text += f"; the curvature along a step reached {steepest:.6g}, above 2/alpha = {2 / rate:.6g}"
    return Finding("overshoot", text, {"rises": rises, "steps": len(values) - 1, "curvature": steepest})


def zig_zag(course: Course) -> Finding | None:
    """Every step turns by a right angle or more, and every second one goes the same way."""
    if course.path is None or len(course.path) < 8:
        return None
    steps = np.diff(course.path, axis=0)[len(course.path) // 4 :]
    lengths = np.linalg.norm(steps, axis=1)
    units = steps[lengths > 0] / lengths[lengths > 0, None]
    if len(units) < 5:
        return None
    next_one = float(np.median(np.sum(units[1:] * units[:-1], axis=1)))
    next_but_one = float(np.median(np.sum(units[2:] * units[:-2], axis=1)))
    if next_one > 0.1 or next_but_one < 0.9:
        return None
    text = f"each step turns off the one before (cosine {next_one:.3f}) and repeats the one before that"
    return Finding(
        "zig-zag",
        f"{text} ({next_but_one:.3f}): a second-order or conjugate method, or momentum, goes along the valley",
        {"cosine": next_one, "second_cosine": next_but_one},
    )


def ill_conditioned(course: Course) -> Finding | None:
    """A large condition number, with the best rate that it allows to gradient descent."""
    condition = float(course.curvature.condition_number)
    if not ILL_CONDITIONED <= condition < np.inf:
        return None
    best = optimal_parameters(1.0, condition, method="gradient_descent").rate
    evidence = {"condition_number": condition, "best_rate": best}
    text = f"the condition number is {condition:.4g}: gradient descent shrinks the error at best by {best:.6g} a step"
    if course.convergence.kind == "linear":
        evidence["observed_rate"] = course.convergence.rate
        text += f"; observed {course.convergence.rate:.6g}"
    return Finding("ill-conditioned", text, evidence)


def kind_of_end(course: Course) -> Finding | None:
    """An end at a stationary point that is no strict minimum."""
    point = course.critical_point
    if point is None or point.kind not in (SADDLE, MAXIMUM, DEGENERATE):
        return None
    name = {SADDLE: "saddle", MAXIMUM: "maximum", DEGENERATE: "degenerate"}[point.kind]
    text = f"it ended at a point where {point.reason}"
    if name != "degenerate":
        text += "; start beside it, or use a trust region, which leaves along negative curvature"
    return Finding(name, text, {"smallest_eigenvalue": float(point.eigenvalues[0])})


def plateau(course: Course) -> Finding | None:
    """Why the value fell no more: rounding, or something else."""
    if not course.ended(Reason.plateau, Reason.line_search_failed, Reason.radius_collapsed):
        return None
    value, norm = float(course.result.value), float(course.result.gradient_norm)
    eps = float(np.finfo(np.asarray(course.result.value).dtype).eps)
    floor = (2 * float(course.curvature.smoothness) * eps * abs(value)) ** 0.5
    evidence = {"gradient_norm": norm, "floor": floor, "value": value}
    if norm <= 10 * floor:
        text = f"rounding of the value {value:.6g} hides what is gained below a gradient norm of about {floor:.2g}"
        return Finding("plateau", f"{text}, and {norm:.2g} was reached: that is the end of this precision", evidence)
    text = f"the value fell no more at a gradient norm of {norm:.3g}, far above the floor of rounding {floor:.2g}"
    return Finding("plateau", f"{text}: look at the other findings", evidence)


def negative_curvature(course: Course) -> Finding | None:
    """Steps across, or an end in, a region where the function curves down."""
    if course.ended(Reason.not_finite_at_start):
        return None
    curvatures = np.asarray(course.result.trace.curvature)[1:]
    met, lowest = int(np.sum(curvatures < 0)), float(np.nanmin(curvatures, initial=np.inf))
    smallest, bound = float(course.curvature.smallest), float(course.curvature.smallest_bound)
    if not met and not smallest < -bound:
        return None
    places = [f"{met} of {len(curvatures)} steps"] if met else []
    places += [f"the end, with eigenvalue {smallest:.4g}"] if smallest < -bound else []
    evidence = {"steps": met, "smallest_eigenvalue": smallest}
    if met:
        evidence["lowest_curvature"] = lowest
    return Finding("negative-curvature", f"the function curves down along {' and at '.join(places)}", evidence)


def convergence(course: Course) -> Finding | None:
    """Observed order and rate beside those of theory."""
    found = course.convergence
    steps = found.last - found.first + 1
    if not np.isfinite(found.order) or steps < FEWEST:
        return None
    observed = f"observed order {found.order:.2f} ({found.kind}) over the last {steps} steps above rounding"
    if not 0.9 <= found.order <= 2.5:
        observed += ", which scatter"
    evidence = {"order": found.order, "rate": found.rate, "steps": steps}
    if course.theory.order is not None:
        evidence["theoretical_order"] = course.theory.order
    if found.kind == "linear":
        observed += f", factor {found.rate:.4g} a step"
        expected = expected_rate(course)
        if expected is not None:
            evidence["theoretical_rate"] = expected
            observed += f" (theory {expected:.4g})"
        if 0 < found.rate < 1:
            evidence["steps_per_digit"] = _steps_per_digit(found.rate)
            observed += f", {evidence['steps_per_digit']:.3g} steps a digit"
    return Finding("convergence", f"{observed}; theory: {course.theory.statement}", evidence)


def expected_rate(course: Course) -> float | None:
    """The factor of the error a step where theory has one for the curvature found."""
    smallest, largest = float(course.curvature.strong_convexity), float(course.curvature.smoothness)
    if smallest <= 0:
        return None
    if course.learning_rate is not None:
        ends = np.array([smallest, largest])
        return float(spectral_radius(ends, course.learning_rate, method="gradient_descent"))
    if course.name == "steepest_descent":
        return (largest - smallest) / (largest + smallest)
    return None


CHECKS = (
    not_finite,
    step_limit,
    step_size,
    overshoot,
    zig_zag,
    ill_conditioned,
    kind_of_end,
    plateau,
    negative_curvature,
    convergence,
)
