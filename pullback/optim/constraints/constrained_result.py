"""What a constrained minimization returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool

from pullback.optim.methods.method import Work
from pullback.optim.reason import SUCCESSFUL, Reason, ended_with, message


class Multipliers(NamedTuple):
    r"""The Lagrange multipliers.

    $$ \nabla f = J_g^\top \lambda + J_h^\top \mu + z_l - z_u $$

    Parameters
    ----------
    equality, inequality : $\lambda$ and $\mu \ge 0$, of the entries of $g$ and $h$ as one vector.
    lower, upper : $z_l, z_u \ge 0$ of the bounds, of the structure of `x`.
    """

    equality: Any
    inequality: Any
    lower: Any
    upper: Any


class KKT(NamedTuple):
    r"""How far the conditions of Karush, Kuhn and Tucker are from being fulfilled.

    Parameters
    ----------
    stationarity : $\lVert \nabla_x L \rVert$, within bounds $\lVert P(x - \nabla_x L) - x \rVert$, where
        $L = f - \lambda^\top g - \mu^\top h$.
    feasibility : largest violation, $\max(|g_i|, -h_i, 0)$.
    complementarity : $\max_i |\min(h_i, \mu_i)|$.
    """

    stationarity: Any
    feasibility: Any
    complementarity: Any


class ConstrainedTrace(NamedTuple):
    """One row for each unconstrained problem; NaN where there was none.

    Parameters
    ----------
    value : of the objective.
    kkt : residuals.
    penalty : the weight of the violation that the problem was solved with.
    steps : of the inner method.
    """

    value: Any
    kkt: KKT
    penalty: Any
    steps: Any


class ConstrainedResult(eqx.Module):
    """Where a constrained minimization ended, why, and how it came there.

    Parameters
    ----------
    x : the point, of the structure of the start.
    value : the objective there.
    multipliers : of the constraints.
    kkt : residuals of the optimality conditions.
    steps, inner_steps : unconstrained problems solved, and steps of the inner method in all of them.
    work : evaluations of the function, with its constraints, and the gradient.
    reason : member of `Reason`; its text is the message.
    trace : one row for each unconstrained problem.
    """

    x: Any
    value: Any
    multipliers: Multipliers
    kkt: KKT
    steps: Any
    inner_steps: Any
    work: Work
    reason: Any
    trace: ConstrainedTrace

    @property
    def converged(self) -> Bool[Array | np.ndarray, " *starts"]:
        """Whether all three residuals reached the tolerance."""
        return ended_with(self.reason, *SUCCESSFUL)

    @property
    def message(self) -> str:
        """The reason in words."""
        return message(Reason, self.reason)

    def __str__(self) -> str:
        return "\n".join(
            (
                self.message,
                f"  value            {float(self.value):.10g}",
                *(f"  {name:<16} {float(residual):.3g}" for name, residual in self.kkt._asdict().items()),
                f"  steps            {int(self.steps)}, of the inner method {int(self.inner_steps)}",
                f"  evaluations      {int(self.work.values)} of the function",
                f"                   {int(self.work.gradients)} of the gradient",
            )
        )
