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
from pullback.optim.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    InverseSquareRoot,
    InverseTime,
    Join,
    MultiStep,
    OneCycle,
    PerEpoch,
    PerFraction,
    Plateau,
    Polynomial,
    StepDecay,
    WarmRestarts,
    WarmUp,
    check_schedule_covers,
    schedule_values,
)
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
    "inverse time": InverseTime(0.1, 0.5, 10),
    "inverse time with stairs": InverseTime(0.1, 0.5, 10, stairs=True),
    "polynomial": Polynomial(0.1, 80, 2.5, 0.001),
    "warm restarts": WarmRestarts(0.1, 12, 2, 0.001),
    "warm restarts of one length": WarmRestarts(0.1, 12),
    "triangular": Cyclic(0.01, 0.1, 11, 7),
    "triangular2": Cyclic(0.01, 0.1, 11, mode="triangular2"),
    "exp_range": Cyclic(0.01, 0.1, 11, 7, mode="exp_range", factor=0.99),
    "one cycle": OneCycle(0.1, STEPS),
    "one cycle, linear": OneCycle(0.1, STEPS, 0.25, 10.0, 100.0, shape="linear"),
    "one cycle, three phases": OneCycle(0.1, STEPS, 0.2, three_phases=True),
    "one cycle by Optax": OneCycle(0.1, 100, 0.25, convention="optax"),
    "one linear cycle by Optax": OneCycle(0.1, 100, shape="linear", three_phases=True, convention="optax"),
    "inverse square root": InverseSquareRoot.noam(512, 40),
    "per epoch": PerEpoch(Exponential(0.1, 0.9), 7),
    "per fraction": PerFraction(Join((Polynomial(0.1, 0.5), 0.02), (0.5,)), STEPS),
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
    "inverse time": lambda step: 0.1 / (1 + 0.5 * step / 10),
    "inverse time with stairs": lambda step: 0.1 / (1 + 0.5 * (step // 10)),
    "polynomial": optax.polynomial_schedule(0.1, 0.001, 2.5, 80),
    "warm restarts": optax.sgdr_schedule(
        [
            {"init_value": 0.1, "peak_value": 0.1, "warmup_steps": 0, "decay_steps": 12 * 2**i, "end_value": 0.001}
            for i in range(4)
        ]
    ),
    "one cycle by Optax": optax.cosine_onecycle_schedule(100, 0.1, 0.25),
    "one linear cycle by Optax": optax.linear_onecycle_schedule(100, 0.1),
    "inverse square root": lambda step: 512**-0.5 * min((step + 1) ** -0.5, (step + 1) * 40**-1.5),
    "per epoch": lambda step: 0.1 * 0.9 ** (step // 7),
    "per fraction": optax.join_schedules(
        [optax.linear_schedule(0.1, 0.0, STEPS // 2), optax.constant_schedule(0.02)], [STEPS // 2]
    ),
    "join": optax.join_schedules(
        [optax.constant_schedule(0.1), optax.exponential_decay(0.05, 1, 0.9), optax.cosine_decay_schedule(0.02, 30)],
        [40, 80],
    ),
}


def values(schedule: Callable[[Any], Any], steps: int = STEPS) -> np.ndarray:
    return np.array([float(schedule(step)) for step in range(steps)])


@pytest.mark.parametrize("name", OPTAX)
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
    "inverse time": (MEMBERS["inverse time"], lambda lr, o: lr.LambdaLR(o, lambda t: 1 / (1 + 0.05 * t)), STEPS),
    "polynomial": (Polynomial(0.1, 80, 2.5), lambda lr, optimizer: lr.PolynomialLR(optimizer, 80, 2.5), STEPS),
    "warm restarts": (
        MEMBERS["warm restarts"],
        lambda lr, optimizer: lr.CosineAnnealingWarmRestarts(optimizer, 12, 2, 0.001),
        STEPS,
    ),
    "warm restarts of one length": (
        MEMBERS["warm restarts of one length"],
        lambda lr, optimizer: lr.CosineAnnealingWarmRestarts(optimizer, 12),
        STEPS,
    ),
    "triangular": (
        MEMBERS["triangular"],
        lambda lr, optimizer: lr.CyclicLR(optimizer, 0.01, 0.1, 11, 7, cycle_momentum=False),
        STEPS,
    ),
    "triangular2": (
        MEMBERS["triangular2"],
        lambda lr, optimizer: lr.CyclicLR(optimizer, 0.01, 0.1, 11, mode="triangular2", cycle_momentum=False),
        STEPS,
    ),
    "exp_range": (
        MEMBERS["exp_range"],
        lambda lr, optimizer: lr.CyclicLR(
            optimizer, 0.01, 0.1, 11, 7, mode="exp_range", gamma=0.99, cycle_momentum=False
        ),
        STEPS,
    ),
    "one cycle": (
        MEMBERS["one cycle"],
        lambda lr, optimizer: lr.OneCycleLR(optimizer, 0.1, STEPS, cycle_momentum=False),
        STEPS,
    ),
    "one cycle, linear": (
        MEMBERS["one cycle, linear"],
        lambda lr, optimizer: lr.OneCycleLR(
            optimizer, 0.1, STEPS, None, None, 0.25, "linear", False, div_factor=10.0, final_div_factor=100.0
        ),
        STEPS,
    ),
    "one cycle, three phases": (
        MEMBERS["one cycle, three phases"],
        lambda lr, optimizer: lr.OneCycleLR(
            optimizer, 0.1, STEPS, pct_start=0.2, cycle_momentum=False, three_phase=True
        ),
        STEPS,
    ),
    "one linear cycle, three phases": (
        OneCycle(0.1, STEPS, 0.2, shape="linear", three_phases=True),
        lambda lr, optimizer: lr.OneCycleLR(
            optimizer, 0.1, STEPS, None, None, 0.2, "linear", cycle_momentum=False, three_phase=True
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
        lambda: InverseTime(0.1, -1.0),
        lambda: Polynomial(0.1, 10, 0.0),
        lambda: WarmRestarts(0.1, 10, 0),
        lambda: Cyclic(0.1, 0.2, mode="square"),
        lambda: OneCycle(0.1, 3),
        lambda: OneCycle(0.1, 100, 0.6, three_phases=True),
        lambda: OneCycle(float("nan"), 100),
        lambda: InverseSquareRoot(0.1, 0),
        lambda: Plateau(0.1, factor=1.0),
        lambda: Plateau(0.1, smallest=0.2),
        lambda: PerEpoch(Constant(0.1), 0),
        lambda: PerFraction(Constant(0.1), 0),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError):
        make()


PLATEAUS: dict[str, tuple[Plateau, dict[str, Any]]] = {
    "by its defaults": (Plateau(0.1), {}),
    "quick": (Plateau(0.1, 0.5, 1, smallest=0.01), {"factor": 0.5, "patience": 1, "min_lr": 0.01}),
    "absolute": (
        Plateau(0.1, 0.5, 0, 0.05, relative=False, cooldown=3),
        {"factor": 0.5, "patience": 0, "threshold": 0.05, "threshold_mode": "abs", "cooldown": 3},
    ),
    "of what should rise": (
        Plateau(0.1, 0.5, 2, 0.02, higher_is_better=True, cooldown=1, least_change=1e-3),
        {"mode": "max", "factor": 0.5, "patience": 2, "threshold": 0.02, "cooldown": 1, "eps": 1e-3},
    ),
    "absolute, of what should rise": (
        Plateau(0.1, 0.5, 2, 0.02, relative=False, higher_is_better=True),
        {"mode": "max", "factor": 0.5, "patience": 2, "threshold": 0.02, "threshold_mode": "abs"},
    ),
}


@pytest.mark.parametrize("name", PLATEAUS)
def test_plateau_equals_torch_after_every_score(name: str) -> None:
    plateau, options = PLATEAUS[name]
    torch = peer("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    scores = 2.0 + np.random.default_rng(3).normal(size=150) * 0.3 + np.exp(-np.arange(150) / 20)
    scores[40] = np.nan
    theirs = []
    for score in scores:
        scheduler.step(score)
        theirs.append(optimizer.param_groups[0]["lr"])
    assert len(set(theirs)) > 3
    with jax.enable_x64(True):
        state, ours = plateau.init(), []
        update = jax.jit(plateau.update)
        for score in scores:
            state = update(state, score)
            ours.append(float(state.learning_rate))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_swept_schedule_is_each_of_its_members() -> None:
    """A peak, a factor and an end that a vectorized program carries are those of the schedule made of the numbers."""

    def rate(peak: jax.Array, step: jax.Array) -> jax.Array:
        return WarmUp(Join((Cosine(peak, 30, peak / 10), Exponential(peak, 1 - peak)), (40,)), 5)(step)

    peaks, steps = jnp.array([0.1, 0.2]), jnp.arange(STEPS, dtype=jnp.int32)
    found = jax.jit(jax.vmap(jax.vmap(rate, (None, 0)), (0, None)))(peaks, steps)
    for peak, row in zip([0.1, 0.2], found, strict=True):
        schedule = WarmUp(Join((Cosine(peak, 30, peak / 10), Exponential(peak, 1 - peak)), (40,)), 5)
        np.testing.assert_allclose(row, schedule_values(schedule, STEPS), rtol=1e-5)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [(Cosine(0.1, 80), 80), (Polynomial(0.1, 119), 119), (WarmUp(Cosine(0.1, 50), 10), 60), (lambda step: 0.0, 0)],
)
def test_a_schedule_shorter_than_the_run_is_told(schedule: Any, first: int) -> None:
    with pytest.raises(ConfigurationError, match=f"zero from update {first} on, and the run has 120"):
        check_schedule_covers(schedule, 120)


@pytest.mark.parametrize(
    "schedule", [0.1, Cosine(0.1, 120), Cosine(0.1, 80, 0.01), WarmUp(0.1, 119), Polynomial(1.0, 120)]
)
def test_a_schedule_that_lasts_passes(schedule: Any) -> None:
    check_schedule_covers(schedule, 120)


def test_every_schedule_by_name_is_compared_with_a_peer() -> None:
    kinds = {type(schedule) for schedule in MEMBERS.values()} | {Plateau}
    assert set(SCHEDULES.values()) <= kinds


def test_long_runs_restart_where_they_should() -> None:
    """Beginnings of rounds far out, which a logarithm would miss by a rounding."""
    with jax.enable_x64(True):
        schedule = WarmRestarts(0.1, 3, 3)
        starts = [3 * (3**number - 1) // 2 for number in range(1, 15)]
        assert [float(schedule(start)) for start in starts] == [0.1] * len(starts)
        assert max(float(schedule(start - 1)) for start in starts) < 0.1


def torch_momenta(make: Callable[[Any, Any], Any]) -> np.ndarray:
    torch = peer("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.5)
    scheduler, found = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    return np.array(found)


def test_momentum_cycles_against_the_rate_as_in_torch() -> None:
    """It is a schedule of its own; that of one cycle starts and ends at the same value."""
    cases: list[tuple[Any, Callable[[Any, Any], Any]]] = [
        (Cyclic(0.9, 0.8, 11, 7), lambda lr, optimizer: lr.CyclicLR(optimizer, 0.01, 0.1, 11, 7)),
        (
            OneCycle(0.85, STEPS, start_divisor=0.85 / 0.95, final_divisor=1.0),
            lambda lr, optimizer: lr.OneCycleLR(optimizer, 0.1, STEPS),
        ),
    ]
    with jax.enable_x64(True):
        for ours, theirs in cases:
            np.testing.assert_allclose(values(ours), torch_momenta(theirs), rtol=1e-12)
