"""Losses against PyTorch: values and gradients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pullback.nn import AbsoluteError, BinaryCrossEntropy, CategoricalCrossEntropy, Huber, SquaredError
from pullback.testing.peers import peer

torch = peer("torch")


def _compare(loss: Any, theirs: Any, prediction: np.ndarray, target: np.ndarray) -> None:
    x = torch.tensor(prediction, requires_grad=True)
    values = theirs(x, torch.tensor(target))
    values.sum().backward()
    with jax.enable_x64(True):
        ours, pull = jax.vjp(lambda x: loss(x, jnp.asarray(target)), jnp.asarray(prediction))
        # PyTorch subtracts large numbers from each other in its binary loss, hence the absolute part.
        np.testing.assert_allclose(ours, values.detach().numpy(), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(pull(jnp.ones_like(ours))[0], x.grad.numpy(), rtol=1e-9, atol=1e-12)


RESIDUALS = np.array([-30.0, -1.5, -1.0, -0.2, 0.0, 0.2, 1.0, 1.5, 30.0])


@pytest.mark.parametrize(
    ("loss", "name", "arguments"),
    [
        (SquaredError(), "MSELoss", {}),
        (AbsoluteError(), "L1Loss", {}),
        (Huber(), "HuberLoss", {}),
        (Huber(0.2), "HuberLoss", {"delta": 0.2}),
    ],
)
def test_real_losses(loss: Any, name: str, arguments: dict[str, float]) -> None:
    _compare(loss, getattr(torch.nn, name)(reduction="none", **arguments), RESIDUALS, np.zeros(9))


def test_binary_cross_entropy() -> None:
    theirs = torch.nn.BCEWithLogitsLoss(reduction="none")
    z = np.array([-1000.0, -20.0, -1.0, 0.0, 1.0, 20.0, 1000.0])
    for t in (0.0, 0.3, 1.0):
        _compare(BinaryCrossEntropy(), theirs, z, np.full(7, t))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_categorical_cross_entropy(smoothing: float) -> None:
    generator = np.random.default_rng(0)
    theirs = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
    z = generator.normal(size=(8, 5)) * 10
    z[0] = [1000, -1000, 0, 500, 1000]
    _compare(CategoricalCrossEntropy(smoothing), theirs, z, generator.integers(0, 5, 8))
    _compare(CategoricalCrossEntropy(smoothing), theirs, z, generator.dirichlet(np.ones(5), 8))
