"""Mirror descent."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError
from pullback.optim.constraints.simplex import Simplex
from pullback.optim.line_search.along_line import rounding
from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.methods.proximal_step import MAX_HALVINGS, first_rate
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason


def entropic_step(
    x: Float[Array, " n"], gradient: Float[Array, " n"], learning_rate: Float[Array, ""], s: Float[Array, ""]
) -> Float[Array, " n"]:
    r"""$s\, x_i e^{-\alpha g_i} / \sum_j x_j e^{-\alpha g_j}$."""
    weights = x * jnp.exp(-learning_rate * (gradient - jnp.min(gradient)))
    return s * weights / jnp.sum(weights)


def relative_entropy(x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
    r"""$\sum_i x_i \log (x_i / y_i) - x_i + y_i$, for positive entries."""
    return jnp.sum(x * jnp.log(x / y) - x + y)


class Mirror(eqx.Module):
    """A strictly convex function whose gradient maps the points to where steps are taken."""

    @abstractmethod
    def admissible(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        """The start, inside the domain."""

    @abstractmethod
    def step(
        self, x: Float[Array, " n"], gradient: Float[Array, " n"], learning_rate: Float[Array, ""]
    ) -> Float[Array, " n"]:
        """The next point."""

    @abstractmethod
    def divergence(self, x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
        """Bregman's, from `y` to `x`."""

    @abstractmethod
    def stationarity(self, point: Point) -> Float[Array, ""]:
        """How far a point is from being stationary."""


