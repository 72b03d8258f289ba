"""Solvers, Lookahead and averages of parameters against Optax, PyTorch, SciPy and closed forms."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize
from optax import contrib

from pullback import optim
from pullback.core.errors import ConfigurationError
from pullback.optim.averaging import exponential_average, polyak_ruppert, stochastic_weight_averaging
from pullback.optim.schedules import InverseTime
from pullback.optim.solver import Solver, SolverState
from pullback.testing.peers import peer

_random = np.random.default_rng(5)
ROWS = _random.normal(size=(400, 5))
LABELS = np.where(_random.random(400) < 1 / (1 + np.exp(-ROWS @ np.array([1.0, -2.0, 0.5, 0, 1]))), 1.0, -1.0)
START = {"bias": np.zeros(()), "weight": np.zeros(5)}


def cost(params: Any, batch: Any, key: Any) -> jax.Array:
    """Penalized logistic regression on a batch."""
    del key
    rows, labels = batch
    margin = labels * (rows @ params["weight"] + params["bias"])
    return jnp.mean(jnp.logaddexp(0, -margin)) + 0.05 * jnp.sum(params["weight"] ** 2)


def batches(steps: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.stack([np.random.default_rng(number).choice(400, size, replace=False) for number in range(steps)])
    return ROWS[chosen], LABELS[chosen]


def solve(solver: Solver, data: Any) -> tuple[SolverState, Any]:
    def step(state: SolverState, batch: Any) -> Any:
        state, info = solver.step(state, batch, None)
        return state, (state.params, info)

    return jax.jit(lambda start: jax.lax.scan(step, solver.init(cost, start), data))(jax.tree.map(jnp.asarray, START))


def test_sharpness_aware_path_equals_optax() -> None:
    data = batches(200, 32)
    with jax.enable_x64(True):
        _, (ours, _) = solve(optim.SharpnessAware(optim.adam(0.05), radius=0.1), data)
        climb = optax.chain(contrib.normalize(), optax.sgd(0.1))
        theirs = contrib.sam(optax.adam(0.05), climb, opaque_mode=True)

        def step(carry: Any, batch: Any) -> Any:
            params, state = carry
            gradient = jax.grad(cost)(params, batch, None)
            updates, state = theirs.update(
                gradient, state, params, grad_fn=lambda params, _: jax.grad(cost)(params, batch, None)
            )
            params = optax.apply_updates(params, updates)
            return (params, state), params

        start = jax.tree.map(jnp.asarray, START)
        with jax.numpy_dtype_promotion("standard"):
            _, expected = jax.lax.scan(step, (start, theirs.init(start)), jax.tree.map(jnp.asarray, data))
        for name in START:
            np.testing.assert_allclose(ours[name], expected[name], rtol=1e-10, atol=1e-12)


def test_sharpness_aware_without_a_radius_is_its_optimizer() -> None:
    data = batches(30, 32)
    with jax.enable_x64(True):
        state, _ = solve(optim.SharpnessAware(optim.momentum(0.1), radius=0.0), data)
        params, memory = jax.tree.map(jnp.asarray, START), optim.momentum(0.1).init(START)
        update = jax.jit(optim.momentum(0.1).update)
        for batch in zip(*data, strict=True):
            change, memory = update(jax.grad(cost)(params, batch, None), memory)
            params = optax.apply_updates(params, change)
        np.testing.assert_allclose(state.params["weight"], params["weight"], rtol=1e-12)


def test_sharpness_aware_leaves_the_sharp_valley() -> None:
    """Two minima of equal value, at -1 with curvature 100 and at 1 with curvature 1, from the basin of the first."""

    def valleys(x: jax.Array, batch: Any, key: Any) -> jax.Array:
        x = x + 0.05 * batch
        return jnp.minimum(50 * (x + 1) ** 2, 0.5 * (x - 1) ** 2)

    def end(solver: Any) -> float:
        noise = jax.random.normal(jax.random.key(1), (1000,))
        state = solver.init(valleys, jnp.array(-1.05))
        return float(jax.lax.scan(lambda state, one: (solver.step(state, one, None)[0], None), state, noise)[0].params)

    assert end(optim.SharpnessAware(optim.sgd(0.01), radius=0.0)) == pytest.approx(-1, abs=0.2)
    # The parabolas meet at -9/11.
    assert end(optim.SharpnessAware(optim.sgd(0.01), radius=0.6)) > -9 / 11 + 0.2


def test_a_scheduled_radius_and_the_rate_are_in_force() -> None:
    solver = optim.SharpnessAware(optim.sgd(InverseTime(0.4, 1.0)), radius=InverseTime(0.2, 1.0))
    state = solver.init(lambda x, batch, key: x**2, jnp.array(1.0))
    for _ in range(2):
        state, _ = solver.step(state, None, None)
    found = {name: round(float(value), 6) for name, value in optim.settings_in_force(state).items()}
    assert found == {"radius": 0.1, "learning_rate": 0.2}


def test_sharpness_aware_at_a_minimum_stays() -> None:
    solver = optim.SharpnessAware(optim.sgd(0.1))
    state, info = solver.step(solver.init(lambda x, batch, key: x**2, jnp.array(0.0)), None, None)
    assert float(state.params) == 0.0
    assert float(info.gradient_norm) == 0.0


def test_lbfgs_on_the_full_batch_is_the_deterministic_method_and_reaches_its_minimum() -> None:
    full = (np.broadcast_to(ROWS, (25, 400, 5)), np.broadcast_to(LABELS, (25, 400)))
    found = scipy.optimize.minimize(
        lambda x: float(np.mean(np.logaddexp(0, -LABELS * (ROWS @ x[1:] + x[0]))) + 0.05 * np.sum(x[1:] ** 2)),
        np.zeros(6),
        tol=1e-12,
    )
    with jax.enable_x64(True):
        state, (_, info) = solve(optim.StochasticLBFGS(), full)
        deterministic = optim.minimize(lambda x: cost(x, (ROWS, LABELS), None), START, method="lbfgs")
        steps = int(deterministic.steps)
        np.testing.assert_allclose(info.value[:steps], deterministic.trace.value[:steps], rtol=1e-10)
        np.testing.assert_allclose(info.value[-1], found.fun, rtol=1e-10)
        np.testing.assert_allclose(state.params["weight"], found.x[1:], atol=1e-5)


def test_lbfgs_on_large_batches_beats_the_first_gradient_by_far() -> None:
    with jax.enable_x64(True):
        state, _ = solve(optim.StochasticLBFGS(memory=5), batches(30, 200))
        gradient = jax.grad(cost)(state.params, (ROWS, LABELS), None)
        first = jax.grad(cost)(jax.tree.map(jnp.asarray, START), (ROWS, LABELS), None)
        assert float(optim.global_norm(gradient)) < 0.15 * float(optim.global_norm(first))


def test_lookahead_path_equals_optax() -> None:
    noise = np.random.default_rng(2).normal(size=(200, 4))
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        ours, theirs = optim.lookahead(optim.adam(0.1), period=6, pull=0.3), optax.lookahead(optax.adam(0.1), 6, 0.3)

        def step(carry: Any, noise: Any) -> Any:
            theta, state, pair, their_state = carry
            change, state = ours.update(theta + noise, state, theta)
            their_change, their_state = theirs.update(pair.fast + noise, their_state, pair)
            theta, pair = theta + change, optax.apply_updates(pair, their_change)
            return (theta, state, pair, their_state), (theta, state.slow, pair.fast, pair.slow)

        theta = jnp.arange(4.0)
        pair = optax.LookaheadParams.init_synced(theta)
        carry = (theta, ours.init(theta), pair, theirs.init(pair))
        _, (fast, slow, their_fast, their_slow) = jax.lax.scan(step, carry, noise)
        np.testing.assert_allclose(fast, their_fast, rtol=1e-10)
        np.testing.assert_allclose(slow, their_slow, rtol=1e-10)


PATH = np.random.default_rng(8).normal(size=(40, 3)).cumsum(axis=0)


def averages(averaging: Any) -> np.ndarray:
    with jax.enable_x64(True):

        def step(state: Any, theta: Any) -> Any:
            state = averaging.update(state, theta)
            return state, averaging.value(state)

        return np.asarray(jax.lax.scan(step, averaging.init(jnp.zeros(3)), PATH)[1])


def torch_averages(avg_fn: Any) -> np.ndarray:
    torch = peer("torch")
    model = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    average, found = torch.optim.swa_utils.AveragedModel(model, avg_fn=avg_fn), []
    for theta in PATH:
        model.weight.data = torch.tensor(theta[None])
        average.update_parameters(model)
        found.append(average.module.weight.detach().numpy()[0].copy())
    return np.array(found)


def test_averages_equal_torch() -> None:
    utilities = peer("torch").optim.swa_utils
    np.testing.assert_allclose(
        averages(exponential_average(0.9)), torch_averages(utilities.get_ema_avg_fn(0.9)), rtol=1e-12
    )
    np.testing.assert_allclose(averages(polyak_ruppert()), torch_averages(utilities.get_swa_avg_fn()), rtol=1e-11)


def test_debiased_average_equals_optax() -> None:
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        theirs = optax.ema(0.9, debias=True)
        _, expected = jax.lax.scan(lambda state, theta: theirs.update(theta, state)[::-1], theirs.init(PATH[0]), PATH)
    np.testing.assert_allclose(averages(exponential_average(0.9, start="debiased")), expected, rtol=1e-11)


def test_warmed_average_is_the_recursion() -> None:
    average, expected = np.zeros(3), []
    for count, theta in enumerate(PATH):
        decay = min(0.8, (1 + count) / (10 + count))
        average = decay * average + (1 - decay) * theta
        expected.append(average)
    np.testing.assert_allclose(averages(exponential_average(0.8, start="warmed")), expected, rtol=1e-11)


def test_weight_averaging_is_the_mean_of_its_members() -> None:
    found = averages(stochastic_weight_averaging(start=7, every=5))
    members = PATH[7 + 5 - 1 :: 5]
    np.testing.assert_allclose(found[-1], members.mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found[:12], PATH[:12])
    np.testing.assert_allclose(averages(polyak_ruppert(start=10))[-1], PATH[10:].mean(axis=0), rtol=1e-12)


def test_the_averaged_iterate_has_the_smallest_variance_there_is() -> None:
    r"""Polyak and Juditsky: on a quadratic $n$ times its covariance tends to $H^{-1} S H^{-1}$; here $S = I$."""
    curvature, steps, runs = jnp.array([1.0, 0.3]), 4000, 400
    averaging, optimizer = polyak_ruppert(), optim.sgd(lambda t: 0.8 / (1.0 + t.astype(jnp.float32)) ** 0.6)

    def run(key: jax.Array) -> jax.Array:
        def step(carry: Any, noise: Any) -> Any:
            theta, state, average = carry
            change, state = optimizer.update(curvature * theta + noise, state)
            return (theta + change, state, averaging.update(average, theta + change)), None

        theta = jnp.zeros(2)
        carry = (theta, optimizer.init(theta), averaging.init(theta))
        return averaging.value(jax.lax.scan(step, carry, jax.random.normal(key, (steps, 2)))[0][2])

    ends = np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), runs)))
    # The relative error of a variance of 400 runs is 7%, and the limit is approached from above.
    np.testing.assert_allclose(steps * ends.var(axis=0), 1 / np.array([1.0, 0.3]) ** 2, rtol=0.3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SharpnessAware(optim.sgd(0.1), radius=-1.0),
        lambda: optim.StochasticLBFGS(memory=0),
        lambda: optim.lookahead(optim.sgd(0.1), period=0),
        lambda: optim.lookahead(optim.sgd(0.1), pull=1.5),
        lambda: exponential_average(1.0),
        lambda: exponential_average(start="zero"),
        lambda: polyak_ruppert(-1),
        lambda: stochastic_weight_averaging(0, 0),
    ],
)
def test_settings_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()
