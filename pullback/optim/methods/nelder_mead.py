"""The simplex method of Nelder and Mead."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from pullback.optim.methods.method import Info, Method, State, Work
from pullback.optim.objective import Objective, Point
from pullback.optim.reason import Reason


def simplex_trial(
    center: Float[Array, " n"], worst: Float[Array, " n"], factor: Float[Array, ""]
) -> Float[Array, " n"]:
    r"""$c + \rho (c - w)$: the worst vertex mirrored at the centroid of the others, stretched by $\rho$."""
    return center + factor * (center - worst)


class Coefficients(NamedTuple):
    """Factors of reflection, expansion, contraction and shrinkage."""

    reflection: float
    expansion: float
    contraction: float
    shrinkage: float


class Vertices(NamedTuple):
    """The simplex in the order of its values, and evaluations that no step has accounted for yet.

    `checked` is the size at which a simplex on the boundary was last rebuilt to look inside.
    """

    x: Float[Array, "vertices n"]
    value: Float[Array, " vertices"]
    unpaid: Int[Array, ""]
    checked: Float[Array, ""]


class Shape(NamedTuple):
    """Largest distance from the best vertex; whether directions are lost; whether it lies in a face of the bounds."""

    size: Float[Array, ""]
    flat: Bool[Array, ""]
    pinned: Bool[Array, ""]


class NelderMead(Method):
    r"""Nelder-Mead: a simplex of $n + 1$ points that crawls downhill, without any derivative.

    $$ x_r = c + \rho (c - x_{n+1}), \qquad c = \frac1n \sum_{i \le n} x_i $$

    The worst vertex $x_{n+1}$ is replaced by its reflection $x_r$, by an expansion beyond it, or by a contraction
    towards $c$; if none is better, all shrink towards the best. For a few variables and functions without derivatives;
    there is no proof that it finds a minimum, and McKinnon's function shows that it need not; along a kink it crawls.
    It ends when both the largest distance of a vertex from the best one, in any coordinate, and the spread of the
    values reach the tolerance. A simplex that became flat before it became small says nothing of the directions that
    it lost: it is rebuilt with right angles about its best vertex, as Kelley advises, or, with `rebuild=False`, this is
    the reason to end. Trials beyond bounds are moved onto them; a simplex that came to lie in a face of the bounds goes
    on within it, and is rebuilt now and then to look inside.

    Parameters
    ----------
    adaptive : whether the coefficients depend on $n$ as Gao and Han advise for many variables.
    rebuild : whether a flat simplex is rebuilt.
    initial_simplex : array of $n + 1$ rows in place of the start; otherwise each coordinate of the start is moved by 5%
        (by 0.00025 where it is zero).

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> found = minimize(lambda x: (x[0] - 1) ** 2 + (x[1] + 2) ** 4, [0.5, 0.0], method=NelderMead())
    >>> found.x.round(3).tolist(), int(found.work.gradients)
    ([1.0, -2.0], 0)

    References
    ----------
    Nelder, Mead, The Computer Journal 7 (1965); Lagarias, Reeds, Wright, Wright, SIAM Journal on Optimization 9 (1998);
    Gao, Han, Computational Optimization and Applications 51 (2012); Kelley, SIAM Journal on Optimization 10 (1999).
    """

    gradient_free: ClassVar[bool] = True
    bounded: ClassVar[bool] = True
    # The best vertex may stay while the others come nearer.
    patience: ClassVar[int] = 500
    success: ClassVar[Any] = Reason.simplex_collapsed

    adaptive: bool = False
    rebuild: bool = True
    initial_simplex: Any = None

    def init(self, objective: Objective, point: Point) -> State:
        if self.initial_simplex is None:
            corners = _right_angled(objective, point.x, jnp.where(point.x != 0, 0.05 * point.x, 0.00025))
        else:
            corners = jax.vmap(lambda x: _inside(objective, x))(jnp.asarray(self.initial_simplex, point.x.dtype))
        values = jnp.concatenate([point.value[None], _values(objective, corners[1:])])
        if self.initial_simplex is not None:
            values = values.at[0].set(_value(objective, corners[0]))
        simplex = _sorted(corners, values)
        simplex = simplex._replace(checked=_shape(objective, simplex.x).size)
        return _state(simplex, jnp.asarray(point.x.size, jnp.int32))

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        simplex: Vertices = state.memory
        shape = _shape(objective, simplex.x)
        moved, work = self._move(objective, simplex)
        moved = moved._replace(checked=simplex.checked)
        reason = Reason.running
        if self.rebuild:
            again = shape.flat | (shape.pinned & (shape.size <= simplex.checked / 100))
            new = _rebuilt(objective, simplex, shape.size / 2)
            moved = jax.tree.map(lambda fresh, old: jnp.where(again, fresh, old), new, moved)
            work = jnp.where(again, simplex.x.shape[1], work)
        else:
            reason = Reason.where(shape.flat, Reason.simplex_flat, Reason.running)
        info = Info(jnp.full_like(state.point.value, jnp.nan), Work.of(values=work + simplex.unpaid), reason)
        return _state(moved, jnp.zeros((), jnp.int32)), info

    def stationarity(self, objective: Objective, state: State) -> Float[Array, ""]:
        """The larger one of the size of the simplex and the spread of its values; infinite where that tells nothing."""
        x, value = state.memory.x, state.memory.value
        size, flat, pinned = _shape(objective, x)
        return jnp.where(flat | (pinned & self.rebuild), jnp.inf, jnp.maximum(size, value[-1] - value[0]))

    def _coefficients(self, n: int) -> Coefficients:
        if self.adaptive:
            return Coefficients(1.0, 1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / n)
        return Coefficients(1.0, 2.0, 0.5, 0.5)

    def _move(self, objective: Objective, simplex: Vertices) -> tuple[Vertices, Int[Array, ""]]:
        x, value = simplex.x, simplex.value
        n = x.shape[1]
        rule = self._coefficients(n)
        center, worst = jnp.mean(x[:-1], axis=0), x[-1]

        def trial(factor: Any) -> tuple[Array, Array]:
            point = _inside(objective, simplex_trial(center, worst, jnp.asarray(factor, x.dtype)))
            return point, _value(objective, point)

        reflected, at_reflected = trial(rule.reflection)
        expand = at_reflected < value[0]
        accept = ~expand & (at_reflected < value[-2])
        outside = at_reflected < value[-1]
        factor = jnp.where(
            expand,
            rule.reflection * rule.expansion,
            jnp.where(outside, rule.reflection * rule.contraction, -rule.contraction),
        )
        second, at_second = trial(factor)
        contracted = jnp.where(outside, at_second <= at_reflected, at_second < value[-1])
        take_second = jnp.where(expand, at_second < at_reflected, contracted)
        shrink = ~expand & ~accept & ~contracted
        use_second = ~accept & take_second
        new = jnp.where(use_second, second, reflected)
        at_new = jnp.where(use_second, at_second, at_reflected)

        def replaced() -> Vertices:
            return _sorted(x.at[-1].set(new), value.at[-1].set(at_new))

        def shrunk() -> Vertices:
            nearer = x[0] + rule.shrinkage * (x[1:] - x[0])
            return _sorted(x.at[1:].set(nearer), value.at[1:].set(_values(objective, nearer)))

        moved = jax.lax.cond(shrink, shrunk, replaced)
        return moved, jnp.where(accept, 1, 2) + jnp.where(shrink, n, 0)


def _state(simplex: Vertices, unpaid: Int[Array, ""]) -> State:
    best = Point(simplex.x[0], simplex.value[0], jnp.full_like(simplex.x[0], jnp.nan))
    return State(best, simplex._replace(unpaid=unpaid))


def _sorted(x: Float[Array, "vertices n"], value: Float[Array, " vertices"]) -> Vertices:
    order = jnp.argsort(value)
    return Vertices(x[order], value[order], jnp.zeros((), jnp.int32), jnp.zeros((), x.dtype))


def _inside(objective: Objective, x: Float[Array, " n"]) -> Float[Array, " n"]:
    if objective.bounds is None:
        return x
    # A point within rounding of a bound lies on it: otherwise a simplex there would be flat, and not known to be.
    for bound in objective.bounds:
        near = jnp.abs(x - bound) <= 8 * jnp.finfo(x.dtype).eps * (1 + jnp.abs(bound))
        x = jnp.where(near & jnp.isfinite(bound), bound, x)
    return objective.bounds.project(x)


def _value(objective: Objective, x: Float[Array, " n"]) -> Float[Array, ""]:
    # Where the function is not defined it is as bad as can be.
    value = objective.value(x)
    return jnp.where(jnp.isnan(value), jnp.inf, value)


def _values(objective: Objective, x: Float[Array, "vertices n"]) -> Float[Array, " vertices"]:
    return jax.lax.map(lambda vertex: _value(objective, vertex), x)


def _right_angled(objective: Objective, x: Float[Array, " n"], edges: Float[Array, " n"]) -> Float[Array, "vertices n"]:
    """The point and one further in each coordinate, turned back where it would leave the bounds."""
    if objective.bounds is not None:
        beyond = (x + edges > objective.bounds.upper) | (x + edges < objective.bounds.lower)
        edges = jnp.where(beyond, -edges, edges)
    corners = jax.vmap(lambda corner: _inside(objective, corner))(x + jnp.diag(edges))
    return jnp.concatenate([x[None], corners])


def _rebuilt(objective: Objective, simplex: Vertices, size: Float[Array, ""]) -> Vertices:
    corners = _right_angled(objective, simplex.x[0], jnp.full_like(simplex.x[0], size))
    rebuilt = _sorted(corners, simplex.value.at[1:].set(_values(objective, corners[1:])))
    return rebuilt._replace(checked=size)


def _shape(objective: Objective, x: Float[Array, "vertices n"]) -> Shape:
    """Lost directions are told by the singular values of the edges; those of coordinates on a bound do not count."""
    edges = x[1:] - x[0]
    size = jnp.max(jnp.abs(edges))
    singular = jnp.linalg.svd(edges, compute_uv=False)
    least, pinned = singular[-1], jnp.zeros((), bool)
    if objective.bounds is not None:
        lower, upper = objective.bounds.lower, objective.bounds.upper
        still = jnp.all(edges == 0, axis=0) & ((x[0] <= lower) | (x[0] >= upper))
        least = singular[jnp.maximum(x.shape[1] - jnp.sum(still) - 1, 0)]
        # With equal bounds there is nothing inside to look at.
        pinned = jnp.any(still & (lower < upper))
    return Shape(size, least <= jnp.sqrt(jnp.finfo(x.dtype).eps) * singular[0], pinned)
