"""Every gradient transformation and every switch of it against PyTorch and Optax: 200 updates in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from pullback import optim
from pullback.optim.schedules import InverseTime
from pullback.testing.peers import peer

torch = peer("torch")

STEPS = 200
_random = np.random.default_rng(7)
START = {"bias": _random.normal(size=4), "weight": _random.normal(size=(4, 3))}
NOISE = {name: _random.normal(size=(STEPS, *value.shape)) for name, value in START.items()}


def gradient(theta: Any, noise: Any) -> Any:
    """Of a quadratic with a minimum that jumps about."""
    return 0.5 * theta + noise


def our_path(optimizer: optax.GradientTransformation) -> dict[str, np.ndarray]:
    def step(carry: tuple[Any, Any], noise: Any) -> tuple[tuple[Any, Any], Any]:
        theta, state = carry
        update, state = optimizer.update(jax.tree.map(gradient, theta, noise), state, theta)
        theta = optax.apply_updates(theta, update)
        return (theta, state), theta

    with jax.enable_x64(True):
        theta = jax.tree.map(jnp.asarray, START)
        path = jax.jit(lambda carry, noise: jax.lax.scan(step, carry, noise)[1])((theta, optimizer.init(theta)), NOISE)
        return jax.tree.map(np.asarray, path)


def torch_path(make: Callable[[list[Any]], Any]) -> dict[str, np.ndarray]:
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}
    made = make(list(theta.values()))
    optimizers = made if isinstance(made, list) else [made]
    path: dict[str, list[np.ndarray]] = {name: [] for name in START}
    for number in range(STEPS):
        for name, value in theta.items():
            value.grad = gradient(value.detach(), torch.tensor(NOISE[name][number]))
        for optimizer in optimizers:
            optimizer.step()
        for name, value in theta.items():
            path[name].append(value.detach().numpy().copy())
    return {name: np.stack(values) for name, values in path.items()}


@pytest.fixture
def torch_in_double() -> Iterator[None]:
    """NAdam there keeps its product of momenta in the default precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def assert_same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    for name in START:
        assert np.isfinite(ours[name]).all()
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-10, atol=1e-12)


@dataclass(frozen=True)
class Case:
    """An optimizer, and what PyTorch and Optax call it where they have it."""

    ours: optax.GradientTransformation
    torch: Callable[[list[Any]], Any] | None = None
    optax: optax.GradientTransformation | None = None


T, O = torch.optim, optim  # noqa: E741
BIASES = {"bias": False, "weight": True}

