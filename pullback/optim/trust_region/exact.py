"""The exact solution of the sub-problem, from the eigenvalues of the Hessian."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.optim.trust_region.secular import solve_secular_equation
from pullback.optim.trust_region.solution import SubproblemSolution


def exact_step(
    eigenvalues: Float[Array, " n"], eigenvectors: Float[Array, "n n"], g: Float[Array, " n"], radius: Float[Array, ""]
) -> SubproblemSolution:
    r"""Global minimizer of the model within the radius, whether $B = Q W Q^\top$ is definite or not.

    $$ (B + \lambda I)\, p = -g, \qquad B + \lambda I \succeq 0, \qquad
       \lambda \ge 0, \quad \lambda (\Delta - \lVert p \rVert) = 0 $$

    These conditions hold exactly for a global minimizer. With the eigenvalues at hand every further radius costs a
    few vector operations only, and the hard case is a case like others.

    References
    ----------
    Moré, Sorensen, "Computing a trust region step", SIAM J. Sci. Stat. Comput. 4 (1983); Nocedal, Wright, "Numerical
    Optimization" (2006), theorem 4.1 and section 4.3.
    """
    found = solve_secular_equation(eigenvalues, eigenvectors.T @ g, radius)
    step = eigenvectors @ found.coordinates
    length = jnp.linalg.norm(found.coordinates)
    return SubproblemSolution(step, found.multiplier, found.decrease, length, found.boundary, jnp.zeros((), jnp.int32))
