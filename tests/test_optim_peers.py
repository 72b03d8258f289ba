"""Optimizers joined with schedules, clipping and masks against PyTorch and Optax, on a function that is not convex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pullback import optim
from pullback.optim.schedules import Cosine, StepDecay
from pullback.testing.peers import peer

torch = peer("torch")

STEPS = 200
START = {"weight": np.array([[-1.2, 1.0, 0.3], [0.7, -0.4, 1.5]]), "bias": np.array([0.2, -0.9, 1.1])}


def objective(weight: Any, bias: Any, sin: Callable[[Any], Any]) -> Any:
    """A valley and ripples: not convex, and every parameter meets every other."""
    rows = weight[0] * weight[1] - bias
    return (10 * rows**2 + (1 - weight) ** 2 + sin(3 * weight) * 0.2).sum() + (bias**4).sum() / 4


def our_path(optimizer: optax.GradientTransformation) -> list[dict[str, np.ndarray]]:
    with jax.enable_x64(True):
        theta = jax.tree.map(jnp.asarray, START)
        state = optimizer.init(theta)

        @jax.jit
        def step(theta: Any, state: Any) -> tuple[Any, Any]:
            gradient = jax.grad(lambda theta: objective(**theta, sin=jnp.sin))(theta)
            update, state = optimizer.update(gradient, state, theta)
            return optax.apply_updates(theta, update), state

        path = []
        for _ in range(STEPS):
            theta, state = step(theta, state)
            path.append(jax.tree.map(np.asarray, theta))
        return path


def torch_path(
    make: Callable[[list[Any]], Any], schedule: Callable[[Any], Any] | None = None, clip: float | None = None
) -> list[dict[str, np.ndarray]]:
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}
    optimizer = make(list(theta.values()))
    scheduler = schedule(optimizer) if schedule else None
    path = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        objective(**theta, sin=torch.sin).backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(list(theta.values()), clip)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        path.append({name: value.detach().numpy().copy() for name, value in theta.items()})
    return path


def assert_same_path(ours: list[dict[str, np.ndarray]], theirs: list[dict[str, np.ndarray]]) -> None:
    for name in START:
        np.testing.assert_allclose(
            np.stack([theta[name] for theta in ours]), np.stack([theta[name] for theta in theirs]), rtol=0, atol=1e-10
        )
    assert all(np.isfinite(theta[name]).all() for theta in ours for name in START)


def masked_adamw(params: list[Any]) -> Any:
    weight, bias = params
    groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.01)


TORCH_CASES: dict[str, tuple[optax.GradientTransformation, Callable[[list[Any]], Any]]] = {
    "averaged momentum": (
        optim.momentum(
            optim.convert_momentum(1e-3, 0.9, source="heavy_ball", target="averaged"), convention="averaged"
        ),
        lambda params: torch.optim.SGD(params, lr=1e-3, momentum=0.9),
    ),
    "adam": (optim.adam(0.01), lambda params: torch.optim.Adam(params, lr=0.01)),
    "adam with a penalty in the gradient": (
        optim.chain(optax.add_decayed_weights(0.05), optim.adam(0.01)),
        lambda params: torch.optim.Adam(params, lr=0.01, weight_decay=0.05),
    ),
    "adamw with a mask": (
        optim.adamw(0.01, weight_decay=0.1, mask={"weight": True, "bias": False}),
        masked_adamw,
    ),
}


@pytest.mark.parametrize("name", TORCH_CASES)
def test_path_equals_torch(name: str) -> None:
    ours, theirs = TORCH_CASES[name]
    assert_same_path(our_path(ours), torch_path(theirs))


SCHEDULE_CASES = {
    "step decay": (
        StepDecay(0.01, 0.5, 30),
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 30, gamma=0.5),
    ),
    "cosine": (
        Cosine(0.01, STEPS, 1e-4),
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=1e-4),
    ),
}


@pytest.mark.parametrize("name", SCHEDULE_CASES)
def test_path_with_a_schedule_equals_torch(name: str) -> None:
    schedule, theirs = SCHEDULE_CASES[name]
    assert_same_path(
        our_path(optim.adam(schedule)), torch_path(lambda params: torch.optim.Adam(params, lr=0.01), schedule=theirs)
    )


def test_path_with_clipped_norm_equals_torch() -> None:
    ours = optim.chain(optim.clip_by_norm(2.0), optim.momentum(1e-3))
    assert_same_path(
        our_path(ours), torch_path(lambda params: torch.optim.SGD(params, lr=1e-3, momentum=0.9), clip=2.0)
    )


OPTAX_CASES: dict[str, tuple[optax.GradientTransformation, optax.GradientTransformation]] = {
    "adam": (optim.adam(0.01), optax.adam(0.01)),
    "adamw with a mask": (
        optim.adamw(0.01, weight_decay=0.1, mask=lambda params: jax.tree.map(lambda theta: theta.ndim > 1, params)),
        optax.adamw(0.01, weight_decay=0.1, mask={"weight": True, "bias": False}),
    ),
    "clipped norm": (
        optim.chain(optim.clip_by_norm(2.0, epsilon=0.0), optim.sgd(1e-3)),
        optax.chain(optax.clip_by_global_norm(2.0), optax.sgd(1e-3)),
    ),
    "clipped entries": (
        optim.chain(optim.clip_by_value(0.5), optim.adam(0.01)),
        optax.chain(optax.clip(0.5), optax.adam(0.01)),
    ),
    "scheduled": (
        optim.adam(Cosine(0.01, 150)),
        optax.adam(optax.cosine_decay_schedule(0.01, 150)),
    ),
}


@pytest.mark.parametrize("name", OPTAX_CASES)
@pytest.mark.usefixtures("standard_promotion")
def test_path_equals_optax(name: str) -> None:
    ours, theirs = OPTAX_CASES[name]
    assert_same_path(our_path(ours), our_path(theirs))
