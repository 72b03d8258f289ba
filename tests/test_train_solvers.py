"""Solvers, plateaus and schedules of the whole run in `fit`, against plain loops, PyTorch and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize
from optax import contrib

from pullback import data, nn, optim, train
from pullback.core.errors import ConfigurationError, NonFiniteError
from pullback.models import build
from pullback.optim.schedules import (
    Cosine,
    MultiStep,
    PerEpoch,
    PerFraction,
    Plateau,
    StepDecay,
    check_schedule_covers,
    schedule_values,
)
from pullback.optim.solver import SolverInfo, SolverState
from pullback.testing.peers import peer
from pullback.train.folder import read_json

QUIET: dict[str, Any] = {"progress": False}
LOSS = "categorical_cross_entropy"


def table(rows: int = 50, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3)).astype(np.float32)
    return x, (x @ np.array([1.0, 2.0, 3.0]) + rng.standard_normal(rows) > 0).astype(np.int32)


def linear() -> nn.Linear:
    return nn.Linear(3, 2, key=jax.random.key(4))


def normalized() -> eqx.Module:
    arguments = {"in_shape": [3], "out_features": 2, "hidden": [8], "dropout": 0.0, "batch_norm": True}
    return build("multilayer_perceptron", arguments, jax.random.key(1))


def mean_loss(params: Any, static: Any, x: Any, y: Any) -> jax.Array:
    return jnp.mean(
        optax.softmax_cross_entropy_with_integer_labels(eqx.combine(params, static)(jnp.asarray(x)), jnp.asarray(y))
    )


def batches(rows: int, size: int, epochs: int) -> list[np.ndarray]:
    orders = [data.epoch_order(0, epoch, rows) for epoch in range(1, epochs + 1)]
    return [order[start : start + size] for order in orders for start in range(0, rows, size)]


def assert_same(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", [16, 50])
def test_sharpness_aware_fit_is_the_loop_of_optax(size: int) -> None:
    """On batches of which the last is ragged, whose padding must not be seen."""
    x, y = table()
    run = train.fit(
        linear(), (x, y), loss=LOSS, optimizer="sam", learning_rate=0.2, epochs=3, batch_size=size,
        optimizer_arguments={"base_optimizer": "momentum", "radius": 0.3, "momentum": 0.8}, **QUIET,
    )  # fmt: skip
    params, static = eqx.partition(linear(), eqx.is_inexact_array)
    theirs = contrib.sam(
        optax.sgd(0.2, momentum=0.8), optax.chain(contrib.normalize(), optax.sgd(0.3)), opaque_mode=True
    )
    state = theirs.init(params)
    with jax.numpy_dtype_promotion("standard"):
        for rows in batches(50, size, 3):
            slope = jax.grad(lambda params, rows=rows: mean_loss(params, static, x[rows], y[rows]))
            change, state = theirs.update(
                slope(params), state, params, grad_fn=lambda params, _, slope=slope: slope(params)
            )
            params = optax.apply_updates(params, change)
    assert_same(eqx.filter(run.model, eqx.is_inexact_array), params)


def test_lbfgs_on_the_full_batch_reaches_the_minimum_of_scipy() -> None:
    x, y = table()
    run = train.fit(linear(), (x, y), loss=LOSS, optimizer="lbfgs", epochs=30, batch_size=50, **QUIET)
    sign = np.where(y == 1, 1.0, -1.0)
    found = scipy.optimize.minimize(
        lambda w: np.mean(np.logaddexp(0, -sign * (x @ w[:3] + w[3]))), np.zeros(4), tol=1e-9
    )
    assert run.history[-1]["train"]["loss"] == pytest.approx(found.fun, rel=1e-5)
    weight = np.asarray(run.model.weight[1] - run.model.weight[0])
    np.testing.assert_allclose(weight, found.x[:3], rtol=5e-3)


class SteepestDescent:
    """Gradient descent with the objective in its own hands, which a transformation does as well."""

    def init(self, objective: Any, params: Any) -> SolverState:
        return SolverState(objective, params, jnp.zeros((), jnp.int32), {}, None)

    def step(self, state: SolverState, batch: Any, key: Any) -> tuple[SolverState, SolverInfo]:
        value, aux = optim.value_and_aux(state.objective, state.params, batch, key)
        slope = jax.grad(lambda params: state.objective(params, batch, key)[0])(state.params)
        params = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, slope)
        after = state._replace(params=params, step=state.step + 1)
        return after, SolverInfo(value, jnp.zeros(()), jnp.ones(()), aux)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_solver_of_the_user_is_given_what_a_transformation_is_given(dropout: float) -> None:
    """Memory, weights of rows, dropout, augmentation, moving average, scores of training and validation."""
    arguments = {"in_shape": [3], "out_features": 2, "hidden": [8], "dropout": dropout, "batch_norm": True}
    settings: dict[str, Any] = {
        "loss": LOSS, "epochs": 3, "batch_size": 16, "validation_data": table(seed=1), "metrics": ["accuracy"],
        "ema_decay": 0.9, "augment": lambda key, x: x + 0.1 * jax.random.normal(key, x.shape), **QUIET,
    }  # fmt: skip
    model = build("multilayer_perceptron", arguments, jax.random.key(1))
    solved = train.fit(model, table(), optimizer=SteepestDescent(), **settings)
    given = train.fit(model, table(), optimizer=optax.sgd(0.1), **settings)
    assert_same(eqx.filter(solved.model, eqx.is_array), eqx.filter(given.model, eqx.is_array))
    assert_same(solved.state, given.state)
    for ours, theirs in zip(solved.history, given.history, strict=True):
        assert ours["train"] == pytest.approx(theirs["train"], rel=1e-5)
        assert ours["validation"] == pytest.approx(theirs["validation"], rel=1e-5)


def test_memory_is_of_the_parameters_before_the_step() -> None:
    """With steps of nearly zero the running statistics are those of training with nearly no steps at all."""
    settings: dict[str, Any] = {"loss": LOSS, "epochs": 2, "batch_size": 16, **QUIET}
    still = train.fit(normalized(), table(), optimizer=optax.sgd(1e-12), **settings)
    uphill = optim.SharpnessAware(optim.sgd(1e-12), radius=5.0)
    assert_same(train.fit(normalized(), table(), optimizer=uphill, **settings).state, still.state)


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (optim.SharpnessAware(optim.sgd(0.1), radius=StepDecay(0.2, 0.5, every=2)), {"radius": 0.1}),
        (optim.StochasticLBFGS(), {}),
    ],
)
def test_settings_in_force_are_logged_and_objects_are_recorded_as_passed_in(
    optimizer: Any, expected: dict[str, float], tmp_path: Any
) -> None:
    run = train.fit(
        linear(), table(), loss=LOSS, optimizer=optimizer, epochs=2, batch_size=25, run_dir=tmp_path / "run", **QUIET
    )
    assert run.history[-1].get("settings", {}) == pytest.approx(expected)
    assert read_json(tmp_path / "run" / "config.json")["settings"]["optimizer"] == "passed in by the caller"


def test_names_of_solvers_are_recorded_and_resume_rebuilds_them(tmp_path: Any) -> None:
    settings: dict[str, Any] = {"loss": LOSS, "batch_size": 25, "epochs": 2, **QUIET}
    arguments: dict[str, Any] = {"optimizer": "sam", "optimizer_arguments": {"base_optimizer": "adam", "radius": 0.1}}
    run = train.fit(normalized(), table(), run_dir=tmp_path / "run", **arguments, **settings)
    recorded = read_json(tmp_path / "run" / "config.json")["settings"]
    assert {name: recorded[name] for name in arguments} == arguments
    again = train.resume(tmp_path / "run", progress=False)
    assert_same(eqx.filter(again.model, eqx.is_array), eqx.filter(run.model, eqx.is_array), 0)


@pytest.mark.parametrize("optimizer", ["sam", "lbfgs"])
def test_a_number_that_is_not_finite_is_found(optimizer: str) -> None:
    x, y = table()
    mark = jnp.asarray(x[37, 1])
    spoil = lambda key, row: jnp.where(row[1] == mark, jnp.nan, row)  # noqa: E731
    with pytest.raises(NonFiniteError) as caught:
        train.fit(linear(), (x, y), loss=LOSS, optimizer=optimizer, augment=spoil, epochs=2, batch_size=16, **QUIET)
    finding = caught.value.finding
    assert (finding.direction, finding.rows) == ("augmentation", (37,))
    assert finding.step == next(i for i, rows in enumerate(batches(50, 16, 1)) if 37 in rows)


class Logarithm(eqx.Module):
    """Defined for parameters below four."""

    theta: jax.Array

    def __call__(self, x: jax.Array, *, key: Any = None, training: bool = False) -> jax.Array:
        return x * jnp.log(4 - self.theta)


def test_a_step_uphill_to_where_nothing_is_defined_is_named() -> None:
    """The gradient at the parameters is finite, and the one uphill is not."""
    x = np.ones((8, 1), np.float32)
    solver = optim.SharpnessAware(optim.sgd(1e-3), radius=100.0)
    with pytest.raises(NonFiniteError) as caught:
        train.fit(Logarithm(jnp.ones(1)), (x, 10 * x), loss="squared_error", optimizer=solver, epochs=2, **QUIET)
    assert caught.value.finding.direction == "optimizer"
    assert caught.value.finding.path == "theta"
    assert caught.value.finding.step == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": "lbfgs", "learning_rate": 0.1}, "no learning rate"),
        ({"optimizer": "sam", "accumulate_steps": 2}, "whole batch"),
        ({"optimizer": "sam", "value_and_grad": eqx.filter_value_and_grad}, "differentiates by itself"),
        ({"optimizer": optim.StochasticLBFGS(), "learning_rate": 0.1}, "beside a finished optimizer"),
        ({"optimizer": optim.StochasticLBFGS(), "optimizer_arguments": {"memory": 3}}, "beside a finished optimizer"),
        ({"optimizer": "sam", "optimizer_arguments": {"radios": 0.1}}, "unknown argument of sam .radios"),
        ({"optimizer": "lbfgs", "optimizer_arguments": {"memory": 0}}, "memory"),
        ({"learning_rate": Plateau(0.1)}, "validation"),
        ({"learning_rate": Plateau(0.1, higher_is_better=True), "validation_data": table()}, "direction"),
        ({"learning_rate": Cosine(0.1, steps=5)}, "zero from update 5 on, and the run has 20"),
        ({"learning_rate": PerFraction(Cosine(0.1, steps=0.5))}, "zero from update 10 on, and the run has 20"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        train.fit(linear(), table(), loss=LOSS, **{"epochs": 5, "batch_size": 14, **settings}, **QUIET)


@pytest.mark.parametrize("optimizer", ["sam", "sgd"])
def test_rates_on_a_plateau_are_those_of_torch(optimizer: str) -> None:
    """On the loss of validation rows of another law, which falls and then rises."""
    torch = peer("torch")
    x, y = table(seed=1)
    flipped = (x, np.where(np.arange(50) < 20, 1 - y, y).astype(np.int32))
    settings: dict[str, Any] = {"factor": 0.5, "patience": 2, "cooldown": 1, "threshold": 1e-3}
    run = train.fit(
        linear(), table(), loss=LOSS, optimizer=optimizer, learning_rate=Plateau(0.5, **settings), epochs=25,
        batch_size=25, validation_data=flipped, **QUIET,
    )  # fmt: skip
    theirs = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **settings)
    expected = []
    for record in run.history:
        expected.append(theirs.param_groups[0]["lr"])
        scheduler.step(record["validation"]["loss"])
    assert [record["learning_rate"] for record in run.history] == pytest.approx(expected, rel=1e-6)
    assert len(set(expected)) >= 4


def test_a_plateau_of_a_score_that_rises() -> None:
    run = train.fit(
        linear(), table(), loss=LOSS, optimizer="adam", epochs=12, batch_size=25, validation_data=table(seed=1),
        learning_rate=Plateau(0.1, 0.5, patience=1, threshold=0.0, higher_is_better=True), metrics=["accuracy"],
        monitor="accuracy", **QUIET,
    )  # fmt: skip
    best, waited, rate, expected = -np.inf, 0, 0.1, []
    for record in run.history:
        expected.append(rate)
        score = record["validation"]["accuracy"]
        best, waited = (score, 0) if score > best else (best, waited + 1)
        if waited > 1:
            rate, waited = rate / 2, 0
    assert [record["learning_rate"] for record in run.history] == pytest.approx(expected, rel=1e-6)
    assert expected[-1] < 0.1


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        (PerFraction(Cosine(0.1, steps=1)), Cosine(0.1, steps=20)),
        (PerFraction(MultiStep(0.1, 0.1, (0.5, 0.75))), MultiStep(0.1, 0.1, (10, 15))),
        (PerEpoch(StepDecay(0.1, 0.5, every=2)), StepDecay(0.1, 0.5, every=8)),
    ],
)
def test_schedules_by_epoch_and_fraction_need_not_know_the_run(short: Any, whole: Any) -> None:
    settings: dict[str, Any] = {"loss": LOSS, "optimizer": "momentum", "epochs": 5, "batch_size": 14, **QUIET}
    told = train.fit(linear(), table(), learning_rate=short, **settings)
    given = train.fit(linear(), table(), learning_rate=whole, **settings)
    assert_same(told.model, given.model, 1e-6)
    rates = schedule_values(whole, 20)[3::4]
    assert [record["learning_rate"] for record in told.history] == pytest.approx(rates, rel=1e-6)


def test_an_argument_by_fraction() -> None:
    momentum: dict[str, Any] = {"momentum": PerFraction(MultiStep(0.9, 0.5, (0.5,)))}
    run = train.fit(linear(), table(), loss=LOSS, optimizer="momentum", optimizer_arguments=momentum, epochs=4, **QUIET)
    assert [record["settings"]["momentum"] for record in run.history] == pytest.approx([0.9, 0.9, 0.45, 0.45])


def test_a_schedule_that_does_not_know_the_run_says_so() -> None:
    with pytest.raises(ConfigurationError, match="does not know the length of the run"):
        optim.sgd(PerFraction(Cosine(0.1, steps=1)))


@pytest.mark.parametrize(
    "rate", [StepDecay(0.1, 0.5, every=1), Cosine(0.1, steps=3, final=0.01), PerFraction(Cosine(0.1, steps=1)), 0.1]
)
def test_a_schedule_that_stays_above_zero_passes(rate: Any) -> None:
    assert train.fit(linear(), table(), loss=LOSS, learning_rate=rate, epochs=2, **QUIET).reason == "epochs done"


def test_a_long_cosine_lasts_to_its_end() -> None:
    """In single precision its last rates are zero, for which nobody is to blame."""
    steps = 30_000
    assert float(Cosine(0.1, steps)(steps - 1)) == 0
    check_schedule_covers(Cosine(0.1, steps), steps)
    with pytest.raises(ConfigurationError, match="zero from update 30000 on"):
        check_schedule_covers(Cosine(0.1, steps), steps + 2)


def test_aux_of_the_objective_is_of_the_parameters_before_the_step() -> None:
    def cost(theta: jax.Array, batch: jax.Array, key: Any) -> tuple[jax.Array, jax.Array]:
        return jnp.sum(batch * theta**2), theta

    start, makers = jnp.array([1.0, -2.0]), list[Callable[[], Any]]()
    makers += [optim.StochasticLBFGS, lambda: optim.SharpnessAware(optim.sgd(0.1)), lambda: optim.SOLVERS["sam"](0.1)]
    for make in makers:
        state = make().init(cost, start)
        state, info = make().step(state, jnp.array([1.0, 3.0]), None)
        np.testing.assert_array_equal(info.aux, start)
        assert float(info.value) == 13
        after, info = make().step(state, jnp.array([1.0, 3.0]), None)
        np.testing.assert_array_equal(info.aux, state.params)
        assert float(cost(after.params, jnp.array([1.0, 3.0]), None)[0]) < 13


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "sam"}, "a solver"),
        ({"optimizer": optim.SharpnessAware(optim.sgd(0.1)), "learning_rate": None}, "a solver"),
        ({"learning_rate": Plateau(0.1), "validation_data": table()}, "a plateau"),
        ({"on_non_finite": "restart"}, "the others go on"),
    ],
)
def test_a_sweep_refuses_what_it_cannot_follow(changes: dict[str, Any], words: str) -> None:
    experiment = train.Experiment(linear(), table(), LOSS, optimizer="sgd", learning_rate=0.1, epochs=2)
    with pytest.raises(ConfigurationError, match=words):
        train.sweep(replace(experiment, **changes), {"seed": [0, 1]}, progress=False)


def test_members_of_a_sweep_are_told_the_length_of_the_run() -> None:
    rate = PerFraction(Cosine(0.1, steps=1))
    experiment = train.Experiment(linear(), table(), LOSS, optimizer="sgd", learning_rate=rate, epochs=5, batch_size=25)
    found = train.sweep(experiment, {"seed": [0, 1]}, progress=False)
    alone = train.run(replace(experiment, seed=1), progress=False)
    np.testing.assert_allclose(found.members[1].run.model.weight, alone.model.weight, rtol=1e-5)
