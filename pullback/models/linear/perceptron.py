"""Rosenblatt's perceptron."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int

from pullback.core.errors import unknown_name
from pullback.core.precision import double_precision

SOLUTIONS = ("pocket", "last", "average")


class PerceptronFit(NamedTuple):
    r"""What `fit_perceptron` returns.

    Attributes
    ----------
    coef, intercept : $w$, shape (p,), and $b$.
    errors : weight of the rows that these misclassify, rows on the boundary among them.
    mistakes : corrections made on the way, as many as rows were misclassified when it was their turn.
    n_iter : passes over the rows.
    """

    coef: Any
    intercept: Any
    errors: Any
    mistakes: Any
    n_iter: Any


class _State(NamedTuple):
    coef: Float[Array, " features"]
    intercept: Float[Array, ""]
    mistakes: Int[Array, ""]
    # Sums of the corrections times the weight of the rows seen before, from which the average follows.
    late_coef: Float[Array, " features"]
    late_intercept: Float[Array, ""]
    seen: Float[Array, ""]


class _Search(NamedTuple):
    state: _State
    best_coef: Float[Array, " features"]
    best_intercept: Float[Array, ""]
    best_errors: Float[Array, ""]
    stale: Int[Array, ""]
    passes: Int[Array, ""]
    done: Bool[Array, ""]


@double_precision
def fit_perceptron(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    key: Array | None = None,
    fit_intercept: bool = True,
    max_iter: int | Array = 1000,
    n_iter_no_change: int | Array = 20,
    solution: str = "pocket",
) -> PerceptronFit:
    r"""Passes over the rows, each corrected where it is misclassified:

    $$ y_i (w^\top x_i + b) \le 0 \;\Rightarrow\;
       w \leftarrow w + \omega_i y_i x_i, \quad b \leftarrow b + \omega_i y_i. $$

    If some $(b, w)$ of length one has $y_i (w^\top x_i + b) \ge \gamma > 0$ for all rows, and all
    $\lVert x_i \rVert^2 + 1 \le R^2$, there are at most $(R/\gamma)^2$ corrections with weights of one, in any
    order, and then no row is misclassified.

    Parameters
    ----------
    X, y : shape (n, p); $\pm 1$, shape (n,).
    sample_weight : $\omega$, shape (n,).
    key : of the order of the rows, a new one each pass; without it they come as they stand.
    max_iter : passes at most.
    n_iter_no_change : passes without fewer errors after which the rows are taken to be inseparable.
    solution : `"pocket"`, of the ends of all passes the one with the fewest errors; `"last"`, Rosenblatt's;
        `"average"`, the mean over all turns.

    Examples
    --------
    >>> import numpy as np
    >>> fit = fit_perceptron(np.array([[0.0], [1.0], [3.0]]), np.array([-1.0, -1.0, 1.0]))
    >>> float(fit.errors), bool(fit.coef[0] * 2.5 + fit.intercept > 0)
    (0.0, True)

    Source: Rosenblatt, Psychological Review 65, 1958; the bound, Novikoff, 1962; the pocket, Gallant, IEEE Transactions
    on Neural Networks 1, 1990 (here at the ends of passes); the average, Freund, Schapire, Machine Learning 37, 1999.
    """
    if solution not in SOLUTIONS:
        raise unknown_name("solution", solution, SOLUTIONS)
    X, y = jnp.asarray(X), jnp.asarray(y)
    y = y.astype(X.dtype)
    weight = jnp.ones_like(y) if sample_weight is None else jnp.asarray(sample_weight).astype(X.dtype)
    limits = jnp.asarray(max_iter, jnp.int32), jnp.asarray(n_iter_no_change, jnp.int32)
    return _fit(X, y, weight, key, limits, fit_intercept, solution)


@partial(jax.jit, static_argnums=(5, 6))
def _fit(
    X: Array, y: Array, weight: Array, key: Array | None, limits: Any, fit_intercept: bool, solution: str
) -> PerceptronFit:
    zeros, zero = jnp.zeros_like(X[0]), jnp.zeros((), X.dtype)
    start = _State(zeros, zero, jnp.int32(0), zeros, zero, zero)
    total = jnp.sum(weight)
    search = _Search(start, zeros, zero, total, jnp.int32(0), jnp.int32(0), jnp.array(False))

    def one_pass(search: _Search) -> _Search:
        order = jnp.arange(len(y)) if key is None else _order(jax.random.fold_in(key, search.passes), weight)
        state = _pass(search.state, X, y, weight, order, fit_intercept)
        errors = _errors(X, y, weight, state.coef, state.intercept)
        better = errors < search.best_errors
        return _Search(
            state,
            jnp.where(better, state.coef, search.best_coef),
            jnp.where(better, state.intercept, search.best_intercept),
            jnp.minimum(errors, search.best_errors),
            jnp.where(better, 0, search.stale + 1),
            search.passes + 1,
            state.mistakes == search.state.mistakes,
        )

    def going_on(search: _Search) -> Bool[Array, ""]:
        return (search.passes < limits[0]) & (search.stale < limits[1]) & ~search.done

    found = jax.lax.while_loop(going_on, one_pass, search)
    coef, intercept = _chosen(found, solution)
    return PerceptronFit(coef, intercept, _errors(X, y, weight, coef, intercept), found.state.mistakes, found.passes)


def _pass(state: _State, X: Array, y: Array, weight: Array, order: Array, fit_intercept: bool) -> _State:
    def turn(state: _State, row: Array) -> tuple[_State, None]:
        x, sign, omega = X[row], y[row], weight[row]
        wrong = (sign * (x @ state.coef + state.intercept) <= 0) & (omega > 0)
        step = jnp.where(wrong, omega * sign, 0)
        push = step if fit_intercept else jnp.zeros_like(step)
        return _State(
            state.coef + step * x,
            state.intercept + push,
            state.mistakes + wrong.astype(jnp.int32),
            state.late_coef + (state.seen * step) * x,
            state.late_intercept + state.seen * push,
            state.seen + omega,
        ), None

    return jax.lax.scan(turn, state, order)[0]


def _order(key: Array, weight: Array) -> Int[Array, " rows"]:
    # Rows without weight last, so that padding does not change the order of the others.
    return jnp.argsort(jnp.where(weight > 0, jax.random.uniform(key, weight.shape), 2.0))


def _errors(X: Array, y: Array, weight: Array, coef: Array, intercept: Array) -> Float[Array, ""]:
    return jnp.sum(jnp.where(y * (X @ coef + intercept) <= 0, weight, 0))


def _chosen(found: _Search, solution: str) -> tuple[Array, Array]:
    state = found.state
    if solution == "last":
        return state.coef, state.intercept
    if solution == "average":
        seen = jnp.maximum(state.seen, 1)
        return state.coef - state.late_coef / seen, state.intercept - state.late_intercept / seen
    return found.best_coef, found.best_intercept
