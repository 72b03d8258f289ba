"""Checks that every method of `minimize` has to pass, and the table of what each is checked on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from pullback.optim import OptimizationResult, Reason, minimize
from pullback.optim.methods import Method
from pullback.optim.objective import Objective

# Symmetric, with the eigenvalues 2, 5 and 9 along these directions.
DIRECTIONS = np.linalg.qr(np.array([[2.0, 1.0, 0.5], [-1.0, 1.5, 0.0], [0.5, 0.3, 1.0]]))[0]
ROOT = DIRECTIONS * np.sqrt([2.0, 5.0, 9.0]) @ DIRECTIONS.T
MINIMIZER = np.array([0.5, -0.25, 0.75])
START = np.array([-1.0, 1.0, 0.25])


@dataclass(frozen=True)
class MethodCase:
    """What one method is checked on.

    Parameters
    ----------
    method : with the options it needs on the quadratic of this file, whose eigenvalues are 2, 5 and 9.
    bounds : given to `minimize`; the minimizer lies inside.
    max_steps : enough for it.
    error : largest distance of an entry from the minimizer at the end.
    """

    method: Method
    bounds: tuple[float, float] | None = None
    max_steps: int = 300
    error: float = 1e-5

    def minimize(self, function: Callable[..., Any], start: Any, **options: Any) -> OptimizationResult:
        """Run it."""
        return minimize(
            function, start, method=self.method, **{"max_steps": self.max_steps, "bounds": self.bounds} | options
        )

    def of(self, residuals: Callable[..., Any]) -> Callable[..., Any]:
        """The sum of squares as this method takes it."""
        return residuals if self.method.squares else _summed(residuals)


@functools.cache
def _summed(residuals: Callable[..., Any]) -> Callable[..., Any]:
    # The same function each time: `minimize` compiles once for each that it meets.
    return lambda x: jnp.sum(residuals(x) ** 2) / 2


def residuals(x: Any) -> Any:
    """Of a quadratic with its least value zero at `MINIMIZER`."""
    vector = ravel_pytree(x)[0]
    return jnp.asarray(ROOT, vector.dtype) @ (vector - jnp.asarray(MINIMIZER, vector.dtype))


def check_solves_the_quadratic(case: MethodCase) -> None:
    """It ends in the minimizer, and says so."""
    found = case.minimize(case.of(residuals), START)
    np.testing.assert_allclose(found.x, MINIMIZER, atol=case.error)
    assert found.converged, found.message
    assert found.x.dtype == np.float64
    assert int(found.steps) + 1 == len(found.trace.value)
    np.testing.assert_allclose(found.trace.value[-1], found.value, rtol=1e-12, atol=1e-15)
    assert np.all(np.diff(found.trace.evaluations) >= 0)


def check_container(case: MethodCase) -> None:
    """A container of arrays gives what the vector of its entries gives."""
    vector = case.minimize(case.of(residuals), START)
    container = case.minimize(case.of(residuals), {"a": START[:2], "b": {"c": START[2]}})
    np.testing.assert_allclose(container.trace.value[:5], vector.trace.value[:5], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose([*container.x["a"], container.x["b"]["c"]], vector.x, rtol=1e-6, atol=1e-6)
    assert container.x["a"].shape == (2,)


def check_many(case: MethodCase) -> None:
    """Many starts at once give what each gives alone: point, steps, reason."""
    starts = START + np.array([[0.0, 0.0, 0.0], [0.4, -0.3, 0.2], [-0.2, 0.5, 0.1]])
    many = case.minimize(case.of(residuals), starts, many=True)
    for k, start in enumerate(starts):
        alone = case.minimize(case.of(residuals), start)
        np.testing.assert_allclose(many.x[k], alone.x, rtol=1e-9, atol=1e-9)
        assert abs(int(many.steps[k]) - int(alone.steps)) <= (0 if alone.steps < 30 else 2)
    assert many.converged.all()


def check_single_precision(case: MethodCase) -> None:
    """Arrays of JAX are followed in their own precision, inside `jit` and `vmap` too."""
    start = jnp.asarray(START, jnp.float32)
    function = case.of(residuals)
    found = jax.jit(lambda x: case.minimize(function, x))(start)
    assert all(leaf.dtype == jnp.float32 for leaf in (found.x, found.value, found.gradient, found.trace.step))
    np.testing.assert_allclose(found.x, MINIMIZER, atol=1e-2)


def check_step_by_hand(case: MethodCase) -> None:
    """`init` and `step` by hand give the values of the trace."""
    if case.bounds is not None:
        return
    found = case.minimize(case.of(residuals), START)
    with jax.enable_x64(True):
        objective = Objective(lambda x: jnp.sum(residuals(x) ** 2) / 2, residual_function=residuals)
        point = objective.at(jnp.asarray(START))
        if case.method.gradient_free:
            point = point._replace(gradient=jnp.full(3, jnp.nan))
        state = case.method.init(objective, point)
        step = jax.jit(lambda state: case.method.step(objective, state))
        for value in found.trace.value[1:4]:
            state, info = step(state)
            np.testing.assert_allclose(state.point.value, value, rtol=1e-9, atol=1e-14)
            assert info.work.values >= 0


def check_not_a_number(case: MethodCase) -> None:
    """A function that is NaN in part of the space: the point given is finite and no worse than the start."""

    def broken(x: Any) -> Any:
        r = residuals(x)
        return jnp.where(x[0] > -0.5, jnp.nan, 1.0) * r

    found = case.minimize(case.of(broken), START, max_steps=50)
    assert np.isfinite(found.value) and np.isfinite(found.x).all(), found
    assert float(found.value) <= float(found.trace.value[0])
    assert int(found.steps) <= 50


def check_plateau(case: MethodCase) -> None:
    """A constant function: it ends at the start, and does not call a plateau anything else than flat."""
    found = case.minimize(case.of(lambda x: 0 * x + 1.0), START, max_steps=100)
    assert np.isfinite(found.x).all()
    assert float(found.value) == float(found.trace.value[0])
    assert float(found.gradient_norm) == 0
    assert found.reason != Reason.running


def check_unbounded(case: MethodCase) -> None:
    """A function without a minimum: it ends, with a finite point and without speaking of convergence."""
    if case.method.squares or case.bounds is not None:
        return
    found = case.minimize(lambda x: x[0] - 2 * x[1] + x[2], START, max_steps=200)
    assert np.isfinite(found.x).all()
    assert not found.converged, found


CHECKS = (
    check_solves_the_quadratic,
    check_container,
    check_many,
    check_single_precision,
    check_step_by_hand,
    check_not_a_number,
    check_plateau,
    check_unbounded,
)
