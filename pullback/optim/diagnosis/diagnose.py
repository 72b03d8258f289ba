"""What a minimization ran into, as findings with their numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from pullback.core.errors import ConfigurationError
from pullback.optim.convergence import ConvergenceOrder, convergence_order
from pullback.optim.diagnosis.arguments import refuse_compiled
from pullback.optim.diagnosis.critical_point import CriticalPoint, classify
from pullback.optim.diagnosis.curvature import Curvature, curvature_at
from pullback.optim.diagnosis.finding import Finding
from pullback.optim.diagnosis.step_size import is_quadratic
from pullback.optim.diagnosis.theory import THEORY, UNKNOWN, Theory
from pullback.optim.diagnosis.trace_findings import CHECKS, Course
from pullback.optim.methods import METHODS
from pullback.optim.reason import Reason, ended_with
from pullback.optim.result import OptimizationResult
from pullback.optim.tolerance import default_tolerance

# The whole Hessian is computed up to here, to name the kind of the end.
LARGEST_DENSE = 500


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What `diagnose` returns.

    Attributes
    ----------
    findings : each a `Finding`; their names are in `names`.
    curvature : where the minimization ended.
    critical_point : the kind of its end; `None` for more than 500 unknowns.
    convergence : order and rate observed.
    theory : what is known of the method.
    """

    findings: tuple[Finding, ...]
    curvature: Curvature
    critical_point: CriticalPoint | None
    convergence: ConvergenceOrder
    theory: Theory

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the findings."""
        return tuple(finding.name for finding in self.findings)

    def __getitem__(self, name: str) -> Finding:
        return {finding.name: finding for finding in self.findings}[name]

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or "nothing was found"


def diagnose(f: Callable[..., Any], result: Any, args: Any = ()) -> Diagnosis:
    r"""Why a minimization went as it went: the learning rate, the curvature, the kind of its end, its rate.

    | finding | what it says |
    |---|---|
    | "not-finite" | the value or gradient left the finite numbers, or the value fell without end |
    | "step-limit" | the steps were used up; how many more a digit takes at the observed rate |
    | "slow", "good", "edge", "diverging" | the learning rate of gradient descent beside $2/L$ |
    | "overshoot" | steps of gradient descent raised the value |
    | "zig-zag" | every step turns off the one before and repeats the one before that; needs `keep_path=True` |
    | "ill-conditioned" | $\kappa \ge 100$, with the best rate $(\kappa - 1)/(\kappa + 1)$ beside the observed one |
    | "saddle", "maximum", "degenerate" | the end is stationary and no strict minimum |
    | "plateau" | the value fell no more: whether that is rounding, $\lVert g \rVert \approx \sqrt{2 L \epsilon \lvert f \rvert}$ |
    | "negative-curvature" | the function curves down along steps or at the end |
    | "convergence" | observed order and rate beside those of theory; needs four steps above rounding |

    The curvature is that at the end; if the course left the finite numbers, that at its best point (`keep_path=True`).

    Parameters
    ----------
    f : the function that was minimized.
    result : what `minimize` returned for one start.
    args : the further arguments of `f`.

    Raises
    ------
    ConfigurationError, DerivativeError
        for a result of many starts, a function that does not fit it.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> from pullback.optim.methods import GradientDescent
    >>> def f(x):
    ...     return 5 * x[0] ** 2 + x[1] ** 2
    >>> found = diagnose(f, minimize(f, [1.0, 1.0], method=GradientDescent(learning_rate=0.21)))
    >>> print(found["diverging"])
    diverging: the learning rate 0.21 is above 2/L = 0.2: divergence certain

    References
    ----------
    Nocedal, Wright, "Numerical Optimization", 2nd edition, Springer (2006), chapters 2 and 3.
    """  # noqa: E501
    refuse_compiled("diagnose", result, args)
    if not isinstance(result, OptimizationResult):
        raise ConfigurationError(
            "there is no result to diagnose",
            expected="what minimize returned",
            got=type(result).__name__,
            fix="call diagnose(f, minimize(f, x0))",
        )
    if np.ndim(result.value):
        raise ConfigurationError(
            "the result is one of many starts",
            expected="the result of one start",
            got=f"{len(np.ravel(result.value))} starts",
            fix="run the start in question alone, with many=False",
        )
    course = _course(f, result, args)
    found = tuple(finding for finding in (check(course) for check in CHECKS) if finding is not None)
    return Diagnosis(found, course.curvature, course.critical_point, course.convergence, course.theory)


def _course(f: Any, result: OptimizationResult, args: Any) -> Course:
    names = {kind: name for name, kind in METHODS.items()}
    name = names.get(type(result.method), "")
    squares = bool(getattr(result.method, "squares", False))
    path = None if result.trace.x is None else _rows(result.trace.x)
    point = _judged(result)
    n = sum(np.size(leaf) for leaf in jax.tree.leaves(result.x))
    kind = None
    if n <= LARGEST_DENSE and bool(np.all(result.converged)):
        usual = default_tolerance(np.asarray(result.value).dtype)
        # Where it stopped with a tolerance of the user's, that is what counts as stationary.
        kind = classify(f, result.x, args, max(usual, 2 * float(result.gradient_norm)), squares)
    return Course(
        result=result,
        name=name,
        theory=THEORY.get(name, UNKNOWN),
        curvature=curvature_at(f, point, args, squares),
        critical_point=kind,
        convergence=convergence_order(result),
        quadratic=is_quadratic(f, point, args, squares),
        path=path,
    )


def _judged(result: OptimizationResult) -> Any:
    left_the_finite = ended_with(result.reason, Reason.not_finite, Reason.unbounded)
    if not left_the_finite or result.trace.x is None:
        return result.x
    best = int(np.nanargmin(np.asarray(result.trace.value)))
    return jax.tree.map(lambda leaf: leaf[best], result.trace.x)


def _rows(path: Any) -> np.ndarray:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(path)]
    rows = np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)
    return rows[np.all(np.isfinite(rows), axis=1)]
