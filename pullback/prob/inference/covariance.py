"""Covariance of estimates that solve sum of scores = 0, from the scores of the rows."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.core.precision import double_precision

ROBUST_KINDS = ("HC0", "HC1", "HC2", "HC3")
COVARIANCE_KINDS = ("classical", *ROBUST_KINDS, "clustered")


@double_precision
def sandwich_covariance(
    bread: Float[Any, "k k"],
    scores: Float[Any, "n k"],
    sample_weight: Float[Any, " n"],
    *,
    kind: str = "HC0",
    leverage: Float[Any, " n"] | None = None,
    parameters: Any = None,
    clusters: Any = None,
) -> Any:
    r"""Covariance that does not ask the rows for one variance: $B M B$ with the information's inverse $B$.

    $$ M_{\text{HC0}} = \sum_i w_i s_i s_i^\top, \quad
       M_{\text{HC1}} = \frac{n}{n - k} M_{\text{HC0}}, \quad
       M_{\text{HC2}} = \sum_i \frac{w_i s_i s_i^\top}{1 - h_i}, \quad
       M_{\text{HC3}} = \sum_i \frac{w_i s_i s_i^\top}{(1 - h_i)^2} $$

    $$ M_{\text{clustered}} = \frac{G}{G - 1} \frac{n - 1}{n - k}
       \sum_g \Big( \sum_{i \in g} w_i s_i \Big) \Big( \sum_{i \in g} w_i s_i \Big)^\top $$

    with $n = \sum_i w_i$; a row of weight 3 is three rows, of one cluster. The factor before the clusters is
    statsmodels' and Stata's for least squares.

    Parameters
    ----------
    bread : $B$, shape (k, k), the inverse of the information of all rows (of $X^\top X$ for least squares).
    scores : $s_i$, shape (n, k), of one row of weight one ($x_i e_i$ for least squares).
    sample_weight : $w_i$, how often a row occurs; zero for a row that is not there.
    kind : "HC0", "HC1", "HC2", "HC3" or "clustered".
    leverage : $h_i$ of one row of weight one, for HC2 and HC3.
    parameters : $k$ in the factors, the rank of the columns; by default the number of columns.
    clusters : label of the cluster of each row. A cluster may be one row; there must be two at least.

    Raises
    ------
    ConfigurationError
        for an unknown kind, or one whose leverage or clusters were not given.
    DataError
        for labels of another length, or a single cluster.

    Examples
    --------
    A mean: the scores are the residuals, the information is n.

    >>> y = np.array([1.0, 2.0, 6.0])
    >>> residuals = (y - y.mean())[:, None]
    >>> sandwich_covariance(np.eye(1) / 3, residuals, np.ones(3), kind="HC1").round(12).tolist()
    [[2.333333333333]]
    >>> float(y.var(ddof=1) / 3)
    2.3333333333333335

    References
    ----------
    White, Econometrica 48 (1980). MacKinnon, White, J. Econometrics 29 (1985). Cameron, Miller, "A practitioner's
    guide to cluster-robust inference", J. Human Resources 50 (2015).
    """
    bread, scores, w = jnp.asarray(bread), jnp.asarray(scores), jnp.asarray(sample_weight)
    n, k = jnp.sum(w), scores.shape[1] if parameters is None else parameters
    if kind == "clustered":
        codes, count = cluster_codes(clusters, sample_weight)
        sums = jax.ops.segment_sum(w[:, None] * scores, codes, num_segments=count)
        factor = count / (count - 1) * (n - 1) / (n - k)
        return factor * (bread @ (sums.T @ sums) @ bread)
    if kind not in ROBUST_KINDS:
        raise unknown_name("kind of robust covariance", kind, (*ROBUST_KINDS, "clustered"))
    if kind in ("HC2", "HC3"):
        if leverage is None:
            raise ConfigurationError(
                f"{kind} needs the leverage of the rows", expected="leverage, shape (n,)", got="None", fix="pass it"
            )
        w = w * unleveraged(jnp.asarray(leverage)) ** (-1 if kind == "HC2" else -2)
    factor = n / (n - k) if kind == "HC1" else jnp.ones_like(n)
    return factor * (bread @ (scores.T @ (w[:, None] * scores)) @ bread)


def unleveraged(h: Float[Array, " n"]) -> Float[Array, " n"]:
    """$1 - h_i$, one where a row is fitted whatever it says: its score is zero then, and so is its share."""
    free = 1 - h
    return jnp.where(free > jnp.finfo(h.dtype).eps ** 0.75, free, 1)


def cluster_codes(clusters: Any, sample_weight: Any) -> tuple[Any, int]:
    """The clusters of the rows that are there as 0 .. G - 1, and G; absent rows get the first.

    Examples
    --------
    >>> cluster_codes(["b", "a", "b", "c"], np.array([1.0, 2.0, 1.0, 0.0]))
    (array([1, 0, 1, 0]), 2)
    """
    if clusters is None:
        raise ConfigurationError(
            "the clustered covariance needs the clusters of the rows",
            expected="clusters, one label a row",
            got="None",
            fix="pass clusters, or choose another covariance",
        )
    labels, weights = np.asarray(clusters), np.asarray(sample_weight)
    if labels.shape != weights.shape:
        raise DataError(
            "the clusters do not fit the rows",
            expected=f"{weights.size} labels",
            got=f"shape {labels.shape}",
            fix="give each row one label",
        )
    present = weights > 0
    names, found = np.unique(labels[present], return_inverse=True)
    if len(names) < 2:
        raise DataError(
            "all rows are of one cluster, so nothing says how clusters vary",
            expected="two clusters at least, and dozens to rely on",
            got="one cluster",
            fix="choose a finer grouping, or another covariance",
        )
    codes = np.zeros(len(labels), int)
    codes[present] = found
    return codes, len(names)
