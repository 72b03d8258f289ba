"""Walking through a traced program."""

from __future__ import annotations

from collections.abc import Iterator

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from pullback.autodiff.primitive import inner_jaxpr


def subprograms(equation: JaxprEqn) -> Iterator[ClosedJaxpr | Jaxpr]:
    """The programs inside one operation: body of a loop, branches of a conditional, what one of ours computes."""
    ours = inner_jaxpr(equation)
    if ours is not None:
        yield ours
        return
    for value in equation.params.values():
        for candidate in value if isinstance(value, tuple | list) else (value,):
            if isinstance(candidate, ClosedJaxpr | Jaxpr):
                yield candidate


def equations(program: ClosedJaxpr | Jaxpr) -> Iterator[JaxprEqn]:
    """All operations of a program, those inside others included.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> program = jax.make_jaxpr(jax.jit(lambda x: jnp.sin(x) + 1))(1.0)
    >>> [equation.primitive.name for equation in equations(program)]
    ['jit', 'sin', 'add']
    """
    for equation in program.eqns:
        yield equation
        for inner in subprograms(equation):
            yield from equations(inner)
