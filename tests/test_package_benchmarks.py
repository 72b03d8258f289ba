"""The comparison itself: equal networks in every program, and the arithmetic of its table."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import optimizer_update
from benchmarks.cases import TRAINING_CASES
from benchmarks.machine_use import Use, share_of_others
from benchmarks.pairs import Comparison, geometric_interval, why_missing
from benchmarks.programs import PROGRAMS, Program
from benchmarks.programs.pullback_train import build
from pullback.testing.peers import peer

PARAMETERS = {
    "mlp_small": 785 * 128 + 129 * 128 + 129 * 10,
    "mlp_large": 785 * 512 + 513 * 512 + 513 * 10,
    "cnn": 10 * 32 + (9 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 128 + 129 * 10,
}


@pytest.mark.parametrize("case", TRAINING_CASES.values(), ids=TRAINING_CASES)
def test_parameters_by_hand(case):
    leaves = jax.tree.leaves(eqx.filter(build(case), eqx.is_inexact_array))
    assert sum(leaf.size for leaf in leaves) == PARAMETERS[case.name]


@pytest.mark.parametrize("case", TRAINING_CASES.values(), ids=TRAINING_CASES)
def test_parameters_in_torch(case):
    peer("torch")
    from benchmarks.programs.torch_model import build as build_torch

    assert sum(array.numel() for array in build_torch(case).parameters()) == PARAMETERS[case.name]


def test_ratio_of_equal_times_is_one():
    comparison = Comparison(TRAINING_CASES["cnn"], {"pullback": [1.0, 2.0], "torch_eager": [2.0, 4.0]}, {}, None)
    assert comparison.ratio("pullback") == (1.0, 1.0, 1.0)
    assert comparison.ratio("torch_eager") == pytest.approx((0.5, 0.5, 0.5))


def test_interval_holds_the_mean_and_is_as_wide_as_the_normal_one():
    """For many rounds the bootstrap interval of a mean tends to mean +- 1.96 standard errors."""
    logs = np.random.default_rng(1).normal(0.0, 0.1, 400)
    mean, lower, upper = geometric_interval(logs)
    error = logs.std() / 20
    assert np.log([mean, lower, upper]) == pytest.approx(
        logs.mean() + error * np.array([0, -1.96, 1.96]), abs=error / 5
    )


def test_share_of_other_processes():
    before, after = Use(total=100.0, busy=50.0, children=10.0), Use(total=120.0, busy=65.0, children=20.0)
    assert share_of_others(before, after) == pytest.approx(5 / 20)
    assert share_of_others(None, after) is None


def test_a_missing_peer_is_skipped_and_said():
    reason = why_missing(Program("nowhere", "Nothing", ("no_such_package",)))
    assert reason is not None and "no_such_package is not installed" in reason
    assert why_missing(PROGRAMS["pullback"]) is None


@pytest.mark.parametrize("name", optimizer_update.OPTIMIZERS)
@pytest.mark.usefixtures("standard_promotion")
def test_both_optimizers_take_the_same_steps(name, monkeypatch):
    assert sum(leaf.size for leaf in jax.tree.leaves(optimizer_update.parameters())) == 998_835
    monkeypatch.setattr(optimizer_update, "WIDTHS", (5, 7, 3))
    inputs, labels = jnp.ones((4, 5)), jnp.array([0, 1, 2, 1])
    ends = []
    for optimizer in optimizer_update.OPTIMIZERS[name]:
        step = optimizer_update.training_step(optimizer)
        carry = optimizer_update.parameters(), optimizer.init(optimizer_update.parameters())
        for _ in range(5):
            carry = step(*carry, inputs, labels)
        ends.append(carry[0])
    for ours, theirs in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
