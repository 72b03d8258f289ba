"""What fit promises: exact batches, exact accumulation, exact metrics, two programs, the best weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss

from pullback import data, nn, train
from pullback.core.errors import ConfigurationError, DataError, PullbackError, ShapeError
from pullback.core.random import stream
from pullback.data import Dataset
from pullback.models import build
from pullback.optim.schedules import Cosine
from pullback.train.epochs import train as run_loop
from pullback.train.experiment import Experiment, prepare
from pullback.train.folder import read_json
from pullback.train.interruption import Interruption
from pullback.train.loop import Loop, build_loop
from pullback.train.program import Programs
from pullback.train.progress import Silent

QUIET: dict[str, Any] = {"progress": False}


def table(rows: int = 50, features: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, features)).astype(np.float32)
    return x, (x @ np.arange(1.0, features + 1) > 0).astype(np.int32)


def leaves(model: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model) if eqx.is_array(leaf)]


def assert_close(a: Any, b: Any, tolerance: float = 1e-6) -> None:
    for left, right in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


def linear(outputs: int = 2, features: int = 3) -> nn.Linear:
    return nn.Linear(features, outputs, key=stream(0, "linear"))


def by_hand(model: nn.Linear, x: np.ndarray, y: np.ndarray, epochs: int, size: int, rate: float) -> Any:
    """Gradient descent on unpadded batches, in float64 NumPy, from the closed form of the gradient."""
    weight, bias = (np.asarray(leaf, np.float64) for leaf in (model.weight, model.bias))
    for epoch in range(1, epochs + 1):
        order = data.epoch_order(0, epoch, len(x))
        for start in range(0, len(x), size):
            rows = order[start : start + size]
            logits = x[rows] @ weight.T + bias
            error = np.exp(logits - logits.max(1, keepdims=True))
            error /= error.sum(1, keepdims=True)
            error[np.arange(len(rows)), y[rows]] -= 1
            weight = weight - rate * error.T @ x[rows] / len(rows)
            bias = bias - rate * error.mean(0)
    return weight, bias


@pytest.mark.parametrize("size", [16, 50, 7])
def test_ragged_last_batch_equals_gradient_descent_by_hand(size: int) -> None:
    x, y = table()
    model = linear()
    run = train.fit(
        model, (x, y), loss="categorical_cross_entropy", optimizer=optax.sgd(0.3), epochs=3, batch_size=size, **QUIET
    )
    weight, bias = by_hand(model, x, y, 3, size, 0.3)
    np.testing.assert_allclose(run.model.weight, weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run.model.bias, bias, rtol=1e-5, atol=1e-6)


def network(dropout: float) -> eqx.Module:
    arguments = {"in_shape": [3], "out_features": 2, "hidden": [8], "dropout": dropout}
    return build("multilayer_perceptron", arguments, stream(0, "network"))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_gradient_equals_the_big_batch(parts: int, dropout: float) -> None:
    """Dropout included: a row draws the same mask in any batch."""
    x, y = table()
    settings = {"loss": "categorical_cross_entropy", "epochs": 2, "batch_size": 20, **QUIET}
    whole = train.fit(network(dropout), (x, y), **settings)
    cut = train.fit(network(dropout), (x, y), accumulate_steps=parts, **settings)
    assert_close(whole.model, cut.model)


def test_epoch_metrics_equal_the_one_shot_metric() -> None:
    x, y = table(rows=333)
    run = train.fit(
        linear(), (x, y), loss="categorical_cross_entropy", epochs=3, batch_size=50, validation_data=table(seed=1),
        metrics=["accuracy", "cross_entropy"], **QUIET,
    )  # fmt: skip
    held_x, held_y = table(seed=1)
    logits = train.predict(run.model, held_x, batch_size=13)
    probabilities = softmax(logits.astype(np.float64), axis=1)
    best = max(record["epoch"] for record in run.history if record["best"])
    seen = run.history[best - 1]["validation"]
    assert seen["accuracy"] == accuracy_score(held_y, logits.argmax(1))
    assert seen["loss"] == pytest.approx(log_loss(held_y, probabilities), rel=1e-6)
    assert seen["cross_entropy"] == pytest.approx(seen["loss"], rel=1e-6)


def test_frozen_weights_give_the_training_metric_of_the_whole_set() -> None:
    """With updates of zero the epoch's running loss is the loss of the training set."""
    x, y = table(rows=101)
    run = train.fit(
        linear(), (x, y), loss="categorical_cross_entropy", optimizer=optax.set_to_zero(), epochs=1, batch_size=16,
        metrics=["accuracy"], **QUIET,
    )  # fmt: skip
    logits = train.predict(linear(), x).astype(np.float64)
    expected = log_loss(y, softmax(logits, axis=1))
    assert run.history[0]["train"]["loss"] == pytest.approx(expected, rel=1e-6)
    assert run.history[0]["train"]["accuracy"] == accuracy_score(y, logits.argmax(1))


