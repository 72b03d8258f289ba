"""NIST's reference sets for nonlinear least squares, read from the published files.

Source: National Institute of Standards and Technology, Statistical Reference Datasets (StRD), nonlinear regression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from pullback.core.errors import DataError
from pullback.testing.problems.nist_models import LOGARITHMIC, MODELS
from pullback.testing.problems.problem import Problem, least_squares_problem

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# The file of Rat43 prints 9 for 15 observations and 4 parameters; its own residual standard deviation is that of 11.
MISPRINTED_DEGREES_OF_FREEDOM = {"Rat43": 9}
PARAMETER = re.compile(rf"\s*b(\d+)\s*=\s*({NUMBER})\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s*")


@dataclass(frozen=True, eq=False)
class NistDataset:
    r"""One certified fit $\min_b \sum_i (y_i - m(b, x_i))^2$, all numbers float64 as printed in the file.

    Parameters
    ----------
    name : of the set, the key of its model $m$ in `nist_models.MODELS`.
    response : $y$, shape (n,); for Nelson the logarithm of the printed column, which is what its model describes.
    predictors : $x$, shape (n,), or (n, 2) for the one set with two predictors.
    starts : the two published starts, the first far and the second near, each (p,).
    parameters, standard_errors : certified, each (p,); 11 digits are printed.
    residual_sum_of_squares, residual_standard_deviation : certified.
    degrees_of_freedom : $n - p$; for Rat43 the file itself prints another number by mistake.
    """

    name: str
    response: np.ndarray
    predictors: np.ndarray
    starts: tuple[np.ndarray, np.ndarray]
    parameters: np.ndarray
    standard_errors: np.ndarray
    residual_sum_of_squares: float
    residual_standard_deviation: float
    degrees_of_freedom: int

    def residuals(self, b: jax.Array) -> jax.Array:
        r"""$r_i(b) = y_i - m(b, x_i)$, shape (p,) to (n,), in the dtype of $b$."""
        predicted = MODELS[self.name](b, jnp.asarray(self.predictors, b.dtype))
        return jnp.asarray(self.response, b.dtype) - predicted

    def problem(self, start: int = 1) -> Problem:
        r"""The fit as $f(b) = \sum_i r_i(b)^2$, without a factor 1/2, from published start 1 or 2."""
        if start not in (1, 2):
            raise DataError("a NIST set has two starts", expected="1 or 2", got=start)
        return least_squares_problem(
            f"NIST {self.name}, start {start}",
            self.residuals,
            self.starts[start - 1],
            self.residual_sum_of_squares,
            minimizers=(self.parameters,),
            source=f"NIST Statistical Reference Datasets, {self.name}.dat",
        )


def match(pattern: str, text: str, what: str) -> re.Match[str]:
    """The only place where the pattern matches.

    Raises
    ------
    DataError : it matches nowhere, or more than once.
    """
    found = list(re.finditer(pattern, text, re.IGNORECASE | re.MULTILINE))
    if len(found) != 1:
        raise DataError(f"{what} cannot be read from the file", expected="one line", got=f"{len(found)} lines")
    return found[0]


def numbered_lines(text: str, label: str) -> list[str]:
    """The lines whose first and last number the file's header announces under this label."""
    place = match(rf"{label}\s*\(lines\s+(\d+)\s+to\s+(\d+)\s*\)", text, f"the place of '{label}'")
    first, last = int(place[1]), int(place[2])
    lines = text.splitlines()
    if not 1 <= first <= last <= len(lines):
        raise DataError(f"'{label}' lies outside the file", expected=f"1 to {len(lines)}", got=f"{first} to {last}")
    return lines[first - 1 : last]


def parameter_table(text: str) -> np.ndarray:
    """Rows of start 1, start 2, certified value, standard error; shape (p, 4)."""
    rows = []
    for count, line in enumerate(numbered_lines(text, "Starting Values"), 1):
        found = PARAMETER.fullmatch(line)
        if found is None or int(found[1]) != count:
            raise DataError("a line of parameters is damaged", expected=f"b{count} = and four numbers", got=line)
        rows.append([float(value) for value in found.groups()[1:]])
    return np.array(rows)


def observations(text: str) -> np.ndarray:
    """The columns of data as printed, response first; shape (n, 2) or (n, 3)."""
    rows = [line.split() for line in numbered_lines(text, "Data")]
    heading = match(r"^Data:((?:[ \t]+(?:y|x\d?))+)[ \t]*$", text, "the heading of the data")
    width = len(heading[1].split())
    for number, row in enumerate(rows, 1):
        if len(row) != width or not all(re.fullmatch(NUMBER, value) for value in row):
            raise DataError(f"row {number} of the data is damaged", expected=f"{width} numbers", got=" ".join(row))
    return np.array([[float(value) for value in row] for row in rows])


def labeled(text: str, label: str, pattern: str = NUMBER) -> str:
    """The number that alone follows the label and a colon."""
    return match(rf"^{label}:[ \t]+({pattern})[ \t]*$", text, f"'{label}'")[1]


def read_nist_file(path: Path) -> NistDataset:
    r"""One `.dat` file of the collection, checked against its own header.

    Raises
    ------
    DataError : the file is damaged, is no nonlinear set, its counts disagree, or no model of its name is known.

    Examples
    --------
    >>> from pathlib import Path
    >>> misra = read_nist_file(Path("tests/nist/Misra1a.dat"))
    >>> misra.parameters, misra.degrees_of_freedom
    (array([2.38942129e+02, 5.50156432e-04]), 12)

    Source: NIST, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml
    """
    try:
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no file of the collection", expected="ASCII text", got=str(error)) from error
    name = match(r"Dataset Name:\s+(\w+)", text, "the name")[1]
    if name not in MODELS:
        raise DataError(f"no model is known for the set '{name}'", expected=", ".join(MODELS), got=name)
    table, data = parameter_table(text), observations(text)

    counts = (int(labeled(text, "Number of Observations", r"\d+")), int(labeled(text, "Degrees of Freedom", r"\d+")))
    freedom = len(data) - len(table)
    expected = (len(data), MISPRINTED_DEGREES_OF_FREEDOM.get(name, freedom))
    if counts != expected:
        raise DataError(f"observations and degrees of freedom of '{name}' disagree", expected=expected, got=counts)
    response = np.log(data[:, 0]) if name in LOGARITHMIC else data[:, 0]
    return NistDataset(
        name=name,
        response=response,
        predictors=data[:, 1] if data.shape[1] == 2 else data[:, 1:],
        starts=(table[:, 0], table[:, 1]),
        parameters=table[:, 2],
        standard_errors=table[:, 3],
        residual_sum_of_squares=float(labeled(text, "Residual Sum of Squares")),
        residual_standard_deviation=float(labeled(text, "Residual Standard Deviation")),
        degrees_of_freedom=freedom,
    )


def read_nist(folder: Path) -> dict[str, NistDataset]:
    r"""Every set of the collection by name, from a folder with all 27 files.

    Raises
    ------
    DataError : a file is missing, or one cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> len(read_nist(Path("tests/nist")))
    27
    """
    missing = [name for name in MODELS if not (folder / f"{name}.dat").is_file()]
    if missing:
        raise DataError(f"sets are missing from {folder}", expected="27 files", got=f"none for {', '.join(missing)}")
    return {name: read_nist_file(folder / f"{name}.dat") for name in MODELS}
