"""Numbers as a reader wants them: as many digits as the interval supports, thousands apart, a true minus sign."""

from __future__ import annotations

import math
from collections.abc import Sequence

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"

LABELS = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "cross_entropy": "Cross entropy",
    "brier_score": "Brier score",
    "calibration_error": "Calibration error",
    "f1_macro": "Macro F1",
    "f1_weighted": "Weighted F1",
    "precision_macro": "Macro precision",
    "precision_weighted": "Weighted precision",
    "recall_macro": "Macro recall",
    "recall_weighted": "Weighted recall",
    "cohen_kappa": "Cohen’s kappa",
    "matthews_correlation": "Matthews correlation",
    "top_5_accuracy": "Top-5 accuracy",
    "roc_auc": "ROC AUC",
    "squared_error": "Mean squared error",
    "absolute_error": "Mean absolute error",
    "root_mean_squared_error": "Root mean squared error",
    "r_squared": "R\N{SUPERSCRIPT TWO}",
}


def label_of(name: str) -> str:
    """A metric's name as words.

    Examples
    --------
    >>> label_of("brier_score"), label_of("my_own_metric")
    ('Brier score', 'My own metric')
    """
    words = name.replace("_", " ")
    return LABELS.get(name, words[:1].upper() + words[1:])


def fixed(value: float, decimals: int) -> str:
    """A number with this many decimals.

    Examples
    --------
    >>> fixed(-0.12345, 3)
    '−0.123'
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    # Four digits read better unbroken.
    written = f"{value:,.{decimals}f}".replace(",", THIN_SPACE if abs(value) >= 10_000 else "")
    # A value that rounds to nothing has no sign.
    return (written if float(f"{value:.{decimals}f}") else written.lstrip("-")).replace("-", MINUS)


def decimals_for(value: float, half_width: float | None = None, significant: int = 3) -> int:
    """Decimals that show three significant digits, or as many as the interval supports.

    The larger limit of an interval has three significant digits, or more where a last digit of a fifth of the half
    width asks for them.

    Examples
    --------
    >>> decimals_for(0.9944, half_width=0.009), decimals_for(53.85, half_width=5.1), decimals_for(0.01234)
    (3, 1, 4)
    """
    wanted = significant - 1 - _magnitude(abs(value) + (half_width or 0.0))
    if half_width is not None and math.isfinite(half_width) and half_width > 0:
        wanted = max(wanted, math.ceil(-math.log10(half_width / 5)))
    return min(max(wanted, 0), 6)


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0


def number_text(value: float | None, significant: int = 3) -> str:
    """A number with this many significant digits; very small and very large ones by their power of ten.

    Examples
    --------
    >>> number_text(0.018349), number_text(2859.7), number_text(2.5e-7), number_text(None)
    ('0.0183', '2860', '2.50 × 10⁻⁷', '')
    """
    if value is None:
        return ""
    if not math.isfinite(value) or value == 0:
        return "0" if value == 0 else fixed(value, 0)
    exponent = _magnitude(float(f"{value:.{significant - 1}e}"))
    if -5 < exponent < 7:
        return fixed(round(value, significant - 1 - exponent), max(significant - 1 - exponent, 0))
    power = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{fixed(value / 10.0**exponent, significant - 1)} × 10{power}"


def aligned(values: Sequence[float], significant: int = 4) -> list[str]:
    """Numbers of one quantity with the same decimals, so many that the largest has these significant digits.

    Examples
    --------
    >>> aligned([0.0048, 0.1092, -0.05])
    ['0.0048', '0.1092', '−0.0500']
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return [fixed(value, decimals_for(largest, significant=significant)) for value in values]


def range_text(lower: float, upper: float, decimals: int) -> str:
    """Two limits; a dash between them only where it cannot be taken for a minus.

    Examples
    --------
    >>> range_text(0.95, 0.985, 3), range_text(-1.5, 2, 1)
    ('0.950 – 0.985', '−1.5 to 2.0')
    """
    return f"{fixed(lower, decimals)} {'to' if lower < 0 else DASH} {fixed(upper, decimals)}"


def count_text(value: int | None) -> str:
    """A whole number with its thousands apart.

    Examples
    --------
    >>> count_text(1257), count_text(1234567)
    ('1257', '1\\u202f234\\u202f567')
    """
    if value is None:
        return ""
    return fixed(value, 0)


def percent_text(share: float, decimals: int = 1) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent_text(0.95, 0), percent_text(0.0278)
    ('95%', '2.8%')
    """
    return f"{fixed(100 * share, decimals)}%"


def level_text(level: float) -> str:
    """A confidence level: 0.95 is '95%', 0.999 is '99.9%'."""
    return f"{100 * level:g}%"


def seconds_text(seconds: float) -> str:
    """A duration in the unit that suits it.

    Examples
    --------
    >>> seconds_text(0.0123), seconds_text(7.25), seconds_text(754), seconds_text(7384)
    ('12.3 ms', '7.25 s', '12 min 34 s', '2 h 3 min')
    """
    if seconds < 1:
        return f"{number_text(1000 * seconds)} ms"
    if seconds < 120:
        return f"{number_text(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"
