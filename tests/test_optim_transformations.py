"""What every gradient transformation shares: settings swept, scheduled, logged and checked; what each is for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pullback import data, nn, optim, train
from pullback.core.errors import ConfigurationError
from pullback.optim.radam import rectification
from pullback.optim.schedules import Cosine, InverseTime
from pullback.testing.peers import peer

_random = np.random.default_rng(11)
START = {"bias": _random.normal(size=3), "weight": _random.normal(size=(3, 2))}
GRADIENTS = {name: _random.normal(size=(20, *value.shape)) for name, value in START.items()}

# Two values of every setting that is a number; the first pass of time of a schedule goes from one to the other.
VALUES: dict[str, tuple[float, float]] = {
    "learning_rate": (0.1, 0.02),
    "momentum": (0.9, 0.5),
    "dampening": (0.1, 0.3),
    "beta1": (0.9, 0.8),
    "beta2": (0.99, 0.9),
    "decay": (0.9, 0.7),
    "rate_decay": (0.1, 0.5),
    "epsilon": (1e-3, 1e-2),
    "epsilon_root": (1e-3, 1e-2),
    "momentum_decay": (0.01, 0.1),
    "weight_decay": (0.1, 0.3),
}


def numeric_settings(name: str) -> list[str]:
    """The settings of an optimizer that its signature declares as numbers, arrays or schedules."""
    parameters = inspect.signature(optim.OPTIMIZERS[name]).parameters.values()
    return [one.name for one in parameters if str(one.annotation) in ("Setting", "LearningRate")]


def path(optimizer: optax.GradientTransformation, gradients: Any) -> Any:
    def step(carry: Any, gradient: Any) -> Any:
        theta, state = carry
        update, state = optimizer.update(gradient, state, theta)
        return (optax.apply_updates(theta, update), state), optim.settings_in_force(state)

    theta = jax.tree.map(jnp.asarray, START)
    (theta, _), in_force = jax.lax.scan(step, (theta, optimizer.init(theta)), gradients)
    return theta, in_force


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_a_member_of_a_sweep_over_every_setting_equals_its_solo_run(name: str) -> None:
    make: Any = optim.OPTIMIZERS[name]
    settings = numeric_settings(name)
    assert "learning_rate" in settings
    with jax.enable_x64(True):
        arrays = {setting: jnp.array(VALUES[setting]) for setting in settings}
        swept, in_force = jax.jit(jax.vmap(lambda values: path(make(**values), GRADIENTS)))(arrays)
        for number in range(2):
            solo, _ = jax.jit(path, static_argnums=0)(
                make(**{setting: VALUES[setting][number] for setting in settings}), GRADIENTS
            )
            for key in START:
                np.testing.assert_allclose(swept[key][number], solo[key], rtol=1e-11, atol=1e-13)
                assert not np.array_equal(solo[key], START[key])
        for setting in settings:
            np.testing.assert_array_equal(in_force[setting], np.repeat(np.array(VALUES[setting])[:, None], 20, axis=1))


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_scheduled_settings_are_those_changed_by_hand(name: str) -> None:
    make: Any = optim.OPTIMIZERS[name]
    settings = numeric_settings(name)
    with jax.enable_x64(True):
        scheduled = make(**{setting: InverseTime(VALUES[setting][0], 0.5) for setting in settings})
        theta = by_hand = jax.tree.map(jnp.asarray, START)
        state = hand_state = scheduled.init(theta)
        update = jax.jit(scheduled.update)
        for number in range(4):
            gradient = jax.tree.map(lambda value: jnp.asarray(value[number]), GRADIENTS)  # noqa: B023
            now = {setting: VALUES[setting][0] / (1 + 0.5 * number) for setting in settings}
            change, state = update(gradient, state, theta)
            theta = optax.apply_updates(theta, change)
            change, hand_state = make(**now).update(gradient, hand_state, by_hand)
            by_hand = optax.apply_updates(by_hand, change)
            in_force = optim.settings_in_force(state)
            assert {key: pytest.approx(value, rel=1e-14) for key, value in now.items()} == {
                key: float(in_force[key]) for key in now
            }
        for key in START:
            np.testing.assert_allclose(theta[key], by_hand[key], rtol=1e-12)


def test_scheduled_settings_are_those_changed_by_hand_in_torch() -> None:
    torch = peer("torch")
    theta = torch.tensor(START["weight"], requires_grad=True)
    theirs = torch.optim.Adam([theta], lr=1.0)
    make = {name: InverseTime(VALUES[name][0], 0.5) for name in numeric_settings("adam") if name != "epsilon_root"}
    with jax.enable_x64(True):
        ours, optimizer = jnp.asarray(START["weight"]), optim.adam(**make)
        state, update = optimizer.init(ours), jax.jit(optimizer.update)
        for number, gradient in enumerate(GRADIENTS["weight"]):
            now = {name: VALUES[name][0] / (1 + 0.5 * number) for name in make}
            betas = (now["beta1"], now["beta2"])
            theirs.param_groups[0].update(
                lr=now["learning_rate"], betas=betas, eps=now["epsilon"], weight_decay=now["weight_decay"]
            )
            theta.grad = torch.tensor(gradient)
            theirs.step()
            change, state = update(jnp.asarray(gradient), state, ours)
            ours = optax.apply_updates(ours, change)
            np.testing.assert_allclose(ours, theta.detach().numpy(), rtol=1e-10)


def test_settings_in_force_are_found_through_wrappers_and_numbered() -> None:
    inner = optim.chain(optim.clip_by_norm(1.0), optim.nadam(Cosine(0.1, 4), beta1=lambda step: 0.8))
    optimizer = optax.chain(inner, optim.sgd(0.5), optax.inject_hyperparams(optax.sgd)(learning_rate=0.25))
    with jax.numpy_dtype_promotion("standard"):
        in_force = optim.settings_in_force(optimizer.init(jnp.ones(2)))
    found = {name: round(float(value), 6) for name, value in in_force.items()}
    assert found == {"learning_rate": 0.1, "beta1": 0.8, "learning_rate_2": 0.5, "learning_rate_3": 0.25}
    assert optim.settings_in_force(optax.adam(0.1).init({"in_force": jnp.ones(2)})) == {}
    muon = optim.settings_in_force(optim.muon(0.1).init(START))
    assert list(muon) == ["learning_rate", "learning_rate_2"]


def test_training_logs_every_setting_in_force() -> None:
    """Five updates an epoch; the log has the values of the last of them."""
    model = nn.Linear(4, 3, key=jax.random.key(0))
    optimizer = optim.momentum(Cosine(0.1, 15), momentum=Cosine(0.9, 15, 0.5), weight_decay=InverseTime(0.1, 1.0))
    run = train.fit(
        model,
        data.load("iris"),
        loss="categorical_cross_entropy",
        optimizer=optimizer,
        epochs=2,
        batch_size=30,
        progress=False,
    )
    for record, step in zip(run.history, (4, 9), strict=True):
        half = (1 + np.cos(np.pi * step / 15)) / 2
        assert record["learning_rate"] == pytest.approx(0.1 * half, rel=1e-5)
        assert record["settings"] == {
            "momentum": pytest.approx(0.5 + 0.4 * half, rel=1e-5),
            "weight_decay": pytest.approx(0.1 / (1 + step), rel=1e-5),
        }


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), True])
def test_a_number_out_of_range_is_refused_in_every_setting(name: str, wrong: Any) -> None:
    make: Any = optim.OPTIMIZERS[name]
    for setting in numeric_settings(name):
        with pytest.raises(ConfigurationError, match=setting) as caught:
            make(**({"learning_rate": 0.1} | {setting: wrong}))
        assert caught.value.expected and caught.value.got and caught.value.fix


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.adam(jnp.array(-0.1)),
        lambda: optim.adam(jnp.array([0.1, 0.2])),
        lambda: optim.sgd(np.float64("nan")),
        lambda: optim.sgd(lambda step: -0.1),
        lambda: optim.adam(lambda step: jnp.nan),
        lambda: optim.momentum(0.1, Cosine(1.5, 10)),
        lambda: optim.momentum(0.1, jnp.array(1.0)),
        lambda: optim.rmsprop(velocity_of="updates"),
        lambda: optim.amsgrad(largest_of="both"),
        lambda: optim.adamax(epsilon_place="root"),
        lambda: optim.nadam(momentum_schedule="none"),
        lambda: optim.radam(epsilon_beside="none"),
        lambda: optim.radam(threshold=3.0),
        lambda: optim.muon(adjustment="moonshot"),
        lambda: optim.muon(rows="columns"),
        lambda: optim.muon(steps=0),
        lambda: optim.adagrad(initial_accumulator=-1.0),
        lambda: optim.adadelta(epsilon=0.0),
    ],
)
def test_other_settings_out_of_range_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_a_gradient_of_other_parameters_is_told() -> None:
    optimizer = optim.adam()
    state = optimizer.init({"a": jnp.ones(2)})
    for gradient in ({"b": jnp.ones(2)}, {"a": jnp.ones(3)}, {"a": jnp.ones(2), "b": jnp.ones(2)}):
        with pytest.raises(ConfigurationError, match="not of the parameters that it was started with"):
            optimizer.update(gradient, state)


def test_a_gradient_without_moments_is_compared_with_the_parameters() -> None:
    optimizer = optim.sgd(0.1)
    with pytest.raises(ConfigurationError, match="shapes"):
        optimizer.update({"a": jnp.ones(3)}, optimizer.init(None), {"a": jnp.ones(2)})


def test_a_mask_of_other_parameters_is_told() -> None:
    params = {"a": jnp.ones(2)}
    optimizer = optim.adamw(mask={"b": True})
    with pytest.raises(ConfigurationError, match="mask"):
        optimizer.update(params, optimizer.init(params), params)


def test_narrow_parameters_are_computed_in_single_precision() -> None:
    """In bfloat16 the decay 0.999 would be one, and the second moment would only grow."""
    gradients = jnp.asarray(GRADIENTS["weight"], jnp.bfloat16)
    narrow, wide = (jnp.zeros((3, 2), dtype) for dtype in (jnp.bfloat16, jnp.float32))
    optimizer = optim.adam(0.1, beta2=jnp.array(0.999))
    one, _ = optimizer.update(gradients[0], optimizer.init(narrow))
    other, _ = optimizer.update(gradients[0].astype(jnp.float32), optimizer.init(wide))
    assert one.dtype == jnp.bfloat16
    np.testing.assert_allclose(one.astype(jnp.float32), other, rtol=2**-8)


@pytest.mark.parametrize("beta2", [0.9, 0.99, 0.999, 0.9999])
def test_rectification_keeps_its_digits_in_single_precision(beta2: float) -> None:
    for step in (6, 7, 10, 30, 99, 100, 1000, 100_000):
        power, longest = beta2**step, 2 / (1 - beta2) - 1
        length = longest - 2 * step * power / (1 - power)
        ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        expected = np.sqrt(ratio) if length > 5 else 0
        assert float(rectification(beta2, jnp.int32(step), 5.0)) == pytest.approx(expected, rel=1e-5)


def end_of_online_problem(optimizer: optax.GradientTransformation, steps: int) -> float:
    r"""Where the iterates in [-1, 1] go under $f_t(x) = 3 x$ every third time and $-x$ else; best is $x = -1$."""

    def step(carry: Any, t: jax.Array) -> Any:
        x, state = carry
        update, state = optimizer.update(jnp.where(t % 3 == 0, 3.0, -1.0), state, x)
        return (jnp.clip(x + update, -1, 1), state), x

    x = jnp.array(0.0)
    return float(jnp.mean(jax.lax.scan(step, (x, optimizer.init(x)), jnp.arange(steps))[1][-30:]))


def test_adam_goes_to_the_worst_point_and_amsgrad_to_the_best() -> None:
    """Theorem 1 of Reddi, Kale and Kumar with C = 3: beta1 = 0, beta2 = 1 / (1 + C^2), rates falling with the root."""
    settings: Any = {"learning_rate": lambda t: 0.5 / jnp.sqrt(t + 1.0), "beta1": 0.0, "beta2": 0.1}
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        assert end_of_online_problem(optim.adam(**settings), 3000) > 0.95
        assert end_of_online_problem(optim.amsgrad(**settings), 3000) < -0.95
        assert end_of_online_problem(optim.amsgrad(**settings, bias_correction=False), 3000) < -0.95
        assert end_of_online_problem(optim.amsgrad(**settings, largest_of="corrected"), 3000) < -0.95


RATES = jnp.asarray(2.0 ** np.arange(-8, 5))


def rare_features(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows to learn from once and to judge by: feature j is there with probability 0.5 / j, and counts as much."""
    random = np.random.default_rng(seed)
    weights = 3 * random.choice([-1.0, 1.0], 100)
    x = (random.random((4000, 100)) < 0.5 / np.arange(1, 101)).astype(np.float32)
    y = (random.random(4000) < 1 / (1 + np.exp(-x @ weights))).astype(np.float32)
    return x[:2000], y[:2000], x[2000:], y[2000:]


