"""The label of the learning rate in training: eigenvalues by NumPy, and whether the optimizers themselves diverge."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from pullback import train
from pullback.optim import OPTIMIZERS
from pullback.optim.stability_edge import stability_edge

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
