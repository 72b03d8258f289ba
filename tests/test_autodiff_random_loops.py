"""Loops drawn at random: whatever a body does with constants, carry and slices, the derivatives are JAX's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pullback.autodiff import grad, jvp

SIZE, LENGTH = 3, 4


def vector_operations(random):
    """Functions of vectors and a matrix, one of them drawn."""
    return [
        lambda a, b, m: a + b,
        lambda a, b, m: a * b,
        lambda a, b, m: a - 2 * b,
        lambda a, b, m: jnp.sin(a),
        lambda a, b, m: jnp.tanh(a) * b,
        lambda a, b, m: m @ a,
        lambda a, b, m: a @ m + b,
        lambda a, b, m: (1 - jax.nn.sigmoid(a)) * b,
        lambda a, b, m: jnp.outer(a, b) @ a / 3,
        lambda a, b, m: jnp.where(a > 0, a, 0.1 * b),
        lambda a, b, m: jnp.split(jnp.concatenate([a, b]), 2)[1] * jnp.sum(a),
        lambda a, b, m: jnp.flip(a) / (1 + b**2),
        lambda a, b, m: jnp.cumsum(a) - jnp.max(b),
        lambda a, b, m: lax.cond(jnp.sum(a) > 0, jnp.sin, jnp.cos, b),
        lambda a, b, m: jax.checkpoint(lambda v: jnp.tanh(m @ v))(a),
        lambda a, b, m: lax.scan(lambda c, v: (jnp.sin(c * v), None), a, m)[0],
    ][random.integers(16)]


def loop(seed):
    """A scan with a random body, as a function of two constants, two starts and two stacks of slices."""

    def run(matrix, constant, start, count, vectors, matrices):
        def body(carry, slices):
            random = np.random.default_rng(seed)
            known = [constant, *carry, slices[0]]
            kinds = [matrix, slices[1], matrix.T]
            for _ in range(random.integers(2, 9)):
                operation = vector_operations(random)
                a, b = (known[random.integers(len(known))] for _ in range(2))
                known.append(jnp.tanh(operation(a, b, kinds[random.integers(3)])))
            pick = lambda: known[random.integers(len(known))]  # noqa: E731
            return (pick(), pick()), (pick(), pick() * pick())

        reverse = bool(np.random.default_rng(seed).integers(2))
        return lax.scan(body, (start, count), (vectors, matrices), length=LENGTH, reverse=reverse)

    return run


def arguments(seed):
    random = np.random.default_rng([seed, 1])
    shapes = [(SIZE, SIZE), (SIZE,), (SIZE,), (SIZE,), (LENGTH, SIZE), (LENGTH, SIZE, SIZE)]
    return tuple(jnp.asarray(random.normal(size=shape)) for shape in shapes)


def assert_close(found, expected):
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(s, marks=pytest.mark.slow) for s in range(6, 150))])
def test_random_loop(seed):
    with jax.enable_x64(True):
        args, run = arguments(seed), loop(seed)

        def cost(*args):
            (first, second), (ys, zs) = run(*args)
            return (
                jnp.sum(jnp.sin(first))
                + jnp.sum(second)
                + jnp.sum(ys**2)
                + jnp.sum(zs * jnp.arange(1.0, LENGTH + 1)[:, None])
            )

        random = np.random.default_rng([seed, 2])
        some = tuple(sorted({0, *(int(i) for i in random.integers(0, 6, size=3))}))
        ours, theirs = jax.jit(lambda *a: (grad(cost, some)(*a), jax.grad(cost, some)(*a)))(*args)
        assert_close(ours, theirs)
        ours, theirs = jax.jit(lambda *a: (jvp(run, a, a), jax.jvp(run, a, a)))(*args)
        assert_close(ours, theirs)
