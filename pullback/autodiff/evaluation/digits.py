"""Numbers and arrays as they stand in a table: one number in some digits, an array by shape and range."""

from __future__ import annotations

from typing import Any

import numpy as np

# Arrays of at most this many numbers are written out.
WRITTEN_OUT = 4


def default_digits(value: Any) -> int:
    """Digits worth showing of a value of this precision."""
    return 8 if getattr(value, "dtype", None) in (np.dtype("float64"), np.dtype("complex128")) else 6


def number_text(value: Any, digits: int | None = None) -> str:
    """One number.

    Examples
    --------
    >>> number_text(np.float64(2.0)), number_text(np.float32(1 / 3)), number_text(-1e-20), number_text(True)
    ('2', '0.333333', '-1e-20', 'true')
    """
    if isinstance(value, bool | np.bool):
        return "true" if value else "false"
    if np.iscomplexobj(value):
        real, imaginary = (number_text(part, digits) for part in (np.real(value), np.imag(value)))
        return f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}i"
    if isinstance(value, int | np.integer):
        return str(value)
    found = format(float(value), f".{digits or default_digits(value)}g")
    mantissa, _, exponent = found.partition("e")
    if mantissa == "-0":
        return "0"
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def shape_text(value: Any) -> str:
    """The shape of an array: `5×3`; one axis is `(5)`."""
    shape = np.shape(value)
    return "×".join(map(str, shape)) if len(shape) != 1 else f"({shape[0]})"


def array_text(value: Any, digits: int | None = None, *, shape: bool = True) -> str:
    """A value in a cell of a table: a number, a short array in full, a longer one by its range.

    Examples
    --------
    >>> array_text(np.array([1.0, 0.25])), array_text(np.arange(6.0).reshape(2, 3))
    ('[1, 0.25]', '2×3 in [0, 5]')
    >>> array_text(np.array([np.nan] * 3 + [1.0] * 6)), array_text(np.zeros((4, 4)), shape=False)
    ('(9) in [1, 1], 3 NaN', 'all 0')
    """
    if value is None:
        return "?"
    if not isinstance(value, np.ndarray | np.generic):
        return "random key"
    if value.ndim == 0:
        return number_text(np.asarray(value)[()], digits)
    if value.ndim == 1 and value.size <= WRITTEN_OUT:
        return f"[{', '.join(number_text(entry, digits or 4) for entry in value)}]"
    lead = shape_text(value) + " " if shape else ""
    if value.size == 0:
        return f"{lead}empty"
    return lead + _range(value, digits or 4)


def _range(value: np.ndarray, digits: int) -> str:
    if np.iscomplexobj(value):
        return f"of modulus {_range(np.abs(value), digits)}"
    broken = int(np.isnan(value.astype(np.float64)).sum()) if value.dtype.kind not in "biu" else 0
    note = f", {broken} NaN" if broken and broken < value.size else ""
    if broken == value.size:
        return "all NaN"
    numbers = value if not broken else value[~np.isnan(value.astype(np.float64))]
    low, high = number_text(numbers.min(), digits), number_text(numbers.max(), digits)
    return f"all {low}" if low == high and not note and numbers.min() == numbers.max() else f"in [{low}, {high}]{note}"
