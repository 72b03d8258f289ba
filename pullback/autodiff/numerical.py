r"""Derivatives from values of the function alone: an oracle that knows nothing of its code.

Four methods, all in float64 and each with its errors estimated (`pullback/autodiff/differences.py` has the equations):
`"forward"`, `"central"`, `"richardson"` (central differences extrapolated to step zero) and `"complex_step"`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from pullback.autodiff.coordinates import Coordinates, coordinates, kind
from pullback.autodiff.differences import METHODS, Curve, Quotient
from pullback.autodiff.vector_function import VectorFunction, vector_function
from pullback.core.checks import positive
from pullback.core.errors import DerivativeError, unknown_name
from pullback.core.trees import path_string

_FORMULAS = {
    "forward": "2 eps^(1/2) s balances the truncation error h |f''| / 2 and the rounding error 2 eps |f| / h",
    "central": "(3 eps)^(1/3) s balances the truncation error h^2 |f'''| / 6 and the rounding error eps |f| / h",
    "richardson": "0.1 s is halved nine times and extrapolated to zero, each entry keeping the best of the table",
    "complex_step": "1e-20 s makes the truncation error vanish, and nothing is subtracted that could round",
}


@dataclass(frozen=True)
class NumericalDerivative:
    r"""A derivative by differences, with what is known about its error.

    Parameters
    ----------
    value : as `jax.jacobian` nests it: in place of each array of the result, the arguments' structure of arrays with
        the result's axes before the argument's. For a directional derivative, the structure of the result.
    step : of each coordinate, in the arguments' structure, or of the direction; of Richardson's table the first.
    truncation, rounding : estimated absolute errors of the two kinds, nested as `value`.
    method, order : the formula, and the power of the step with which its truncation error falls.
    evaluations : how often the function was called.
    reason : why this step, in words.
    """

    value: Any
    step: Any
    truncation: Any
    rounding: Any
    method: str
    order: int
    evaluations: int
    reason: str


def derivative(
    function: Callable[[Any], Any], x: Any, *, method: str = "central", step: float | None = None
) -> NumericalDerivative:
    r"""Gradient or Jacobian of `function` at `x` by differences in float64.

    \[ \frac{\partial f}{\partial x_j} \approx \frac{f(x + h e_j) - f(x - h e_j)}{2h}, \qquad
       h = (3 \varepsilon)^{1/3} \max(|x_j|, 1) \]

    for the method `"central"`; the other formulas and steps are in `pullback/autodiff/differences.py`.
    \(\varepsilon\) is the precision of the results. Where that step leaves the domain of the function, or its
    truncation error exceeds all rounding, the scale \(|x_j|\) is tried as well.

    Parameters
    ----------
    function : of one argument, written with JAX or with NumPy; arrays or any nesting of arrays, in and out.
    x : where; real arrays or numbers, nested. Read as float64, whatever their precision.
    method : "forward" (order 1), "central" (2), "richardson" (Ridders' table, the most accurate), "complex_step"
        (order 2, no rounding error; the function must be analytic and accept complex numbers).
    step : the step of every coordinate instead of the chosen one.

    Errors
    ------
    `ConfigurationError` for an unknown method or a step that is not positive; `DerivativeError` for arguments or
    results that are not real, and for the complex step of a function that is not analytic.

    Examples
    --------
    >>> found = derivative(lambda x: x[0] ** 3 * np.exp(x[1]), np.array([2.0, 0.0]), method="richardson")
    >>> found.value.round(9).tolist(), found.evaluations
    ([12.0, 8.0], 41)
    >>> derivative(np.sin, 0.0, method="complex_step").value.tolist()
    1.0
    >>> for line in derivative(np.sin, 0.0).reason.split("; "):
    ...     print(line)
    h = (3 eps)^(1/3) s balances the truncation error h^2 |f'''| / 6 and the rounding error eps |f| / h
    s = max(|x|, 1), eps = 2.2e-16
    h = 8.7e-06
    """
    quotients = _Quotients(vector_function(function, _real_coordinates(x)), method, step)
    inputs = quotients.function.inputs
    columns = [quotients.along_axis(number) for number in range(len(inputs.vector))]
    if method == "complex_step":
        _require_analytic(quotients.function, columns)
    rows = quotients.function.outputs

    def nested(name: str) -> Any:
        entries = [np.broadcast_to(getattr(column, name), rows.vector.shape) for column in columns]
        matrix = np.stack(entries, axis=-1) if entries else np.zeros((len(rows.vector), 0))
        blocks = [np.moveaxis(block, 0, -1) for block in rows.parts(matrix.T)]
        return _in_place_of(rows, [inputs.tree(block) for block in blocks])

    steps = np.array([column.step for column in columns])
    return _result(quotients, columns, nested, inputs.tree(steps), steps)


def directional(
    function: Callable[[Any], Any], x: Any, direction: Any, *, method: str = "central", step: float | None = None
) -> NumericalDerivative:
    r"""Derivative of `function` at `x` along `direction` by differences in float64.

    \[ Df(x)[d] = \frac{\mathrm d}{\mathrm dt} f(x + t d) \Big|_{t=0}, \qquad
       h \propto \max(\|x\|_\infty, 1) / \|d\|_2, \]

    with as many evaluations as one coordinate takes. Arguments and errors are those of `derivative`; `direction` is
    nested as `x`, and a `DerivativeError` if it is not.

    Examples
    --------
    >>> found = directional(lambda x: np.sum(x**2), np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, -1.0]))
    >>> bool(abs(found.value + 4) < 1e-9), found.evaluations
    (True, 5)
    """
    inputs = _real_coordinates(x)
    quotients = _Quotients(vector_function(function, inputs), method, step)
    along = coordinates(direction)
    if (along.structure, along.shapes) != (inputs.structure, inputs.shapes):
        raise DerivativeError(
            "the direction does not fit the argument",
            expected=f"real arrays of shapes {list(inputs.shapes)}, nested as the argument",
            got=f"shapes {list(along.shapes)}",
            fix="pass one number for each number of the argument",
        )
    column = quotients.along(along.vector)
    if method == "complex_step":
        _require_same(quotients.function, along.vector, column.value)
    rows = quotients.function.outputs
    return _result(
        quotients,
        [column],
        lambda name: rows.tree(np.broadcast_to(getattr(column, name), rows.vector.shape)),
        column.step,
        np.array([column.step]),
    )


class _Quotients:
    """The difference quotients of one function by one method."""

    def __init__(self, function: VectorFunction, method: str, step: float | None) -> None:
        if method not in METHODS:
            raise unknown_name("method", method, METHODS)
        self.function, self.method = function, method
        self.step = None if step is None else positive("step", step)

    def along_axis(self, number: int) -> Quotient:
        """Derivative in the coordinate `number`."""
        vector = self.function.inputs.vector

        def curve(u: complex) -> np.ndarray:
            moved = vector.astype(np.result_type(vector, u))
            moved[number] = u
            return self._values(moved)

        at = float(vector[number])
        return self._quotient(curve, at, abs(at), 1.0)

    def along(self, direction: np.ndarray) -> Quotient:
        """Derivative along a vector."""
        vector = self.function.inputs.vector
        size = float(np.max(np.abs(vector), initial=0.0))
        length = float(np.linalg.norm(direction)) or 1.0
        return self._quotient(lambda t: self._values(vector + t * direction), 0.0, size, length)

    def _values(self, vector: np.ndarray) -> np.ndarray:
        if not np.iscomplexobj(vector):
            return self.function.call(vector)
        try:
            with warnings.catch_warnings():
                # Dropping an imaginary part is a warning in NumPy and in JAX.
                warnings.simplefilter("error")
                values = self.function.call(vector)
        except Exception as error:
            raise _not_analytic(f"for complex ones it fails: {error}") from error
        if not np.iscomplexobj(values):
            raise _not_analytic("it returns real numbers for complex ones")
        return values

    def _quotient(self, curve: Curve, at: float, size: float, length: float) -> Quotient:
        """The quotient with the scale `max(size, 1)`, or with the scale `size` where that is too large."""
        formula, epsilon = METHODS[self.method], self.function.epsilon
        with np.errstate(all="ignore"):
            found = formula(curve, at, max(size, 1.0) / length, epsilon, self.step)
            if self.step is None and 0 < size < 1 and self._leaps(found):
                closer = formula(curve, at, size / length, epsilon, None)
                best = closer if _error(closer) < _error(found) or not np.isfinite(_error(found)) else found
                return replace(best, evaluations=found.evaluations + closer.evaluations)
        return found

    def _leaps(self, found: Quotient) -> bool:
        """Whether the step left the domain, or is so large that rounding plays no part in the error."""
        finite = np.isfinite(self.function.outputs.vector)
        if not np.isfinite(found.value[finite]).all():
            return True
        return bool(np.any(found.truncation[finite] > 1e3 * found.rounding[finite]))


def _error(found: Quotient) -> float:
    return float(np.max(found.truncation + found.rounding, initial=0.0))


def _result(
    quotients: _Quotients, columns: Sequence[Quotient], nested: Callable[[str], Any], step: Any, steps: np.ndarray
) -> NumericalDerivative:
    order = min((column.order for column in columns), default=0)
    evaluations = 1 + sum(column.evaluations for column in columns)
    reason = f"h = {_FORMULAS[quotients.method]}; s = max(|x|, 1), eps = {quotients.function.epsilon:.1e}"
    if quotients.step is not None:
        reason = "the step was given by the caller"
    if len(steps):
        low, high = np.min(steps), np.max(steps)
        reason += f"; h = {low:.2g}" if low == high else f"; h = {low:.2g} to {high:.2g}"
    if not np.isfinite(quotients.function.outputs.vector).all():
        reason += "; the function itself is not finite here, so neither is its derivative"
    value, truncation, rounding = (nested(name) for name in ("value", "truncation", "rounding"))
    return NumericalDerivative(value, step, truncation, rounding, quotients.method, order, evaluations, reason)


def _in_place_of(rows: Coordinates, blocks: list[Any]) -> Any:
    """The structure of the result with each of its real arrays replaced by a block."""
    leaves: list[Any] = list(rows.leaves)
    for position, block in zip(rows.positions, blocks, strict=True):
        leaves[position] = block
    return jax.tree.unflatten(rows.structure, leaves)


def _real_coordinates(x: Any) -> Coordinates:
    """The entries of `x`, which must all be real; a Python integer counts as the real number it stands for."""
    x = jax.tree.map(lambda leaf: float(leaf) if type(leaf) is int else leaf, x)
    for path, leaf in jax.tree_util.tree_leaves_with_path(x):
        if (found := kind(leaf)) != "real":
            name = path_string(path)
            raise DerivativeError(
                f"the argument{' at ' + name if name else ''} has no numerical derivative",
                expected="real numbers",
                got=f"{type(leaf).__name__} ({found})",
                fix="convert it to float64, or hold it fixed by functools.partial",
            )
    return coordinates(x)


def _require_analytic(function: VectorFunction, columns: Sequence[Quotient]) -> None:
    """Compare with one central difference along all axes at once."""
    direction = np.ones(len(columns)) / (1 + np.arange(len(columns)) % 7)
    _require_same(function, direction, sum((d * c.value for d, c in zip(direction, columns, strict=True)), np.zeros(1)))


def _require_same(function: VectorFunction, direction: np.ndarray, value: np.ndarray) -> None:
    other = _Quotients(function, "central", None).along(direction)
    allowed = 1e-3 * np.max(np.abs(other.value), initial=0.0) + 10 * (other.truncation + other.rounding)
    if np.any(np.abs(value - other.value) > allowed):
        raise _not_analytic("its complex step and its central difference differ")


def _not_analytic(got: str) -> DerivativeError:
    return DerivativeError(
        "the function does not accept complex numbers as an analytic function does",
        expected="arithmetic and analytic functions of its argument alone, for the complex step",
        got=got,
        fix='use method="richardson", or remove abs, conj, real, comparisons and conversions to real numbers',
    )
