"""Factorizations and solutions of linear systems in equations: named, read back and compared with the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from pullback.core.errors import EquationError
from pullback.explain import equation
from pullback.testing.equations import EquationExample, check_equation


def real(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def definite(A: jax.Array) -> jax.Array:
    """Well conditioned, whatever is drawn."""
    return A @ jnp.swapaxes(A, -1, -2) + jnp.eye(A.shape[-1], dtype=A.dtype)


def log_likelihood(x: jax.Array, A: jax.Array) -> jax.Array:
    S = definite(A)
    return -(x @ jnp.linalg.solve(S, x) + jnp.log(jnp.linalg.det(S))) / 2


OPERATIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "cholesky": (lambda A: jnp.linalg.cholesky(definite(A)), (real(4, 4),)),
    "upper cholesky": (lambda A: jnp.linalg.cholesky(definite(A), upper=True), (real(3, 3),)),
    "cholesky of each": (lambda A: jnp.linalg.cholesky(definite(A)), (real(2, 3, 3),)),
    "inverse": (lambda A: jnp.linalg.inv(definite(A)), (real(4, 4),)),
    "inverse of each, transposed": (lambda A: jnp.linalg.inv(definite(A)).mT, (real(2, 3, 3),)),
    "solution": (lambda A, b: jnp.linalg.solve(definite(A), b), (real(4, 4), real(4))),
    "solutions": (lambda A, b: jnp.linalg.solve(definite(A), b), (real(4, 4), real(4, 2))),
    "solutions for each": (lambda A, b: jnp.linalg.solve(definite(A), b), (real(2, 4, 4), real(2, 4, 3))),
    "one right side for each matrix": (lambda A, b: jnp.linalg.solve(definite(A), b), (real(2, 4, 4), real(4))),
    "solution of solutions": (
        lambda A, b: jnp.linalg.solve(definite(A), jnp.tanh(jnp.linalg.solve(definite(A), b))),
        (real(4, 4), real(4)),
    ),
    "determinant": (lambda A: jnp.linalg.det(definite(A) / 4), (real(4, 4),)),
    "determinant of each": (lambda A: jnp.linalg.det(definite(A) / 4), (real(3, 4, 4),)),
    "determinant by its expansion": (jnp.linalg.det, (real(3, 3),)),
    "log likelihood": (log_likelihood, (real(4), real(4, 4))),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_equation_is_the_code(name):
    check_equation(EquationExample(name, *OPERATIONS[name]))


def test_operators_have_their_names():
    def precision(A):
        return jnp.linalg.inv(A)

    def weights(A, b):
        return jnp.linalg.solve(A, b)

    assert equation(precision, real(4, 4)).latex == r"\operatorname{precision}(A)_{i j} = \operatorname{inv}(A)_{i j}"
    assert equation(weights, real(4, 4), real(4)).latex == r"y_{i} = \operatorname{solve}(A, b)_{i}"


def test_a_decomposition_without_a_rule_says_so():
    with pytest.raises(EquationError, match="svd"):
        equation(lambda A: jnp.linalg.svd(A, compute_uv=False), real(4, 4))