def held_out_losses(make: Any, data: Any) -> jax.Array:
    """After one pass, at every rate of the grid."""
    x, y, other_x, other_y = data

    def loss(theta: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.mean(jnp.logaddexp(0, x @ theta) - y * (x @ theta))

    def held_out(rate: jax.Array) -> jax.Array:
        optimizer = make(rate)

        def step(carry: Any, row: Any) -> Any:
            theta, state = carry
            update, state = optimizer.update(jax.grad(loss)(theta, *row), state, theta)
            return (theta + update, state), None

        theta = jnp.zeros(x.shape[1])
        theta = jax.lax.scan(step, (theta, optimizer.init(theta)), (x, y))[0][0]
        return loss(theta, other_x, other_y)

    return jax.vmap(held_out)(RATES.astype(jnp.float32))


def test_adagrad_beats_gradient_descent_on_rare_features() -> None:
    """Each at its own best rate, in every one of eight draws of the problem; neither rate at an end of the grid."""
    data = jax.tree.map(lambda *draws: jnp.asarray(np.stack(draws)), *(rare_features(seed) for seed in range(8)))
    plain, adaptive = (
        jax.jit(jax.vmap(lambda one: held_out_losses(make, one)))(data)  # noqa: B023
        for make in (optim.sgd, optim.adagrad)
    )
    for losses in (plain, adaptive):
        best = jnp.argmin(losses, axis=1)
        assert ((best > 0) & (best < len(RATES) - 1)).all()
    plain, adaptive = plain.min(axis=1), adaptive.min(axis=1)
    assert (adaptive < plain).all(), (plain, adaptive)
    assert float(jnp.mean(plain - adaptive)) > 0.01
