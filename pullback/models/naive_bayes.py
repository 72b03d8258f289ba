"""Naive Bayes: columns that are independent within a class.

Every function takes NumPy arrays or JAX arrays and stays with what it was given.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Integer

Rows = Float[Array | np.ndarray, "rows features"]
Weight = Float[Array | np.ndarray, " rows"]
Classes = Integer[Array | np.ndarray, " rows"]
Prior = Float[Array | np.ndarray, " classes"]
Table = Float[Array | np.ndarray, "classes features"]
Scores = Float[Array | np.ndarray, "rows classes"]


class GaussianNaiveBayesFit(NamedTuple):
    r"""$\log \pi_k$, the means $\mu_{kj}$ and the variances $\sigma^2_{kj}$ of the columns within each class."""

    log_prior: Prior
    mean: Table
    variance: Table


class CountNaiveBayesFit(NamedTuple):
    r"""$\log \pi_k$ and $\log \theta_{kj}$, the probability of the column within each class."""

    log_prior: Prior
    log_probability: Table


def fit_gaussian_naive_bayes(
    X: Rows, y: Classes, sample_weight: Weight, *, classes: int, variance_smoothing: float = 1e-9
) -> GaussianNaiveBayesFit:
    r"""Mean and variance of every column within every class.

    $$ \mu_{kj} = \frac{1}{n_k} \sum_{i: y_i = k} w_i x_{ij}, \qquad
       \sigma^2_{kj} = \epsilon + \frac{1}{n_k} \sum_{i: y_i = k} w_i (x_{ij} - \mu_{kj})^2, \qquad
       \pi_k = \frac{n_k}{\sum_i w_i} $$

    with $n_k$ the weight of the class. $\epsilon$ is `variance_smoothing` times the largest variance of a
    column, or `variance_smoothing` itself if every column is constant.

    Parameters
    ----------
    y : class of each row, from zero.

    Examples
    --------
    >>> X, y, w = np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]), np.ones(3)
    >>> fit = fit_gaussian_naive_bayes(X, y, w, classes=2, variance_smoothing=0.0)
    >>> fit.mean.ravel().tolist(), fit.variance.ravel().tolist(), np.exp(fit.log_prior).round(3).tolist()
    ([1.0, 5.0], [1.0, 0.0], [0.667, 0.333])
    """
    xp = X.__array_namespace__()
    share = _shares(y, sample_weight, classes)
    count = share.sum(axis=0)
    mean = (share.T @ X) / count[:, None]
    variance = (share.T @ (X - mean[y]) ** 2) / count[:, None]
    total = sample_weight.sum()
    spread = ((sample_weight @ (X - (sample_weight @ X) / total) ** 2) / total).max()
    epsilon = variance_smoothing * xp.where(spread > 0, spread, 1.0)
    return GaussianNaiveBayesFit(xp.log(count / total), mean, variance + epsilon)


def fit_multinomial_naive_bayes(
    X: Rows, y: Classes, sample_weight: Weight, *, classes: int, alpha: float = 1.0
) -> CountNaiveBayesFit:
    r"""$\theta_{kj} = (N_{kj} + \alpha) / (\sum_l N_{kl} + p \alpha)$ with $N_{kj} = \sum_i w_i [y_i = k] x_{ij}$.

    Parameters
    ----------
    X : counts, none negative.
    alpha : imagined counts of every column (Laplace, Lidstone).

    Examples
    --------
    >>> fit = fit_multinomial_naive_bayes(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 1]), np.ones(2), classes=2)
    >>> np.exp(fit.log_probability).round(3).tolist()
    [[0.75, 0.25], [0.333, 0.667]]
    """
    xp = X.__array_namespace__()
    share = _shares(y, sample_weight, classes)
    count = share.T @ X + alpha
    log_probability = xp.log(count) - xp.log(count.sum(axis=1))[:, None]
    return CountNaiveBayesFit(xp.log(share.sum(axis=0) / sample_weight.sum()), log_probability)


def fit_bernoulli_naive_bayes(
    X: Rows, y: Classes, sample_weight: Weight, *, classes: int, alpha: float = 1.0
) -> CountNaiveBayesFit:
    r"""$\theta_{kj} = (N_{kj} + \alpha) / (n_k + 2 \alpha)$ with $N_{kj} = \sum_i w_i [y_i = k] x_{ij}$.

    Parameters
    ----------
    X : zeros and ones.
    alpha : imagined rows with, and as many without, each column.

    Examples
    --------
    >>> fit = fit_bernoulli_naive_bayes(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0, 1]), np.ones(2), classes=2)
    >>> np.exp(fit.log_probability).round(3).tolist()
    [[0.667, 0.333], [0.333, 0.333]]
    """
    xp = X.__array_namespace__()
    share = _shares(y, sample_weight, classes)
    count = share.sum(axis=0)
    log_probability = xp.log(share.T @ X + alpha) - xp.log(count + 2 * alpha)[:, None]
    return CountNaiveBayesFit(xp.log(count / sample_weight.sum()), log_probability)


def gaussian_log_joint(X: Rows, log_prior: Prior, mean: Table, variance: Table) -> Scores:
    r"""$\log \pi_k - \frac12 \sum_j \bigl(\log 2 \pi \sigma^2_{kj} + (x_j - \mu_{kj})^2 / \sigma^2_{kj}\bigr)$.

    Examples
    --------
    >>> gaussian_log_joint(np.zeros((1, 1)), np.zeros(1), np.zeros((1, 1)), np.ones((1, 1))).round(4).tolist()
    [[-0.9189]]
    """
    xp = X.__array_namespace__()
    squares = [((X - mean[k]) ** 2 / variance[k]).sum(axis=1) for k in range(mean.shape[0])]
    return log_prior - 0.5 * (xp.stack(squares, axis=1) + xp.log(2 * math.pi * variance).sum(axis=1))


def multinomial_log_joint(X: Rows, log_prior: Prior, log_probability: Table) -> Scores:
    r"""$\log \pi_k + \sum_j x_j \log \theta_{kj}$, up to a term that does not depend on the class.

    Examples
    --------
    >>> multinomial_log_joint(np.array([[2.0, 1.0]]), np.zeros(1), np.log([[0.5, 0.5]])).round(4).tolist()
    [[-2.0794]]
    """
    return X @ log_probability.T + log_prior


def bernoulli_log_joint(X: Rows, log_prior: Prior, log_probability: Table) -> Scores:
    r"""$\log \pi_k + \sum_j \bigl(x_j \log \theta_{kj} + (1 - x_j) \log (1 - \theta_{kj})\bigr)$.

    Examples
    --------
    >>> bernoulli_log_joint(np.array([[1.0, 0.0]]), np.zeros(1), np.log([[0.5, 0.5]])).round(4).tolist()
    [[-1.3863]]
    """
    xp = X.__array_namespace__()
    absent = xp.log1p(-xp.exp(log_probability))
    return X @ (log_probability - absent).T + absent.sum(axis=1) + log_prior


def _shares(y: Classes, sample_weight: Weight, classes: int) -> Scores:
    """The weight of each row in the column of its class."""
    xp = sample_weight.__array_namespace__()
    return xp.where(y[:, None] == xp.arange(classes, dtype=y.dtype), sample_weight[:, None], 0.0)
