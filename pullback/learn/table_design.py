"""The prepared columns of a table as the columns of a linear model: one reference level a category, named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pullback.data import Dataset
from pullback.train.table_features import Feature, table_features


@dataclass(frozen=True)
class TableDesign:
    r"""How columns of a model come from prepared inputs: $\mu + \sigma x_j$, or the indicator $[x_j = c]$ of a code.

    Parameters
    ----------
    names : of the columns made.
    positions : input column of each.
    codes : the code that is indicated, or None where the input is a number.
    means, scales : of the numbers; 0 and 1 leave them standardized.
    """

    names: tuple[str, ...]
    positions: tuple[int, ...]
    codes: tuple[int | None, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def of(cls, data: Dataset, preprocessing: Sequence[Any], *, original_units: bool) -> TableDesign:
        """The design of a prepared table; the first level of each category is the reference.

        Parameters
        ----------
        original_units : whether numbers are given back their units, so that a coefficient is one per unit; a penalty
            wants them standardized.
        """
        columns = [
            column
            for feature in table_features(data, preprocessing)
            for column in _columns(feature, data.feature_names or (), original_units)
        ]
        names, positions, codes, means, scales = zip(*columns, strict=True)
        return cls(names, positions, codes, means, scales)

    def __call__(self, inputs: np.ndarray) -> pd.DataFrame:
        """Columns with names, float64."""
        made = {
            name: (inputs[:, position] == code) * 1.0
            if code is not None
            else mean + scale * inputs[:, position].astype(np.float64)
            for name, position, code, mean, scale in zip(
                self.names, self.positions, self.codes, self.means, self.scales, strict=True
            )
        }
        return pd.DataFrame(made)


def _columns(
    feature: Feature, names: Sequence[str], original_units: bool
) -> list[tuple[str, int, int | None, float, float]]:
    if feature.coded:
        # Code 0 stands for every level that training did not know; the first known level is the reference.
        levels = enumerate(("other", *feature.labels))
        return [(f"{feature.name}={label}", feature.positions[0], c, 0.0, 1.0) for c, label in levels if c != 1]
    if feature.kind == "category":
        return [(names[position], position, None, 0.0, 1.0) for position in feature.positions[1:]]
    mean, scale = (feature.mean, feature.scale) if original_units else (0.0, 1.0)
    value, *indicators = feature.positions
    first = (
        (names[value], value, None, mean, scale) if feature.kind == "number" else (names[value], value, None, 0.0, 1.0)
    )
    return [first, *((names[position], position, None, 0.0, 1.0) for position in indicators)]
