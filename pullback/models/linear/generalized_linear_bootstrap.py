"""The bootstrap of a generalized linear model: a thousand fits as one compiled program."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from pullback.core.checks import positive_integer
from pullback.core.precision import double_precision
from pullback.core.random import generator
from pullback.models.linear.fisher_scoring import (
    Law,
    Rows,
    maximize_likelihood,
    products_of_columns,
    starting_points,
)
from pullback.models.linear.generalized_linear import GeneralizedLinearRows, Options, as_rows, chosen_law
from pullback.models.linear.standardized_design import standardize_design

# Members that are fitted together, so that their rows stay in the cache.
MEMBERS_AT_ONCE = 50


class GeneralizedLinearBootstrap(NamedTuple):
    """What `bootstrap_generalized_linear` returns.

    Parameters
    ----------
    coef : shape (members, p).
    intercept : shape (members,).
    converged : False for a member whose rows have no maximum of the likelihood, such as separated ones.
    """

    coef: Any
    intercept: Any
    converged: Any

    def standard_errors(self) -> Float[np.ndarray, " k"]:
        """Spread of the members that converged, the intercept first."""
        return np.std(self._estimates(), axis=0, ddof=1)

    def intervals(self, level: float = 0.95) -> Float[np.ndarray, "k 2"]:
        """Percentile intervals, the intercept first."""
        tail = (1 - level) / 2
        return np.quantile(self._estimates(), [tail, 1 - tail], axis=0).T

    def _estimates(self) -> Float[np.ndarray, "members k"]:
        estimates = np.concatenate([np.asarray(self.intercept)[:, None], np.asarray(self.coef)], axis=1)
        return estimates[np.asarray(self.converged)]


def bootstrap_generalized_linear(
    X: Any,
    y: Any,
    *,
    family: str = "normal",
    link: str | None = None,
    members: int = 1000,
    seed: int = 0,
    tolerance: float = 1e-2,
    max_steps: int = 50,
) -> GeneralizedLinearBootstrap:
    r"""Maximum-likelihood fits of `members` tables of rows drawn with replacement.

    A row that is drawn $w$ times has the weight $w$, so that all members have the same columns: with the products of
    pairs of columns the informations $Z^\top \operatorname{diag}(w W) Z$ of many members are one matrix product. Each
    starts from the fit of all rows.

    Parameters
    ----------
    X, y, family, link : as for `fit_generalized_linear`.
    seed : the members are a function of the number of rows and the seed.
    tolerance : length of the last step, in standard errors; what it leaves is about its square.

    Examples
    --------
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([1.0, 2.0, 2.0, 6.0, 8.0])
    >>> found = bootstrap_generalized_linear(x, y, family="poisson", members=200)
    >>> found.coef.shape, bool(0.05 < found.standard_errors()[1] < 0.3)
    ((200, 1), True)

    References
    ----------
    Efron, Tibshirani, "An Introduction to the Bootstrap" (1993), section 9.5.
    """
    positive_integer("members", members)
    n = len(np.asarray(X))
    drawn = generator(seed, "bootstrap").integers(0, n, (members, n))
    counts = np.zeros((members, n))
    np.add.at(counts, (np.arange(members)[:, None], drawn), 1.0)
    law = chosen_law(family, link, "fisher_scoring", False)
    coef, intercept, converged = fit_members(X, y, counts, law, tolerance, max_steps)
    return GeneralizedLinearBootstrap(coef, intercept, converged)


@double_precision
def fit_members(X: Any, y: Any, counts: Any, law: Law, tolerance: Any, max_steps: Any) -> Any:
    """The fits for each row of `counts`, weights of the rows."""
    rows = as_rows(X, y, None, None, None, None, law)
    dtype = rows.X.dtype
    options = Options(jnp.zeros((), dtype), jnp.asarray(tolerance, dtype), jnp.asarray(max_steps, jnp.int32))
    return _fit_members(rows, jnp.asarray(counts, dtype), options, law)


@partial(jax.jit, static_argnames=("law",))
def _fit_members(
    rows: GeneralizedLinearRows, counts: Float[Array, "members n"], options: Options, law: Law
) -> tuple[Float[Array, "members p"], Float[Array, " members"], Bool[Array, " members"]]:
    design = standardize_design(rows.X, rows.weight, True)
    none = jnp.zeros((design.columns.shape[1],), rows.X.dtype)
    data = Rows(
        design.columns, rows.share, rows.weight, rows.offset, none, design.null, products_of_columns(design.columns)
    )
    whole = maximize_likelihood(data, law, starting_points(data, law, True), options.tolerance, options.max_steps)

    def member(weight: Float[Array, " n"]) -> Any:
        start = (whole.b, whole.b)
        found = maximize_likelihood(data._replace(weight=weight), law, start, options.tolerance, options.max_steps)
        coef, intercept = design.coefficients(found.b)
        return coef, intercept, found.converged

    return jax.lax.map(member, counts, batch_size=MEMBERS_AT_ONCE)
