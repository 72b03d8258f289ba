"""Generalized linear models by maximum likelihood, as a function of arrays."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError, DataError, ShapeError, unknown_name
from pullback.core.precision import double_precision
from pullback.linalg.product import known
from pullback.models.linear.fisher_scoring import (
    Law,
    Maximum,
    Rows,
    information,
    maximize_likelihood,
    starting_points,
)
from pullback.models.linear.standardized_design import standardize_design
from pullback.prob.families import Family, family_named
from pullback.prob.links import link_named

METHODS = ("fisher_scoring", "newton")


class GeneralizedLinearFit(NamedTuple):
    r"""What `fit_generalized_linear` returns.

    Parameters
    ----------
    coef, intercept : of the columns as they were given; collinear ones share their effect so that `coef` is shortest.
    linear_predictor : $\eta$ of the rows, offset included.
    deviance, null_deviance : $\sum_i w_i d_i$, of this model and of the one with nothing but an intercept (nothing
        but the offset where there is none).
    log_likelihood, null_log_likelihood : at this dispersion; of a normal law with the variance $D / n$ of each.
    dispersion : $\phi$: one for laws that have none, otherwise Pearson's $\sum_i w_i (y_i - \mu_i)^2 / V(\mu_i)$ by
        the residual degrees of freedom.
    information_inverse : $(X^\top \operatorname{diag}(w W) X)^{-1}$ with the expected information $W$, the intercept
        first; times $\phi$ it is the covariance of the coefficients that are identified.
    observed_information_inverse : the same with the observed information.
    leverage : the diagonal of the hat matrix, of one row of weight one.
    identified : for each coefficient, the intercept first.
    rank : number of independent columns, the intercept among them.
    observations : $\sum_i w_i$.
    steps, converged : of the iteration.
    bias_reduced : whether Jeffreys's prior had a part.
    """

    coef: Any
    intercept: Any
    linear_predictor: Any
    deviance: Any
    null_deviance: Any
    log_likelihood: Any
    null_log_likelihood: Any
    dispersion: Any
    information_inverse: Any
    observed_information_inverse: Any
    leverage: Any
    identified: Any
    rank: Any
    observations: Any
    steps: Any
    converged: Any
    bias_reduced: Any


class Options(NamedTuple):
    """Settings that are numbers: another value compiles nothing."""

    alpha: Any
    tolerance: Any
    max_steps: Any


@double_precision
def fit_generalized_linear(
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    family: str = "normal",
    link: str | None = None,
    offset: Any = None,
    exposure: Any = None,
    trials: Any = None,
    alpha: Any = 0.0,
    fit_intercept: bool = True,
    method: str = "fisher_scoring",
    bias_reduction: bool = False,
    tolerance: Any = 1e-9,
    max_steps: Any = 100,
) -> GeneralizedLinearFit:
    r"""Maximum-likelihood fit of $g(\operatorname{E} y_i) = \eta_i = x_i^\top b + b_0 + o_i$.

    $$ \hat b = \operatorname{argmin}_b \; \frac{1}{2 \sum_i w_i} \sum_i w_i \, d(y_i, g^{-1}(\eta_i))
       + \frac{\alpha}{2} \lVert b \rVert^2 $$

    with the unit deviance $d$ of the family, which for $\alpha = 0$ is the maximum of the likelihood. Steps of Fisher
    scoring or Newton's method are halved until they help; all of it is one compiled loop, which `jax.vmap` takes.

    Parameters
    ----------
    X : shape (n, p). Columns may be collinear and of any scale and offset.
    y : shape (n,). Counts for "poisson", positive for "gamma", 0, 1 or shares for "binomial"; with `trials` the number
        of successes.
    sample_weight : how often each row occurs; a row of weight zero is not there.
    family : "normal", "poisson", "gamma" or "binomial".
    link : "identity", "log", "logit", "probit", "cloglog" or "inverse"; the family's canonical one by default.
    offset : $o_i$, part of the linear predictor with coefficient one.
    exposure : $e_i > 0$, the time or population of a row: $\log e_i$ is added to the offset of a log link.
    trials : $m_i$, trials of which `y` counts the successes, for "binomial".
    alpha : ridge penalty of the coefficients, not of the intercept, scaled as scikit-learn's.
    method : "fisher_scoring", or "newton" by the observed information where that is positive definite.
    bias_reduction : add Jeffreys's $\frac{1}{2} \log \det I(b)$ to the log-likelihood, which for the logit is Firth's
        reduction of bias: its maximum is finite even where the classes are separated.
    tolerance : length of a step, in standard errors, at which the iteration ends.

    Raises
    ------
    ShapeError, DataError
        for arrays that do not fit together, and values that the family cannot have.
    ConfigurationError
        for a family, link or method that is not known, and an exposure or trials where they have no meaning.

    Examples
    --------
    Two groups of ten with 3 and 6 successes: the coefficient is the logarithm of the odds ratio.

    >>> group, successes = np.array([[0.0], [1.0]]), np.array([3.0, 6.0])
    >>> fit = fit_generalized_linear(group, successes, family="binomial", trials=np.array([10.0, 10.0]))
    >>> float(fit.coef[0].round(6)), float(np.log((6 / 4) / (3 / 7)).round(6))
    (1.252763, 1.252763)

    References
    ----------
    Nelder, Wedderburn, "Generalized linear models", JRSS A 135 (1972). McCullagh, Nelder, "Generalized Linear
    Models", 2nd edition (1989). Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80 (1993).
    """
    law = chosen_law(family, link, method, bias_reduction)
    rows = as_rows(X, y, sample_weight, offset, exposure, trials, law)
    dtype = rows.X.dtype
    options = Options(jnp.asarray(alpha, dtype), jnp.asarray(tolerance, dtype), jnp.asarray(max_steps, jnp.int32))
    return fit_rows(rows, options, law, fit_intercept, offset is None and exposure is None)


class GeneralizedLinearRows(NamedTuple):
    """The data as arrays of one precision; `share` is `y` by its trials."""

    X: Float[Array, "n p"]
    share: Float[Array, " n"]
    weight: Float[Array, " n"]
    offset: Float[Array, " n"]
    trials: Float[Array, " n"]


def chosen_law(family: str, link: str | None, method: str, bias_reduction: bool) -> Law:
    """Family and link by their names, and how the likelihood is maximized."""
    if method not in METHODS:
        raise unknown_name("method of generalized linear models", method, METHODS)
    member = family_named(family)
    g = link_named(member.canonical_link if link is None else link)
    if member.name != "binomial" and g.name in ("logit", "probit", "cloglog"):
        raise ConfigurationError(
            f"the {g.name} link maps to probabilities, the means of {member.name} are none",
            expected="identity, log or inverse",
            got=repr(g.name),
            fix="choose another link, or the binomial family",
        )
    if bias_reduction and member.name != "binomial":
        raise ConfigurationError(
            "bias reduction by Jeffreys's prior is for the binomial family",
            expected="family='binomial'",
            got=repr(member.name),
            fix="leave bias_reduction out",
        )
    return Law(member, g, method == "newton", bias_reduction)


def as_rows(
    X: Any, y: Any, sample_weight: Any, offset: Any, exposure: Any, trials: Any, law: Law
) -> GeneralizedLinearRows:
    """Arrays of one floating type, checked where they can be looked at."""
    X = jnp.asarray(X)
    X = X if jnp.issubdtype(X.dtype, jnp.floating) else X.astype(jnp.result_type(float))
    if X.ndim != 2:
        raise ShapeError("X is not a table", expected="(n, p)", got=str(X.shape), fix="pass a row an observation")
    n = len(X)

    def column(name: str, value: Any, default: float) -> Float[Array, " n"]:
        array = jnp.full((n,), default, X.dtype) if value is None else jnp.asarray(value).astype(X.dtype)
        if array.shape != (n,):
            raise ShapeError(
                f"{name} does not fit X", expected=f"({n},)", got=str(array.shape), fix="give one value for each row"
            )
        return array

    if trials is not None and law.family.name != "binomial":
        raise ConfigurationError(
            "only the binomial family has trials", expected="family='binomial'", got=law.family.name, fix="drop trials"
        )
    w, m = column("sample_weight", sample_weight, 1), column("trials", trials, 1)
    o = column("offset", offset, 0)
    if exposure is not None:
        if law.link.name != "log":
            raise ConfigurationError(
                "an exposure multiplies the mean, which only a log link adds to the predictor",
                expected="link='log'",
                got=repr(law.link.name),
                fix="choose the log link, or model the rate with weights",
            )
        o = o + jnp.log(column("exposure", exposure, 1))
    share = column("y", y, 0) / jnp.where(m > 0, m, 1)
    check_values(X, share, w, o, m, law.family)
    # What stands in a row that is not there must not reach a logarithm.
    middle = jnp.sum(jnp.where(w > 0, w * share, 0)) / jnp.sum(w)
    return GeneralizedLinearRows(X, jnp.where(w > 0, share, middle), w, o, m)


def check_values(X: Any, y: Any, w: Any, offset: Any, trials: Any, family: Family) -> None:
    """That the family can have these values; nothing is asked inside a compiled program."""
    if not known(X, y, w, offset, trials):
        return
    if not bool(jnp.all(w >= 0)) or not bool(jnp.any(w > 0)):
        raise DataError(
            "the weights are no frequencies",
            expected="numbers >= 0, one above zero at least",
            got=f"the smallest is {float(jnp.min(w, initial=jnp.inf))}, the sum {float(jnp.sum(w))}",
            fix="pass how often each row occurs",
        )
    there = np.asarray(w > 0)
    fits = np.asarray(family.supports(y) & jnp.isfinite(offset) & (trials > 0))
    bad = np.flatnonzero(there & ~fits)
    if len(bad):
        row = int(bad[0])
        raise DataError(
            f"a {family.name} law does not have the value in row {row}",
            expected=family.support + ", with a finite offset, an exposure > 0 and trials > 0",
            got=f"y = {float(y[row]):g}, offset {float(offset[row]):g}, trials {float(trials[row]):g}",
            fix="choose another family, or correct the row",
        )
    unusable = np.argwhere(there[:, None] & ~np.isfinite(np.asarray(X)))
    if len(unusable):
        row, column = unusable[0].tolist()
        raise DataError(
            "X is not finite",
            expected="finite numbers",
            got=f"{float(X[row, column])} in row {row}, column {column}",
            fix="leave out or fill in such rows first",
        )


@partial(jax.jit, static_argnames=("law", "fit_intercept", "plain"))
def fit_rows(
    rows: GeneralizedLinearRows, options: Options, law: Law, fit_intercept: bool, plain: bool
) -> GeneralizedLinearFit:
    """The fit and what inference asks of it; `plain` promises that the offset is zero."""
    X, y, w, offset, m = rows
    total = jnp.sum(w)
    design = standardize_design(X, w, fit_intercept)
    penalty = options.alpha * jnp.sum(w * m) / design.scale**2
    if fit_intercept:
        penalty = jnp.concatenate([jnp.zeros((1,), X.dtype), penalty])
    data = Rows(design.columns, y, w * m, offset, penalty, design.null)
    found = maximize_likelihood(
        data, law, starting_points(data, law, fit_intercept), options.tolerance, options.max_steps
    )
    eta = design.columns @ found.b + offset
    coef, intercept = design.coefficients(found.b)
    null = null_predictor(rows, law, options, fit_intercept, plain)
    # Both models at once: half the program to compile.
    both = jnp.stack([eta, null])
    deviances, pearson = jax.vmap(lambda eta: deviance_and_pearson(rows, law, eta))(both)
    dispersion = jnp.ones_like(total) if law.family.known_dispersion else pearson[0] / (total - design.rank)
    # The variance of the largest likelihood, not the unbiased one, as every table of least squares has it.
    scales = deviances / total if law.family.name == "normal" else jnp.stack([dispersion, dispersion])
    likelihoods = jax.vmap(lambda eta, scale: log_likelihood(rows, law, eta, scale))(both, scales)
    unpenalized = data._replace(penalty=jnp.zeros_like(penalty))
    W = law.family.information(eta, law.link)
    inverse = inverse_information(unpenalized, W)
    observed = inverse
    if law.link.name != law.family.canonical_link:
        observed = inverse_information(unpenalized, law.family.observed_information(y, eta, law.link))
    leverage = m * W * jnp.sum((design.columns @ inverse) * design.columns, axis=1)
    return GeneralizedLinearFit(
        coef,
        intercept,
        eta,
        deviances[0],
        deviances[1],
        likelihoods[0],
        likelihoods[1],
        dispersion,
        design.original(inverse),
        design.original(observed),
        leverage,
        design.identified,
        design.rank,
        total,
        found.steps,
        found.converged,
        jnp.asarray(law.bias_reduction),
    )


def deviance_and_pearson(
    rows: GeneralizedLinearRows, law: Law, eta: Float[Array, " n"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""$\sum_i w_i m_i d_i$ and Pearson's $\sum_i w_i m_i (y_i - \mu_i)^2 / V(\mu_i)$."""
    _, y, w, _, m = rows
    mu = law.link.inverse(eta)
    terms = jnp.stack([law.family.deviance(y, eta, law.link), (y - mu) ** 2 / law.family.variance(mu)])
    sums = jnp.sum(jnp.where(w > 0, w * m * terms, 0), axis=1)
    return sums[0], sums[1]


