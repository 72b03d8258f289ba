"""Columns that depend on columns before them, by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Dependence(NamedTuple):
    r"""A column that is a combination of columns before it: $a_j = \sum_i c_i a_i$.

    Attributes
    ----------
    column : $j$.
    on : the columns $i$ with a coefficient that is not zero; none for a column of zeros.
    coefficients : $c_i$.

    Examples
    --------
    >>> print(Dependence(2, (0, 1), (1.0, -2.0)).sentence(["height", "width", "shape"]))
    shape = height - 2 width
    """

    column: int
    on: tuple[int, ...]
    coefficients: tuple[float, ...]

    def sentence(self, names: list[str]) -> str:
        """The equation in the names of the columns."""
        terms = [_term(value, names[place]) for place, value in zip(self.on, self.coefficients, strict=True)]
        right = " ".join(terms).removeprefix("+ ") or "0"
        return f"{names[self.column]} = {right}"


def dependent_columns(
    A: Float[np.ndarray, "n p"], sample_weight: Float[np.ndarray, " n"] | None = None, *, tolerance: float | None = None
) -> tuple[Dependence, ...]:
    r"""The columns of a matrix that add nothing to those before them, each with its equation.

    In the order of the columns, $a_j$ is dependent if its distance from the span of the independent columns before it
    is at most `tolerance` times its own length. Coefficients below the square root of the rounding, in units of the
    columns' lengths, count as zero.

    Parameters
    ----------
    A : shape (n, p).
    sample_weight : rows of weight zero are not there; other weights change no dependence.
    tolerance : relative; `max(n, p)` roundings, times ten, by default.

    Examples
    --------
    >>> found = dependent_columns(np.array([[1.0, 0.0, 2.0], [1.0, 1.0, -1.0], [1.0, 3.0, -7.0]]))
    >>> print(found[0].sentence(["one", "x", "z"]))
    z = 2 one - 3 x
    """
    rows = A if sample_weight is None else A[sample_weight > 0]
    lengths = np.linalg.norm(rows, axis=0)
    triangle = np.asarray(np.linalg.qr(rows / np.where(lengths > 0, lengths, 1), mode="r"))
    bound = 10 * max(rows.shape) * np.finfo(rows.dtype).eps if tolerance is None else tolerance
    basis = np.zeros((len(triangle), 0), rows.dtype)
    independent: list[int] = []
    found: list[Dependence] = []
    for column, vector in enumerate(triangle.T):
        rest = vector - basis @ (basis.T @ vector)
        rest = rest - basis @ (basis.T @ rest)
        distance = np.linalg.norm(rest)
        if distance > bound:
            basis = np.column_stack([basis, rest / distance])
            independent.append(column)
        else:
            found.append(_dependence(column, triangle, independent, lengths))
    return tuple(found)


def _dependence(column: int, triangle: np.ndarray, independent: list[int], lengths: np.ndarray) -> Dependence:
    scaled = np.linalg.lstsq(triangle[:, independent], triangle[:, column])[0]
    used = [place for place, value in enumerate(scaled) if abs(value) > np.finfo(triangle.dtype).eps ** 0.5]
    return Dependence(
        column,
        tuple(independent[place] for place in used),
        tuple(float(scaled[place] * lengths[column] / lengths[independent[place]]) for place in used),
    )


def _term(value: float, name: str) -> str:
    size = f"{abs(value):.6g}"
    return f"{'-' if value < 0 else '+'} {'' if size == '1' else size + ' '}{name}"
