"""The last steps and changes of the gradient: what methods of limited memory know of the Hessian."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from pullback.optim.methods.quasi_newton import Pair


class Pairs(NamedTuple):
    r"""The last $m$ pairs, each divided by $\lVert s \rVert$, which changes no update.

    Parameters
    ----------
    S, Y : steps and changes of the gradient, a row each; the row of pair $k$ is $k \bmod m$.
    curvature : $s^\top y$ of each.
    scale : $\gamma = s^\top y / y^\top y$ of the newest pair: the size of the inverse Hessian.
    taken : of pairs since the memory was empty; only the first `taken` rows mean something.
    """

    S: Float[Array, "m n"]
    Y: Float[Array, "m n"]
    curvature: Float[Array, " m"]
    scale: Float[Array, ""]
    taken: Int[Array, ""]

    @classmethod
    def empty(cls, memory: int, x: Float[Array, " n"]) -> Pairs:
        """Nothing remembered."""
        rows = jnp.zeros((memory, x.size), x.dtype)
        return cls(rows, rows, jnp.ones(memory, x.dtype), jnp.ones((), x.dtype), jnp.zeros((), jnp.int32))

    def updated(self, pair: Pair, failed: Array) -> Pairs:
        """With the pair in the place of the oldest one, if its curvature is positive; empty where the search failed."""
        curved = pair.curved() & ~failed
        length = jnp.where(curved, jnp.linalg.norm(pair.s), 1)
        s, y = pair.s / length, pair.y / length
        row = self.taken % self.curvature.size
        product, square = jnp.vdot(s, y), jnp.vdot(y, y)
        # A row that keeps its content is written too: a choice between whole matrices would copy them.
        return Pairs(
            self.S.at[row].set(jnp.where(curved, s, self.S[row])),
            self.Y.at[row].set(jnp.where(curved, y, self.Y[row])),
            self.curvature.at[row].set(jnp.where(curved, product, self.curvature[row])),
            jnp.where(failed, 1, jnp.where(curved, product / jnp.where(curved, square, 1), self.scale)),
            jnp.where(failed, 0, self.taken + jnp.where(curved, 1, 0)),
        )

    def inverse_product(self, v: Float[Array, " n"]) -> Float[Array, " n"]:
        r"""$H v$, $H$ the approximation of the inverse Hessian, by two loops: back from the newest pair, and forth.

        $$ \alpha_i = \frac{s_i^\top v}{s_i^\top y_i}, \quad v \leftarrow v - \alpha_i y_i; \qquad
           v \leftarrow \gamma v; \qquad
           v \leftarrow v + \Big(\alpha_i - \frac{y_i^\top v}{s_i^\top y_i}\Big) s_i $$
        """
        memory = self.curvature.size

        def back(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            v, alpha = carry
            row = (self.taken - 1 - k) % memory
            weight = jnp.vdot(self.S[row], v) / self.curvature[row]
            return v - weight * self.Y[row], alpha.at[row].set(weight)

        def forth(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            v, alpha = carry
            row = (self.taken - kept + k) % memory
            weight = alpha[row] - jnp.vdot(self.Y[row], v) / self.curvature[row]
            return v + weight * self.S[row], alpha

        kept = jnp.minimum(self.taken, memory)
        v, alpha = jax.lax.fori_loop(0, kept, back, (v, jnp.zeros_like(self.curvature)))
        return jax.lax.fori_loop(0, kept, forth, (self.scale * v, alpha))[0]
