r"""Operations of a traced program, counted on shapes; and what a gradient costs beside the function itself.

Reverse mode spends on \((f, \nabla f)\) at most a small multiple of what \(f\) itself takes, however many variables
there are: the cheap gradient principle, with the bound 5 for operations and memory moves together.

Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section 3.3. Costs of factorizations are
those of LAPACK Working Note 41.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from pullback.autodiff.parameters import contraction, exponent, loop, windows
from pullback.autodiff.program import subprograms
from pullback.autodiff.reverse import value_and_grad

# What moves, names or creates numbers and computes none.
_MOVES = frozenset(
    """
    all_gather bitcast_convert_type broadcast broadcast_in_dim concatenate copy copy_p device_put dynamic_slice
    dynamic_update_slice empty expand_dims gather iota name optimization_barrier pad pcast pvary random_seed
    random_unwrap random_wrap real reshape rev scatter slice split squeeze stop_gradient tie transpose
    """.split()
)
_REDUCTIONS = frozenset(
    "argmax argmin reduce reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum reduce_xor".split()
)
_CUMULATIVE = frozenset("cumlogsumexp cummax cummin cumprod cumsum".split())
_SCATTERS = frozenset("scatter_add scatter-add scatter_mul scatter_max scatter_min scatter_sub scatter-sub".split())
# The program that one of these holds joins two numbers, so it is no part of the whole.
_OF_PAIRS = _REDUCTIONS | _SCATTERS | {"reduce_window", "scatter"}


@dataclass(frozen=True)
class Operations:
    """Multiply-adds of products of matrices and convolutions, and all other arithmetic on single numbers."""

    multiply_adds: int = 0
    elementwise: int = 0

    @property
    def total(self) -> int:
        """A multiply-add is two operations."""
        return 2 * self.multiply_adds + self.elementwise

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.multiply_adds + other.multiply_adds, self.elementwise + other.elementwise)

    def __mul__(self, times: int) -> Operations:
        return Operations(times * self.multiply_adds, times * self.elementwise)


@dataclass(frozen=True)
class GradientCost:
    """Operations of a function and of its value with gradient, and their ratio."""

    function: Operations
    value_and_gradient: Operations

    @property
    def ratio(self) -> float:
        """At most 5, says the cheap gradient principle."""
        return self.value_and_gradient.total / max(self.function.total, 1)


def operations(program: ClosedJaxpr | Jaxpr) -> Operations:
    r"""Count the operations of a program.

    A product over contracted sizes \(k\) with free sizes \(m, n\) and batch \(b\) counts \(bmnk\) multiply-adds, a
    convolution the number of its outputs times the kernel positions and input channels behind each. A sum of \(n\)
    numbers counts \(n - 1\); any function of one or two numbers, a comparison and a conversion count 1 an entry; moving
    numbers counts nothing. A `scan` counts its body times its length, a `while` its body once, a conditional its
    dearest branch.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> program = jax.make_jaxpr(lambda a, b: jnp.sum(jnp.tanh(a @ b)))(jnp.ones((2, 3)), jnp.ones((3, 4)))
    >>> operations(program)
    Operations(multiply_adds=24, elementwise=15)
    """
    return sum((_of_equation(equation) for equation in program.eqns), Operations())


def gradient_cost(function: Callable[..., Any], *args: Any, argnums: int | tuple[int, ...] = 0) -> GradientCost:
    r"""What reverse mode costs, as a multiple of the function.

    \[ \frac{\operatorname{ops}(f, \nabla f)}{\operatorname{ops}(f)} \le 5 \]

    Parameters
    ----------
    function : of arrays, with one real number as result.
    args : arrays, or objects with `shape` and `dtype`.
    argnums : which arguments the gradient is taken in.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> cost = gradient_cost(lambda w, x: jnp.sum(jnp.tanh(x @ w)), jnp.ones((50, 40)), jnp.ones((30, 50)))
    >>> print(f"{cost.ratio:.2f}")
    2.01
    """
    return GradientCost(
        operations(jax.make_jaxpr(function)(*args)),
        operations(jax.make_jaxpr(value_and_grad(function, argnums=argnums))(*args)),
    )


def multiply_adds(equation: JaxprEqn) -> int:
    """Multiply-adds of one product or convolution; 0 for any other operation."""
    if equation.primitive.name == "dot_general":
        shape = _shape(equation.invars[0])
        return _size(equation.outvars[0]) * math.prod(shape[axis] for axis in contraction(equation).left)
    if equation.primitive.name == "conv_general_dilated":
        return _convolution(equation)
    return 0


def _convolution(equation: JaxprEqn) -> int:
    parameters = equation.params
    kernel = _shape(equation.invars[1])
    outputs = kernel[parameters["dimension_numbers"].rhs_spec[0]]
    # Zeros that a transposed convolution puts between its inputs take no part.
    work = _size(equation.outvars[0]) * math.prod(kernel) // outputs
    return work // math.prod(parameters["lhs_dilation"])


def _of_equation(equation: JaxprEqn) -> Operations:
    name = equation.primitive.name
    if name in ("dot_general", "conv_general_dilated"):
        return Operations(multiply_adds(equation))
    if name in _FACTORIZATIONS:
        return Operations(elementwise=_factorization(equation))
    if name not in _OF_PAIRS:
        inside = [operations(program) for program in subprograms(equation)]
        if name == "cond":
            return max(inside, key=lambda count: count.total)
        if inside:
            return sum(inside, Operations()) * (loop(equation).length if name == "scan" else 1)
    return Operations(elementwise=_arithmetic(equation))


def _arithmetic(equation: JaxprEqn) -> int:
    """Operations on single numbers of an equation that holds no program."""
    name = equation.primitive.name
    results = sum(map(_size, equation.outvars))
    if name in _MOVES:
        return 0
    if name in _REDUCTIONS:
        return max(_size(equation.invars[0]) - _size(equation.outvars[0]), 0)
    if name in _CUMULATIVE:
        return results
    if name in _SCATTERS:
        return _size(equation.invars[2])
    if name.startswith("reduce_window"):
        return results * (math.prod(windows(equation).sizes) - 1)
    if name.startswith("select_and_"):
        # One search of each window, and one addition for what it found.
        return _size(equation.invars[0]) * math.prod(windows(equation).sizes)
    if name == "sort":
        length = _shape(equation.invars[0])[equation.params["dimension"]]
        return _size(equation.invars[0]) * max(1, math.ceil(math.log2(max(length, 2))))
    if name == "integer_pow":
        return results * _multiplications(abs(exponent(equation)))
    return results


def _multiplications(power: int) -> int:
    """Products that repeated squaring takes."""
    return max(power.bit_length() - 1 + power.bit_count() - 1, 0)


def _factorization(equation: JaxprEqn) -> int:
    *batch, rows, columns = _shape(equation.invars[0])
    right = _shape(equation.invars[-1])[-1] if len(equation.invars) > 1 else 0
    return math.prod(batch) * int(_FACTORIZATIONS[equation.primitive.name](rows, columns, right))


_FACTORIZATIONS: dict[str, Callable[[int, int, int], float]] = {
    "cholesky": lambda m, n, k: n**3 / 3,
    "eigh": lambda m, n, k: 9 * n**3,
    "geqrf": lambda m, n, k: 2 * m * n**2 - 2 * n**3 / 3,
    "householder_product": lambda m, n, k: 2 * m * n**2 - 2 * n**3 / 3,
    "lu": lambda m, n, k: m * n**2 - n**3 / 3,
    "qr": lambda m, n, k: 4 * m * n**2 - 4 * n**3 / 3,
    "svd": lambda m, n, k: 4 * m * n**2 + 22 * n**3,
    "triangular_solve": lambda m, n, k: n**2 * k,
}


def _shape(variable: Any) -> tuple[int, ...]:
    return getattr(variable.aval, "shape", ())


def _size(variable: Any) -> int:
    return math.prod(_shape(variable))
