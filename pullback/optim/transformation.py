"""What the gradient transformations share: one pass over the parameters, settings, weight decay, state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from pullback.core.errors import ConfigurationError
from pullback.optim.leaves import map_leaves, no_steps, required
from pullback.optim.settings import Settings
from pullback.optim.weight_decay import Decay, decay_update, penalized_gradient

# From the gradient of one parameter, its moments, and scalars by name, to its change and the new moments.
Kernel = Callable[..., tuple[Array, ...]]
# From the settings at an update and its number, counted from one, to the scalars of the kernel.
Scalars = Callable[[Mapping[str, Any], Array], Mapping[str, Any]]
# From the settings, the number of the update, and what was remembered, to what is remembered: scalars by name.
Remember = Callable[[Mapping[str, Any], Array, Mapping[str, Array]], dict[str, Array]]


class TransformationState(NamedTuple):
    """The state of every optimizer here.

    Parameters
    ----------
    step : updates made so far.
    in_force : the learning rate of the last update, and every other setting that is not a plain number.
    moments : what is kept of each parameter, by name: trees like the parameters.
    memory : scalars that are kept, by name; of most methods none.
    """

    step: Int[Array, ""]
    in_force: dict[str, Array]
    moments: dict[str, Any]
    memory: dict[str, Array]


def transformation(
    method: str,
    settings: Settings,
    kernel: Kernel,
    scalars: Scalars,
    *,
    moments: Mapping[str, float] | None = None,
    decay: Decay | None = None,
    remember: Remember | None = None,
    memory: Mapping[str, float] | None = None,
) -> optax.GradientTransformation:
    """A gradient transformation that does the same to every parameter.

    Parameters
    ----------
    method : its name, for messages.
    settings : its hyper-parameters.
    kernel : the update of one parameter.
    scalars : what the kernel gets by name, computed once an update.
    moments : names of what is kept of each parameter, with their entries at the start.
    decay : how parameters shrink by the setting `weight_decay`.
    remember, memory : scalars that are kept from update to update, and their values at the start.
    """
    shrinks = decay is not None and not settings.is_zero("weight_decay")
    started = dict(moments or {})

    def init(params: Any) -> TransformationState:
        kept = {name: jax.tree.map(partial(_filled, value), params) for name, value in started.items()}
        first = {name: jnp.asarray(value, jnp.result_type(float)) for name, value in (memory or {}).items()}
        return TransformationState(no_steps(), settings.in_force(no_steps()), kept, first)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, TransformationState]:
        in_force, count = settings.in_force(state.step), state.step + 1
        now = settings.all(in_force)
        remembered = {} if remember is None else remember(now, count, state.memory)
        given = scalars({**now, **remembered}, count)
        fitting(method, updates, [*state.moments.values(), *([] if params is None else [params])])
        trees = [state.moments[name] for name in started]
        shrunk = [required(params, method), decay.of(params)] if decay is not None and shrinks else []

        def leaf(gradient: Array, *rest: Any) -> tuple[Array, ...]:
            kept, last = rest[: len(trees)], rest[len(trees) :]
            theta = last[0] if last and last[1] else None
            return update_leaf(kernel, gradient, kept, given, theta, now, decay)

        # Of no parameters at all, as where a wrapper gives each method its own, nothing is to be done.
        empty = not jax.tree.leaves(updates)
        changes, *trees_after = (updates, *trees) if empty else map_leaves(leaf, updates, *trees, *shrunk)
        kept = dict(zip(started, trees_after, strict=True))
        return changes, TransformationState(count, in_force, kept, remembered)

    return optax.GradientTransformation(init, update)


def update_leaf(
    kernel: Kernel,
    gradient: Array,
    moments: tuple[Array, ...],
    scalars: Mapping[str, Any],
    theta: Array | None,
    settings: Mapping[str, Any],
    decay: Decay | None,
) -> tuple[Array, ...]:
    """Change and new moments of one parameter, each in its own dtype; `theta` is None if it does not shrink.

    What is narrower than float32 is computed in float32: there, 0.999 would be one.
    """
    dtype = gradient.dtype if jnp.finfo(gradient.dtype).bits >= 32 else jnp.dtype(jnp.float32)
    wide = gradient.astype(dtype)
    strength = {name: settings[name] for name in ("learning_rate", "weight_decay") if name in settings}
    strength, shrinking = in_dtype(strength, dtype), None
    if theta is not None and decay is not None:
        if decay.decoupled:
            shrinking = decay_update(theta.astype(dtype), **strength)
        else:
            wide = penalized_gradient(wide, theta.astype(dtype), strength["weight_decay"])
    change, *after = kernel(wide, *(moment.astype(dtype) for moment in moments), **in_dtype(scalars, dtype))
    change = change if shrinking is None else change + shrinking
    kept = (new.astype(old.dtype) for new, old in zip(after, moments, strict=True))
    return change.astype(gradient.dtype), *kept


def in_dtype(values: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """Arrays in the dtype of what they meet; numbers fit everywhere."""
    return {name: value.astype(dtype) if isinstance(value, jax.Array) else value for name, value in values.items()}


def fitting(method: str, updates: Any, known: list[Any]) -> None:
    """ConfigurationError where the gradient has not the structure of the parameters that the state was made for."""
    for expected in known[:1]:
        if _shapes(expected) != _shapes(updates):
            raise ConfigurationError(
                f"the gradient that {method} was given is not of the parameters that it was started with",
                expected=f"shapes {jax.tree.map(lambda leaf: leaf.shape, expected)}",
                got=f"shapes {jax.tree.map(lambda leaf: leaf.shape, updates)}",
                fix="call init again with the parameters that the gradient belongs to",
            )


def _shapes(tree: Any) -> tuple[Any, list[tuple[int, ...]]]:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [leaf.shape for leaf in leaves]


def _filled(value: float, theta: Any) -> Array:
    return jnp.full_like(theta, value) if value else jnp.zeros_like(theta)