CASES: dict[str, Case] = {
    "sgd": Case(O.sgd(0.1), lambda p: T.SGD(p, lr=0.1), optax.sgd(0.1)),
    "sgd, penalized": Case(
        O.sgd(0.1, weight_decay=0.2),
        lambda p: T.SGD(p, lr=0.1, weight_decay=0.2),
        optax.chain(optax.add_decayed_weights(0.2), optax.sgd(0.1)),
    ),
    "momentum": Case(O.momentum(0.1), lambda p: T.SGD(p, lr=0.1, momentum=0.9), optax.sgd(0.1, 0.9)),
    "momentum, damped and penalized": Case(
        O.momentum(0.1, 0.8, dampening=0.3, weight_decay=0.2),
        lambda p: T.SGD(p, lr=0.1, momentum=0.8, dampening=0.3, weight_decay=0.2),
    ),
    "momentum, averaged": Case(
        O.momentum(1.0, convention="averaged"), lambda p: T.SGD(p, lr=0.1, momentum=0.9), optax.sgd(0.1, 0.9)
    ),
    "nesterov": Case(
        O.nesterov(0.1), lambda p: T.SGD(p, lr=0.1, momentum=0.9, nesterov=True), optax.sgd(0.1, 0.9, nesterov=True)
    ),
    "nesterov, penalized": Case(
        O.nesterov(0.1, 0.7, weight_decay=0.2),
        lambda p: T.SGD(p, lr=0.1, momentum=0.7, nesterov=True, weight_decay=0.2),
    ),
    "adagrad": Case(O.adagrad(), lambda p: T.Adagrad(p)),
    "adagrad, every setting": Case(
        O.adagrad(0.1, rate_decay=0.01, initial_accumulator=0.5, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.Adagrad(p, 0.1, lr_decay=0.01, initial_accumulator_value=0.5, eps=1e-3, weight_decay=0.2),
    ),
    "adagrad, epsilon inside": Case(
        O.adagrad(0.1, initial_accumulator=0.1, epsilon=0.0, epsilon_root=1e-7), optax=optax.adagrad(0.1)
    ),
    "rmsprop": Case(O.rmsprop(), lambda p: T.RMSprop(p), optax.rmsprop(0.01, 0.99, eps_in_sqrt=False)),
    "rmsprop, epsilon inside": Case(O.rmsprop(decay=0.9, epsilon=0, epsilon_root=1e-8), optax=optax.rmsprop(0.01)),
    "rmsprop, centered": Case(
        O.rmsprop(centered=True, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.RMSprop(p, centered=True, eps=1e-3, weight_decay=0.2),
    ),
    "rmsprop, centered, epsilon inside": Case(
        O.rmsprop(centered=True, decay=0.9, epsilon=0, epsilon_root=1e-3),
        optax=optax.rmsprop(0.01, eps=1e-3, centered=True),
    ),
    "rmsprop with momentum": Case(O.rmsprop(momentum=0.9), lambda p: T.RMSprop(p, momentum=0.9)),
    "rmsprop with momentum of steps": Case(
        O.rmsprop(InverseTime(0.01, 1.0), decay=0.9, momentum=0.8, velocity_of="steps", initial_accumulator=0.3),
        optax=optax.rmsprop(InverseTime(0.01, 1.0), momentum=0.8, eps_in_sqrt=False, initial_scale=0.3),
    ),
    "rmsprop, centered, with momentum": Case(
        O.rmsprop(centered=True, momentum=0.9, epsilon=1e-3),
        lambda p: T.RMSprop(p, centered=True, momentum=0.9, eps=1e-3),
        optax.rmsprop(0.01, 0.99, eps=1e-3, eps_in_sqrt=False, centered=True, momentum=0.9),
    ),
    "adadelta": Case(O.adadelta(), lambda p: T.Adadelta(p), optax.adadelta(1.0)),
    "adadelta, every setting": Case(
        O.adadelta(0.5, decay=0.8, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.Adadelta(p, lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.2),
        optax.adadelta(0.5, 0.8, 1e-3, weight_decay=0.2),
    ),
    "adam": Case(O.adam(), lambda p: T.Adam(p), optax.adam(1e-3)),
    "adam, penalized": Case(
        O.adam(0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    ),
    "adam, epsilon inside": Case(
        O.adam(0.01, epsilon=1e-4, epsilon_root=1e-3), optax=optax.adam(0.01, eps=1e-4, eps_root=1e-3)
    ),
    "adamw": Case(O.adamw(), lambda p: T.AdamW(p), optax.adamw(1e-3, weight_decay=0.01)),
    "adamw with a mask": Case(
        O.adamw(0.01, weight_decay=0.2, mask=BIASES),
        lambda p: T.AdamW([{"params": p[:1], "weight_decay": 0.0}, {"params": p[1:], "weight_decay": 0.2}], lr=0.01),
        optax.adamw(0.01, weight_decay=0.2, mask=BIASES),
    ),
    "amsgrad": Case(O.amsgrad(), lambda p: T.Adam(p, amsgrad=True)),
    "amsgrad, penalized": Case(
        O.amsgrad(0.01, beta2=0.9, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.Adam(p, lr=0.01, betas=(0.9, 0.9), eps=1e-3, weight_decay=0.2, amsgrad=True),
    ),
    "amsgrad, decoupled": Case(
        O.amsgrad(0.01, weight_decay=0.2, decoupled=True),
        lambda p: T.AdamW(p, lr=0.01, weight_decay=0.2, amsgrad=True),
    ),
    "amsgrad, largest of the corrected": Case(
        O.amsgrad(0.01, largest_of="corrected", epsilon=1e-4, epsilon_root=1e-3),
        optax=optax.amsgrad(0.01, eps=1e-4, eps_root=1e-3),
    ),
    "amsgrad without corrections": Case(
        O.amsgrad(0.01, bias_correction=False),
        optax=optax.amsgrad(0.01, bias_correction_mu=False, bias_correction_nu=False),
    ),
    "adamax": Case(O.adamax(), lambda p: T.Adamax(p), optax.adamax(2e-3)),
    "adamax, every setting": Case(
        O.adamax(0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.Adamax(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    ),
    "nadam": Case(O.nadam(), lambda p: T.NAdam(p)),
    "nadam, penalized": Case(
        O.nadam(0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, momentum_decay=0.1, weight_decay=0.2),
        lambda p: T.NAdam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, momentum_decay=0.1, weight_decay=0.2),
    ),
    "nadam, decoupled": Case(
        O.nadam(0.01, weight_decay=0.2, decoupled=True),
        lambda p: T.NAdam(p, lr=0.01, weight_decay=0.2, decoupled_weight_decay=True),
    ),
    "nadam, constant": Case(
        O.nadam(0.01, momentum_schedule="constant", epsilon_root=1e-3), optax=optax.nadam(0.01, eps_root=1e-3)
    ),
    "nadam, constant, decoupled": Case(
        O.nadam(0.01, momentum_schedule="constant", weight_decay=0.2, decoupled=True),
        optax=optax.nadamw(0.01, weight_decay=0.2),
    ),
    "radam": Case(O.radam(), lambda p: T.RAdam(p)),
    "radam, penalized": Case(
        O.radam(0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.2),
        lambda p: T.RAdam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    ),
    "radam, decoupled": Case(
        O.radam(0.01, weight_decay=0.2, decoupled=True),
        lambda p: T.RAdam(p, lr=0.01, weight_decay=0.2, decoupled_weight_decay=True),
    ),
    "radam, epsilon beside the corrected": Case(
        O.radam(0.01, epsilon_beside="corrected", epsilon=1e-3, threshold=8.0),
        optax=optax.radam(0.01, eps=1e-3, threshold=8.0),
    ),
    # Where beta2 is so small that the variance never becomes known, it is momentum for ever.
    "radam that never divides": Case(
        O.radam(0.01, beta2=0.5), lambda p: T.RAdam(p, lr=0.01, betas=(0.9, 0.5)), optax.radam(0.01, b2=0.5)
    ),
    "lion": Case(O.lion(), optax=optax.lion(1e-4)),
    "lion, every setting": Case(
        O.lion(0.01, beta1=0.8, beta2=0.95, weight_decay=0.2, mask=BIASES),
        optax=optax.lion(0.01, 0.8, 0.95, weight_decay=0.2, mask=BIASES),
    ),
    "muon": Case(O.muon(), lambda p: [T.AdamW(p[:1]), T.Muon(p[1:])]),
    "muon, every setting": Case(
        O.muon(
            0.01,
            momentum=0.8,
            nesterov=False,
            weight_decay=0.2,
            steps=3,
            coefficients=(2.0, -1.5, 0.5),
            adjustment="match_rms_adamw",
            others=O.sgd(0.1),
        ),
        lambda p: [
            T.SGD(p[:1], lr=0.1),
            T.Muon(
                p[1:],
                lr=0.01,
                momentum=0.8,
                nesterov=False,
                weight_decay=0.2,
                ns_steps=3,
                ns_coefficients=(2.0, -1.5, 0.5),
                adjust_lr_fn="match_rms_adamw",
            ),
        ],
    ),
    "muon by Optax": Case(
        O.muon(
            0.01,
            weight_decay=0.2,
            bias_correction=True,
            rows="inputs",
            epsilon=0.0,
            others=O.nadam(0.01, momentum_schedule="constant", epsilon=0.0),
        ),
        optax=contrib.muon(0.01, weight_decay=0.2, eps=0.0),
    ),
    "muon by Optax, not looking ahead": Case(
        O.muon(
            0.01,
            weight_decay=0,
            bias_correction=True,
            nesterov=False,
            rows="inputs",
            epsilon=0.0,
            others=O.adam(0.01, epsilon=0.0),
        ),
        optax=contrib.muon(0.01, nesterov=False, eps=0.0),
    ),
}


@pytest.fixture(scope="module")
def path_of() -> Callable[[str], dict[str, np.ndarray]]:
    """Our path of a case, computed once."""
    known: dict[str, dict[str, np.ndarray]] = {}

    def path(name: str) -> dict[str, np.ndarray]:
        if name not in known:
            known[name] = our_path(CASES[name].ours)
        return known[name]

    return path


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.torch is not None])
@pytest.mark.usefixtures("torch_in_double")
def test_path_equals_torch(name: str, path_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Muon there orthogonalizes in bfloat16; with this it does in the precision of the parameters.
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
    theirs = CASES[name].torch
    assert theirs is not None
    assert_same(path_of(name), torch_path(theirs))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.optax is not None])
def test_path_equals_optax(name: str, path_of: Any) -> None:
    theirs = CASES[name].optax
    assert theirs is not None
    ours = path_of(name)
    with jax.numpy_dtype_promotion("standard"):
        assert_same(ours, our_path(theirs))


def test_every_optimizer_has_a_peer() -> None:
    assert {name.split()[0].strip(",") for name in CASES} == set(optim.OPTIMIZERS)


def keras_adamax(epsilon: float) -> dict[str, np.ndarray]:
    """Algorithm 2 of Kingma and Ba, with Keras' epsilon beside the largest gradient."""
    path = {}
    for name, start in START.items():
        theta, m, u, rows = start, np.zeros_like(start), np.zeros_like(start), []
        for t, noise in enumerate(NOISE[name], 1):
            g = gradient(theta, noise)
            m, u = 0.9 * m + 0.1 * g, np.maximum(0.999 * u, np.abs(g))
            theta = theta - 0.01 / (1 - 0.9**t) * m / (u + epsilon)
            rows.append(theta)
        path[name] = np.stack(rows)
    return path


def test_adamax_with_epsilon_outside_is_the_algorithm_of_the_paper() -> None:
    assert_same(our_path(optim.adamax(0.01, epsilon=1e-3, epsilon_place="outside")), keras_adamax(1e-3))
