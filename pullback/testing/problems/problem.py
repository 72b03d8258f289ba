"""What a test problem of `minimize` is: a function, a start, and what is published about its minima."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

VectorFunction = Callable[[jax.Array], jax.Array]


@dataclass(frozen=True, eq=False)
class LocalMinimum:
    r"""A published minimum other than the least one: $f(x) = \text{value}$ at $x = \text{location}$.

    Parameters
    ----------
    value : the function there, or its limit.
    location : where; `None` if the source gives no place, infinite entries where the value is only approached.
    """

    value: float
    location: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    r"""An unconstrained problem $\min_x f(x)$ over flat vectors $x \in \mathbb{R}^n$.

    Parameters
    ----------
    name : as the literature calls it.
    function : of a floating vector (n,); returns a scalar of its dtype, can be compiled, uses no state.
    start : float64 (n,), the standard start.
    minimum : the published or exactly known least value; `None` where only a reference solver can tell it.
    minimizers : where it is attained, each float64 (n,), to the digits of the source; may be empty.
    residuals : of a floating vector (n,), returns (m,); then $f(x) = \sum_i r_i(x)^2$, without a factor 1/2.
    other_minima : published local minima that are not the least.
    source : the citation.

    Examples
    --------
    >>> from pullback.testing.problems import rosenbrock
    >>> problem = rosenbrock()
    >>> print(problem.start, problem.minimum, f"{problem.function(jnp.array([-1.2, 1.0])):.4f}")
    [-1.2  1. ] 0.0 24.2000
    """

    name: str
    function: VectorFunction
    start: np.ndarray
    minimum: float | None
    minimizers: tuple[np.ndarray, ...] = ()
    residuals: VectorFunction | None = None
    other_minima: tuple[LocalMinimum, ...] = ()
    source: str = ""

    @property
    def dimension(self) -> int:
        """Number of unknowns $n$."""
        return self.start.size


@dataclass(frozen=True, eq=False)
class ConstrainedProblem:
    r"""$\min_x f(x)$ subject to $l \le x \le u$, $g(x) = 0$ and $h(x) \ge 0$.

    Parameters
    ----------
    name, function, start, minimum, minimizers, other_minima, source : as in `Problem`; the start need not be allowed.
    lower, upper : float64 (n,), the bounds $l$ and $u$, infinite where there is none.
    equality : $g$, of a floating vector (n,), returns (p,); `None` if there is none.
    inequality : $h$, returns (q,), not negative where $x$ is allowed; `None` if there is none.
    """

    name: str
    function: VectorFunction
    start: np.ndarray
    minimum: float
    minimizers: tuple[np.ndarray, ...]
    lower: np.ndarray
    upper: np.ndarray
    equality: VectorFunction | None = None
    inequality: VectorFunction | None = None
    other_minima: tuple[LocalMinimum, ...] = ()
    source: str = ""


def vector(*values: float) -> np.ndarray:
    """The values as float64, shape (n,)."""
    return np.array(values, dtype=np.float64)


def sum_of_squares(residuals: VectorFunction) -> VectorFunction:
    r"""$f(x) = \sum_i r_i(x)^2$, without a factor 1/2.

    Examples
    --------
    >>> print(sum_of_squares(lambda x: x - 1.0)(jnp.array([3.0, 0.0])))
    5.0
    """

    def function(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(residuals(x)))

    return function


def least_squares_problem(
    name: str,
    residuals: VectorFunction,
    start: np.ndarray,
    minimum: float,
    *,
    minimizers: tuple[np.ndarray, ...] = (),
    other_minima: tuple[LocalMinimum, ...] = (),
    source: str = "",
) -> Problem:
    r"""The problem of the least $f(x) = \sum_i r_i(x)^2$, arguments as in `Problem`."""
    return Problem(name, sum_of_squares(residuals), start, minimum, minimizers, residuals, other_minima, source)
