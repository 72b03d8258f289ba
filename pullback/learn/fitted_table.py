"""A fitted estimator with the columns it takes, used as a network is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.learn.table_design import TableDesign


@dataclass(frozen=True, eq=False)
class FittedTable:
    """A fitted estimator with the columns it takes.

    Parameters
    ----------
    design : from prepared inputs to named columns.
    estimator : fitted to them; a regression to the target in its own units.
    target_mean, target_scale : of the standardized target of a regression; 0 and 1 otherwise.
    """

    design: TableDesign
    estimator: Any
    target_mean: float = 0.0
    target_scale: float = 1.0

    def outputs(self, inputs: np.ndarray, task: str) -> np.ndarray:
        """What a network would give out: standardized values, or the logarithms of probabilities."""
        columns = self.design(np.asarray(inputs))
        if task == "regression":
            values = np.asarray(self.estimator.predict(columns), np.float64)
            return ((values - self.target_mean) / self.target_scale).astype(np.float32)
        smallest = np.finfo(np.float32).tiny
        logarithms = np.log(np.maximum(self.estimator.predict_proba(columns), smallest)).astype(np.float32)
        return logarithms[:, 1:] - logarithms[:, :1] if task == "binary" else logarithms
