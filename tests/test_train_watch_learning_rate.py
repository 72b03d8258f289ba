"""The label of the learning rate in training: eigenvalues by NumPy, and whether the optimizers themselves diverge."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from pullback import data, report, train
from pullback.cli import main as door
from pullback.core.errors import ConfigurationError, DataError
from pullback.linalg.largest_eigenvalue import largest_eigenvalue
from pullback.models import build
from pullback.optim import OPTIMIZERS, sgd
from pullback.optim.stability_edge import stability_edge
from pullback.train.learning_rate_finding import rate_finding, rate_summary, shares_of
from pullback.train.learning_rate_watch import LearningRateWatch
from pullback.train.log import read_log
from pullback.train.sweeps import sweep

LABELS = {0.1: "slow", 1.0: "good", 1.9: "at the edge", 2.1: "diverging"}
ROWS, INPUTS = 60, 5


class Slopes(eqx.Module):
    """A line through the origin, whose loss is a quadratic."""

    weights: Array

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return x @ self.weights


def quadratic(
    scales: tuple[float, ...] = (3.0, 2.0, 1.0, 0.5, 0.2),
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Rows, and the Hessian of their loss."""
    generator = np.random.default_rng(3)
    x = (generator.normal(size=(ROWS, INPUTS)) * scales).astype(np.float32)
    y = (x @ generator.normal(size=INPUTS) + generator.normal(size=ROWS)).astype(np.float32)
    return (x, y), 2 * x.astype(np.float64).T @ x.astype(np.float64) / ROWS


def watched(rows: Any, optimizer: str, rate: Any, arguments: dict[str, Any] | None = None, **others: Any) -> train.Run:
    settings = {"epochs": 4, "watch_learning_rate": True} | others
    return train.fit(
        Slopes(jnp.zeros(INPUTS)), rows, loss="squared_error", optimizer=optimizer, learning_rate=rate,
        optimizer_arguments=arguments, batch_size=ROWS, progress=False, **settings,
    )  # fmt: skip


def looks(run: train.Run) -> list[dict[str, Any]]:
    return [record["curvature"] for record in run.history if "curvature" in record]


@pytest.mark.parametrize("part", LABELS)
def test_gradient_descent_on_a_quadratic(part: float) -> None:
    rows, hessian = quadratic()
    largest = np.linalg.eigvalsh(hessian)[-1]
    run = watched(rows, "sgd", float(part / largest), epochs=30)
    for look in looks(run):
        assert look["largest"] == pytest.approx(largest, rel=1e-3)
        assert look["product"] == pytest.approx(part, rel=1e-3)
        assert look["label"] == LABELS[part]
    assert len(looks(run)) == 30
    # What the label says comes true.
    losses = [record["train"]["loss"] for record in run.history]
    assert (losses[-1] > losses[5]) == (LABELS[part] == "diverging")


@pytest.mark.parametrize(
    ("optimizer", "arguments", "edge"),
    [
        ("momentum", {"momentum": 0.9}, 3.8),
        ("momentum", {"momentum": 0.5, "dampening": 0.25}, 4.0),
        ("momentum", {"momentum": 0.9, "convention": "averaged"}, 38.0),
        ("nesterov", {"momentum": 0.9}, 3.8 / 2.8),
    ],
    ids=str,
)
def test_momentum_moves_the_edge(optimizer: str, arguments: dict[str, Any], edge: float) -> None:
    """One update an epoch, each at another rate of a schedule."""
    rows, hessian = quadratic()
    largest = np.linalg.eigvalsh(hessian)[-1]
    rates = jnp.array([part / 2 * edge / largest for part in LABELS])
    found = looks(watched(rows, optimizer, lambda step: rates[step], arguments))
    assert [look["label"] for look in found] == list(LABELS.values())
    assert [look["share"] for look in found] == pytest.approx([part / 2 for part in LABELS], rel=1e-3)
    assert [look["edge"] for look in found] == pytest.approx([edge] * 4)