def log_likelihood(
    rows: GeneralizedLinearRows, law: Law, eta: Float[Array, " n"], scale: Float[Array, ""]
) -> Float[Array, ""]:
    """The log-likelihood of all rows at this predictor and dispersion."""
    _, y, w, _, m = rows
    return jnp.sum(jnp.where(w > 0, w * law.family.log_likelihood(y, eta, law.link, scale, m), 0))


def null_predictor(
    rows: GeneralizedLinearRows, law: Law, options: Options, fit_intercept: bool, plain: bool
) -> Float[Array, " n"]:
    """The predictor of the model with an intercept only, or with the offset only where there is no intercept."""
    if not fit_intercept:
        return rows.offset
    _, y, w, offset, m = rows
    if plain:
        return jnp.full_like(y, 1) * law.link((w * m) @ y / jnp.sum(w * m))
    ones = jnp.ones((len(y), 1), y.dtype)
    nothing = jnp.zeros((1, 1), y.dtype)
    data = Rows(ones, y, w * m, offset, jnp.zeros((1,), y.dtype), nothing)
    plain_law = law._replace(bias_reduction=False)
    found: Maximum = maximize_likelihood(
        data, plain_law, starting_points(data, plain_law, True), options.tolerance, options.max_steps
    )
    return found.b[0] + offset


def inverse_information(data: Rows, W: Float[Array, " n"]) -> Float[Array, "k k"]:
    """The inverse within the space of the columns."""
    identity = jnp.eye(data.Z.shape[1], dtype=data.Z.dtype)
    inverse = jnp.linalg.solve(information(data, W), identity)
    kept = identity - data.null
    return kept @ ((inverse + inverse.T) / 2) @ kept