def test_padding_does_not_touch_batch_statistics() -> None:
    """Ten rows in a batch of sixteen give the statistics of the ten rows."""
    x, y = table(rows=10)
    model = nn.Sequential([nn.BatchNorm(3), linear()])
    settings = {"loss": "categorical_cross_entropy", "epochs": 4, "optimizer": optax.sgd(0.1), **QUIET}
    # A set of 26 rows makes batches of 16 and 10; one of 10 rows makes a batch of 10 alone.
    padded = prepare(
        Experiment(model, (np.tile(x, (3, 1))[:26], np.tile(y, 3)[:26]), "categorical_cross_entropy", batch_size=16)
    )
    assert padded.steps_per_epoch == 2
    run = train.fit(model, (x, y), batch_size=10, **settings)
    larger = train.fit(model, (x, y), batch_size=16, **settings)
    np.testing.assert_allclose(run.state["layers"]["0"]["mean"], larger.state["layers"]["0"]["mean"], rtol=1e-6)
    expected = x.mean(0) * (1 - 0.9**4)
    np.testing.assert_allclose(run.state["layers"]["0"]["mean"], expected, rtol=1e-4, atol=1e-6)


def test_padding_of_a_batch_norm_model_equals_unpadded_steps() -> None:
    """The second batch holds 10 rows in 16 places; JAX on the bare 10 rows is the oracle."""
    x, y = table(rows=26)
    model = nn.Sequential([nn.BatchNorm(3), linear()])
    run = train.fit(
        model, (x, y), loss="categorical_cross_entropy", epochs=1, batch_size=16, optimizer=optax.sgd(0.5), **QUIET
    )
    order, memory, current = data.epoch_order(0, 1, 26), nn.init_state(model), model

    def cost(model: Any, memory: Any, rows: np.ndarray) -> Any:
        logits, memory = model(jnp.asarray(x[rows]), memory, training=True)
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(y[rows])).mean(), memory

    for rows in (order[:16], order[16:]):
        gradient, memory = eqx.filter_grad(cost, has_aux=True)(current, memory, rows)
        current = eqx.apply_updates(current, jax.tree.map(lambda g: -0.5 * g, gradient))
    assert_close(run.model, current, 1e-5)
    assert_close(run.state, memory, 1e-5)


def test_a_part_without_rows_counts_for_nothing() -> None:
    """The last batch holds 4 rows, all in the first of two parts of 8; a batch norm has no statistics of none."""
    x, y = table(rows=36)
    model = nn.Sequential([nn.BatchNorm(3), linear()])
    run = train.fit(
        model, (x, y), loss="categorical_cross_entropy", epochs=1, batch_size=16, accumulate_steps=2,
        optimizer=optax.sgd(0.5), **QUIET,
    )  # fmt: skip
    order, memory, current = data.epoch_order(0, 1, 36), nn.init_state(model), model

    def cost(model: Any, memory: Any, rows: np.ndarray, count: int) -> Any:
        logits, memory = model(jnp.asarray(x[rows]), memory, training=True)
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(y[rows])).sum() / count, memory

    for batch in (order[:16], order[16:32], order[32:]):
        total = None
        for rows in (batch[:8], batch[8:]):
            if len(rows):
                gradient, memory = eqx.filter_grad(cost, has_aux=True)(current, memory, rows, len(batch))
                total = gradient if total is None else jax.tree.map(jnp.add, total, gradient)
        current = eqx.apply_updates(current, jax.tree.map(lambda g: -0.5 * g, total))
    assert_close(run.model, current, 1e-5)
    assert_close(run.state, memory, 1e-5)


def loop_of(experiment: Experiment) -> Loop:
    prepared = prepare(experiment)
    return build_loop(prepared, progress=Silent(), interruption=Interruption(), folder=None, checkpoint_seconds=60.0)


