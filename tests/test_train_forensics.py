"""A NaN or infinity planted somewhere is found there: place, direction and rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array

from pullback import nn, optim, train
from pullback.core.errors import NonFiniteError
from pullback.core.random import stream

ROWS, FEATURES = 96, 6
BAD_ROW = 37


def inputs() -> np.ndarray:
    """Values in (-1, 1); only the bad row starts with 5."""
    x = np.random.default_rng(0).uniform(-1, 1, (ROWS, FEATURES)).astype(np.float32)
    x[BAD_ROW, 0] = 5.0
    return x


class Poison(eqx.Module):
    """A layer of the user's: one function, elementwise, harmful at 5 alone."""

    harm: Callable[[Array], Array]

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return self.harm(x)


class Block(eqx.Module):
    """A module of the user's that computes between its layers."""

    first: nn.Linear
    second: nn.Linear
    between: Callable[[Array], Array]

    def __call__(self, x: Array, *, key: Array | None = None, training: bool = False) -> Array:
        return self.second(self.between(self.first(x)), key=key, training=training)


def linear(number: int, outputs: int = FEATURES) -> nn.Linear:
    return nn.Linear(FEATURES, outputs, key=stream(0, "layer", number))


def scaling(scale: float) -> nn.Linear:
    """A linear layer that starts as a multiple of the identity, so that the mark passes."""
    return eqx.tree_at(lambda m: (m.weight, m.bias), linear(5), (scale * jnp.eye(FEATURES), jnp.zeros(FEATURES)))


@jax.custom_jvp
def bad_derivative(x: Array) -> Array:
    return x


@bad_derivative.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return primals[0], tangents[0] * jnp.where(primals[0] > 4, jnp.nan, 1.0)


def logarithm(x: Array) -> Array:
    return x + 0.0 * jnp.log(4.5 - x)


def overflow(x: Array) -> Array:
    return x + jnp.exp(400 * (x - 4))


def nearly_overflow(x: Array) -> Array:
    return x + jnp.exp(88 * (x - 4))


def division(x: Array) -> Array:
    return x + 1e-30 / (x - 5.0)


def root_at_zero(x: Array) -> Array:
    return x + jnp.sqrt(5.0 - x)


def norm_at_zero(x: Array) -> Array:
    return x + jnp.linalg.norm((5.0 - x)[..., None], axis=-1)


def guarded_too_late(x: Array) -> Array:
    return jnp.where(x > 4, 4.0, jnp.sqrt(4 - x))


def at_step(step: int, harm: Callable[[Array], Array]) -> optax.GradientTransformation:
    """An Optax transformation that harms the update number `step`."""

    def update(updates: Any, state: Array, params: Any = None) -> tuple[Any, Array]:
        harmed = jax.tree.map(lambda u: jnp.where(state == step, harm(u), u), updates)
        return harmed, state + 1

    return optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), update)


class Plant(NamedTuple):
    """Where something is planted, and where it has to be found."""

    model: Callable[[], eqx.Module]
    direction: str
    path: str
    rows: bool = True
    # A rate this small leaves float32 weights as they are, so that the mark stays exactly 5 until its row is met.
    optimizer: Callable[[], optax.GradientTransformation] = lambda: optim.sgd(1e-30)
    augment: Callable[[Array, Array], Array] | None = None
    loss: Any = "squared_error"


def between(harm: Callable[[Array], Array]) -> Callable[[], eqx.Module]:
    return lambda: nn.Sequential([scaling(1.0), Poison(harm), linear(0), nn.relu, linear(1, 1)])


def own(between: Callable[[Array], Array]) -> Callable[[], eqx.Module]:
    return lambda: nn.Sequential([Block(scaling(1.0), linear(1), between), linear(2, 1)])


def nested(harm: Callable[[Array], Array]) -> Callable[[], eqx.Module]:
    return lambda: nn.Sequential([scaling(1.0), nn.Sequential([Poison(harm), linear(2)]), linear(1, 1)])


def plain() -> eqx.Module:
    return nn.Sequential([linear(0), nn.tanh, linear(1, 1)])


def nan(update: Array) -> Array:
    return update * jnp.nan


def infinity(update: Array) -> Array:
    return jnp.full_like(update, jnp.inf)


def bad_augment(key: Array, x: Array) -> Array:
    return jnp.where(x[0] > 4, jnp.nan, x)


class BadLoss:
    """Squared error with harm at the target 5."""

    name, target_kind, expects_logits = "bad_loss", "real", False

    def __init__(self, harm: Callable[[Array], Array]) -> None:
        self.harm = harm

    def __call__(self, prediction: Array, target: Array) -> Array:
        return jnp.square(prediction[:, 0] - self.harm(target + 0.0 * prediction[:, 0]))


