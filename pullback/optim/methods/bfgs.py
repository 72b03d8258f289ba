"""The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from pullback.core.errors import ConfigurationError
from pullback.optim.line_search.search import LineSearch
from pullback.optim.line_search.wolfe import Wolfe
from pullback.optim.methods.method import Info, Method, State
from pullback.optim.methods.quasi_newton import Approximation, Pair, quasi_newton_step, start_from_identity
from pullback.optim.objective import Objective, Point

FORMS = ("inverse", "direct")


def bfgs_inverse_update(H: Float[Array, "n n"], s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, "n n"]:
    r"""$(I - \rho s y^\top) H (I - \rho y s^\top) + \rho s s^\top$ with $\rho = 1 / y^\top s$."""
    rho = 1 / jnp.vdot(y, s)
    Hy = H @ y
    return H - rho * (jnp.outer(s, Hy) + jnp.outer(Hy, s)) + (rho**2 * jnp.vdot(y, Hy) + rho) * jnp.outer(s, s)


def bfgs_direct_update(B: Float[Array, "n n"], s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, "n n"]:
    r"""$B - \frac{B s s^\top B}{s^\top B s} + \frac{y y^\top}{y^\top s}$."""
    Bs = B @ s
    return B - jnp.outer(Bs, Bs) / jnp.vdot(s, Bs) + jnp.outer(y, y) / jnp.vdot(y, s)


def damped_change(B: Float[Array, "n n"], s: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
    r"""$\theta y + (1 - \theta) B s$ with the $\theta \le 1$ that leaves a curvature of at least $0.2\, s^\top B s$.

    The source is Powell, "A fast algorithm for nonlinearly constrained optimization calculations" (1978).
    """
    Bs = B @ s
    curvature, known = jnp.vdot(s, y), jnp.vdot(s, Bs)
    theta = jnp.where(curvature >= 0.2 * known, 1.0, 0.8 * known / (known - curvature))
    return theta * y + (1 - theta) * Bs


class BFGS(Method):
    r"""BFGS: an approximation of the Hessian or of its inverse from the changes of the gradient.

    $$ d_k = -H_k \nabla f(x_k), \quad s_k = \alpha_k d_k, \quad y_k = \nabla f(x_{k+1}) - \nabla f(x_k), \quad
       H_{k+1} = (I - \rho_k s_k y_k^\top) H_k (I - \rho_k y_k s_k^\top) + \rho_k s_k s_k^\top $$

    $$ B_{k+1} = B_k - \frac{B_k s_k s_k^\top B_k}{s_k^\top B_k s_k} + \frac{y_k y_k^\top}{y_k^\top s_k}, \qquad
       B_k = H_k^{-1} $$

    The method to begin with, up to some hundred variables: it converges faster than linearly from gradients alone, and
    forgives an inexact line search. It keeps a matrix of n by n; `LBFGS` does not.

    Parameters
    ----------
    form : "inverse" keeps $H$, n² work a step; "direct" keeps $B$ and factors it, n³ / 3 work a step.
    damping : whether the direct form replaces $y$ by Powell's $\theta y + (1 - \theta) B s$, so that a step without
        positive curvature teaches it something too.
    line_search : for the step length $\alpha$.

    Examples
    --------
    >>> from pullback.optim import minimize
    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> found = minimize(rosenbrock, [-1.2, 1.0], method=BFGS(form="direct"))
    >>> found.x.round(6).tolist()
    [1.0, 1.0]

    References
    ----------
    Nocedal, Wright, "Numerical Optimization" (2006), section 6.1, procedure 18.2 for the damping.
    """

    form: str = "inverse"
    damping: bool = False
    line_search: LineSearch = Wolfe()

    def __check_init__(self) -> None:
        if self.form not in FORMS:
            raise ConfigurationError(
                "form of BFGS is unknown", expected=" or ".join(FORMS), got=repr(self.form), fix="pass one of these"
            )
        if self.damping and self.form != "direct":
            raise ConfigurationError(
                "damping needs the direct form",
                expected='form="direct"',
                got=f"form={self.form!r}",
                fix='pass BFGS(form="direct", damping=True)',
            )

    def init(self, objective: Objective, point: Point) -> State:
        del objective
        return start_from_identity(point)

    def step(self, objective: Objective, state: State) -> tuple[State, Info]:
        inverse = self.form == "inverse"
        direction = Approximation.inverse_direction if inverse else Approximation.direct_direction
        return quasi_newton_step(self.line_search, objective, state, direction, self._updated)

    def _updated(self, approximation: Approximation, pair: Pair) -> Array:
        if self.form == "inverse":
            return approximation.inverse_updated(bfgs_inverse_update, pair)
        if self.damping:
            pair = pair._replace(y=damped_change(approximation.matrix, *pair))
        return approximation.direct_updated(bfgs_direct_update, pair)
