"""What a solver of the trust-region sub-problem returns."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Array, Bool, Float, Int


class SubproblemSolution(NamedTuple):
    r"""A step within the trust region, for the model $m(p) = g^\top p + \tfrac12 p^\top B p$.

    Parameters
    ----------
    step : $p$.
    multiplier : $\lambda \ge 0$ with $(B + \lambda I) p = -g$, where the solver is exact; NaN otherwise.
    decrease : $-m(p)$, what the model foretells.
    length : $\lVert p \rVert$.
    boundary : whether the radius held the step back.
    products : with $B$ that were made.
    """

    step: Float[Array, " n"]
    multiplier: Float[Array, ""]
    decrease: Float[Array, ""]
    length: Float[Array, ""]
    boundary: Bool[Array, ""]
    products: Int[Array, ""]
