"""Our optimizers beside Optax's on a model of a million parameters: in the compiled training step, and alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.pairs import geometric_interval
from pullback import optim

WIDTHS = (784, 661, 661, 64)
BATCH = 64

# Ours, and the same by Optax.
OPTIMIZERS: dict[str, tuple[optax.GradientTransformation, optax.GradientTransformation]] = {
    "adam": (optim.adam(1e-3), optax.adam(1e-3)),
    "adamw": (optim.adamw(1e-3), optax.adamw(1e-3, weight_decay=0.01)),
    "momentum": (optim.momentum(1e-3), optax.sgd(1e-3, momentum=0.9)),
}


def parameters() -> list[dict[str, jax.Array]]:
    """Weights and biases of a multilayer perceptron."""
    keys = jax.random.split(jax.random.key(0), len(WIDTHS) - 1)
    return [
        {"weight": jax.random.normal(key, (into, out)) * into**-0.5, "bias": jnp.zeros(out)}
        for key, into, out in zip(keys, WIDTHS[:-1], WIDTHS[1:], strict=True)
    ]


def cost(params: Any, inputs: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy."""
    values = inputs
    for layer in params[:-1]:
        values = jax.nn.relu(values @ layer["weight"] + layer["bias"])
    logits = values @ params[-1]["weight"] + params[-1]["bias"]
    return optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def training_step(optimizer: optax.GradientTransformation) -> Callable[..., Any]:
    """Gradient, update and new parameters in one program; the old ones are given away."""

    def step(params: Any, state: Any, inputs: jax.Array, labels: jax.Array) -> Any:
        updates, state = optimizer.update(jax.grad(cost)(params, inputs, labels), state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1))


def update_alone(optimizer: optax.GradientTransformation) -> Callable[..., Any]:
    """Update and new parameters, with the gradient given."""

    def step(params: Any, state: Any, gradient: Any) -> Any:
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1))


class Timed:
    """A program that goes on from where it was."""

    def __init__(
        self, step: Callable[..., Any], optimizer: optax.GradientTransformation, given: tuple[Any, ...]
    ) -> None:
        self._step, self._given = step, given
        params = parameters()
        self._carry = params, optimizer.init(params)
        self.seconds(3)

    def seconds(self, steps: int) -> float:
        """Of one step, the mean of `steps`."""
        started = time.perf_counter()
        for _ in range(steps):
            self._carry = self._step(*self._carry, *self._given)
        jax.block_until_ready(self._carry)
        return (time.perf_counter() - started) / steps


def compare(
    make: Callable[[Any], Callable[..., Any]], name: str, given: tuple[Any, ...], rounds: int, steps: int
) -> tuple[float, tuple[float, float, float]]:
    """Our median seconds a step, and our time over Optax's with its 95% interval; who goes first alternates."""
    ours, theirs = (Timed(make(optimizer), optimizer, given) for optimizer in OPTIMIZERS[name])
    pairs = []
    for number in range(rounds):
        first, second = (ours, theirs) if number % 2 == 0 else (theirs, ours)
        times = first.seconds(steps), second.seconds(steps)
        pairs.append(times if number % 2 == 0 else times[::-1])
    seconds = np.asarray(pairs)
    logs = np.log(seconds)
    return float(np.median(seconds[:, 0])), geometric_interval(logs[:, 0] - logs[:, 1])


def describe(rounds: int = 40) -> str:
    """The measurements, one line each."""
    count = sum(leaf.size for leaf in jax.tree.leaves(parameters()))
    random = np.random.default_rng(0)
    inputs = jnp.asarray(random.standard_normal((BATCH, WIDTHS[0])), jnp.float32)
    labels = jnp.asarray(random.integers(0, WIDTHS[-1], BATCH), jnp.int32)
    gradient = jax.tree.map(lambda leaf: 1e-3 * jnp.ones_like(leaf), parameters())
    lines = [f"{count:,} parameters, batch {BATCH}; {rounds} rounds that alternate ours and Optax's"]
    for name in OPTIMIZERS:
        for what, make, given, steps in (
            ("training step", training_step, (inputs, labels), 10),
            ("update alone", update_alone, (gradient,), 20),
        ):
            median, (ratio, low, high) = compare(make, name, given, rounds, steps)
            lines.append(f"{name}, {what}: {1e3 * median:.2f} ms, over Optax's {ratio:.3f} ({low:.3f} to {high:.3f})")
    return "\n".join(lines)
