"""Information criteria of a fitted likelihood model."""

from __future__ import annotations

import math


def akaike_information_criterion(log_likelihood: float, parameters: int) -> float:
    r"""Akaike's criterion $2 k - 2 \ell$ for $k$ `parameters`; smaller is better.

    Examples
    --------
    >>> akaike_information_criterion(-100.0, 3)
    206.0

    References
    ----------
    Akaike, "A new look at the statistical model identification", IEEE Trans. Automatic Control 19 (1974).
    """
    return 2 * parameters - 2 * log_likelihood


def bayesian_information_criterion(log_likelihood: float, parameters: int, observations: float) -> float:
    r"""Schwarz's criterion $k \log n - 2 \ell$ for $k$ `parameters` and $n$ `observations`; smaller is better.

    Examples
    --------
    >>> round(bayesian_information_criterion(-100.0, 3, 50.0), 4)
    211.7361

    References
    ----------
    Schwarz, "Estimating the dimension of a model", Annals of Statistics 6 (1978).
    """
    return parameters * math.log(observations) - 2 * log_likelihood
