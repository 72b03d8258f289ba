"""Memory of layers: where it lies in the nested dict, through containers, users' modules and the probe."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from pullback.core.errors import ConfigurationError
from pullback.nn import (
    BatchNorm,
    Dropout,
    Linear,
    Sequential,
    Stateful,
    has_memory,
    init_state,
    probe,
    relu,
    summary,
    with_row_weights,
)


class Count(Stateful):
    """Counts the examples that it has seen."""

    def init_state(self) -> dict[str, Array]:
        return {"seen": jnp.zeros((), jnp.int32)}

    def __call__(
        self, x: Array, state: dict[str, Array], *, key: Array | None = None, training: bool = False
    ) -> tuple[Array, dict[str, Array]]:
        weights = state.get("row_weights", jnp.ones(x.shape[0]))
        return x + 1, {"seen": state["seen"] + jnp.sum(weights).astype(jnp.int32)}


class Branches(eqx.Module):
    """A user's own module with members in fields, a dict and a list."""

    first: Linear
    counts: dict[str, Count]
    tail: list[Any]

    def __call__(
        self, x: Array, state: dict[str, Any], *, key: Array | None = None, training: bool = False
    ) -> tuple[Array, dict[str, Any]]:
        y, left = self.counts["left"](self.first(x), state["counts"]["left"], training=training)
        z, tail = self.tail[1](y, state["tail"]["1"], training=training)
        return z, {"counts": {"left": left}, "tail": {"1": tail}}


def _branches() -> Branches:
    return Branches(Linear(3, 2, key=jax.random.key(0)), {"left": Count()}, [relu, Sequential([relu, Count()])])


def test_memory_mirrors_the_fields() -> None:
    zero = {"seen": 0}
    model = _branches()
    assert has_memory(model) and not has_memory(model.first)
    assert jax.tree.map(int, init_state(model)) == {"counts": {"left": zero}, "tail": {"1": {"layers": {"1": zero}}}}
    assert jax.tree.map(int, init_state(Count())) == zero
    assert init_state(model.first) == {} and not has_memory(relu) and not has_memory(3.0)


def test_memory_passes_through_containers() -> None:
    model = Sequential([relu, Count(), Sequential([Count(), relu]), Dropout(0.5)])
    step = eqx.filter_jit(lambda model, x, state: model(x, state, key=jax.random.key(0), training=True))
    state = init_state(model)
    for _ in range(3):
        y, state = step(model, jnp.zeros((5, 2)), state)
    assert y.shape == (5, 2)
    assert jax.tree.map(int, state) == {"layers": {"1": {"seen": 15}, "2": {"layers": {"0": {"seen": 15}}}}}


def test_row_weights_reach_every_layer_and_do_not_stay() -> None:
    model = _branches()
    weights = jnp.asarray([1.0, 1.0, 0.0])
    state = with_row_weights(init_state(model), weights)
    assert state["tail"]["1"]["layers"]["1"]["row_weights"] is weights
    _, after = model(jnp.zeros((3, 3)), state)
    assert jax.tree.map(int, after["counts"]) == {"left": {"seen": 2}}
    assert jax.tree.structure(after) == jax.tree.structure(init_state(model))
    assert with_row_weights({}, weights) == {}


def test_probe_is_seen_through() -> None:
    model = _branches()
    watched = probe(model, lambda path, module, x, y: y)
    assert has_memory(watched)
    assert jax.tree.structure(init_state(watched)) == jax.tree.structure(init_state(model))
    y, state = watched(jnp.ones((4, 3)), init_state(watched))
    expected, expected_state = model(jnp.ones((4, 3)), init_state(model))
    assert bool(jnp.all(y == expected)) and jax.tree.map(int, state) == jax.tree.map(int, expected_state)


class Mixed(eqx.Module):
    """A user's own module around layers of ours, one of them with memory."""

    dense: Linear
    norm: BatchNorm
    rest: Sequential

    def __call__(
        self, x: Array, state: dict[str, Any], *, key: Array | None = None, training: bool = False
    ) -> tuple[Array, dict[str, Any]]:
        h, norm = self.norm(self.dense(x), state["norm"], training=training)
        return self.rest(relu(h), key=key, training=training), {**state, "norm": norm}


def test_own_module_with_batch_normalization() -> None:
    keys = jax.random.split(jax.random.key(0))
    model = Mixed(Linear(3, 4, key=keys[0]), BatchNorm(4), Sequential([Dropout(0.2), Linear(4, 2, key=keys[1])]))
    x = jax.random.normal(jax.random.key(1), (6, 3))
    state = with_row_weights(init_state(model), jnp.asarray([1.0, 1, 1, 1, 0, 0]))
    step = eqx.filter_jit(lambda model, x, state: model(x, state, key=jax.random.key(2), training=True))
    y, after = step(model, x, state)
    assert y.shape == (6, 2) and jax.tree.structure(after) == jax.tree.structure(init_state(model))
    # A tenth of the way from 0 to the mean of the four rows that count.
    np.testing.assert_allclose(after["norm"]["mean"], 0.1 * model.dense(x)[:4].mean(0), rtol=1e-4, atol=1e-6)
    rows = {row.path: row.parameters for row in summary(model, (3,))}
    assert rows == {"dense": 16, "norm": 8, "rest.layers[0]": 0, "rest.layers[1]": 10}


def test_errors_of_a_call_that_does_not_fit() -> None:
    with_memory, without = Sequential([relu, Count()]), Sequential([relu])
    with pytest.raises(ConfigurationError, match="called without it(.|\n)*init_state"):
        with_memory(jnp.zeros(3))
    with pytest.raises(ConfigurationError, match="has no memory but was given a state"):
        without(jnp.zeros(3), {"layers": {}})
    with pytest.raises(ConfigurationError, match=r"does not fit(.|\n)*layers 1"):
        with_memory(jnp.zeros(3), {"layers": {"0": {"seen": 0}}})
    assert without(jnp.zeros(3), {}).shape == (3,)
