"""What a minimization returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from pullback.optim.methods.method import Work
from pullback.optim.reason import SUCCESSFUL, Reason, ended_with, message, messages


class Trace(NamedTuple):
    r"""One row a step, the start first; NaN (or the last count) where no step was made.

    Parameters
    ----------
    value : $f(x_k)$.
    gradient_norm : the measure of stationarity at $x_k$: for most methods $\lVert \nabla f(x_k) \rVert$.
    step : $\lVert x_k - x_{k-1} \rVert$.
    step_length : factor on the direction of the method, where it has one.
    curvature : $s^\top y / s^\top s$, the mean curvature of $f$ along the step $s$; $y$ is the change of the gradient.
    evaluations : of the function, up to $x_k$.
    gradients : of the gradient, up to $x_k$.
    x : the points themselves, if `keep_path=True`; otherwise `None`.
    """

    value: Float[Array, " rows"]
    gradient_norm: Float[Array, " rows"]
    step: Float[Array, " rows"]
    step_length: Float[Array, " rows"]
    curvature: Float[Array, " rows"]
    evaluations: Int[Array, " rows"]
    gradients: Int[Array, " rows"]
    x: Any = None


class OptimizationResult(eqx.Module):
    """Where a minimization ended, why, and how it came there.

    Parameters
    ----------
    x : the point where it ended, of the structure of the start.
    value : the objective there.
    gradient : of the structure of `x`.
    gradient_norm : measure of stationarity: the norm of the gradient, of the projected gradient within bounds.
    steps : made.
    work : evaluations of the function, the gradient, and products with the Hessian.
    reason : member of `Reason`; its text is the message.
    trace : one row a step.
    method : the method, with its options.
    """

    x: Any
    value: Float[Array | np.ndarray, " *starts"]
    gradient: Any
    gradient_norm: Float[Array | np.ndarray, " *starts"]
    steps: Int[Array | np.ndarray, " *starts"]
    work: Work
    reason: Any
    trace: Trace
    method: Any

    @property
    def converged(self) -> Bool[Array | np.ndarray, " *starts"]:
        """Whether it ended in a stationary point."""
        return ended_with(self.reason, *SUCCESSFUL)

    @property
    def message(self) -> str:
        """The reason in words."""
        return message(Reason, self.reason)

    def __str__(self) -> str:
        name = type(self.method).__name__
        if np.ndim(self.value):
            ends = messages(Reason, self.reason)
            lines = [f"{name}: {len(ends)} starts", f"  best value {np.min(self.value):.10g}"]
            return "\n".join(lines + [f"  {ends.count(end)}: {end}" for end in dict.fromkeys(ends)])
        return "\n".join(
            (
                f"{name}: {self.message}",
                f"  value         {float(self.value):.10g}",
                f"  gradient norm {float(self.gradient_norm):.3g}",
                f"  steps         {int(self.steps)}",
                f"  evaluations   {int(self.work.values)} of the function, {int(self.work.gradients)} of the gradient, "
                f"{int(self.work.products)} products with the Hessian",
            )
        )


def leading_rows(trace: Any, rows: Any) -> Any:
    """The rows that were written: so many, or for many starts as many as the longest of them has."""
    kept = (slice(None),) * np.ndim(rows) + (slice(0, int(np.max(rows))),)

    def cut(leaf: Any) -> Any:
        # On the host: an array of JAX would be cut by a program compiled anew for every number of steps.
        written = np.asarray(leaf)[kept]
        return jax.device_put(written, leaf.sharding) if isinstance(leaf, jax.Array) else written

    return jax.tree.map(cut, trace)
