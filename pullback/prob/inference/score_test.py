"""Rao's score test."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pullback.core.errors import DataError
from pullback.prob.inference.hypothesis_test import HypothesisTest


def score_test(score: Float[np.ndarray, " k"], information: Float[np.ndarray, "k k"], q: int) -> HypothesisTest:
    r"""Test of a hypothesis at the estimate under it, without the larger model: is the slope there more than chance?

    $$ S = u^\top I^{-1} u \sim \chi^2_q $$

    with the derivative $u$ of the log-likelihood by all coefficients of the larger model and its information $I$, both
    at the estimate of the smaller one, where all but $q$ entries of $u$ are zero.

    Parameters
    ----------
    score : $u$; exact zeros, or what rounding leaves of them, for the coefficients of the smaller model.
    information : $I$.
    q : how many coefficients the hypothesis sets to zero.

    Raises
    ------
    DataError
        if the larger model's coefficients are not identified.

    Examples
    --------
    Three sixes in six throws of a die; with $p = 1/6$ the slope is $3 / p - 3 / (1 - p)$, the information
    $6 / (p (1 - p))$.

    >>> u, I = np.array([3 / (1 / 6) - 3 / (5 / 6)]), np.array([[6 / (1 / 6 * 5 / 6)]])
    >>> print(score_test(u, I, 1))
    score test: chi2(1) = 4.8, p = 0.02846

    References
    ----------
    Rao, "Large sample tests of statistical hypotheses", Proc. Cambridge Phil. Soc. 44 (1948).
    """
    scale = np.sqrt(np.diag(information))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation, slope = information / np.outer(scale, scale), score / scale
    rank = np.linalg.matrix_rank(correlation, hermitian=True) if np.all(np.isfinite(correlation)) else 0
    if rank < len(score):
        raise DataError(
            "the larger model is not identified",
            expected=f"{len(score)} independent columns",
            got=f"{rank}",
            fix="leave out columns that depend on others",
        )
    return HypothesisTest("score", float(slope @ np.linalg.solve(correlation, slope)), q)
