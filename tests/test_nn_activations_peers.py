"""Activations against PyTorch: values and two derivatives, at the kinks too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from pullback import nn
from pullback.testing.peers import peer

torch = peer("torch")
functional = torch.nn.functional

CASES: dict[str, tuple[Callable[..., Array], Callable[..., Any]]] = {
    "celu": (nn.celu, functional.celu),
    "celu alpha": (functools.partial(nn.celu, alpha=0.6), functools.partial(functional.celu, alpha=0.6)),
    "elu": (nn.elu, functional.elu),
    "elu alpha": (functools.partial(nn.elu, alpha=1.7), functools.partial(functional.elu, alpha=1.7)),
    "gelu": (nn.gelu, functional.gelu),
    "gelu_tanh": (nn.gelu_tanh, functools.partial(functional.gelu, approximate="tanh")),
    "hard_sigmoid": (nn.hard_sigmoid, functional.hardsigmoid),
    "hard_swish": (nn.hard_swish, functional.hardswish),
    "hard_tanh": (nn.hard_tanh, functional.hardtanh),
    "hard_tanh bounds": (
        functools.partial(nn.hard_tanh, lower=-2.0, upper=0.5),
        lambda x: functional.hardtanh(x, -2.0, 0.5),
    ),
    "leaky_relu": (nn.leaky_relu, functional.leaky_relu),
    "leaky_relu slope": (functools.partial(nn.leaky_relu, negative_slope=0.3), lambda x: functional.leaky_relu(x, 0.3)),
    "log_sigmoid": (nn.log_sigmoid, functional.logsigmoid),
    "log_softmax": (nn.log_softmax, functools.partial(functional.log_softmax, dim=-1)),
    "mish": (nn.mish, functional.mish),
    "relu": (nn.relu, functional.relu),
    "relu6": (nn.relu6, functional.relu6),
    "selu": (nn.selu, functional.selu),
    "sigmoid": (nn.sigmoid, torch.sigmoid),
    "silu": (nn.silu, functional.silu),
    "softmax": (nn.softmax, functools.partial(functional.softmax, dim=-1)),
    "softplus": (nn.softplus, functional.softplus),
    "softsign": (nn.softsign, functional.softsign),
    "tanh": (nn.tanh, torch.tanh),
}

# Every kink of the family is a point of this grid: -3, -2, -1, 0, 0.5, 1, 3, 6.
GRID = np.concatenate([np.arange(-8.0, 8.25, 0.25), [12.0, -12.0]])


@pytest.mark.parametrize("name", sorted(CASES))
def test_value_and_two_derivatives(name: str) -> None:
    ours, theirs = CASES[name]
    weights = np.sin(np.arange(1.0, GRID.size + 1))
    x = torch.tensor(GRID, requires_grad=True)
    y = theirs(x)
    (first,) = torch.autograd.grad((y * torch.tensor(weights)).sum(), x, create_graph=True)
    second = _gradient_or_zero((first * torch.tensor(weights)).sum(), x)
    with jax.enable_x64(True):

        def weighted(x: Array) -> Array:
            return jnp.sum(ours(x) * jnp.asarray(weights))

        at = jnp.asarray(GRID)
        tolerance = {"rtol": 1e-7, "atol": 1e-8}
        np.testing.assert_allclose(ours(at), y.detach().numpy(), **tolerance)
        np.testing.assert_allclose(jax.grad(weighted)(at), first.detach().numpy(), **tolerance)
        curvature = jax.grad(lambda x: jnp.sum(jax.grad(weighted)(x) * weights))(at)
        smooth = np.ones(GRID.size, bool) if name.startswith(("soft", "log", "gelu")) else ~_is_kink(GRID)
        np.testing.assert_allclose(curvature[smooth], second[smooth], **tolerance)


def _is_kink(grid: np.ndarray) -> np.ndarray:
    """Second derivatives do not exist there, and no two libraries agree on them."""
    return np.isin(grid, [-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 6.0])


def _gradient_or_zero(value: Any, x: Any) -> np.ndarray:
    if not value.requires_grad:
        return np.zeros(x.shape)
    try:
        (gradient,) = torch.autograd.grad(value, x, allow_unused=True)
    except RuntimeError as error:
        # PyTorch has no second derivative of hardsigmoid, a function of straight pieces.
        assert "hardsigmoid_backward is not implemented" in str(error)
        return np.zeros(x.shape)
    return np.zeros(x.shape) if gradient is None else gradient.detach().numpy()
