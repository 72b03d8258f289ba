"""Hyper-parameters: numbers, arrays or schedules on the way in, the values in force on the way out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from pullback.core.checks import fraction, non_negative, positive
from pullback.core.errors import ConfigurationError

# A schedule is a pure function of the number of updates already made.
Schedule = Callable[[Any], Any]
Setting = float | Array | Schedule
# A setting at one update: a number that stays one in the compiled program, or an array.
Scalar = float | Float[Array, ""]
Check = Callable[[str, Any], Any]


class Settings:
    """The hyper-parameters of one transformation, each checked.

    A plain number stays one, so that the compiled program holds it as a constant. An array, which a sweep may trace,
    and a schedule are values of the update; so is the learning rate, of whatever kind.

    Parameters
    ----------
    checks : for each setting the check of `pullback.core.checks` that a number has to pass.
    values : the settings by name.

    Raises
    ------
    ConfigurationError
        if a number, or the first value of a schedule, is out of its range, or an array is not a scalar.

    Examples
    --------
    >>> settings = Settings({"learning_rate": positive, "momentum": fraction}, learning_rate=0.5, momentum=0.9)
    >>> now = settings.in_force(jnp.zeros((), jnp.int32))
    >>> list(now), settings.all(now)["momentum"]
    (['learning_rate'], 0.9)
    """

    def __init__(self, checks: Mapping[str, Check], **values: Setting) -> None:
        self._fixed: dict[str, float] = {}
        self._moving: dict[str, Callable[[Any], Array]] = {}
        for name, value in values.items():
            checked = check_setting(name, value, checks[name])
            if isinstance(checked, int | float) and name != "learning_rate":
                self._fixed[name] = checked
            else:
                self._moving[name] = as_function(checked)
            if callable(checked):
                check_beginning(name, self._moving[name], checks[name])

    def in_force(self, step: Any) -> dict[str, Array]:
        """The learning rate, and every setting that is an array or a schedule, at this number of updates."""
        return {name: function(step) for name, function in self._moving.items()}

    def all(self, in_force: Mapping[str, Array]) -> dict[str, Any]:
        """Every setting, where those that move have these values."""
        return {**self._fixed, **in_force}

    def is_zero(self, name: str) -> bool:
        """Whether a setting is the number zero, so that what it belongs to can be left out of the program."""
        return self._fixed.get(name) == 0


def check_setting(name: str, value: Setting, check: Check) -> Setting:
    """The setting; a number or an array whose value is known has to pass `check`.

    Raises
    ------
    ConfigurationError
        if it does not, or if an array is not a scalar.

    Examples
    --------
    >>> check_setting("beta1", 0.9, fraction)
    0.9
    """
    if callable(value):
        return value
    if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0:
        return check(name, value.item())
    if not isinstance(value, jax.Array):
        return check(name, value)
    if value.ndim:
        raise ConfigurationError(
            f"{name} has more than one value",
            expected="a number, a scalar array, or a function of the number of updates",
            got=f"an array of shape {value.shape}",
            fix="train once for each value, or vectorize with jax.vmap over the values",
        )
    if not isinstance(value, Tracer):
        check(name, float(value))
    return value


def check_beginning(name: str, schedule: Callable[[Any], Array], check: Check) -> None:
    """ConfigurationError where the first value of a schedule is known and out of its range; zero always is in it."""
    first = schedule(jnp.zeros((), jnp.int32))
    if isinstance(first, Tracer) or first.ndim or float(first) == 0:
        return
    try:
        check(name, float(first))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"the schedule of {name} begins out of its range",
            expected=error.expected,
            got=f"{float(first)!r} at the first update",
            fix="look at what the schedule gives for step 0",
        ) from None


def as_function(value: Setting) -> Callable[[Any], Float[Array, ""]]:
    """A checked setting as a function of the number of updates, in the default floating dtype."""
    if callable(value):
        return lambda step: jnp.asarray(value(step), dtype=jnp.result_type(float))
    return lambda step: jnp.asarray(value, dtype=jnp.result_type(float))


def log_of(value: Scalar) -> Scalar:
    r"""$\log x$; of a number in double precision, whatever the precision of the arrays it then meets."""
    if isinstance(value, jax.Array):
        return jnp.log(value)
    return math.log(value) if value > 0 else -math.inf


def positive_field(name: str, value: Any) -> Any:
    """A field of a schedule that has to be positive; an array passes, so that a sweep can trace it."""
    return check_setting(name, value, positive)


def non_negative_field(name: str, value: Any) -> Any:
    """A field of a schedule that has to be zero or more; an array passes, so that a sweep can trace it."""
    return check_setting(name, value, non_negative)


def settings_in_force(state: Any) -> dict[str, Array]:
    """The value that the last update used of every setting that is not a plain number, and of the learning rate.

    Before any update, the values that the first will use. They lie in the state, so they are found through `chain`
    and through Optax wrappers, compiled or not, and are saved with the rest; of Optax's own transformations those of
    `optax.inject_hyperparams` are found. A name that occurs again is numbered.

    Examples
    --------
    >>> from pullback.optim import chain, clip_by_norm, momentum
    >>> from pullback.optim.schedules import Cosine
    >>> optimizer = chain(clip_by_norm(1.0), momentum(Cosine(0.5, 100), momentum=lambda step: 0.9))
    >>> {name: float(value) for name, value in settings_in_force(optimizer.init(jnp.zeros(3))).items()}
    {'learning_rate': 0.5, 'momentum': 0.8999999761581421}
    """
    found: dict[str, Array] = {}
    count: dict[str, int] = {}
    for values in _every_in_force(state):
        for name, value in values.items():
            if not jnp.issubdtype(jnp.result_type(value), jnp.floating):
                continue
            count[name] = count.get(name, 0) + 1
            found[name if count[name] == 1 else f"{name}_{count[name]}"] = value
    return found


def _every_in_force(state: Any) -> list[dict[str, Array]]:
    if not isinstance(state, tuple):
        return []
    names: tuple[str, ...] = getattr(state, "_fields", ())
    own = [state[names.index(name)] for name in ("in_force", "hyperparams") if name in names]
    return [values for values in own if isinstance(values, dict)] + [
        values for member in state for values in _every_in_force(member)
    ]


# The ranges that most methods share.
CHECKS: dict[str, Check] = {
    "learning_rate": positive,
    "momentum": fraction,
    "dampening": fraction,
    "beta1": fraction,
    "beta2": fraction,
    "decay": fraction,
    "epsilon": non_negative,
    "epsilon_root": non_negative,
    "weight_decay": non_negative,
}