@pytest.mark.parametrize(
    ("layer", "convolutional"),
    [(linear(), False), (nn.Sequential([nn.BatchNorm(3), linear()]), False), (network(0.5), False)],
    ids=["linear", "batch norm", "dropout"],
)
def test_only_convolutions_make_a_model_convolutional(layer: eqx.Module, convolutional: bool) -> None:
    assert prepare(Experiment(layer, table(), "categorical_cross_entropy")).convolutional is convolutional


def test_a_convolution_of_ours_or_of_jax_is_seen() -> None:
    images = np.zeros((4, 8, 8, 1), np.float32), np.arange(4)
    arguments = {"in_shape": [8, 8, 1], "num_classes": 4, "channels": [2], "hidden": [4]}
    ours = build("convolutional_network", arguments, stream(0, "c"))
    kernel = jnp.ones((3, 3, 1, 4))
    own = nn.Sequential(
        [
            lambda x: jax.lax.conv_general_dilated(
                x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            ),
            nn.GlobalAveragePool(2),
            linear(4, 4),
        ]
    )
    for model in (ours, own):
        assert prepare(Experiment(model, images, "categorical_cross_entropy", batch_size=2)).convolutional


def test_a_fit_compiles_at_most_two_programs() -> None:
    x, y = table()
    loop = loop_of(
        Experiment(
            linear(), (x, y), "categorical_cross_entropy", epochs=4, batch_size=16, validation_data=table(33, seed=1),
            test_data=table(7, seed=2), metrics=("accuracy",), accumulate_steps=2, ema_decay=0.9,
        )
    )  # fmt: skip
    run_loop(loop)
    assert loop.programs.count == 2


def test_a_further_program_is_reported_with_what_differed() -> None:
    lines: list[str] = []
    programs = Programs(say=lines.append)
    for rows in (2, 3, 2):
        x = jnp.ones((rows, 2))
        assert programs.get("double", lambda x: 2 * x, (x,))(x).shape == (rows, 2)
    assert programs.count == 2
    assert len(lines) == 1
    assert lines[0].startswith("compiled double again in")
    assert "[0] was (2, 2) float32, is (3, 2) float32" in lines[0]


def test_best_weights_come_back_and_early_stopping_ends() -> None:
    """A rate that is far too large makes validation worse after its best epoch."""
    x, y = table(rows=40)
    run = train.fit(
        network(0.0), (x, y), loss="categorical_cross_entropy", optimizer="momentum", learning_rate=2.0, epochs=200,
        batch_size=8, validation_data=table(20, seed=3), patience=3, **QUIET,
    )  # fmt: skip
    losses = [record["validation"]["loss"] for record in run.history]
    best = int(np.argmin(losses))
    assert run.reason == "early stopping: validation loss did not improve for 3 epochs"
    assert len(losses) == best + 4
    assert run.evaluation["loss"]["value"] == pytest.approx(losses[best], rel=1e-6)


def test_model_passed_in_is_left_alone() -> None:
    model = linear()
    before = leaves(model)
    train.fit(model, table(), loss="categorical_cross_entropy", epochs=1, **QUIET)
    assert all(np.array_equal(a, b) for a, b in zip(before, leaves(model), strict=True))


