"""Equations of programs in plain JAX, one operation or derivative at a time, read back and compared with the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from pullback import autodiff, nn
from pullback.explain import equation
from pullback.nn.convolution import convolution
from pullback.nn.layer_norm import layer_norm
from pullback.nn.linear import linear
from pullback.nn.losses.categorical_cross_entropy import categorical_cross_entropy
from pullback.nn.max_pool import max_pool
from pullback.testing.equations import EquationExample, check_equation


def real(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def whole(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def convolved(x: jax.Array, k: jax.Array) -> jax.Array:
    return jnp.sum(convolution(x, k, stride=(2,), padding=((1, 1),), dilation=(1,)) ** 2)


OPERATIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "transpose": (lambda x: x.T, (real(5, 3),)),
    "join axes": (lambda x: x.reshape(5, -1), (real(5, 3, 4),)),
    "split an axis": (lambda x: x.reshape(5, 3, 4), (real(5, 12),)),
    "regroup axes": (lambda x: x.reshape(4, 6), (real(3, 8),)),
    "unit axes": (lambda x: x[:, None, :, None].squeeze(1), (real(5, 3),)),
    "slice": (lambda x: x[1::2, :2], (real(5, 3),)),
    "reverse": (lambda x: jnp.flip(x, 0), (real(5, 3),)),
    "roll": (lambda x: jnp.roll(x, 1, 0), (real(5, 3),)),
    "concatenate": (lambda x, y: jnp.concatenate([x, y], axis=-1), (real(5, 3), real(5, 4))),
    "pad between": (lambda x: jax.lax.pad(x, 0.5, [(1, 2, 1)]), (real(4),)),
    "pad and cut": (lambda x: jax.lax.pad(x, 0.0, [(2, -1, 0)]), (real(4),)),
    "outer product": (lambda x, y: x[:, None] * y, (real(5), real(3))),
    "batched product": (
        lambda a, b: jnp.einsum("bhid,bhjd->bhij", a, b),
        (real(3, 4, 5, 6), real(3, 4, 7, 6)),
    ),
    "quadratic form": (lambda x, A: x @ A @ x, (real(4), real(4, 4))),
    "trace of a square": (lambda A: jnp.trace(A @ A), (real(4, 4),)),
    "attention": (lambda q, k, v: nn.softmax(q @ k.T / jnp.sqrt(6.0)) @ v, (real(5, 6), real(7, 6), real(7, 3))),
    "norm": (lambda x: jnp.sqrt(jnp.sum(x * x)), (real(5, 3),)),
    "variance": (lambda x: jnp.mean((x - jnp.mean(x, 0)) ** 2, 0), (real(5, 3),)),
    "root mean square": (
        lambda x, g: g * x / jnp.sqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6),
        (real(4, 3), real(3)),
    ),
    "product": (lambda x: jnp.prod(x, -1), (real(5, 3),)),
    "minimum": (lambda x: jnp.min(x, 0), (real(5, 3),)),
    "any": (lambda x: jnp.any(x > 1, 0), (real(5, 3),)),
    "all": (lambda x: jnp.all(x < 2, 0), (real(5, 3),)),
    "place of the maximum": (lambda x: jnp.argmax(x, -1), (real(5, 3),)),
    "place of the minimum": (lambda x: jnp.argmin(x, 0), (real(5, 3),)),
    "running sum": (lambda x: jnp.cumsum(x, 0), (real(5, 3),)),
    "running sum from the end": (lambda x: jax.lax.cumsum(x, 0, reverse=True), (real(5, 3),)),
    "running product": (lambda x: jax.lax.cumprod(x, 1), (real(5, 3),)),
    "running maximum": (lambda x: jax.lax.cummax(x, 0), (real(5, 3),)),
    "running log-sum-exp": (lambda x: jax.lax.cumlogsumexp(x, 0), (real(5, 3),)),
    "sort": (lambda x: jnp.sort(x, -1), (real(5, 3),)),
    "sort columns": (lambda x: jnp.sort(x, 0), (real(5, 3),)),
    "embedding": (lambda E, x: E[x], (real(5, 3), whole(4))),
    "entries by two indices": (lambda A, i, j: A[i, j], (real(5, 5), whole(4), whole(4))),
    "row by a computed index": (
        lambda x, k: jax.lax.dynamic_index_in_dim(x, k, 0, keepdims=False),
        (real(5, 3), whole()),
    ),
    "write a row": (lambda x, y: x.at[1].set(y), (real(5, 3), real(3))),
    "add to rows": (lambda x, k, y: x.at[k].add(y), (real(5, 3), whole(4), real(4, 3))),
    "write a part": (lambda x, y: jax.lax.dynamic_update_slice(x, y, (1, 0)), (real(5, 3), real(2, 3))),
    "one-hot": (lambda k: (k[:, None] == jnp.arange(5)).astype(jnp.result_type(float)), (whole(4),)),
    "lower triangle": (lambda x: jnp.where(jnp.arange(4)[:, None] >= jnp.arange(4), x, 0.0), (real(4, 4),)),
    "linspace": (lambda x: x + jnp.arange(5), (real(5),)),
    "window maximum": (lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (3,), (2,), "SAME"), (real(7),)),
    "window sum": (lambda x: jax.lax.reduce_window(x, 0.0, jax.lax.add, (3,), (1,), "VALID"), (real(7),)),
    "clip": (lambda x: jnp.clip(x, -1.0, 2.0), (real(5),)),
    "clamp by a scalar": (lambda x, a: jax.lax.clamp(-a * a, x, a * a), (real(), real())),
    "remainder": (lambda x: jnp.mod(x, 2.0), (real(5),)),
    "whole quotient": (lambda x: x // 2.0, (real(5),)),
    "rounding": (lambda x: jnp.floor(x) + 2 * jnp.ceil(x) + 3 * jnp.round(x), (real(5),)),
    "functions": (lambda x: jax.lax.erf(x) + jnp.arctan(x) + jax.lax.cbrt(x) + jnp.sinh(x / 4), (real(5),)),
    "more functions": (lambda x: jnp.arcsinh(x) * jnp.cos(x) - jnp.log1p(x * x) + jnp.exp2(x), (real(5),)),
    "logarithms": (lambda x: jnp.log(jnp.abs(x) + 1) * jnp.expm1(x) / jnp.sqrt(1 + x**2), (real(5),)),
    "negative powers": (lambda x: x**-2 + jax.lax.rsqrt(x * x) + (x * x) ** 1.5, (real(5),)),
    "branches": (lambda x, k: jax.lax.cond(k > 2, lambda x: 2 * x, lambda x: x - 1, x), (real(5), whole())),
    "switch": (lambda x, k: jax.lax.switch(k, [jnp.sin, jnp.cos, jnp.tanh], x), (real(5), whole())),
    "recomputed": (lambda x: jax.checkpoint(lambda x: jnp.sin(x) * x)(x), (real(5),)),
    "logic": (lambda x: jnp.where((x > 0) & ~(x > 1) | (x < -1), x, 0.0), (real(5),)),
    "tied maxima": (lambda x: jnp.maximum(x, 0.0) * jnp.sign(x), (real(5),)),
}

GRADIENTS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "linear": (lambda W, x, b: jnp.sum(linear(x, W, b) ** 2), (real(5, 3), real(4, 3), real(5))),
    "layer normalization": (lambda x, c: jnp.sum(c * layer_norm(x)), (real(3), real(3))),
    "convolution by its kernel": (lambda k, x: convolved(x, k), (real(3, 3, 4), real(7, 3))),
    "convolution by its input": (convolved, (real(7, 3), real(3, 3, 4))),
    "max pooling": (lambda x: jnp.sum(max_pool(x, (2,)) ** 2), (real(7, 3),)),
    "overlapping max pooling": (lambda x: jnp.sum(max_pool(x, (3,), (2,), ((1, 1),)) ** 2), (real(7, 3),)),
    "embedding": (lambda E, x: jnp.sum(E[x] ** 2), (real(5, 3), whole(4))),
    "cross entropy": (lambda z, k: categorical_cross_entropy(z, k), (real(3), whole())),
    "logistic regression": (
        lambda w, x, t: jnp.mean(jnp.logaddexp(0.0, x @ w) - t * (x @ w)),
        (real(3), real(5, 3), real(5)),
    ),
}

EXAMPLES = [
    *(
        EquationExample(name, kernel, shapes, below={"k": 3, "x": 5, "i": 5, "j": 5})
        for name, (kernel, shapes) in OPERATIONS.items()
    ),
    *(
        EquationExample(f"gradient of {name}", jax.grad(kernel), (real(),), values=(0.0, 1.0, -1.0, 3.0, -3.0, 6.0))
        for name, kernel in nn.ACTIVATIONS.items()
        if "softmax" not in name
    ),
    *(
        EquationExample(f"gradient of {name}", jax.grad(kernel), shapes, below={"k": 3, "x": 5})
        for name, (kernel, shapes) in GRADIENTS.items()
    ),
    *(
        EquationExample(f"our gradient of {name}", autodiff.grad(kernel), shapes, below={"k": 3, "x": 5})
        for name, (kernel, shapes) in GRADIENTS.items()
        if "convolution" not in name
    ),
    EquationExample("second derivative", jax.grad(jax.grad(nn.gelu)), (real(),)),
    EquationExample("Jacobian in reverse mode", jax.jacrev(nn.softmax), (real(3),)),
    EquationExample("Jacobian in forward mode", jax.jacfwd(nn.log_softmax), (real(3),)),
    EquationExample("Hessian", jax.hessian(nn.log_sum_exp), (real(3),)),
    EquationExample("mapped function", jax.vmap(nn.softmax), (real(4, 3),)),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
@pytest.mark.usefixtures("standard_promotion")
def test_the_equation_read_back_is_the_code(example: EquationExample) -> None:
    check_equation(example, draws=2)


# What a textbook prints, by hand.
PRINTED = {
    "transpose": "y_{i j} = x_{j i}",
    "join axes": "y_{4 j + k} = x_{j k}",
    "batched product": r"y_{k l} = \sum_{m} a_{k m} b_{l m}",
    "quadratic form": r"y = \sum_{i, j} x_{j} A_{j i} x_{i}",
    "trace of a square": r"y = \sum_{i, j} A_{i j} A_{j i}",
    "embedding": "y_{i j} = E_{x_{i}, j}",
    "outer product": "z_{i j} = x_{i} y_{j}",
    "running sum": r"y_{i j} = \sum_{k = 0}^{i} x_{k j}",
    "one-hot": r"y_{i j} = \left[ k_{i} = j \right]",
    "clip": r"y = \min(2, \max(-1, x))",
    "window sum": r"y_{i} = \sum_{j = 0}^{2} x_{i + j}",
}


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.usefixtures("standard_promotion")
def test_it_reads_as_a_textbook_prints_it(name: str) -> None:
    kernel, shapes = OPERATIONS[name]
    assert equation(kernel, *shapes).latex == PRINTED[name]
