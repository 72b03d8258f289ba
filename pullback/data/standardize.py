"""Centered and scaled inputs, with the numbers that did it kept as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.core.errors import DataError
from pullback.data.dataset import Dataset

KIND = "standardize"


@dataclass(frozen=True)
class Standardize:
    r"""The map $x \mapsto (x - \mu) / \sigma$, one $\mu$ and $\sigma$ for each entry of the last axis.

    For a table that is one a column, for images one a channel. It is fitted on the training rows alone:
    `standardize = Standardize.fit(train)`, then `standardize(train)`, `standardize(test)`.

    Parameters
    ----------
    mean : $\mu$, as floats.
    scale : $\sigma > 0$, as floats.

    Examples
    --------
    >>> from pullback.data import load
    >>> iris = load("iris")
    >>> standardize = Standardize.fit(iris)
    >>> [round(mean, 4) for mean in standardize.mean]
    [5.8433, 3.0573, 3.758, 1.1993]
    >>> scaled = standardize(iris).inputs
    >>> scaled.dtype.name, bool(np.allclose(scaled.std(0), 1, atol=1e-5))
    ('float32', True)
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    kind = KIND

    def __post_init__(self) -> None:
        numbers = np.array([*self.mean, *self.scale], float)
        if len(self.mean) != len(self.scale) or not np.isfinite(numbers).all() or min(self.scale, default=0) <= 0:
            raise DataError(
                "the numbers of a standardization make no sense",
                expected="as many finite means as scales, every scale above zero",
                got=f"{len(self.mean)} means, {len(self.scale)} scales, smallest scale {min(self.scale, default=None)}",
                fix="fit it again on the training data",
            )

    @classmethod
    def fit(cls, dataset: Dataset) -> Standardize:
        r"""Means and standard deviations of these rows.

        $$ \mu_j = \frac{1}{n} \sum_i x_{ij}, \qquad \sigma_j^2 = \frac{1}{n} \sum_i (x_{ij} - \mu_j)^2 $$

        as scikit-learn's `StandardScaler` has them. A constant column gets $\sigma_j = 1$ and becomes zero. For
        images $i$ runs over rows and pixels.
        """
        values = dataset.inputs.reshape(-1, dataset.inputs.shape[-1])
        mean = values.mean(0, dtype=np.float64)
        scale = values.std(0, dtype=np.float64)
        # Asked of the values themselves: rounding in the mean leaves a constant column a tiny deviation.
        scale[(values.max(0) == values.min(0)) | (scale == 0)] = 1
        return cls(tuple(mean.tolist()), tuple(scale.tolist()))

    def __call__(self, dataset: Dataset) -> Dataset:
        """The same rows with standardized inputs."""
        return replace(dataset, inputs=self.transform(dataset.inputs))

    def transform(self, inputs: np.ndarray) -> np.ndarray:
        """Standardized inputs of any leading shape; computed in float64, returned in the floating dtype given."""
        values = self._checked(inputs)
        return ((values - np.array(self.mean)) / np.array(self.scale)).astype(_floating(inputs))

    def inputs(self, source: np.ndarray) -> np.ndarray:
        """Inputs of new rows, as every preprocessing gives them: `transform`."""
        return self.transform(np.asarray(source))

    def inverse(self, inputs: np.ndarray) -> np.ndarray:
        r"""Inputs in their own units again: $x \mapsto \sigma x + \mu$."""
        values = self._checked(inputs)
        return (values * np.array(self.scale) + np.array(self.mean)).astype(_floating(inputs))

    def to_json(self) -> dict[str, Any]:
        """The map as JSON values; Python writes and reads a float64 without loss."""
        return {"kind": KIND, "mean": list(self.mean), "scale": list(self.scale)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Standardize:
        """The map that `to_json` wrote.

        Raises
        ------
        DataError
            if the record is of another kind or incomplete.
        """
        try:
            if record["kind"] != KIND:
                raise ValueError(record["kind"])
            return cls(tuple(map(float, record["mean"])), tuple(map(float, record["scale"])))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "this is no record of a standardization",
                expected='{"kind": "standardize", "mean": [...], "scale": [...]}',
                got=f"{str(record)[:80]}",
                fix="pass an entry of preprocessing.json of that kind",
            ) from error

    def _checked(self, inputs: np.ndarray) -> np.ndarray:
        values = np.asarray(inputs, np.float64)
        if values.ndim < 1 or values.shape[-1] != len(self.mean):
            raise DataError(
                "the inputs do not fit the standardization",
                expected=f"a last axis of {len(self.mean)}, as in the data it was fitted on",
                got=f"shape {values.shape}",
                fix="pass the same features in the same order",
            )
        return values


def _floating(inputs: np.ndarray) -> np.dtype:
    dtype = np.asarray(inputs).dtype
    return dtype if np.issubdtype(dtype, np.floating) else np.dtype(np.float32)
