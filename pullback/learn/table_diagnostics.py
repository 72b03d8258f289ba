"""What the residuals of a linear model say of its assumptions, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pullback.models.linear.influence import influence
from pullback.models.linear.least_squares import fit_least_squares
from pullback.models.linear.residual_diagnostics import residual_diagnostics

SMALL_PROBABILITY = 0.01
# Above this the columns of a linear model carry much the same (Belsley, Kuh, Welsch 1980; Marquardt 1970).
LARGE_INFLATION = 10.0


def linear_diagnostics(columns: pd.DataFrame, targets: np.ndarray) -> list[dict[str, str]]:
    """Tests of equal variance and normality, collinearity and the most influential row, each with what it says.

    The rows were drawn by chance, so their order says nothing and no test of it is made.
    """
    X = columns.to_numpy(np.float64)
    fit = fit_least_squares(X, targets)
    if float(fit.observations) <= int(fit.rank) + 2:
        return []
    found = residual_diagnostics(fit, X, targets)
    cook = np.nan_to_num(np.asarray(influence(fit, X, targets).cooks_distance), nan=0.0)
    worst = int(np.nanargmax(found.variance_inflation))
    inflation = float(found.variance_inflation[worst])
    return [
        _entry(
            "Breusch-Pagan (Koenker)",
            f"p = {found.breusch_pagan_p_value:.3g}",
            "the variance changes with the columns: take robust standard errors, covariance HC3"
            if found.breusch_pagan_p_value < SMALL_PROBABILITY
            else "no sign that the variance changes with the columns",
        ),
        _entry(
            "Jarque-Bera",
            f"p = {found.jarque_bera_p_value:.3g}",
            f"residuals are not normal (skewness {found.skewness:.2f}, kurtosis {found.kurtosis:.2f}): prediction "
            "bands lean on normality, coefficients of many rows do not"
            if found.jarque_bera_p_value < SMALL_PROBABILITY
            else "no sign that the residuals are not normal",
        ),
        _entry(
            "largest variance inflation",
            f"{inflation:.3g}",
            f"{columns.columns[worst]} is nearly a combination of the others: its coefficient alone says little"
            if inflation > LARGE_INFLATION
            else "no column is nearly a combination of the others",
        ),
        _entry(
            "largest Cook's distance",
            f"{cook.max():.3g}",
            f"training row {int(cook.argmax())} moves the fit by itself: look at it"
            if cook.max() > 1
            else "no row moves the fit by itself",
        ),
    ]


def _entry(name: str, value: str, says: str) -> dict[str, str]:
    return {"name": name, "value": value, "says": says}
