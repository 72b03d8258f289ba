"""Separation of several classes: directions in which the likelihood of a softmax regression grows for ever."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pullback.models.linear.generalized_linear_inference import LARGEST_PROGRAM
from pullback.models.linear.separation import Separation, find_separation
from pullback.prob.inference import Finding
from pullback.prob.inference.inference import INTERCEPT

# Where the likelihood grows for ever the iteration ends with scores that are further apart than this.
SUSPICIOUS = 10.0


def class_contrasts(
    Z: Float[np.ndarray, "n p"], y: Int[np.ndarray, " n"], classes: int, reference: int
) -> Float[np.ndarray, "m q"]:
    r"""$c_{il}$ with $c_{il}^\top v = (v_{y_i} - v_l)^\top z_i$ for every row and each $l \ne y_i$.

    The coefficients $v$ are those of all classes but the reference, one class after another; rows of the result come
    in the order of the rows, of each in the order of the classes.

    Examples
    --------
    >>> class_contrasts(np.array([[1.0, 5.0]]), np.array([1]), 3, 0).tolist()
    [[1.0, 5.0, 0.0, 0.0], [1.0, 5.0, -1.0, -5.0]]
    """
    n, p = Z.shape
    against = np.array([[k for k in range(classes) if k != own] for own in range(classes)])[y]
    contrasts = np.zeros((n, classes - 1, classes, p))
    row, place = np.arange(n)[:, None], np.arange(classes - 1)
    contrasts[row, place, y[:, None]] = Z[:, None]
    contrasts[row, place, against] = -Z[:, None]
    return np.delete(contrasts, reference, axis=2).reshape(n * (classes - 1), -1)


def find_softmax_separation(
    Z: Float[np.ndarray, "n p"], y: Int[np.ndarray, " n"], classes: int, reference: int = 0
) -> Separation:
    r"""The direction that separates the classes most, by the linear program of `find_separation` on contrasts.

    $$ (v_{y_i} - v_l)^\top z_i \ge 0 \quad \text{for all rows } i \text{ and classes } l \ne y_i, $$

    not all zero, exists if and only if the maximum of the likelihood does not. Separation is complete if no contrast
    is zero; a row counts as fitted without error if none of its own is.

    Parameters
    ----------
    Z : rows, the column of ones of an intercept included, shape (n, p).
    y : classes 0, 1, ..., shape (n,).
    classes, reference : how many there are, and the one whose coefficients are zero.

    Examples
    --------
    >>> Z = np.stack([np.ones(6), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], axis=1)
    >>> find_softmax_separation(Z, np.array([0, 0, 1, 1, 2, 2]), 3).kind
    'complete'
    >>> find_softmax_separation(Z, np.array([0, 1, 0, 1, 2, 2]), 3).kind
    'quasi-complete'
    >>> find_softmax_separation(Z, np.array([0, 1, 2, 2, 0, 1]), 3).kind
    'none'

    References
    ----------
    Albert, Anderson, "On the existence of maximum likelihood estimates in logistic regression models", Biometrika 71
    (1984), section 3.
    """
    contrasts = class_contrasts(Z, y, classes, reference)
    found = find_separation(contrasts, np.ones(len(contrasts)))
    return found._replace(rows=found.rows.reshape(len(Z), -1).all(axis=1), total=len(Z))


def suspected_separation(
    Z: Float[np.ndarray, "n p"],
    y: Int[np.ndarray, " n"],
    scores: Float[np.ndarray, "n k"],
    converged: bool,
    reference: int,
) -> Separation:
    """`find_softmax_separation`, asked for only where fitted scores are far apart, or the iteration did not end."""
    n, classes = scores.shape
    q = (classes - 1) * Z.shape[1]
    none = Separation("none", np.zeros(q), np.zeros(q, bool), np.zeros(n, bool), n)
    furthest = scores[np.arange(n), y] - scores.min(axis=1)
    if (converged and furthest.max() < SUSPICIOUS) or n * (classes - 1) * q > LARGEST_PROGRAM:
        return none
    return find_softmax_separation(Z, y, classes, reference)


def softmax_separation_findings(apart: Separation, names: Sequence[str]) -> tuple[Finding, ...]:
    """Separation as a sentence that names the coefficients "class:column"."""
    if apart.kind == "none":
        return ()
    part = [name for name, has in zip(names, apart.columns, strict=True) if has and not name.endswith(f":{INTERCEPT}")]
    verb = "fits" if len(part) == 1 else "fit"
    message = (
        f"{', '.join(part) or 'intercepts'} {verb} {int(apart.rows.sum())} of {apart.total} rows without error: "
        "the maximum-likelihood estimates are infinite, their standard errors mean nothing"
    )
    evidence = {f"column {name}": float(value) for name, value in zip(names, apart.direction, strict=True) if value}
    return (Finding(f"{apart.kind} separation", message, evidence),)
