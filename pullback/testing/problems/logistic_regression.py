"""Logistic regression on drawn data: smooth and convex, strongly convex with a penalty."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from pullback.testing.problems.problem import Problem


@dataclass(frozen=True, eq=False)
class LogisticData:
    r"""Rows $a_i$ (n, p), their labels $y_i \in \{-1, 1\}$ (n,), and the weights $w$ (p,) they were drawn with."""

    design: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def logistic_data(rows: int, columns: int, seed: int = 0) -> LogisticData:
    r"""Normal rows with $P(y_i = 1) = 1 / (1 + e^{-a_i^\top w})$ and $w$ normal of length about 2.

    Examples
    --------
    >>> logistic_data(5, 3).design.shape
    (5, 3)
    """
    random = np.random.default_rng(seed)
    design = random.normal(size=(rows, columns))
    weights = 2 * random.normal(size=columns) / np.sqrt(columns)
    probability = 1 / (1 + np.exp(-design @ weights))
    return LogisticData(design, np.where(random.uniform(size=rows) < probability, 1.0, -1.0), weights)


def logistic_regression(rows: int = 200, columns: int = 5, seed: int = 0, l2: float = 0.0) -> Problem:
    r"""$f(w) = \frac{1}{n} \sum_i \log(1 + e^{-y_i a_i^\top w}) + \frac{\lambda}{2} \lVert w \rVert^2$, from zero.

    There is no intercept. The minimum is not known in closed form, so `minimum` is `None`; scikit-learn's
    `LogisticRegression(C=1 / (n * l2), fit_intercept=False)` solves the same problem.

    Parameters
    ----------
    rows, columns, seed : of the data, `logistic_data`.
    l2 : $\lambda \ge 0$; without it separable data have no minimizer.

    Examples
    --------
    >>> print(f"{logistic_regression().function(jnp.zeros(5)):.6f}")
    0.693147

    Source: Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 4.4.
    """
    data = logistic_data(rows, columns, seed)
    signed = data.design * data.labels[:, None]

    def function(x: jax.Array) -> jax.Array:
        margin = jnp.asarray(signed, x.dtype) @ x
        return jnp.mean(jnp.logaddexp(-margin, jnp.zeros_like(margin))) + l2 / 2 * jnp.sum(x**2)

    name = f"logistic regression, n={rows}, p={columns}, l2={l2:g}"
    source = "Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 4.4"
    return Problem(name, function, np.zeros(columns), None, source=source)
