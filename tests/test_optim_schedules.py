"""Learning-rate schedules against PyTorch and Optax at every step, and by what they must satisfy."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pullback.core.errors import ConfigurationError
from pullback.optim.schedules import Constant, Cosine, Exponential, Join, MultiStep, StepDecay, WarmUp
from pullback.testing.peers import peer

STEPS = 120

MEMBERS: dict[str, Callable[[Any], Any]] = {
    "constant": Constant(0.1),
    "step decay": StepDecay(0.1, 0.3, 25),
    "multi step": MultiStep(0.1, 0.2, (20, 21, 70)),
    "exponential": Exponential(0.1, 0.97),
    "cosine": Cosine(0.1, 80, 0.001),
    "warm-up to a number": WarmUp(0.1, 10),
    "warm-up to a cosine": WarmUp(Cosine(0.1, 60), 15, start=0.01),
    "join": Join((0.1, Exponential(0.05, 0.9), Cosine(0.02, 30)), (40, 80)),
}

OPTAX: dict[str, Callable[[Any], Any]] = {
    "constant": optax.constant_schedule(0.1),
    "step decay": optax.exponential_decay(0.1, 25, 0.3, staircase=True),
    "multi step": optax.piecewise_constant_schedule(0.1, {20: 0.2, 21: 0.2, 70: 0.2}),
    "exponential": optax.exponential_decay(0.1, 1, 0.97),
    "cosine": optax.cosine_decay_schedule(0.1, 80, alpha=0.01),
    "warm-up to a number": optax.linear_schedule(0.0, 0.1, 10),
    "warm-up to a cosine": optax.warmup_cosine_decay_schedule(0.01, 0.1, 15, 75),
    "join": optax.join_schedules(
        [optax.constant_schedule(0.1), optax.exponential_decay(0.05, 1, 0.9), optax.cosine_decay_schedule(0.02, 30)],
        [40, 80],
    ),
}


def values(schedule: Callable[[Any], Any], steps: int = STEPS) -> np.ndarray:
    return np.array([float(schedule(step)) for step in range(steps)])


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.usefixtures("standard_promotion")
def test_equals_optax_at_every_step(name: str) -> None:
    with jax.enable_x64(True):
        np.testing.assert_allclose(values(MEMBERS[name]), values(OPTAX[name]), rtol=1e-12, atol=1e-15)


def torch_values(make: Callable[[Any, Any], Any], steps: int = STEPS) -> np.ndarray:
    torch = peer("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with warnings.catch_warnings():
        # SequentialLR calls its members in a way of which PyTorch itself warns.
        warnings.simplefilter("ignore")
        scheduler = make(torch.optim.lr_scheduler, optimizer)
        found = []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return np.array(found)


TORCH: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any], int]] = {
    "constant": (MEMBERS["constant"], lambda lr, optimizer: lr.ConstantLR(optimizer, 1.0), STEPS),
    "step decay": (MEMBERS["step decay"], lambda lr, optimizer: lr.StepLR(optimizer, 25, 0.3), STEPS),
    "multi step": (MEMBERS["multi step"], lambda lr, optimizer: lr.MultiStepLR(optimizer, [20, 21, 70], 0.2), STEPS),
    "exponential": (MEMBERS["exponential"], lambda lr, optimizer: lr.ExponentialLR(optimizer, 0.97), STEPS),
    # PyTorch's cosine rises again after its end.
    "cosine": (MEMBERS["cosine"], lambda lr, optimizer: lr.CosineAnnealingLR(optimizer, 80, 0.001), 81),
    "warm-up": (WarmUp(0.1, 10, 0.02), lambda lr, optimizer: lr.LinearLR(optimizer, 0.2, 1.0, 10), STEPS),
    "warm-up and exponential": (
        WarmUp(Exponential(0.1, 0.9), 10, 0.02),
        lambda lr, optimizer: lr.SequentialLR(
            optimizer, [lr.LinearLR(optimizer, 0.2, 1.0, 10), lr.ExponentialLR(optimizer, 0.9)], [10]
        ),
        STEPS,
    ),
    "join": (
        Join((0.1, Exponential(0.1, 0.9)), (30,)),
        lambda lr, optimizer: lr.SequentialLR(
            optimizer, [lr.ConstantLR(optimizer, 1.0), lr.ExponentialLR(optimizer, 0.9)], [30]
        ),
        STEPS,
    ),
}


@pytest.mark.parametrize("name", TORCH)
def test_equals_torch_at_every_step(name: str) -> None:
    ours, theirs, steps = TORCH[name]
    with jax.enable_x64(True):
        np.testing.assert_allclose(values(ours, steps), torch_values(theirs, steps), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", MEMBERS)
def test_compiled_equals_plain_and_keeps_one_dtype(name: str) -> None:
    schedule = MEMBERS[name]
    compiled = jax.jit(jax.vmap(schedule))(jnp.arange(STEPS, dtype=jnp.int32))
    assert compiled.dtype == jnp.float32
    np.testing.assert_allclose(compiled, values(schedule), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_schedule_is_a_value(name: str) -> None:
    """Equal settings are equal and hash alike, so that a resumed run can tell whether its schedule changed."""
    schedule = MEMBERS[name]
    again = copy.deepcopy(schedule)
    assert again is not schedule
    assert again == schedule
    assert hash(again) == hash(schedule)


def test_a_factor_next_to_one_survives_float32() -> None:
    assert float(Exponential(1.0, 1 - 1e-7)(10_000_000)) == pytest.approx(np.exp(-1), rel=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(0.0),
        lambda: StepDecay(0.1, -0.5, 10),
        lambda: StepDecay(0.1, 0.5, 0),
        lambda: MultiStep(0.1, 0.5, (20, 10)),
        lambda: MultiStep(0.1, 0.5, ()),
        lambda: Exponential(-0.1, 0.5),
        lambda: Cosine(0.1, 0),
        lambda: Cosine(0.1, 10, -0.1),
        lambda: WarmUp(-0.1, 10),
        lambda: WarmUp(0.1, 10, -1.0),
        lambda: Join((0.1, 0.2), (10, 20)),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError):
        make()
