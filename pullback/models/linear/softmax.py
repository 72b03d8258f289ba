"""Softmax regression: several classes, with a square penalty or without."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from pullback.core.errors import ConfigurationError, DataError
from pullback.core.precision import double_precision
from pullback.linalg.conjugate_gradient import conjugate_gradient
from pullback.linalg.least_squares.problem import checked_problem
from pullback.linalg.product import known
from pullback.models.linear.logistic import center
from pullback.models.linear.logistic_newton import ROUNDINGS, SMALLEST_SIZE, solve_positive
from pullback.models.linear.softmax_kernels import (
    cross_entropy,
    softmax,
    softmax_gradient,
    softmax_hessian,
    softmax_hessian_product,
)

# Numbers of coefficients up to which the Hessian is factored; above, its products are enough.
LARGEST_HESSIAN = 600
MOST_PRODUCTS = 250


class SoftmaxFit(NamedTuple):
    """What `fit_softmax` returns.

    Attributes
    ----------
    coef : shape (k, p), of k classes; without a penalty each column sums to zero.
    intercept : shape (k,), of sum zero.
    objective : the value that was made small.
    decrease : by how much one more step would lower it, roughly.
    steps : values of the objective.
    converged : whether `decrease` is small enough.
    """

    coef: Any
    intercept: Any
    objective: Any
    decrease: Any
    steps: Any
    converged: Any


@double_precision
def fit_softmax(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    classes: int | None = None,
    C: ArrayLike = 1.0,
    fit_intercept: bool = True,
    tolerance: float = 1e-20,
    max_steps: int = 200,
) -> SoftmaxFit:
    r"""Multinomial logistic regression with a square penalty; maximum likelihood for an infinite `C`.

    $$ \min_{a, B} \ \sum_i w_i \Big( \log \sum_k e^{z_{ik}} - z_{i y_i} \Big) + \frac{1}{2 C} \sum_k \|b_k\|_2^2,
       \qquad z_{ik} = a_k + x_i^\top b_k $$

    scikit-learn's objective divided by $C$, in all classes alike. Newton's method: the Hessian is factored where it is
    small, and its system is solved by conjugate gradients where it is not.

    Parameters
    ----------
    X : shape (n, p).
    y : classes 0, 1, ..., shape (n,).
    sample_weight : $w$, shape (n,), none negative: a row of weight 3 is three rows.
    classes : how many there are; by default one more than the largest of `y`. Needed in a compiled program.
    C : inverse of the strength of the penalty, above zero; infinity for none.
    fit_intercept : whether there are $a_k$, which are not penalized.
    tolerance : of the objective, the part by which the last step may still have lowered it.
    max_steps : most values of the objective.

    Raises
    ------
    ShapeError, DataError, ConfigurationError
        for arrays that do not fit, entries that are not finite, labels that are no classes, and settings outside their
        range.

    Examples
    --------
    Without columns that differ the probabilities are the shares of the classes.

    >>> found = fit_softmax(np.zeros((4, 1)), np.array([0, 1, 2, 2]))
    >>> np.exp(found.intercept - found.intercept[0]).round(6).tolist()
    [1.0, 1.0, 2.0]

    References
    ----------
    Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2nd ed., section 4.4.
    """
    matrix, label, weight = checked_problem(X, y, sample_weight)
    count = class_count(label, classes)
    if known(C) and not np.all(np.asarray(C) > 0):
        raise ConfigurationError(
            "C must be positive",
            expected="a number > 0, or infinity for no penalty",
            got=repr(C),
            fix="choose C above zero",
        )
    weight = jnp.ones_like(matrix[:, 0]) if weight is None else weight
    settings = (jnp.asarray(value, matrix.dtype) for value in (C, tolerance))
    return _fit(matrix, label.astype(int), weight, *settings, jnp.asarray(max_steps), count, bool(fit_intercept))


def class_count(label: Any, classes: int | None) -> int:
    """How many classes there are, numbered from zero; `classes` where it is given.

    Raises
    ------
    DataError
        for labels that are not whole numbers from zero, or of one class.

    Examples
    --------
    >>> class_count(np.array([0, 2, 1, 2]), None)
    3
    """
    if label.ndim == 1 and not known(label) and classes is not None:
        return classes
    values = np.asarray(label) if known(label) and label.ndim == 1 else None
    count = classes if classes is not None else int(values.max()) + 1 if values is not None else 0
    if values is None or count < 2 or np.any((values < 0) | (values >= count) | (values != np.floor(values))):
        raise DataError(
            "these labels are not classes",
            expected=f"integers from 0 to {count - 1}, of two classes or more, shape (n,)",
            got=f"shape {label.shape}" if values is None else f"from {values.min()} to {values.max()}",
            fix="number the classes from zero; in a compiled program pass how many there are",
        )
    return count


class State(NamedTuple):
    """The iterate, its objective, the step from it with its promised decrease, and the part of the step to try."""

    B: Array
    value: Array
    step: Array
    decrease: Array
    size: Array
    steps: Array
    done: Array


@partial(jax.jit, static_argnames=("classes", "fit_intercept"))
def _fit(
    X: Float[Array, "n p"],
    y: Int[Array, " n"],
    w: Float[Array, " n"],
    C: Float[Array, ""],
    tolerance: Float[Array, ""],
    max_steps: Array,
    classes: int,
    fit_intercept: bool,
) -> SoftmaxFit:
    mean = center(X, w, fit_intercept)
    Z = jnp.concatenate([jnp.ones_like(X[:, :1]) if fit_intercept else jnp.zeros_like(X[:, :1]), X - mean], axis=1)
    Y = (y[:, None] == jnp.arange(classes)).astype(X.dtype)
    ridge = jnp.ones_like(Z[0]).at[0].set(0) / C

    def propose(B: Array, value: Array, state: State) -> State:
        P = softmax(Z @ B.T)
        gradient = softmax_gradient(Z, w[:, None] * P, w[:, None] * Y) + ridge * B
        step = -_newton(Z, P, w, ridge, gradient)
        decrease = -jnp.sum(gradient * step) / 2
        rounding = (decrease <= jnp.finfo(value.dtype).eps * value) & (decrease > state.decrease / 2)
        done = ((decrease <= tolerance * value) | rounding) & jnp.isfinite(decrease)
        one = jnp.ones_like(value)
        return State(jnp.where(done, B + step, B), value, step, decrease, one, state.steps + 1, done)

    def advance(state: State) -> State:
        B = state.B + state.size * state.step
        value = w @ cross_entropy(Z @ B.T, Y) + jnp.sum(ridge * B**2) / 2
        slack = ROUNDINGS * jnp.finfo(value.dtype).eps * jnp.abs(state.value)
        halved = state._replace(size=state.size / 2, steps=state.steps + 1)
        return jax.lax.cond(value <= state.value + slack, lambda: propose(B, value, state), lambda: halved)

    def unfinished(state: State) -> Array:
        return ~state.done & (state.steps < max_steps) & (state.size > SMALLEST_SIZE)

    start = jnp.zeros((classes, Z.shape[1]), X.dtype)
    infinite = jnp.asarray(jnp.inf, X.dtype)
    begun = State(
        start, infinite, start, infinite, jnp.ones_like(infinite), jnp.zeros_like(max_steps), jnp.zeros((), bool)
    )
    last = jax.lax.while_loop(unfinished, advance, begun)
    coef = last.B[:, 1:]
    intercept = last.B[:, 0] - coef @ mean
    return SoftmaxFit(coef, intercept - jnp.mean(intercept), last.value, last.decrease, last.steps, last.done)


def _newton(Z: Array, P: Array, w: Array, ridge: Array, gradient: Array) -> Array:
    r"""$H^{-1} g$, where adding one number to all classes, which changes no probability, is given some curvature."""
    classes = len(gradient)
    mean_square = (w * jnp.mean(P * (1 - P), axis=1)) @ Z**2
    gauge = jnp.where(ridge > 0, 0, jnp.where(mean_square > 0, mean_square, 1)) / classes
    if gradient.size > LARGEST_HESSIAN:

        def product(v: Array) -> Array:
            V = v.reshape(gradient.shape)
            return (softmax_hessian_product(Z, P, w, V) + ridge * V + gauge * jnp.sum(V, axis=0)).ravel()

        diagonal = ((w[:, None] * P * (1 - P)).T @ Z**2 + ridge + gauge).ravel()
        accuracy = jnp.minimum(0.1, jnp.sqrt(jnp.linalg.norm(gradient) / jnp.maximum(jnp.sum(w), 1)))
        found = conjugate_gradient(
            product,
            gradient.ravel(),
            preconditioner=lambda v: v / diagonal,
            tolerance=accuracy,
            max_steps=MOST_PRODUCTS,
            verify=False,
        )
        return found.x.reshape(gradient.shape)
    H = softmax_hessian(Z, P, w).reshape(gradient.size, gradient.size) + jnp.diag(jnp.tile(ridge, classes))
    H = H + jnp.kron(jnp.ones((classes, classes), Z.dtype), jnp.diag(gauge))
    return solve_positive(H, gradient.ravel()).reshape(gradient.shape)