def planted_in_optimizer(step: int, harm: Callable[[Array], Array], method: Any = optim.sgd) -> Plant:
    chain = lambda: optax.chain(at_step(step, harm), method(1e-3))  # noqa: E731
    return Plant(plain, "optimizer", "layers[0].weight", rows=False, optimizer=chain)


PLANTS = {
    "forward: logarithm of a negative": Plant(between(logarithm), "forward", "layers[1]"),
    "forward: overflow": Plant(between(overflow), "forward", "layers[1]"),
    "forward: division by zero": Plant(between(division), "forward", "layers[1]"),
    "forward: first layer": Plant(lambda: nn.Sequential([Poison(logarithm), linear(1, 1)]), "forward", "layers[0]"),
    "forward: in a user's module": Plant(own(logarithm), "forward", "layers[0]"),
    "forward: nested": Plant(nested(division), "forward", "layers[1].layers[0]"),
    "forward: bare function": Plant(lambda: nn.Sequential([logarithm, linear(0, 1)]), "forward", "layers[0]"),
    "forward: overflow of a linear layer": Plant(
        lambda: nn.Sequential([Poison(nearly_overflow), scaling(10.0), linear(1, 1)]), "forward", "layers[1]"
    ),
    "loss: value": Plant(plain, "loss", "loss", loss=BadLoss(logarithm)),
    "backward: loss": Plant(plain, "backward", "loss", loss=BadLoss(bad_derivative)),
    "backward: custom derivative": Plant(between(bad_derivative), "backward", "layers[1]"),
    "backward: root at zero": Plant(between(root_at_zero), "backward", "layers[1]"),
    "backward: norm at zero": Plant(between(norm_at_zero), "backward", "layers[1]"),
    "backward: where around a bad branch": Plant(between(guarded_too_late), "backward", "layers[1]"),
    "backward: nested": Plant(nested(root_at_zero), "backward", "layers[1].layers[0]"),
    "augmentation": Plant(plain, "augmentation", "augment", augment=bad_augment),
    "optimizer: first update": planted_in_optimizer(0, nan),
    "optimizer: update 7": planted_in_optimizer(7, nan, optim.adam),
    "optimizer: update 11, infinity": planted_in_optimizer(11, infinity),
    "optimizer: last update": planted_in_optimizer(17, nan),
}


def fail(plant: Plant) -> NonFiniteError:
    x = inputs()
    with pytest.raises(NonFiniteError) as caught:
        train.fit(
            plant.model(),
            (x, x[:, 0].copy()),
            loss=plant.loss,
            optimizer=plant.optimizer(),
            augment=plant.augment,
            epochs=3,
            batch_size=16,
            progress=False,
        )
    return caught.value


@pytest.mark.parametrize("name", PLANTS)
def test_planted_failure_is_located(name: str) -> None:
    plant = PLANTS[name]
    finding = fail(plant).finding
    assert (finding.direction, finding.path) == (plant.direction, plant.path)
    assert finding.rows == ((BAD_ROW,) if plant.rows else ())


def test_there_are_twenty_plants() -> None:
    assert len(PLANTS) == 20


def test_last_good_state_is_kept() -> None:
    """The model handed back is that of a run which stops just before the bad update."""
    x = inputs()
    data = (x, x[:, 0].copy())
    bad = optax.chain(at_step(6, nan), optim.sgd(1e-2))
    good = optax.chain(at_step(10**6, nan), optim.sgd(1e-2))
    settings = {"loss": "squared_error", "batch_size": 16, "progress": False}
    with pytest.raises(NonFiniteError) as caught:
        train.fit(plain(), data, optimizer=bad, epochs=3, **settings)
    before = train.fit(plain(), data, optimizer=good, epochs=1, **settings)
    assert caught.value.finding.step == 6
    for kept, expected in zip(jax.tree.leaves(caught.value.run.model), jax.tree.leaves(before.model), strict=True):
        assert jnp.array_equal(kept, expected)


def test_message_names_place_rows_and_remedy() -> None:
    text = str(fail(PLANTS["forward: logarithm of a negative"]))
    assert "layers[1] (Poison), forward" in text
    assert f"rows {BAD_ROW} of the data" in text
    assert "epsilon" in text


def test_finite_losses_whose_sum_overflows_are_told_from_bad_rows() -> None:
    x, y = np.zeros((8, 1), np.float32), np.full((8, 1), 1.5e19, np.float32)
    model = nn.Linear(1, 1, key=jax.random.key(0))
    with pytest.raises(NonFiniteError) as caught:
        train.fit(model, (x, y), loss="squared_error", epochs=1, progress=False)
    finding = caught.value.finding
    assert (finding.step, finding.direction, finding.rows) == (0, "loss", ())
    assert "sum overflows" in finding.cause
