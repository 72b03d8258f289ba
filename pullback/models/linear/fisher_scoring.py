"""Fisher scoring and Newton's method for the likelihood of a generalized linear model."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Bool, Float, Int

from pullback.prob.families import Family
from pullback.prob.links import Link


class Rows(NamedTuple):
    r"""The data of a likelihood: $\eta = Z b + o$.

    Parameters
    ----------
    Z : columns, shape (n, k).
    y : observations.
    weight : how often a row counts: its frequency times its trials.
    offset : $o$.
    penalty : $\lambda_j$ of the penalty $\frac{1}{2} \sum_j \lambda_j b_j^2$, shape (k,).
    null : projection on the combinations of columns that are zero in every row.
    products : $z_{ij} z_{ik}$ for $j \le k$, shape (n, k (k + 1) / 2), where many fits of the same columns share them:
        all their informations are one matrix product then.
    """

    Z: Float[Array, "n k"]
    y: Float[Array, " n"]
    weight: Float[Array, " n"]
    offset: Float[Array, " n"]
    penalty: Float[Array, " k"]
    null: Float[Array, "k k"]
    products: Float[Array, "n pairs"] | None = None


class Law(NamedTuple):
    """What is fixed when the program is compiled."""

    family: Family
    link: Link
    newton: bool = False
    bias_reduction: bool = False


class Maximum(NamedTuple):
    """Where the iteration ended: the coefficients, why, and after how many steps."""

    b: Float[Array, " k"]
    converged: Bool[Array, ""]
    steps: Int[Array, ""]


class State(NamedTuple):
    """One iterate, with the step that it proposes and the part of it that is tried next."""

    b: Float[Array, " k"]
    value: Float[Array, ""]
    step: Float[Array, " k"]
    size: Float[Array, ""]
    converged: Bool[Array, ""]
    steps: Int[Array, ""]


SMALLEST_SIZE = 2.0**-30


def maximize_likelihood(
    rows: Rows,
    law: Law,
    start: tuple[Float[Array, " k"], Float[Array, " k"]],
    tolerance: Float[Array, ""],
    max_steps: Int[Array, ""],
) -> Maximum:
    r"""The $b$ of the largest penalized likelihood, by steps $H^{-1} g$ that are halved until it grows.

    $$ g = Z^\top w s - \lambda b, \qquad H = Z^\top \operatorname{diag}(w W) Z + \operatorname{diag}(\lambda) $$

    with the score $s$ and the information $W$ of the rows: expected (Fisher scoring, which is iteratively reweighted
    least squares), or observed where that is positive definite (Newton). It ends where the step is a `tolerance` of a
    standard error: $g^\top H^{-1} g \le \text{tolerance}^2 \phi$. It begins at the better point of
    `start`; the second may be of no use.
    """

    def propose(b: Float[Array, " k"], value: Float[Array, ""], steps: Int[Array, ""]) -> State:
        step, decrement, negligible = direction(rows, law, b)
        done = (decrement <= tolerance**2 * scale_of(rows, law, b)) | negligible
        # The last step is known, and better than none.
        ended = done & jnp.all(jnp.isfinite(step))
        return State(jnp.where(ended, b + step, b), value, step, jnp.ones_like(value), ended, steps)

    def unfinished(state: State) -> Bool[Array, ""]:
        usable = jnp.isfinite(state.value) | (state.steps <= 1)
        return ~state.converged & (state.steps < max_steps) & (state.size > SMALLEST_SIZE) & usable

    def advance(state: State) -> State:
        candidate = state.b + state.size * state.step
        value = objective(rows, law, candidate)
        slack = 1e3 * jnp.finfo(value.dtype).eps * (1 + jnp.abs(state.value))
        grows = value >= state.value - slack
        accepted = propose(candidate, value, state.steps + 1)
        # The way to the second point need not lead upwards: if that is the worse one, begin at the first.
        begins = state.steps == 0
        rejected = State(
            state.b,
            jnp.where(begins, -jnp.inf, state.value),
            jnp.where(begins, 0, state.step),
            jnp.where(begins, 1, state.size / 2),
            state.converged,
            state.steps + 1,
        )
        return jax.tree.map(lambda new, old: jnp.where(grows, new, old), accepted, rejected)

    safe, first = start
    step = jnp.where(jnp.all(jnp.isfinite(first)), first - safe, 0)
    one, no = jnp.ones((), safe.dtype), jnp.zeros((), bool)
    begun = State(safe, objective(rows, law, safe), step, one, no, jnp.zeros((), jnp.int32))
    last = jax.lax.while_loop(unfinished, advance, begun)
    return Maximum(last.b, last.converged, last.steps)


def objective(rows: Rows, law: Law, b: Float[Array, " k"]) -> Float[Array, ""]:
    """The penalized log-likelihood, but for a constant and the dispersion; minus infinity outside its domain."""
    eta = rows.Z @ b + rows.offset
    inside = law.family.in_range(law.link.inverse(eta)) | (rows.weight == 0)
    deviance = jnp.where(rows.weight > 0, law.family.deviance(rows.y, eta, law.link), 0)
    value = -(rows.weight @ deviance) / 2 - jnp.sum(rows.penalty * b**2) / 2
    if law.bias_reduction:
        H = expected(rows, law, eta)
        missing = jnp.trace(rows.null)
        value = value + (jnp.linalg.slogdet(H)[1] - missing * jnp.log(null_curvature(rows, H))) / 2
    return jnp.where(jnp.all(inside) & jnp.isfinite(value), value, -jnp.inf)


def direction(
    rows: Rows, law: Law, b: Float[Array, " k"]
) -> tuple[Float[Array, " k"], Float[Array, ""], Bool[Array, ""]]:
    r"""The step $H^{-1} g$, how much it promises, $g^\top H^{-1} g$, and whether it is below the rounding of $\eta$."""
    eta = rows.Z @ b + rows.offset
    H = expected(rows, law, eta)
    root = jnp.linalg.cholesky(H)
    scores = law.family.score(rows.y, eta, law.link)
    if law.bias_reduction:
        scores = scores + jeffreys_score(rows, law, eta, root)
    gradient = rows.Z.T @ (rows.weight * scores) - rows.penalty * b
    if law.newton:
        observed = jnp.linalg.cholesky(information(rows, law.family.observed_information(rows.y, eta, law.link)))
        root = jnp.where(jnp.all(jnp.isfinite(observed)), observed, root)
    step = cho_solve((root, True), gradient)
    change = jnp.max(jnp.abs(rows.Z @ step))
    negligible = change <= 8 * jnp.finfo(eta.dtype).eps * jnp.maximum(1, jnp.max(jnp.abs(eta)))
    return step, gradient @ step, negligible


def scale_of(rows: Rows, law: Law, b: Float[Array, " k"]) -> Float[Array, ""]:
    """The dispersion, roughly: it is what makes a step comparable to a standard error."""
    if law.family.known_dispersion:
        return jnp.ones((), b.dtype)
    return (rows.weight @ law.family.deviance(rows.y, rows.Z @ b + rows.offset, law.link)) / jnp.sum(rows.weight)


def expected(rows: Rows, law: Law, eta: Float[Array, " n"]) -> Float[Array, "k k"]:
    """The expected information with the penalty, regular also where columns depend on each other."""
    return information(rows, law.family.information(eta, law.link))


def information(rows: Rows, W: Float[Array, " n"]) -> Float[Array, "k k"]:
    r"""$Z^\top \operatorname{diag}(w W) Z$ with the penalty; the null space of $Z$ gets the mean curvature."""
    H = weighted_products(rows, rows.weight * W)
    return H + jnp.diag(rows.penalty) + jnp.where(jnp.any(rows.penalty > 0), 0, null_curvature(rows, H)) * rows.null


def weighted_products(rows: Rows, W: Float[Array, " n"]) -> Float[Array, "k k"]:
    r"""$Z^\top \operatorname{diag}(W) Z$."""
    if rows.products is None:
        return rows.Z.T @ (W[:, None] * rows.Z)
    k = rows.Z.shape[1]
    i, j = np.triu_indices(k)
    place = np.zeros((k, k), int)
    place[i, j] = place[j, i] = np.arange(len(i))
    return (W @ rows.products)[place]


def products_of_columns(Z: Float[Array, "n k"]) -> Float[Array, "n pairs"]:
    """The products of all pairs of columns, each pair once."""
    i, j = np.triu_indices(Z.shape[1])
    return Z[:, i] * Z[:, j]


def null_curvature(rows: Rows, H: Float[Array, "k k"]) -> Float[Array, ""]:
    """The mean curvature of the columns, given to the combinations that have none."""
    return jnp.trace(H - rows.null @ H @ rows.null) / len(H)


def jeffreys_score(rows: Rows, law: Law, eta: Float[Array, " n"], root: Float[Array, "k k"]) -> Float[Array, " n"]:
    r"""Derivative of Jeffreys's $\frac{1}{2} \log \det H$ by $\eta$ of one row, $\frac{1}{2} W' z^\top H^{-1} z$."""
    slope = jax.jvp(lambda eta: law.family.information(eta, law.link), (eta,), (jnp.ones_like(eta),))[1]
    return slope * jnp.sum(rows.Z * cho_solve((root, True), rows.Z.T).T, axis=1) / 2


def starting_points(rows: Rows, law: Law, fit_intercept: bool) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """The fit of a constant mean, and one weighted least-squares step from the observations."""
    family, link = law.family, law.link
    total = jnp.sum(rows.weight)
    mu = family.start(rows.y, (rows.weight @ rows.y) / total)
    eta = link(mu)
    W = family.information(eta, link)
    first = weighted(rows, W, eta - rows.offset + (rows.y - mu) / link.derivative(eta))
    middle = link((rows.weight @ mu) / total) - (rows.weight @ rows.offset) / total
    if fit_intercept:
        # The first column is the intercept's, the others have mean zero.
        return jnp.zeros_like(first).at[0].set(middle), first
    return weighted(rows, jnp.ones_like(W), jnp.full_like(eta, 1) * middle), first


def weighted(rows: Rows, W: Float[Array, " n"], z: Float[Array, " n"]) -> Float[Array, " k"]:
    """Weighted least squares of `z` on the columns, with the penalty."""
    root = jnp.linalg.cholesky(information(rows, W))
    return cho_solve((root, True), rows.Z.T @ (rows.weight * W * z))
