"""Gains, fans and bounds against PyTorch's `torch.nn.init`."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from pullback.nn import Conv2d, Linear
from pullback.nn import initializers as init
from pullback.testing.peers import peer

torch = peer("torch")


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu"])
def test_gains(nonlinearity: str) -> None:
    assert init.gain(nonlinearity) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity))


def test_gain_of_a_slope() -> None:
    assert init.gain("leaky_relu", 0.3) == pytest.approx(torch.nn.init.calculate_gain("leaky_relu", 0.3))


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_he_has_the_same_spread(mode: str) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.init.kaiming_uniform_(torch.empty(60, 20, 3, 3), mode=mode, nonlinearity="relu").numpy()
    ours = init.he_uniform(jax.random.key(0), (3, 3, 20, 60), mode=mode, layout="kernel_in_out")
    assert float(abs(ours).max()) == pytest.approx(float(abs(theirs).max()), rel=1e-3)
    assert float(ours.std()) == pytest.approx(float(theirs.std()), rel=0.03)


@pytest.mark.parametrize("kind", ["linear", "convolution", "grouped convolution"])
def test_layers_start_from_the_same_law(kind: str) -> None:
    torch.manual_seed(0)
    key = jax.random.key(0)
    if kind == "linear":
        theirs, ours = torch.nn.Linear(50, 400), Linear(50, 400, key=key)
        weights = theirs.weight.detach().numpy(), np.asarray(ours.weight)
    else:
        groups = 4 if kind == "grouped convolution" else 1
        theirs, ours = torch.nn.Conv2d(16, 400, 3, groups=groups), Conv2d(16, 400, 3, groups=groups, key=key)
        weights = theirs.weight.detach().numpy(), np.asarray(ours.kernel)
    assert ours.bias is not None
    for their_values, our_values in (weights, (theirs.bias.detach().numpy(), np.asarray(ours.bias))):
        assert abs(our_values).max() == pytest.approx(abs(their_values).max(), rel=0.02)
        assert our_values.std() == pytest.approx(their_values.std(), rel=0.1)