def test_same_seed_same_bytes_other_seed_other_weights(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train.fit(
            network(0.5),
            table(),
            loss="categorical_cross_entropy",
            epochs=2,
            seed=seed,
            run_dir=tmp_path / name,
            **QUIET,
        )
    logs = {name: (tmp_path / name / "metrics.jsonl").read_bytes() for name in "abc"}
    assert logs["a"] == logs["b"] != logs["c"]


def test_global_random_state_is_neither_read_nor_written() -> None:
    settings = {"loss": "categorical_cross_entropy", "epochs": 1, **QUIET}
    np.random.seed(1)
    before = repr(np.random.get_state())
    first = train.fit(network(0.5), table(), **settings)
    assert before == repr(np.random.get_state())
    np.random.seed(2)
    assert_close(first.model, train.fit(network(0.5), table(), **settings).model, 0.0)


class OneKey(eqx.Module):
    """A user's module that splits its key, which works for one key only."""

    inner: nn.Linear

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        if key is not None:
            first, _ = jax.random.split(key)
            x = x + 0.01 * jax.random.normal(first, x.shape)
        return self.inner(x)


def test_model_that_takes_one_key_is_trained_and_said() -> None:
    run = train.fit(OneKey(linear()), table(), loss="categorical_cross_entropy", epochs=1, **QUIET)
    assert any("one random key a step" in note for note in run.notes)


def test_float64_data_are_cast_and_said() -> None:
    x, y = table()
    run = train.fit(linear(), (x.astype(np.float64), y), loss="categorical_cross_entropy", epochs=1, **QUIET)
    assert "train inputs are cast from float64 to float32" in run.notes


def test_batch_larger_than_the_data_is_allowed_and_said() -> None:
    run = train.fit(linear(), table(rows=9), loss="categorical_cross_entropy", epochs=1, batch_size=64, **QUIET)
    assert any("larger than the 9 training rows" in note for note in run.notes)


def test_regression_reaches_the_least_squares_solution() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3)).astype(np.float32)
    y = (x @ [1.0, -2.0, 0.5] + 3 + 0.1 * rng.standard_normal(200)).astype(np.float32)
    run = train.fit(
        linear(1), (x, y), loss="squared_error", optimizer=optax.sgd(0.1), epochs=200, batch_size=200, **QUIET
    )
    expected, *_ = np.linalg.lstsq(np.c_[x, np.ones(200)].astype(np.float64), y.astype(np.float64), rcond=None)
    np.testing.assert_allclose(np.r_[run.model.weight[0], run.model.bias], expected, rtol=1e-4)


def test_learning_rate_of_a_schedule_is_logged() -> None:
    schedule = Cosine(0.1, 8)
    run = train.fit(
        linear(),
        table(rows=16),
        loss="categorical_cross_entropy",
        learning_rate=schedule,
        epochs=8,
        batch_size=16,
        **QUIET,
    )
    expected = [optax.cosine_decay_schedule(0.1, 8)(step) for step in range(8)]
    np.testing.assert_allclose([record["learning_rate"] for record in run.history], expected, rtol=1e-6, atol=1e-8)


def test_predict_in_pieces_equals_all_at_once() -> None:
    x, _ = table(rows=101)
    model = nn.Sequential([nn.BatchNorm(3), linear()])
    state = nn.init_state(model)
    expected = model(jnp.asarray(x), state)[0]
    np.testing.assert_allclose(train.predict(model, x, state, batch_size=16), expected, rtol=1e-6)
    with pytest.raises(DataError, match="their state is missing"):
        train.predict(model, x)
    with pytest.raises(DataError, match="no rows to predict"):
        train.predict(linear(), x[:0])
    with pytest.raises(ShapeError, match="Linear"):
        train.predict(linear(), x[:, :2])


def test_run_folder_tells_the_story(tmp_path: Path) -> None:
    parts = data.split(data.load("iris"), {"train": 0.6, "validation": 0.2, "test": 0.2}, seed=0)
    scaler = data.Standardize.fit(parts[0])
    scaled = [scaler(part) for part in parts]
    experiment = Experiment(
        model=build("multilayer_perceptron", {"in_shape": [4], "out_features": 3}, stream(0, "x")),
        train_data=scaled[0], validation_data=scaled[1], test_data=scaled[2], loss="categorical_cross_entropy",
        metrics=("accuracy",), epochs=3, preprocessing=(scaler,),
    )  # fmt: skip
    run = train.run(experiment, run_dir=tmp_path / "run", **QUIET)
    assert run.folder == tmp_path / "run"
    config = read_json(tmp_path / "run" / "config.json")
    assert config["data"]["sizes"] == {"train": 90, "validation": 30, "test": 30}
    assert config["data"]["sha256"]["train"] == data.sha256(scaled[0])
    assert read_json(tmp_path / "run" / "model.json")["architecture"] == "multilayer_perceptron"
    assert data.Standardize.from_json(read_json(tmp_path / "run" / "preprocessing.json")[0]) == scaler
    with np.load(tmp_path / "run" / "predictions.npz", allow_pickle=False) as predictions:
        assert np.array_equal(predictions["index"], scaled[2].indices)
        expected = train.predict(run.model, scaled[2].inputs)
        np.testing.assert_allclose(predictions["outputs"], expected, rtol=1e-5, atol=1e-6)
    again = train.resume(tmp_path / "run", **QUIET)
    assert_close(run.model, again.model, 0.0)


def fit(**settings: Any) -> Any:
    given = {"model": linear(), "train_data": table(), "loss": "categorical_cross_entropy", "epochs": 1, **QUIET}
    return train.fit(**{**given, **settings})


