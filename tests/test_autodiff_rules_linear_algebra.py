"""Rules of decompositions and solutions of linear systems."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from rule_cases import checked

from pullback.autodiff import grad
from pullback.testing.derivatives import Case, check_numerically, check_second_order


def matrices(random):
    """Two positive definite matrices and right-hand sides."""
    a = random.normal(size=(2, 3, 3))
    return a @ np.swapaxes(a, -1, -2) / 3 + np.eye(3), random.normal(size=(2, 3, 2))


def one(random):
    a, b = matrices(random)
    return a[0], b[0]


def normal_likelihood(a, b):
    return jax.scipy.stats.multivariate_normal.logpdf(b[:, 0], b[:, 1], a)


def triangular(left, lower, transpose, unit):
    def solve(a, b):
        b = b if left else jnp.swapaxes(b, -1, -2)
        return lax.linalg.triangular_solve(a, b, left_side=left, lower=lower, transpose_a=transpose, unit_diagonal=unit)

    return solve


TRIANGLES = "triangular, left={} lower={} transpose={} unit={}"
CASES = [
    Case("cholesky", lambda a, b: jnp.linalg.cholesky(a), matrices, condition=100),
    Case("solve", jnp.linalg.solve, matrices, condition=100),
    Case("solve for a vector", lambda a, b: jnp.linalg.solve(a, b[:, 0]), one, condition=100),
    Case("inverse", lambda a, b: jnp.linalg.inv(a), one, condition=100),
    Case("determinant", lambda a, b: jnp.linalg.det(a), one, condition=100),
    Case("log determinant", lambda a, b: jnp.linalg.slogdet(a)[1], matrices, condition=100),
    Case("normal likelihood", normal_likelihood, one, condition=100),
    *(
        Case(TRIANGLES.format(left, lower, transpose, unit),
             triangular(left, lower, transpose, unit), one, condition=100)
        for left, lower, transpose, unit in itertools.product((True, False), repeat=4)
    ),
]  # fmt: skip

# The triangular cases differ in what they pass to the same rule.
COSTLY = {case.name for case in CASES if case.name.startswith("triangular")} - {
    TRIANGLES.format(True, True, True, False)
}


@checked(CASES, by_default=(check_second_order, check_numerically), costly=COSTLY)
def test_rule(case, check):
    check(case)


def test_log_determinant_by_cholesky_has_the_inverse_as_its_gradient():
    a, _ = one(np.random.default_rng(1))
    with jax.enable_x64(True):
        half = lambda a: jnp.sum(jnp.log(jnp.diagonal(jnp.linalg.cholesky(a))))  # noqa: E731
        np.testing.assert_allclose(2 * grad(half)(jnp.asarray(a)), np.linalg.inv(a), rtol=1e-12)


def test_complex_matrices_agree_with_jax():
    random = np.random.default_rng(2)
    with jax.enable_x64(True):
        a = jnp.asarray(random.normal(size=(3, 3)) + 1j * random.normal(size=(3, 3)))
        b = jnp.asarray(random.normal(size=3) + 1j * random.normal(size=3))
        f = lambda a: jnp.sum(jnp.abs(jnp.linalg.cholesky(a @ a.conj().T + jnp.eye(3, dtype=a.dtype))) ** 2)  # noqa: E731
        g = lambda a: jnp.sum(jnp.abs(lax.linalg.triangular_solve(a, b[:, None], left_side=True)) ** 2)  # noqa: E731
        for h in (f, g):
            of_parts = lambda parts, h=h: h(lax.complex(*parts))  # noqa: E731
            parts = (a.real, a.imag)
            for ours, theirs in zip(grad(of_parts)(parts), jax.grad(of_parts)(parts), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
