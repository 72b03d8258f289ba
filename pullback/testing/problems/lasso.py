"""The lasso with a solution known by construction: convex, not smooth, sparse."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from pullback.testing.problems.problem import Problem


@dataclass(frozen=True, eq=False)
class LassoData:
    r"""What a proximal method needs: $A$ (n, p), $b$ (n,), the penalty $\lambda$, and the solution $x^*$ (p,)."""

    design: np.ndarray
    target: np.ndarray
    penalty: float
    solution: np.ndarray


def lasso_data(rows: int = 20, columns: int = 50, nonzero: int = 5, penalty: float = 1.0, seed: int = 0) -> LassoData:
    r"""Data whose lasso solution is known: columns are scaled until the optimality conditions hold at a chosen $x^*$.

    With a normal residual $r = b - A x^*$, the columns of normal entries are scaled so that
    $a_j^\top r = \lambda \, \mathrm{sign}(x^*_j)$ where $x^*_j \ne 0$ and $|a_j^\top r| < \lambda$ elsewhere.

    Examples
    --------
    >>> int(np.count_nonzero(lasso_data().solution))
    5

    Source: Nesterov (2013), Mathematical Programming 140, section 6.
    """
    random = np.random.default_rng(seed)
    residual = random.normal(size=rows)
    design = random.normal(size=(rows, columns))
    correlation = design.T @ residual
    active = np.arange(columns) < nonzero
    wanted = penalty * np.where(active, 1.0, random.uniform(0.1, 0.9, size=columns))
    too_large = active | (np.abs(correlation) > wanted)
    design = design * np.where(too_large, wanted / np.abs(correlation), 1.0)
    solution = np.where(active, np.sign(correlation) * random.uniform(0.5, 2.0, size=columns), 0.0)
    return LassoData(design, design @ solution + residual, penalty, solution)


def lasso(rows: int = 20, columns: int = 50, nonzero: int = 5, penalty: float = 1.0, seed: int = 0) -> Problem:
    r"""$f(x) = \tfrac{1}{2} \lVert A x - b \rVert^2 + \lambda \lVert x \rVert_1$, with the factor 1/2; from zero.

    The data are those of `lasso_data` for the same arguments, for methods that take $A$, $b$ and $\lambda$ apart.

    Examples
    --------
    >>> problem = lasso()
    >>> at_solution = problem.function(jnp.asarray(problem.minimizers[0], jnp.float32))
    >>> print(f"{abs(at_solution - problem.minimum):.3f}")
    0.000

    Source: Tibshirani (1996), Journal of the Royal Statistical Society B 58; data as in Nesterov (2013).
    """
    data = lasso_data(rows, columns, nonzero, penalty, seed)
    residual = data.target - data.design @ data.solution

    def function(x: jax.Array) -> jax.Array:
        difference = jnp.asarray(data.design, x.dtype) @ x - jnp.asarray(data.target, x.dtype)
        return jnp.sum(difference**2) / 2 + penalty * jnp.sum(jnp.abs(x))

    return Problem(
        f"lasso, n={rows}, p={columns}, {nonzero} nonzero",
        function,
        np.zeros(columns),
        float(np.sum(residual**2) / 2 + penalty * np.sum(np.abs(data.solution))),
        (data.solution,),
        source="Nesterov (2013), Mathematical Programming 140, section 6",
    )