class WithoutKeywords(eqx.Module):
    inner: nn.Linear

    def __call__(self, x: Array) -> Array:
        return self.inner(x)


def with_nan() -> tuple[np.ndarray, np.ndarray]:
    x, y = table()
    x[7, 1] = np.nan
    return x, y


def with_label(label: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = table()
    y[11] = label
    return x, y


BAD_INPUT: dict[str, tuple[dict[str, Any], type[PullbackError], str]] = {
    "misspelt metric": ({"metrics": ["acuracy"]}, ConfigurationError, "did you mean 'accuracy'"),
    "misspelt monitor": ({"metrics": ["accuracy"], "monitor": "accurracy"}, ConfigurationError, "'accuracy'"),
    "misspelt loss": ({"loss": "cross_entropy"}, ConfigurationError, "categorical_cross_entropy"),
    "misspelt optimizer": ({"optimizer": "adamm"}, ConfigurationError, "did you mean 'adam"),
    "negative learning rate": ({"learning_rate": -0.1}, ConfigurationError, "learning_rate must be positive"),
    "learning rate twice": ({"optimizer": optax.sgd(0.1), "learning_rate": 0.1}, ConfigurationError, "finished"),
    "no epochs": ({"epochs": 0}, ConfigurationError, "epochs must be a positive integer"),
    "empty data": ({"train_data": table(rows=0)}, DataError, "is empty"),
    "label out of range": ({"train_data": with_label(5)}, DataError, "row 11"),
    "negative label": ({"train_data": with_label(-1)}, DataError, "row 11"),
    "NaN in inputs": ({"train_data": with_nan()}, DataError, "row 7, column 1"),
    "wrong shape": ({"train_data": table(features=4)}, ShapeError, "Linear"),
    "wrong shape inside": (
        {"model": nn.Sequential([linear(5), nn.relu, linear(2, features=4)])}, ShapeError, "layers[2]",
    ),
    "loss of another head": ({"loss": "binary_cross_entropy"}, PullbackError, "binary"),
    "softmax before logits": (
        {"model": nn.Sequential([linear(), nn.softmax])}, ConfigurationError, "softmax",
    ),
    "metric of another target": ({"metrics": ["r_squared"]}, ConfigurationError, "does not belong"),
    "patience alone": ({"patience": 3}, ConfigurationError, "validation"),
    "parts": ({"batch_size": 10, "accumulate_steps": 3}, ConfigurationError, "batch_size=12"),
    "no keywords": ({"model": WithoutKeywords(linear())}, ConfigurationError, "does not take key and training"),
    "validation of another shape": ({"validation_data": table(features=4)}, ShapeError, "validation inputs"),
    "not a module": ({"model": lambda x: x}, ConfigurationError, "not an equinox.Module"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    settings, kind, text = BAD_INPUT[name]
    with pytest.raises(kind) as caught:
        fit(**settings, run_dir=tmp_path / "run")
    message = str(caught.value)
    assert text in message
    assert "to do: " in message
    assert not any(word in message.lower() for word in ("tracer", "pytree", "aval"))
    assert not (tmp_path / "run").exists()


SCALARS = """
import json, sys, time
from pathlib import Path
from pullback.train.log import Log
log = Log(Path(sys.argv[1]))
for step in range(1000):
    log.write({"step": step})
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_process_loses_no_record(tmp_path: Path) -> None:
    answer = subprocess.run([sys.executable, "-c", SCALARS, str(tmp_path / "log")], check=False)
    assert answer.returncode == -9
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1000))


def test_dataset_indices_carry_the_random_numbers() -> None:
    """The same row draws the same augmentation whichever rows are beside it."""
    seen = []

    def spy(key: Array, x: Array) -> Array:
        noise = jax.random.normal(key, x.shape)
        jax.debug.callback(lambda value, noise: seen.append((float(value), float(noise))), x[0], noise[0])
        return x

    x, y = table(rows=12)
    whole = Dataset(x, y, "classification")
    for part in (whole, whole.take([3, 5, 8])):
        train.fit(linear(), part, loss="categorical_cross_entropy", epochs=1, batch_size=4, augment=spy, **QUIET)
    jax.effects_barrier()
    draws: dict[float, set[float]] = {}
    for value, noise in seen:
        draws.setdefault(value, set()).add(noise)
    assert all(len(draws[float(x[row, 0])]) == 1 for row in (3, 5, 8))
