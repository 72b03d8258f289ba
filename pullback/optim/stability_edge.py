r"""How large the product of learning rate and curvature may be before an update overshoots for good.

Near a point where the curvature stays $H$, an update is a filter of the gradients behind a scaling $P$ that changes
slowly, and the error along an eigenvector of $P^{1/2} H P^{1/2}$ with eigenvalue $\lambda$ follows a linear recursion.
As $\alpha \lambda$ grows it first gets out of hand by changing its sign at every step.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from pullback.optim.adam import bias_correction
from pullback.optim.dynamics import stability_limit
from pullback.optim.nadam import gradient_gains
from pullback.optim.radam import rectification
from pullback.optim.schedules.inverse_time import inverse_time
from pullback.optim.table import OPTIMIZERS
from pullback.optim.transformation import TransformationState
from pullback.optim.weight_decay import Decay

Numbers = Mapping[str, Any]
Moments = Mapping[str, np.ndarray]


class StabilityEdge(NamedTuple):
    r"""What the update of a method looks like at one moment, for the vector of all parameters.

    Attributes
    ----------
    learning_rate : $\alpha$ of the last update.
    preconditioner : the diagonal $P$, shape (n,), or None where it is one.
    penalty : what weight decay in the gradient adds to the curvature, shape (n,), or None.
    edge : what $\alpha \lambda_{\max}(P^{1/2} H P^{1/2})$ has to stay below.
    """

    learning_rate: float
    preconditioner: Float[np.ndarray, " n"] | None
    penalty: Float[np.ndarray, " n"] | None
    edge: float


class _Method(NamedTuple):
    """P from the settings, the moments and the number of updates; the edge from the settings and that number."""

    preconditioner: Callable[[Numbers, Moments, int], np.ndarray] | None
    edge: Callable[[Numbers, int], float]


def stability_edge(method: str, arguments: Mapping[str, Any], state: Any, params: Any) -> StabilityEdge | None:
    r"""The edge of stability of a method of `OPTIMIZERS` after some updates, or None for one that has none.

    With the gain $F$ of the filter for gradients that change their sign at every step, and decoupled decay $w$, it is
    $(2 - \alpha w) / F$:

    | method | $P$ | edge without decay |
    |---|---|---|
    | sgd | 1 | $2$ |
    | momentum | 1 | $2 (1 + \beta) / \gamma$ with $\gamma = 1 - d$, or $1 - \beta$ where it is averaged |
    | nesterov | 1 | $2 (1 + \beta) / (1 + 2 \beta)$ |
    | adagrad | $1 / ((1 + \eta (t - 1)) (\sqrt{s + \epsilon_r} + \epsilon))$ | $2$ |
    | adadelta | $\sqrt{u + \epsilon} / \sqrt{v + \epsilon}$ | $2$ |
    | rmsprop | $1 / (\sqrt{v \, [- m^2] + \epsilon_r} + \epsilon)$ | $2 (1 + \beta)$ |
    | adam, adamw | $1 / ((1 - \beta_1^t) (\sqrt{\hat v} + \epsilon))$ | $2 (1 + \beta_1) / (1 - \beta_1)$ |
    | amsgrad, adamax, radam | as Adam, of their own $\hat v$ | as Adam |
    | nadam | Adam's without $1 - \beta_1^t$ | $2 / (\gamma_g + \gamma_m (1 - \beta_1) / (1 + \beta_1))$ |

    The steps of lion and muon have a length that does not depend on that of the gradient: they have no such edge.

    Parameters
    ----------
    method : a name of `OPTIMIZERS`.
    arguments : the settings that it was given beside the learning rate.
    state : its state after one update or more, also inside of `on_plateau` or `backed_off`.
    params : the parameters.

    Examples
    --------
    >>> from pullback.optim import momentum
    >>> optimizer, params = momentum(0.1, 0.9), jnp.zeros(2)
    >>> _, state = optimizer.update(jnp.ones(2), optimizer.init(params))
    >>> round(stability_edge("momentum", {"momentum": 0.9}, state, params).edge, 6)
    3.8

    References
    ----------
    Cohen, Kaur, Li, Kolter, Talwalkar, "Gradient descent on neural networks typically occurs at the edge of stability",
    ICLR 2021, for the first three; Cohen and others, "Adaptive gradient methods at the edge of stability",
    arXiv:2207.14484 (2022), for a preconditioner.
    """
    if method not in _METHODS:
        return None
    own = _own(state)
    now = _settings(method, arguments, own)
    count, moments = int(own.step), {name: as_vector(tree) for name, tree in own.moments.items()}
    rule = _METHODS[method]
    found = None if rule.preconditioner is None else rule.preconditioner(now, moments, count)
    edge, rate, decay = rule.edge(now, count), float(now["learning_rate"]), float(now["weight_decay"])
    decoupled = method == "adamw" or bool(now.get("decoupled", False))
    if decoupled:
        return StabilityEdge(rate, found, None, edge * (2 - rate * decay) / 2)
    return StabilityEdge(rate, found, _penalty(decay, now["mask"], params) if decay else None, edge)


def has_stability_edge(method: Any) -> bool:
    """Whether `stability_edge` knows a method, by name.

    Examples
    --------
    >>> has_stability_edge("adam"), has_stability_edge("lion")
    (True, False)
    """
    return isinstance(method, str) and method in _METHODS


def as_vector(tree: Any) -> Float[np.ndarray, " n"]:
    """All entries of a tree of arrays, in the order of its leaves, in float64."""
    leaves = [np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(tree)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def idle_parameters(state: Any) -> np.ndarray:
    """Which entries of the parameters an adaptive method has no gradient of that it remembers, so that they rest.

    Examples
    --------
    >>> from pullback.optim import adam
    >>> optimizer = adam(0.1)
    >>> _, state = optimizer.update(jnp.array([1.0, 0.0]), optimizer.init(jnp.zeros(2)))
    >>> idle_parameters(state).tolist()
    [False, True]
    """
    moments = _own(state).moments
    # Others may have an epsilon in them.
    name = "first_moment" if "first_moment" in moments else next(iter(moments))
    return as_vector(moments[name]) == 0


def _own(state: Any) -> TransformationState:
    return next(node for node in jax.tree.leaves(state, is_leaf=_is_own) if _is_own(node))


def _is_own(node: Any) -> bool:
    return isinstance(node, TransformationState)


def _settings(method: str, arguments: Mapping[str, Any], state: TransformationState) -> dict[str, Any]:
    """Every setting of the last update: the defaults, what was given, and the values in force of what moves."""
    parameters = inspect.signature(OPTIMIZERS[method]).parameters
    defaults = {name: each.default for name, each in parameters.items()}
    in_force = {name: float(value) for name, value in state.in_force.items()}
    return {**defaults, **arguments, **in_force, **{name: float(value) for name, value in state.memory.items()}}


def _penalty(decay: float, mask: Any, params: Any) -> np.ndarray:
    decays = Decay(mask=mask).of(params)
    return as_vector(jax.tree.map(lambda theta, yes: np.full(theta.shape, decay * bool(yes)), params, decays))


def _momentum_edge(now: Numbers, count: int) -> float:
    beta = now["momentum"]
    gain = 1 - (beta if now["convention"] == "averaged" else now["dampening"])
    return stability_limit(1.0, beta) / gain


def _mean_edge(now: Numbers, count: int) -> float:
    """Of a running mean of gradients."""
    return stability_limit(1.0, now["beta1"]) / (1 - now["beta1"])


def _nadam_edge(now: Numbers, count: int) -> float:
    of_gradient, of_mean = gradient_gains(now, jnp.asarray(count, jnp.int32))
    return 2 / (float(of_gradient) + 2 * float(of_mean) / _mean_edge(now, count))


def _adagrad(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    slowed = float(inverse_time(jnp.asarray(count - 1.0), jnp.asarray(1.0), now["rate_decay"], 1))
    return slowed / (np.sqrt(moments["sum_of_squares"] + now["epsilon_root"]) + now["epsilon"])


def _adadelta(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    return np.sqrt(moments["squared_steps"] + now["epsilon"]) / np.sqrt(moments["second_moment"] + now["epsilon"])


def _rmsprop(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    spread = moments["second_moment"]
    if now["centered"]:
        spread = np.maximum(spread - np.square(moments["first_moment"]), 0)
    return 1 / (np.sqrt(spread + now["epsilon_root"]) + now["epsilon"])


def _corrections(now: Numbers, count: int) -> tuple[float, float]:
    if now.get("bias_correction") is False:
        return 1.0, 1.0
    number = jnp.asarray(count, jnp.int32)
    return float(bias_correction(now["beta1"], number)), float(bias_correction(now["beta2"], number))


def _adam(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    first, second = _corrections(now, count)
    return first / (np.sqrt(second * moments["second_moment"] + now["epsilon_root"]) + now["epsilon"])


def _nadam(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    # The correction of the mean is in its gain.
    return _adam(now, moments, count) / _corrections(now, count)[0]


def _amsgrad(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    first, second = _corrections(now, count)
    kept = moments["largest"] * (1.0 if now["largest_of"] == "corrected" else second)
    return first / (np.sqrt(kept + now["epsilon_root"]) + now["epsilon"])


def _adamax(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    first = float(bias_correction(now["beta1"], jnp.asarray(count, jnp.int32)))
    return first / (moments["largest"] + (now["epsilon"] if now["epsilon_place"] == "outside" else 0))


def _radam(now: Numbers, moments: Moments, count: int) -> np.ndarray:
    first, second = _corrections(now, count)
    factor = float(rectification(now["beta2"], jnp.asarray(count, jnp.int32), now["threshold"]))
    root = np.sqrt(moments["second_moment"])
    if not factor > 0:
        return np.full_like(root, first)
    if now["epsilon_beside"] == "raw":
        return first * factor / (np.sqrt(second) * (root + now["epsilon"]))
    return first * factor / (np.sqrt(second) * root + now["epsilon"])


_METHODS: dict[str, _Method] = {
    "adadelta": _Method(_adadelta, lambda now, count: 2.0),
    "adagrad": _Method(_adagrad, lambda now, count: 2.0),
    "adam": _Method(_adam, _mean_edge),
    "adamax": _Method(_adamax, _mean_edge),
    "adamw": _Method(_adam, _mean_edge),
    "amsgrad": _Method(_amsgrad, _mean_edge),
    "momentum": _Method(None, _momentum_edge),
    "nadam": _Method(_nadam, _nadam_edge),
    "nesterov": _Method(None, lambda now, count: stability_limit(1.0, now["momentum"], method="nesterov")),
    "radam": _Method(_radam, _mean_edge),
    "rmsprop": _Method(_rmsprop, lambda now, count: stability_limit(1.0, now["momentum"])),
    "sgd": _Method(None, lambda now, count: 2.0),
}
