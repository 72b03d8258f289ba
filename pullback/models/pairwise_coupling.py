"""Probabilities of classes from those of pairs of classes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def bradley_terry(
    r: Float[np.ndarray, "rows classes classes"],
    n: Float[np.ndarray, "classes classes"],
    *,
    tol: float = 1e-10,
    max_iter: int = 1000,
) -> Float[np.ndarray, "rows classes"]:
    r"""The \(p\) whose pairs \(\mu_{ij} = p_i / (p_i + p_j)\) are nearest to \(r_{ij} = P(i \mid i \text{ or } j)\).

    They minimize \(\sum_{i < j} n_{ij} \bigl(r_{ij} \log \frac{r_{ij}}{\mu_{ij}} + (1 - r_{ij})
    \log \frac{1 - r_{ij}}{1 - \mu_{ij}}\bigr)\), by

    $$ p_i \leftarrow p_i \frac{\sum_{j \ne i} n_{ij} r_{ij}}{\sum_{j \ne i} n_{ij} \mu_{ij}}, $$

    class after class, each step followed by division by the sum.

    Parameters
    ----------
    r : \(r_{ij} = 1 - r_{ji}\); the diagonal is not looked at.
    n : weight of each pair, symmetric, the number of rows with which it was fitted.
    tol : the steps end once no \(p\) changes by more than this part of itself.

    Examples
    --------
    >>> p = np.array([0.2, 0.3, 0.5])
    >>> r = p[:, None] / (p[:, None] + p)
    >>> bradley_terry(r[None], np.ones((3, 3))).round(6).tolist()
    [[0.2, 0.3, 0.5]]

    Source: Hastie, Tibshirani, Classification by pairwise coupling, The Annals of Statistics 26, 1998.
    """
    classes = r.shape[-1]
    n = n * (1 - np.eye(classes))
    # A pair of which one is certain has no finite solution: the least of all probabilities ends there.
    smallest = np.finfo(float).tiny ** 0.25
    wins = np.maximum((n * r).sum(axis=2), smallest)
    p = wins / wins.sum(axis=1, keepdims=True)
    for _ in range(max_iter):
        before = p.copy()
        for i in range(classes):
            expected = (n[i] * p[:, i, None] / (p[:, i, None] + p)).sum(axis=1)
            p[:, i] = np.maximum(p[:, i] * wins[:, i] / expected, smallest)
            p /= p.sum(axis=1, keepdims=True)
        if np.all(np.abs(p - before) <= tol * np.maximum(before, tol)):
            break
    return p
