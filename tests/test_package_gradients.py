"""The gradient benchmarks: right programs, gradients that agree, a verdict that is what it says."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.autodiff.case import CASES
from benchmarks.autodiff.child import disagreement
from benchmarks.autodiff.compare import GradientComparison
from benchmarks.autodiff.recurrent import gru, lstm
from pullback.testing.peers import peer

SMALL = {
    "autodiff_mlp": {"sizes": (6, 5, 3), "batch": 4},
    "autodiff_cnn": {"side": 8, "batch": 2, "channels": (3, 4), "hidden": 5},
    "autodiff_lstm": {"steps": 4, "batch": 3, "features": 5, "hidden": 6},
    "autodiff_lstm_language": {"steps": 4, "batch": 3, "hidden": 6, "vocabulary": 7},
    "autodiff_gru": {"steps": 4, "batch": 3, "features": 5, "hidden": 6},
    "autodiff_gru_language": {"steps": 4, "batch": 3, "hidden": 6, "vocabulary": 7},
    "autodiff_transformer": {"layers": 2, "batch": 2, "places": 5, "features": 8},
    "autodiff_layer_norm": {"rows": 6, "features": 5},
    "autodiff_embedding": {"vocabulary": 9, "features": 4, "batch": 3, "places": 5},
    "autodiff_cholesky": {"points": 12, "features": 2},
    "autodiff_ode": {"states": 3, "steps": 20},
    "autodiff_compile": {"layers": 2, "batch": 2, "places": 5, "features": 8},
}


def test_every_case_has_a_small_size():
    assert set(SMALL) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_both_gradients_agree(name):
    assert disagreement(CASES[name]._replace(arguments=tuple(SMALL[name].items()))) <= 1e-5


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_recurrent_networks_are_those_of_torch(kind):
    torch = peer("torch")
    gates, network, theirs = (4, lstm, torch.nn.LSTM(5, 6)) if kind == "lstm" else (3, gru, torch.nn.GRU(5, 6))
    arrays = {name: parameter.detach().numpy() for name, parameter in theirs.named_parameters()}
    params = {"input": arrays["weight_ih_l0"].T, "recurrent": arrays["weight_hh_l0"].T, "bias": arrays["bias_ih_l0"]}
    if gates == 3:
        params["recurrent_bias"] = arrays["bias_hh_l0"]
    else:
        params["bias"] = params["bias"] + arrays["bias_hh_l0"]
    x = np.random.default_rng(0).standard_normal((7, 2, 5), np.float32)
    expected = theirs(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(network(jax.tree.map(jnp.asarray, params), jnp.asarray(x))[1], expected, atol=1e-5)


def comparison(ours: float, spread: float = 0.0, name: str = "autodiff_mlp", apart: float = 0.0) -> GradientComparison:
    noise = np.exp(spread * np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))
    seconds = {"pullback": list(ours * noise), "jax": [1.0] * 5, "jax again": [1.0] * 5}
    return GradientComparison(name, seconds, apart, None)


def test_verdict_by_the_limits():
    assert comparison(1.0).failures() == []
    assert comparison(1.1, spread=0.3).failures() == []
    assert comparison(1.1).failures() == ["interval above 1.05"]
    assert comparison(1.2, spread=0.5).failures() == ["median above 1.15"]
    assert comparison(0.9, apart=1e-4).failures() == ["gradients differ by 1.0e-04"]
    assert comparison(0.7, name="autodiff_cnn").failures() == ["above 0.65"]
    assert comparison(1.25, name="autodiff_compile").failures() == []
    assert comparison(2.0).ratio("pullback") == pytest.approx((2.0, 2.0, 2.0))
    assert dataclasses.replace(comparison(1.0), disagreement=float("nan")).failures() == ["gradients differ by nan"]