@pytest.mark.parametrize("mask", [None, [True, False, True, True, True]])
def test_a_penalty_in_the_gradient_is_curvature(mask: Any) -> None:
    rows, hessian = quadratic()
    decays = np.ones(INPUTS) if mask is None else np.array(mask)
    arguments: dict[str, Any] = {"weight_decay": 2.5}
    if mask is not None:
        # One parameter holds all weights, so that the whole of it decays or nothing.
        arguments["mask"] = lambda params: jax.tree.map(lambda theta: False, params)
        decays = np.zeros(INPUTS)
    largest = np.linalg.eigvalsh(hessian + np.diag(2.5 * decays))[-1]
    (look,) = looks(watched(rows, "sgd", 1e-3, arguments, epochs=1))
    assert look["largest"] == pytest.approx(largest, rel=1e-3)


def test_adam_on_a_diagonal_quadratic() -> None:
    """Moments by hand, in double precision; then P is diagonal, and the eigenvalues are products of numbers."""
    curvatures, target, rate = np.array([8.0, 2.0, 0.5, 0.1, 0.01]), np.array([1.0, -2, 3, -1, 2]), 0.05
    # Rows of one entry each, of which the mean of squares is the sum of h (w - t)^2 / 2.
    x = np.diag(np.sqrt(curvatures * INPUTS / 2)).astype(np.float32)
    rows = (x, (x @ target).astype(np.float32))
    run = train.fit(
        Slopes(jnp.zeros(INPUTS)), rows, loss="squared_error", optimizer="adam", learning_rate=rate, epochs=6,
        batch_size=INPUTS, progress=False, watch_learning_rate=True,
    )  # fmt: skip
    theta, first, second = np.zeros(INPUTS), np.zeros(INPUTS), np.zeros(INPUTS)
    gradient = curvatures * (theta - target)
    for t, look in enumerate(looks(run), 1):
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        theta = theta - rate * first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        gradient = curvatures * (theta - target)
        # What the next gradient will be divided by.
        ahead = (0.999 * second + 0.001 * gradient**2) / (1 - 0.999 ** (t + 1))
        scale = (1 - 0.9 ** (t + 1)) * (np.sqrt(ahead) + 1e-8)
        assert look["edge"] == pytest.approx(38.0)
        assert look["product"] == pytest.approx(rate * max(curvatures / scale), rel=1e-3)


ADAPTIVE = {"beta2": 0.99999}
METHODS: list[tuple[str, dict[str, Any]]] = [
    ("adadelta", {"decay": 0.99999}),
    ("adagrad", {"rate_decay": 0.01}),
    ("adam", ADAPTIVE),
    ("adam", ADAPTIVE | {"beta1": 0.5, "epsilon": 0.1, "epsilon_root": 0.01}),
    ("adamax", ADAPTIVE),
    ("adamax", ADAPTIVE | {"epsilon": 0.1, "epsilon_place": "outside"}),
    ("adamw", ADAPTIVE | {"weight_decay": 5.0}),
    ("amsgrad", ADAPTIVE),
    ("amsgrad", ADAPTIVE | {"largest_of": "corrected"}),
    ("amsgrad", ADAPTIVE | {"bias_correction": False}),
    ("momentum", {}),
    ("momentum", {"dampening": 0.5}),
    ("momentum", {"convention": "averaged"}),
    ("nadam", ADAPTIVE),
    ("nadam", ADAPTIVE | {"momentum_schedule": "constant"}),
    ("nadam", ADAPTIVE | {"decoupled": True, "weight_decay": 5.0}),
    ("nesterov", {}),
    ("radam", ADAPTIVE | {"epsilon": 0.1}),
    ("radam", ADAPTIVE | {"epsilon": 0.1, "epsilon_beside": "corrected"}),
    ("radam", {"beta2": 0.3}),
    ("rmsprop", {"decay": 0.99999}),
    ("rmsprop", {"decay": 0.99999, "centered": True, "momentum": 0.8}),
    ("rmsprop", {"decay": 0.99999, "momentum": 0.8, "velocity_of": "steps"}),
    ("sgd", {}),
]


def test_every_method_with_an_edge_is_tested() -> None:
    assert {name for name, _ in METHODS} == OPTIMIZERS.keys() - {"lion", "muon"}


