"""Why a derivative disagrees with differences: the likely cause, told from values and from the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn

from pullback.autodiff.compared import SINGLE, Compared
from pullback.autodiff.compared_entry import Entry
from pullback.autodiff.differences import noise
from pullback.autodiff.program import equations

Cause = Literal["none", "not finite", "wrong rule", "kink", "cut off", "rounding noise"]

# Operations through which no derivative passes.
_CUTS = {
    "stop_gradient": "stop_gradient",
    "floor": "floor",
    "ceil": "ceil",
    "round": "round",
    "sign": "sign",
    "argmax": "argmax",
    "argmin": "argmin",
    "reduce_precision": "reduce_precision",
}
Scalar = Callable[[float], float]


def diagnose(compared: Compared, worst: Entry, modes_agree: bool) -> tuple[Cause, str]:
    """The likely cause of the worst disagreement, as a keyword and in words."""
    with jax.enable_x64(True):
        return _diagnose(compared, worst, modes_agree)


def _diagnose(compared: Compared, worst: Entry, modes_agree: bool) -> tuple[Cause, str]:
    program = _program(compared)
    curve = _curve(compared, worst)
    scale = compared.scale(worst.direction)
    level = _noise_level(curve, scale, compared.epsilon)
    for finding in (
        _not_finite(compared, worst),
        None if modes_agree else _modes_disagree(compared, worst, program),
        _noise(level, scale, worst),
        _kink(curve, scale, worst, level),
        _cut(worst, program),
    ):
        if finding is not None:
            return finding
    return (
        "wrong rule",
        f"the function is smooth here, and {worst.mode} mode gives {worst.ours:.6g}; {_custom_rules(program)}",
    )


def _curve(compared: Compared, worst: Entry) -> Scalar:
    return lambda t: float(worst.weights @ compared.along(worst.direction, t))


def _not_finite(compared: Compared, worst: Entry) -> tuple[Cause, str] | None:
    if not compared.finite:
        number = int(np.flatnonzero(~np.isfinite(compared.numerical.outputs.vector))[0])
        place = compared.numerical.outputs.place(number) or "the result"
        return "not finite", f"{place} itself is {compared.numerical.outputs.vector[number]} at this point"
    if np.isfinite(worst.ours):
        return None
    return "not finite", (
        f"{worst.mode} mode gives {worst.ours} where the function is finite, as 0/0 or inf * 0 inside a derivative "
        "does; jax.numpy.where helps only if its unused branch is made harmless before it is computed"
    )


def _modes_disagree(compared: Compared, worst: Entry, program: ClosedJaxpr) -> tuple[Cause, str]:
    other = "reverse" if worst.mode == "forward" else "forward"
    return "wrong rule", (
        f"the two modes disagree with each other and {other} mode is closer to the differences, so that the rule of "
        f"{worst.mode} mode is wrong; {_custom_rules(program)}"
    )


def _kink(curve: Scalar, scale: float, worst: Entry, level: float) -> tuple[Cause, str] | None:
    """One-sided slopes that stay apart however small the step is."""
    start = curve(0.0)
    slopes = []
    for step in (1e-3 * scale, 1e-5 * scale):
        slopes.append(((start - curve(-step)) / step, (curve(step) - start) / step))
    gaps = [abs(right - left) for left, right in slopes]
    (left, right), size = slopes[1], max(map(abs, slopes[1]))
    # Where the slope is continuous the gap falls with the step, here to a hundredth.
    if not gaps[1] > max(0.2 * gaps[0], 1e-3 * size, 10 * level / (1e-5 * scale)):
        return None
    if gaps[1] > 20 * gaps[0]:
        return (
            "kink",
            f"the value jumps here; differences across a jump mean nothing, and the derivative is {worst.ours:.6g}",
        )
    return "kink", (
        f"the slope is {left:.6g} to one side and {right:.6g} to the other; by the convention for this kink the "
        f"derivative is {worst.ours:.6g}, and any value between the slopes would do. Check at a point away from it"
    )


def _cut(worst: Entry, program: ClosedJaxpr) -> tuple[Cause, str] | None:
    if worst.ours != 0.0:
        return None
    found = sorted({name for equation in equations(program) if (name := _cut_name(equation))})
    seen = f"the program contains {', '.join(found)}" if found else "look for a value that was computed outside"
    return "cut off", f"no derivative reaches this argument although the result depends on it; {seen}"


def _cut_name(equation: JaxprEqn) -> str | None:
    name = equation.primitive.name
    if name == "convert_element_type" and np.issubdtype(equation.params["new_dtype"], np.integer):
        return "a conversion to integers"
    return _CUTS.get(name)


def _noise_level(curve: Scalar, scale: float, epsilon: float) -> float:
    """Scatter of neighboring values, measured beside the point so that a jump at it does not count."""
    values = lambda t: np.array([curve(float(t.real))])  # noqa: E731
    single = min(float(noise(values, 1e-3 * scale, scale, precision)[0]) for precision in (SINGLE, SINGLE / 4))
    return max(single, float(noise(values, 1e-3 * scale, scale, epsilon)[0]))


def _noise(level: float, scale: float, worst: Entry) -> tuple[Cause, str] | None:
    """The function is rougher than its precision, by as much as would explain the error."""
    step = 0.1 / 2**4 * scale
    if not abs(worst.ours - worst.numerical) <= 20 * level / step:
        return None
    return "rounding noise", (
        f"neighboring values scatter by {level:.1g}, which differences magnify to {level / step:.1g}; compute in "
        "float64 throughout, take large constants out, or pass a tolerance"
    )


def _custom_rules(program: ClosedJaxpr) -> str:
    names = []
    for equation in equations(program):
        if equation.primitive.name in ("custom_jvp_call", "custom_vjp_call"):
            debug = getattr(equation.params["call_jaxpr"].jaxpr, "debug_info", None)
            names.append(f"{getattr(debug, 'func_name', '?')} ({equation.primitive.name.removesuffix('_call')})")
    if not names:
        return "the program has no custom rule, so look at the rule of the operation itself"
    return f"custom rules in the program: {', '.join(dict.fromkeys(names))}"


def _program(compared: Compared) -> ClosedJaxpr:
    return jax.make_jaxpr(compared.function)(compared.point)
