r"""Functions of each element by itself.

In each line \(z = f(x, y)\); the functions give \(\partial z/\partial x\) and \(\partial z/\partial y\).
"""

from __future__ import annotations

from jax import lax

from pullback.autodiff.rule import constant, elementwise

ELEMENTWISE = {
    "add": elementwise(lambda z, x, y: 1, lambda z, x, y: 1, equation=r"1,\ 1"),
    "add_any": elementwise(lambda z, x, y: 1, lambda z, x, y: 1, equation=r"1,\ 1"),
    "sub": elementwise(lambda z, x, y: 1, lambda z, x, y: -1, equation=r"1,\ -1"),
    "neg": elementwise(lambda z, x: -1, equation="-1"),
    "mul": elementwise(lambda z, x, y: y, lambda z, x, y: x, equation=r"y,\ x"),
    "div": elementwise(
        lambda z, x, y: lax.div(lax.full_like(y, 1), y),
        lambda z, x, y: lax.neg(lax.div(z, y)),
        equation=r"\frac{1}{y},\ -\frac{z}{y}",
    ),
    "exp": elementwise(lambda z, x: z, equation="z"),
    "log": elementwise(lambda z, x: lax.div(lax.full_like(x, 1), x), equation=r"\frac{1}{x}"),
    "sin": elementwise(lambda z, x: lax.cos(x), equation=r"\cos x"),
    "cos": elementwise(lambda z, x: lax.neg(lax.sin(x)), equation=r"-\sin x"),
    "tanh": elementwise(lambda z, x: lax.sub(lax.full_like(z, 1), lax.mul(z, z)), equation=r"1 - z^2"),
    "logistic": elementwise(lambda z, x: lax.mul(z, lax.sub(lax.full_like(z, 1), z)), equation=r"z\,(1 - z)"),
    "stop_gradient": constant("zero by definition"),
}
