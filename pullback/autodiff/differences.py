r"""Difference quotients of a function of one real variable, each with an estimate of its error.

A quotient with step \(h\) makes two errors. The truncation error is what Taylor's theorem leaves over; the rounding
error is what the last digit of \(g\) makes of a division by \(h\). With \(\varepsilon\) the precision of the values,

\[ E_\text{forward}(h) = \tfrac h2 |g''| + \tfrac{2\varepsilon}{h} |g|, \qquad
   E_\text{central}(h) = \tfrac{h^2}{6} |g'''| + \tfrac{\varepsilon}{h} |g|, \]

and with a scale \(s\) over which \(g\) changes, \(|g''| \approx |g| / s^2\) and \(|g'''| \approx |g| / s^3\), they are
least at \(h = 2 \varepsilon^{1/2} s\) and \(h = (3 \varepsilon)^{1/3} s\).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

# Values of the function at one number: real or complex, one entry a result.
Curve = Callable[[complex], np.ndarray]

_ROWS = 10
_COMPLEX_STEP = 1e-20

# Median of the absolute value of a standard normal number.
_NORMAL_MEDIAN = 0.6745


@dataclass(frozen=True)
class Quotient:
    """A derivative by differences: its entries, the estimated errors of each, and what it took.

    `step` is the largest that was taken; `order` is the power of the step with which the truncation error falls, the
    lowest over the entries.
    """

    value: np.ndarray
    truncation: np.ndarray
    rounding: np.ndarray
    step: float
    order: int
    evaluations: int


def forward(curve: Curve, at: float, scale: float, epsilon: float, step: float | None = None) -> Quotient:
    r"""\((g(x + h) - g(x)) / h\), the truncation error estimated from the quotient of step \(2h\).

    Examples
    --------
    >>> quotient = forward(lambda x: np.atleast_1d(np.exp(x)), 0.0, 1.0, 2.0**-52)
    >>> bool(abs(quotient.value[0] - 1) < quotient.truncation[0] + quotient.rounding[0] < 1e-7)
    True
    """
    step = 2 * math.sqrt(epsilon) * scale if step is None else step
    start, near, far = curve(at), curve(at + step), curve(at + 2 * step)
    # The step that was taken, not the one that was asked for: x + h is rounded.
    value, double = (near - start) / ((at + step) - at), (far - start) / ((at + 2 * step) - at)
    rounding = 2 * epsilon * np.maximum(abs(near), abs(start)) / step
    return Quotient(value, abs(double - value), rounding, step, 1, 3)


def central(curve: Curve, at: float, scale: float, epsilon: float, step: float | None = None) -> Quotient:
    r"""\((g(x + h) - g(x - h)) / 2h\), the truncation error estimated from the quotient of step \(2h\)."""
    step = math.cbrt(3 * epsilon) * scale if step is None else step
    value, size = _symmetric(curve, at, step)
    double, _ = _symmetric(curve, at, 2 * step)
    # The error of the double step is four times as large, so three times itself lies between them.
    return Quotient(value, abs(double - value) / 3, epsilon * size / step, step, 2, 4)


def richardson(curve: Curve, at: float, scale: float, epsilon: float, step: float | None = None) -> Quotient:
    r"""Central quotients of steps \(h, h/2, h/4, \dots\), extrapolated to \(h = 0\).

    \[ A_{k,0} = D(h / 2^k), \qquad A_{k,j} = \frac{4^j A_{k,j-1} - A_{k-1,j-1}}{4^j - 1}, \]

    so that \(A_{k,j}\) has order \(2j + 2\). Of all \(A_{k,j}\) each entry takes the one that differs least from its
    two parents, and that difference is its estimated truncation error.

    Source: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in Engineering Software 4 (1982).
    There the step shrinks by 1.4 and the search ends early; here each entry searches the whole table.
    """
    first = 0.1 * scale if step is None else step
    best = _Best()
    above: list[np.ndarray] = []
    for k in range(_ROWS):
        h = first / 2**k
        quotient, size = _symmetric(curve, at, h)
        row, rounding = [quotient], epsilon * size / h
        for j, parent in enumerate(above, start=1):
            row.append((4**j * row[-1] - parent) / (4**j - 1))
            best.offer(row[j], np.maximum(abs(row[j] - row[j - 1]), abs(row[j] - parent)), rounding, 2 * j + 2)
        above = row
    order = int(np.min(best.order, initial=2 * _ROWS))
    return Quotient(best.value, best.truncation, best.rounding, first, order, 2 * _ROWS)


def complex_step(curve: Curve, at: float, scale: float, epsilon: float, step: float | None = None) -> Quotient:
    r"""\(\operatorname{Im} g(x + \mathrm i h) / h\): no difference is taken, so \(h\) may be as small as one likes.

    Source: W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40
    (1998).
    """
    step = _COMPLEX_STEP * scale if step is None else step
    value = np.imag(curve(complex(at, step))) / step
    # Taylor: the error is h^2 g''' / 6, with g''' no larger than g' / s^2 for the scale s.
    return Quotient(value, (step / scale) ** 2 * abs(value), epsilon * abs(value), step, 2, 1)


def noise(curve: Curve, at: float, scale: float, epsilon: float) -> np.ndarray:
    r"""Standard deviation of the rounding noise in each entry of `curve`, from a table of differences.

    At a spacing of some \(\varepsilon s\) a smooth function is a polynomial of low degree, whose \(k\)-th differences
    vanish; what is left is noise, of which \(\Delta^k g\) has the variance \(\sigma^2 (2k)! / (k!)^2\); here \(k = 6\).
    The deviation comes from the median, so that a kink in between does not count.

    Source: J. J. Moré and S. M. Wild, Estimating computational noise, SIAM Journal on Scientific Computing 33 (2011),
    who take the mean square for several \(k\).

    Examples
    --------
    Numbers rounded to six digits have noise of deviation \(10^{-6} / \sqrt{12} = 2.9 \cdot 10^{-7}\):

    >>> coarse = lambda x: np.atleast_1d(np.round(x, 6))
    >>> bool(1e-7 < noise(coarse, 1.0, 1.0, 1e-7)[0] < 1e-6)
    True
    """
    # No multiple of a power of two: numbers on such a grid are exact in a lower precision and would show no noise.
    spacing = 20 * math.pi * epsilon * scale
    values = np.stack([curve(at + position * spacing) for position in range(-12, 13)])
    order = 6
    median = np.median(abs(np.diff(values, n=order, axis=0)), axis=0)
    return median / (_NORMAL_MEDIAN * math.sqrt(math.comb(2 * order, order)))


METHODS: dict[str, Callable[[Curve, float, float, float, float | None], Quotient]] = {
    "forward": forward,
    "central": central,
    "richardson": richardson,
    "complex_step": complex_step,
}


def _symmetric(curve: Curve, at: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """The central quotient and the size of the values in it."""
    above, below = curve(at + step), curve(at - step)
    return (above - below) / ((at + step) - (at - step)), np.maximum(abs(above), abs(below))


@dataclass
class _Best:
    """Entry by entry the extrapolation with the smallest estimated error so far."""

    value: np.ndarray = field(default_factory=lambda: np.array(np.nan))
    truncation: np.ndarray = field(default_factory=lambda: np.array(np.nan))
    rounding: np.ndarray = field(default_factory=lambda: np.array(np.nan))
    order: np.ndarray = field(default_factory=lambda: np.array(0))

    def offer(self, value: np.ndarray, truncation: np.ndarray, rounding: np.ndarray, order: int) -> None:
        """Take the new entries that are finite and have the smaller error."""
        unknown = ~np.isfinite(self.truncation)
        smaller = truncation + rounding < self.truncation + self.rounding
        take = np.isfinite(truncation) & (unknown | smaller) | (unknown & ~np.isfinite(self.value))
        self.value = np.where(take, value, self.value)
        self.truncation = np.where(take, truncation, self.truncation)
        self.rounding = np.where(take, rounding, self.rounding)
        self.order = np.where(take, order, self.order)
