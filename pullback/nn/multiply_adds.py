r"""Multiply-adds of a traced program: products of matrices and convolutions, counted on shapes alone."""

from __future__ import annotations

import re
from collections import Counter

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from pullback.autodiff import subprograms
from pullback.autodiff.operations import multiply_adds as multiply_adds_of

_SCOPE = re.compile(r"<([^<>]*)>")


def multiply_adds(program: ClosedJaxpr | Jaxpr) -> Counter[str]:
    r"""Multiply-adds by layer: keys are the paths under which `probe` names the operations, `""` the rest.

    A product over contracted sizes \(k\) with free sizes \(m, n\) and batch \(b\) counts \(bmnk\); a convolution the
    number of its outputs times the kernel positions and input channels (of one group) behind each. A `scan` counts its
    body times its length, a `while` its body once, a conditional its dearest branch. Everything elementwise counts 0.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> multiply_adds(jax.make_jaxpr(jnp.matmul)(jnp.ones((2, 3)), jnp.ones((3, 4)))).total()
    24
    """
    return _count(program, "")


def _count(program: ClosedJaxpr | Jaxpr, scope: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for equation in program.eqns:
        named = _SCOPE.findall(str(equation.source_info.name_stack))
        here = named[-1] if named else scope
        total[here] += multiply_adds_of(equation)
        total.update(_inside(equation, here))
    return total


def _inside(equation: JaxprEqn, scope: str) -> Counter[str]:
    counts = [_count(program, scope) for program in subprograms(equation)]
    if equation.primitive.name == "cond":
        return max(counts, key=Counter.total)
    times = equation.params["length"] if equation.primitive.name == "scan" else 1
    total: Counter[str] = Counter()
    for count in counts:
        total.update({path: times * number for path, number in count.items()})
    return total