@pytest.mark.parametrize(("method", "arguments"), METHODS, ids=str)
def test_the_update_itself_diverges_above_the_edge_and_not_below(method: str, arguments: dict[str, Any]) -> None:
    """The code of the optimizer, its scaling held where it is, on a parabola steeper and flatter than the edge says."""
    with jax.enable_x64(True):
        rate = 0.01
        optimizer = OPTIMIZERS[method](rate, **arguments)
        theta = jnp.zeros(1)
        state: Any = optimizer.init(theta)
        gradients = jnp.asarray(np.random.default_rng(1).normal(size=(150, 1)))
        state = jax.lax.scan(lambda kept, g: (optimizer.update(g, kept, theta)[1], None), state, gradients)[0]
        found = stability_edge(method, arguments, state, theta)
        assert found is not None
        scaling = 1.0 if found.preconditioner is None else float(found.preconditioner[0])
        critical = found.edge / (found.learning_rate * scaling)
        rolling = {
            name for name in ("velocity", "first_moment") if name in state.moments and not arguments.get("centered")
        }
        rolling |= {"velocity"} & state.moments.keys()

        def errors(curvature: float) -> Array:
            def step(pair: Any, _: None) -> tuple[Any, Array]:
                error, kept = pair
                after: Any
                change, after = optimizer.update(curvature * error, kept, error)
                # All but the running sums of gradients stays, as it nearly does where it changes slowly.
                moments = state.moments | {name: after.moments[name] for name in rolling}
                return (error + change, state._replace(moments=moments)), error[0]

            # So small that what is added to the second moments is nothing.
            start = {name: 1e-15 * jnp.ones(1) for name in rolling}
            begin = (jnp.full(1, 1e-15), state._replace(moments=state.moments | start))
            return jnp.abs(jax.lax.scan(step, begin, length=3000)[1])

        below, above = errors(0.98 * critical), errors(1.02 * critical)
        assert below[-1] < 1e-3 * jnp.max(below[:10])
        assert jnp.max(above) > 1e3 * jnp.max(above[:10])


def test_curvature_of_a_network_is_that_of_its_hessian() -> None:
    """All second derivatives by JAX, their eigenvalues by NumPy."""
    generator = np.random.default_rng(0)
    rows = (generator.normal(size=(40, 3)).astype(np.float32), generator.integers(0, 3, 40))
    arguments = {"in_shape": [3], "out_features": 3, "hidden": [4]}
    network = build("multilayer_perceptron", arguments, jax.random.key(0))
    run = train.fit(
        network, rows, loss="categorical_cross_entropy", optimizer="sgd", learning_rate=0.1, epochs=3,
        batch_size=16, progress=False, watch_learning_rate=True,
    )  # fmt: skip
    params, rest = eqx.partition(run.model, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(params)

    def cost(vector: Array) -> Array:
        logits = eqx.combine(unravel(vector), rest)(jnp.asarray(rows[0]))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), jnp.asarray(rows[1])[:, None], 1))

    largest = np.linalg.eigvalsh(np.asarray(jax.jit(jax.hessian(cost))(flat), np.float64))[-1]
    assert looks(run)[-1]["largest"] == pytest.approx(largest, rel=0.01)


def whatever(epochs: int, **others: Any) -> train.Experiment:
    """Memory, dropout, augmentation, parts of batches and an average."""
    digits = data.load("digits")
    arguments = {"in_shape": [8, 8, 1], "out_features": 10, "hidden": [8], "dropout": 0.2, "batch_norm": True}
    return train.Experiment(
        build("multilayer_perceptron", arguments, jax.random.key(0)), digits.take(range(96)),
        "categorical_cross_entropy", optimizer="adam", epochs=epochs, batch_size=32, accumulate_steps=2,
        ema_decay=0.9, augment=data.Shift(1), **others,
    )  # fmt: skip


