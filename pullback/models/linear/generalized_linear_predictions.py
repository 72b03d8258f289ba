"""Means, bands and effects of a generalized linear model with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from pullback.core.errors import ShapeError, unknown_name
from pullback.prob.families import family_named
from pullback.prob.inference import DerivedEstimates, Inference
from pullback.prob.inference.inference import INTERCEPT
from pullback.prob.links import link_named


class MeanBand(NamedTuple):
    r"""What `mean_band` returns, an entry for each row.

    Parameters
    ----------
    mean : $\mu = g^{-1}(\eta)$.
    standard_error : of the mean, $|\mu'| \sqrt{x^\top V x}$ by the delta method.
    lower, upper : limits of the mean: those of $\eta$, sent through the link, so that they stay in its range.
    """

    mean: Float[np.ndarray, " n"]
    standard_error: Float[np.ndarray, " n"]
    lower: Float[np.ndarray, " n"]
    upper: Float[np.ndarray, " n"]


def mean_band(inference: Inference, X: Any, *, link: str, offset: Any = None, level: float = 0.95) -> MeanBand:
    r"""Confidence band of the mean at the rows of `X`.

    $$ g^{-1}\big(x^\top \hat b \mp q \sqrt{x^\top V x}\big) $$

    Parameters
    ----------
    inference : of the fit.
    X : rows, shape (n, p), without the column of the intercept.
    link : name of the link of the fit.

    Raises
    ------
    ShapeError
        for rows of another number of columns.

    Examples
    --------
    One proportion, 3 of 10, by its logit:

    >>> found = Inference(("intercept",), np.array([-0.8473]), np.array([[1 / 3 + 1 / 7]]), "classical", 10.0, 9.0,
    ...     "normal", -6.11, -6.11, 0.0, 0.0, 1.0, 1)
    >>> band = mean_band(found, np.zeros((1, 0)), link="logit")
    >>> band.mean.round(3).tolist(), band.lower.round(3).tolist(), band.upper.round(3).tolist()
    ([0.3], [0.1], [0.624])
    """
    Z = design(inference, X)
    g = link_named(link)
    eta = Z @ inference.estimates + (0.0 if offset is None else np.asarray(offset, np.float64))
    covariance = np.where(np.isfinite(inference.covariance), inference.covariance, 0)
    unknown = ~np.isfinite(np.diag(inference.covariance))
    open_ = np.any(Z[:, unknown] != 0, axis=1)
    error = np.where(open_, np.nan, np.sqrt(np.maximum(np.sum((Z @ covariance) * Z, axis=1), 0)))
    reach = inference.quantile(level) * error
    with jax.enable_x64(True):
        ends = [np.asarray(g.inverse(jnp.asarray(value))) for value in (eta, eta - reach, eta + reach)]
        slope = np.asarray(g.derivative(jnp.asarray(eta)))
    return MeanBand(ends[0], np.abs(slope) * error, np.minimum(ends[1], ends[2]), np.maximum(ends[1], ends[2]))


def average_marginal_effects(
    inference: Inference,
    X: Any,
    *,
    link: str,
    sample_weight: Any = None,
    offset: Any = None,
    discrete: Sequence[str] = (),
) -> DerivedEstimates:
    r"""How much the mean changes with each column, averaged over the rows, with delta-method standard errors.

    $$ \frac{1}{\sum_i w_i} \sum_i w_i \frac{\partial \mu_i}{\partial x_{ij}}
       = b_j \frac{\sum_i w_i \, \mu'(\eta_i)}{\sum_i w_i} $$

    and for a `discrete` column the mean of $\mu(x_{ij} = 1) - \mu(x_{ij} = 0)$.

    Parameters
    ----------
    X : the rows averaged over, shape (n, p).
    link : name of the link of the fit.
    discrete : names of columns of zeros and ones.

    Raises
    ------
    ConfigurationError
        for a name that no column has.

    Examples
    --------
    With the identity link an effect is its coefficient.

    >>> found = Inference(("intercept", "x"), np.array([1.0, 3.0]), np.diag([0.25, 1.0]), "classical", 4.0, 2.0,
    ...     "normal", -4.0, -5.0, 1.0, 2.0, 1.0, 2)
    >>> effects = average_marginal_effects(found, np.array([[1.0], [2.0]]), link="identity")
    >>> effects.estimates.tolist(), effects.standard_errors.tolist()
    ([3.0], [1.0])
    """
    Z = design(inference, X)
    g = link_named(link)
    intercept = inference.names[0] == INTERCEPT
    names = inference.names[int(intercept) :]
    for name in discrete:
        if name not in names:
            raise unknown_name("column", name, names)
    w = np.ones(len(Z)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    w = w / w.sum()
    o = np.zeros(len(Z)) if offset is None else np.asarray(offset, np.float64)
    switched = [names.index(name) + int(intercept) for name in discrete]

    def effects(b: Any) -> Any:
        slopes = b[int(intercept) :] * (w @ g.derivative(Z @ b + o))
        for j in switched:
            one, zero = Z.copy(), Z.copy()
            one[:, j], zero[:, j] = 1.0, 0.0
            step = w @ (g.inverse(one @ b + o) - g.inverse(zero @ b + o))
            slopes = slopes.at[j - int(intercept)].set(step)
        return jnp.asarray(slopes)

    return inference.delta_method(effects, names)


def mean_of(link: str, eta: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    r"""$\mu = g^{-1}(\eta)$ in float64, by the name of the link."""
    with jax.enable_x64(True):
        return np.asarray(link_named(link).inverse(jnp.asarray(eta)))


def deviance_of(
    family: str, link: str, y: Float[np.ndarray, " n"], eta: Float[np.ndarray, " n"], w: Float[np.ndarray, " n"]
) -> float:
    r"""$\sum_i w_i d(y_i, g^{-1}(\eta_i))$."""
    with jax.enable_x64(True):
        return float(w @ np.asarray(family_named(family).deviance(jnp.asarray(y), jnp.asarray(eta), link_named(link))))


def design(inference: Inference, X: Any) -> Float[np.ndarray, "n k"]:
    """The rows with the ones of the intercept in front, if the fit has one."""
    X = np.asarray(X, np.float64)
    intercept = int(len(inference.names) > 0 and inference.names[0] == INTERCEPT)
    if X.ndim != 2 or X.shape[1] + intercept != len(inference.estimates):
        raise ShapeError(
            "the rows do not fit the coefficients",
            expected=f"(n, {len(inference.estimates) - intercept})",
            got=str(X.shape),
            fix="pass the columns of the fit",
        )
    return np.concatenate([np.ones((len(X), intercept)), X], axis=1)