class Entropy(Mirror):
    r"""$\psi(x) = \sum_i x_i \log x_i$ on the simplex: multiplicative steps, $x_i \propto x_i e^{-\alpha g_i}$.

    The measure of stationarity is the duality gap $\nabla f(x)^\top x - s \min_i \partial_i f$, which for a convex $f$
    bounds the excess over the least value.

    Parameters
    ----------
    total : $s$, the sum of the entries.

    Examples
    --------
    >>> Entropy().admissible(jnp.array([1.0, 1.0])).tolist()
    [0.5, 0.5]
    """

    total: Any = 1.0

    def admissible(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        # An entry of zero would stay zero for ever.
        projected = Simplex(self.total).project(x)
        even = jnp.full_like(x, 1 / x.size) * self.total
        return jnp.where(jnp.min(projected) > 0, projected, 0.9 * projected + 0.1 * even)

    def step(
        self, x: Float[Array, " n"], gradient: Float[Array, " n"], learning_rate: Float[Array, ""]
    ) -> Float[Array, " n"]:
        reached = entropic_step(x, gradient, learning_rate, jnp.asarray(self.total, x.dtype))
        # Below this an entry could not come back within any number of steps.
        return jnp.maximum(reached, jnp.finfo(x.dtype).tiny)

    def divergence(self, x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
        return relative_entropy(x, y)

    def stationarity(self, point: Point) -> Float[Array, ""]:
        return jnp.vdot(point.gradient, point.x) - self.total * jnp.min(point.gradient)


class PNorm(Mirror):
    r"""$\psi(x) = \tfrac12 \lVert x \rVert_p^2$ on all of space, with $1 < p \le 2$; with $p = 2$ gradient descent.

    $$ \nabla \psi(x)_i = \operatorname{sign}(x_i) |x_i|^{p-1} \lVert x \rVert_p^{2-p} $$

    With $p$ near 1 it suits sparse solutions. The measure of stationarity is the norm of the gradient.

    Parameters
    ----------
    p : the power.

    Examples
    --------
    >>> PNorm(2.0).step(jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]), jnp.array(0.5)).round(5).tolist()
    [0.5, 2.0]
    """

    p: Any = 1.5

    def __check_init__(self) -> None:
        if isinstance(self.p, float | int) and not 1 < self.p <= 2:
            raise ConfigurationError(
                "the power of the mirror is out of range", expected="1 < p <= 2", got=repr(self.p), fix="choose p=1.5"
            )

    def admissible(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        return x

    def step(
        self, x: Float[Array, " n"], gradient: Float[Array, " n"], learning_rate: Float[Array, ""]
    ) -> Float[Array, " n"]:
        p = jnp.asarray(self.p, x.dtype)
        return _dual(_dual(x, p) - learning_rate * gradient, p / (p - 1))

    def divergence(self, x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, ""]:
        p = jnp.asarray(self.p, x.dtype)
        return (_norm(x, p) ** 2 - _norm(y, p) ** 2) / 2 - jnp.vdot(_dual(y, p), x - y)

    def stationarity(self, point: Point) -> Float[Array, ""]:
        return jnp.linalg.norm(point.gradient)


class MirrorDescent(Method):
    r"""Mirror descent: the gradient step in the geometry of a convex function $\psi$.

    $$ \nabla \psi(x_{k+1}) = \nabla \psi(x_k) - \alpha_k \nabla f(x_k), \quad \text{that is} \quad
       x_{k+1} = \arg\min_x\ \nabla f(x_k)^\top x + \frac{1}{\alpha_k} D_\psi(x, x_k) $$

    With the entropy it keeps to the simplex by itself, and its rate depends on the dimension by a logarithm only.
    Without a learning rate it is halved until $f(x_{k+1}) \le f(x_k) + \nabla f(x_k)^\top d + D_\psi(x_{k+1}, x_k) /
    \alpha$ with $d = x_{k+1} - x_k$, and grows by `growth` from step to step.

    Parameters
    ----------
    mirror : `Entropy()` on the simplex, `PNorm(1.5)` on all of space.
    learning_rate : $\alpha$, a number or a function of the number of steps made.
    growth : factor on the rate found before a new one is looked for.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> method = MirrorDescent(Entropy())
    >>> found = minimize(lambda x: (x[0] - 0.2) ** 2 + (x[1] - 0.8) ** 2, [0.5, 0.5], method=method)
    >>> found.x.round(4).tolist()
    [0.2, 0.8]

    References
    ----------
    Nemirovski, Yudin (1983); Beck, Teboulle, Operations Research Letters 31 (2003); Lu, Freund, Nesterov, "Relatively
    smooth convex optimization by first-order methods", SIAM Journal on Optimization 28 (2018).
    """

    patience: ClassVar[int] = 100
    success: ClassVar[Any] = Reason.stationary

    mirror: Mirror | None = None
    learning_rate: Any = None
    growth: Any = 1.25

    def __check_init__(self) -> None:
        if isinstance(self.learning_rate, float | int):
            positive("learning_rate", self.learning_rate)

    def admissible(self, objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
        del objective
        return self._mirror().admissible(x)

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        rate = first_rate(None if callable(self.learning_rate) else self.learning_rate, point)
        return State(point, (rate, jnp.zeros((), jnp.int32)))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        before, (rate, count) = state
        mirror = self._mirror()
        if self.learning_rate is not None:
            rate = self.learning_rate(count) if callable(self.learning_rate) else self.learning_rate
            rate = jnp.asarray(rate, before.x.dtype)
            point = objective.at(mirror.step(before.x, before.gradient, rate))
            return State(point, (rate, count + 1)), Info(rate, Work.of(1, 1))
        point, rate, trials = _searched(mirror, objective, before, rate)
        reason = Reason.where(trials < MAX_HALVINGS, Reason.running, Reason.line_search_failed)
        return State(point, (self.growth * rate, count + 1)), Info(rate, Work.of(trials, trials), reason)

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        """The duality gap, or the norm of the gradient, as the mirror says."""
        del objective
        return self._mirror().stationarity(state.point)

    def _mirror(self) -> Mirror:
        if self.mirror is None:
            raise ConfigurationError(
                "MirrorDescent needs to know its geometry",
                expected="a method with a mirror, such as method=MirrorDescent(mirror=Entropy())",
                got="its name alone",
                fix="pass MirrorDescent(Entropy()) for the simplex, MirrorDescent(PNorm(1.5)) for all of space",
            )
        return self.mirror


def _searched(
    mirror: Mirror, objective: Objective, before: Point, rate: Float[Array, ""]
) -> tuple[Point, Float[Array, ""], Int[Array, ""]]:
    """The step with the rate halved until the divergence bounds the function from above."""
    level = rounding(before.value)

    def enough(point: Point, rate: Array) -> Array:
        moved = point.x - before.x
        room = mirror.divergence(point.x, before.x) / rate
        by_value = point.value <= before.value + jnp.vdot(before.gradient, moved) + room
        by_gradient = jnp.vdot(point.gradient - before.gradient, moved) <= 2 * room
        return jnp.where(room <= level, by_gradient, by_value) & jnp.isfinite(point.value)

    def going(state: tuple[Point, Array, Array]) -> Array:
        point, rate, trials = state
        return ~enough(point, rate) & (trials < MAX_HALVINGS)

    def attempt(rate: Array, trials: Array) -> tuple[Point, Array, Array]:
        return objective.at(mirror.step(before.x, before.gradient, rate)), rate, trials + 1

    first = attempt(rate, jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, lambda state: attempt(state[1] / 2, state[2]), first)


def _norm(x: Float[Array, " n"], p: Float[Array, ""]) -> Float[Array, ""]:
    largest = jnp.max(jnp.abs(x))
    scaled = jnp.abs(x) / jnp.where(largest > 0, largest, 1)
    return largest * jnp.sum(scaled**p) ** (1 / p)


def _dual(x: Float[Array, " n"], p: Float[Array, ""]) -> Float[Array, " n"]:
    norm = _norm(x, p)
    scaled = jnp.abs(x) / jnp.where(norm > 0, norm, 1)
    return jnp.sign(x) * norm * scaled ** (p - 1)