def test_training_does_not_notice(tmp_path: Path) -> None:
    runs = {
        every: train.run(whatever(3, watch_learning_rate=every), run_dir=tmp_path / str(every), progress=False)
        for every in (False, 2)
    }
    for one, other in zip(jax.tree.leaves(runs[False].model), jax.tree.leaves(runs[2].model), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    plain, seen = (list(read_log(tmp_path / str(every) / "metrics.jsonl")) for every in (False, 2))
    assert ["curvature" in record for record in seen if record["event"] == "epoch"] == [False, True, False]
    assert plain == [
        {name: value for name, value in record.items() if name != "curvature"}
        for record in seen
        if record["event"] != "learning rate"
    ]


def test_an_interrupted_run_goes_on_with_the_same_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = train.Experiment(
        Slopes(jnp.zeros(INPUTS)), quadratic()[0], "squared_error", optimizer="adam", epochs=6, batch_size=16,
        watch_learning_rate=2,
    )  # fmt: skip
    whole = train.run(described, run_dir=tmp_path / "whole", progress=False)
    look = LearningRateWatch.look

    def stopping(self: LearningRateWatch, state: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return look(self, state)

    monkeypatch.setattr(LearningRateWatch, "look", stopping)
    with pytest.raises(train.Interrupted):
        train.run(described, run_dir=tmp_path / "stopped", progress=False)
    monkeypatch.undo()
    # A recipe would not know that the rate was watched: the folder does.
    again = train.resume_run(replace(described, watch_learning_rate=False), tmp_path / "stopped", progress=False)
    assert (tmp_path / "stopped/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()
    assert looks(again) == looks(whole)


@pytest.mark.parametrize("optimizer", ["lion", optax.sgd(0.01), sgd(0.01)], ids=["lion", "optax", "finished"])
def test_without_an_edge_there_is_the_curvature_alone(optimizer: Any) -> None:
    rows, hessian = quadratic()
    run = watched(rows, optimizer, 0.01 if optimizer == "lion" else None)
    assert [look["label"] for look in looks(run)] == [None] * 4
    assert [look["largest"] for look in looks(run)] == pytest.approx([np.linalg.eigvalsh(hessian)[-1]] * 4, rel=1e-3)
    assert any("without a label" in note for note in run.notes)
    assert not any("learning rate by" in note for note in run.notes)


def test_a_parameter_without_a_gradient_rests() -> None:
    """Its second moment is zero, and one over nearly nothing would be the whole of the product."""
    (x, y), _ = quadratic()
    x = x.copy()
    x[:, 2] = 0
    (look, *_) = looks(watched((x, y), "adam", 0.01))
    (without, *_) = looks(
        train.fit(
            Slopes(jnp.zeros(INPUTS - 1)), (np.delete(x, 2, 1), y), loss="squared_error", optimizer="adam",
            learning_rate=0.01, epochs=4, batch_size=ROWS, progress=False, watch_learning_rate=True,
        )
    )  # fmt: skip
    assert look["largest"] == pytest.approx(without["largest"], rel=1e-3)


@pytest.mark.parametrize("value", [0, -1])
def test_what_is_no_number_of_epochs(value: int) -> None:
    with pytest.raises(ConfigurationError, match="watch_learning_rate must be"):
        watched(quadratic()[0], "sgd", 0.1, watch_learning_rate=value)


@pytest.mark.parametrize(("optimizer", "rate"), [("lbfgs", None), ("sam", 0.1)])
def test_solvers_have_no_rate_to_watch(optimizer: str, rate: float | None) -> None:
    with pytest.raises(ConfigurationError, match="no rate to watch.*(.|\n)*leave watch_learning_rate out"):
        watched(quadratic()[0], optimizer, rate)


def test_members_of_a_sweep_are_not_watched() -> None:
    experiment = train.Experiment(
        Slopes(jnp.zeros(INPUTS)), quadratic()[0], "squared_error", optimizer="sgd", watch_learning_rate=True
    )
    with pytest.raises(ConfigurationError, match="single runs only"):
        sweep(experiment, {"learning_rate": [0.1, 0.2]}, progress=False)


@jax.custom_vjp
def once(z: Array) -> Array:
    """z itself; its derivative comes from outside of JAX."""
    return z


def once_backward(_: None, cotangent: Array) -> tuple[Array]:
    return (jax.pure_callback(lambda given: np.asarray(given), jax.typeof(cotangent), cotangent),)


once.defvjp(lambda z: (z, None), once_backward)


class Once(Slopes):
    """Differentiable, but not twice."""

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return once(x @ self.weights)


def test_a_model_without_second_derivatives_is_found_before_the_first_step(tmp_path: Path) -> None:
    options: dict[str, Any] = {"loss": "squared_error", "optimizer": "sgd", "learning_rate": 0.01, "epochs": 1}
    model, rows = Once(jnp.zeros(INPUTS)), quadratic()[0]
    assert train.fit(model, rows, progress=False, **options).reason == "epochs done"
    with pytest.raises(ConfigurationError, match="the curvature cannot be computed"):
        train.fit(model, rows, progress=False, **options, watch_learning_rate=True, run_dir=tmp_path / "run")
    assert not list(read_log(tmp_path / "run/metrics.jsonl"))


@pytest.mark.parametrize("part", [0.1, 1.0, 1.9, 2.1])
def test_a_label_that_stays_is_told_in_the_log_and_the_report(part: float, tmp_path: Path) -> None:
    rows, hessian = quadratic()
    run = watched(rows, "sgd", float(part / np.linalg.eigvalsh(hessian)[-1]), run_dir=tmp_path / "run", epochs=12)
    (told,) = [record for record in read_log(tmp_path / "run/metrics.jsonl") if record["event"] == "learning rate"]
    assert told["summary"] == f"learning rate by the curvature: {LABELS[part]} at 12 of 12 looks"
    page = report.write(tmp_path / "run").read_text()
    assert "Learning rate times curvature" in page
    if LABELS[part] == "good":
        assert told["stayed"] is None
        assert "The learning rate stayed" not in page
    else:
        assert (told["stayed"], told["factor"]) == (LABELS[part], {0.1: 10.0}.get(part, 0.5))
        assert f"the learning rate is {LABELS[part]}" in run.notes[-1]
        assert f"The learning rate stayed {LABELS[part]}" in page
        # Taken, the advice is good: on a quadratic the label of the new rate follows.
        better = watched(rows, "sgd", float(told["factor"] * part / np.linalg.eigvalsh(hessian)[-1]))
        assert {look["label"] for look in looks(better)} == {"good"}


def test_a_schedule_that_ends_near_zero_is_not_called_slow() -> None:
    assert rate_finding([0.5, 0.3, 0.01, 0.0], True) is None
    assert rate_finding([], True) is None
    found = rate_finding([0.2, None, float("nan"), 3.0], False)
    assert found is not None
    assert found.label == "diverging"
    slow = rate_finding([0.2, 0.1], False)
    assert slow is not None
    assert "noise of batches" in slow.text


def test_looks_without_a_label_are_not_counted() -> None:
    records = [{"epoch": 1}, {"epoch": 2, "curvature": {"largest": 1.0, "label": None}}]
    assert rate_summary(records) is None
    assert shares_of(records) == []


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_the_largest_eigenvalue_is_that_of_numpy(size: int) -> None:
    generator = np.random.default_rng(size)
    matrix = generator.normal(size=(size, size))
    matrix = matrix + matrix.T
    exact = np.linalg.eigvalsh(matrix)
    found = largest_eigenvalue(lambda v: matrix @ v, generator.normal(size=size), tolerance=1e-3)
    # Within the bound there is some eigenvalue; from a start at random it is the last.
    assert found.value <= exact[-1] * (1 + 1e-12) or exact[-1] < 0
    assert abs(found.value - exact[-1]) <= found.bound + 1e-9
    assert found.steps <= min(size, 40)


def test_largest_eigenvalue_of_what_is_degenerate() -> None:
    assert largest_eigenvalue(lambda v: 0 * v, np.ones(5)) == (0.0, 0.0, 1)
    assert np.isnan(largest_eigenvalue(lambda v: np.inf * v, np.ones(5)).value)
    with pytest.raises(DataError, match="start is zero"):
        largest_eigenvalue(lambda v: v, np.zeros(3))


RECIPE = '''"""A line through noise."""

from dataclasses import dataclass

import jax
import numpy as np

from pullback import nn
from pullback.train import Experiment


@dataclass(frozen=True)
class Recipe:
    """Fields."""

    seed: int = 0
    """Seed."""
    epochs: int = 3
    """Passes."""


def build(recipe):
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    return Experiment(
        model=nn.Linear(2, 1, key=jax.random.key(0)), train_data=(x, x[:, :1]), test_data=(x, x[:, :1]), batch_size=64,
        loss="squared_error", optimizer="sgd", learning_rate=0.01, epochs=recipe.epochs, seed=recipe.seed,
    )
'''


def test_the_command_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(door, "prepare_training", lambda: None)
    (tmp_path / "line.py").write_text(RECIPE)
    assert door.main(["train", "./line.py", "--watch-learning-rate", "--run-dir", "run", "--no-report"]) == 0
    printed = capsys.readouterr().out
    assert "rate slow (0.0" in printed
    assert "learning rate by the curvature: slow at 3 of 3 looks" in printed
    records = [record for record in read_log(tmp_path / "run/metrics.jsonl") if record["event"] == "epoch"]
    assert [record["curvature"]["label"] for record in records] == ["slow"] * 3
