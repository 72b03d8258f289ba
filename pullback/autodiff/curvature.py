"""Second derivatives: whole, and as products with a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from pullback.autodiff.arguments import check_scalar
from pullback.autodiff.forward import jvp
from pullback.autodiff.jacobian import jacobian
from pullback.autodiff.reverse import grad, vjp


def hessian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    r"""The matrix of second derivatives, \(H_{ij} = \partial^2 f / \partial x_i \partial x_j\), forward over reverse.

    The function may return several numbers or nested containers; there is one Hessian for each number, and its
    two variables are the two inner levels of containers.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> hessian(lambda x: x[0] ** 2 * x[1])(jnp.array([2.0, 3.0])).tolist()
    [[6.0, 4.0], [4.0, 0.0]]

    Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section 5.2.
    """
    inner = jacobian(function, argnums, "reverse", has_aux, holomorphic)
    return jacobian(inner, argnums, "forward", has_aux, holomorphic)


def hvp(function: Callable[..., Any], x: Any, vector: Any) -> Any:
    r"""The product of a Hessian with a vector, without the Hessian: \(\nabla^2 f(x)\, v\), forward over reverse.

    \[ \nabla^2 f(x)\, v = \frac{d}{d\epsilon} \nabla f(x + \epsilon v) \Big|_{\epsilon = 0} . \]

    Parameters
    ----------
    function : of one argument, an array or nested containers of arrays; its result is one real number.
    x, vector : the point and the vector, of one structure, with arrays of the same shapes and types.

    Raises
    ------
    DerivativeError : for a result that is no scalar, or a vector that does not fit.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> hvp(lambda x: x[0] ** 2 * x[1], jnp.array([2.0, 3.0]), jnp.array([1.0, 0.0])).tolist()
    [6.0, 4.0]

    Source: B. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6(1), 1994.
    """
    return jvp(grad(function), (x,), (vector,))[1]


def gauss_newton_product(model: Callable[..., Any], loss: Callable[..., Any], params: Any, vector: Any) -> Any:
    r"""The product of the generalised Gauss-Newton matrix of \(\ell(m(\theta))\) with a vector.

    \[ G v = J^\top\, \nabla^2 \ell(m(\theta))\, J\, v, \qquad J = \partial m / \partial \theta . \]

    It is the Hessian without the curvature of the model, and positive semi-definite for a convex loss.

    Parameters
    ----------
    model : from parameters to outputs, arrays or nested containers of arrays.
    loss : from those outputs to one real number.
    params, vector : the parameters and the vector, of one structure, with arrays of the same shapes and types.

    Raises
    ------
    DerivativeError : for a loss that is no scalar, or a vector that does not fit.

    Examples
    --------
    For half the sum of squares \(G = J^\top J\):

    >>> import jax.numpy as jnp
    >>> model, loss = lambda t: jnp.stack([t[0] * t[1], t[1] ** 2]), lambda y: jnp.sum(y**2) / 2
    >>> gauss_newton_product(model, loss, jnp.array([2.0, 3.0]), jnp.array([1.0, 0.0])).tolist()
    [9.0, 6.0]

    Source: N. Schraudolph, Fast curvature matrix-vector products, Neural Computation 14(7), 2002.
    """
    outputs, pull = vjp(model, params)
    check_scalar(jax.eval_shape(loss, outputs), holomorphic=False, function="gauss_newton_product")
    _, moved = jvp(model, (params,), (vector,))
    return pull(hvp(loss, outputs, moved))[0]


def per_example_gradients(loss: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    r"""The gradient of each example's own loss, \(g_n = \nabla_\theta\, \ell(\theta, x_n, y_n)\), as a function.

    Parameters
    ----------
    loss : `loss(params, *example)`, one real number for one example without a batch axis.
    argnums : position of the variables among the arguments, as in `grad`; they are shared by all examples, every
        other argument has the examples along its first axis.

    Returns
    -------
    A function of the parameters and of batches; its result has the structure of the variable, and each array has the
    examples along a new first axis.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> loss = lambda w, x, y: (w @ x - y) ** 2 / 2
    >>> x, y = jnp.array([[1.0, 0.0], [1.0, 2.0]]), jnp.array([1.0, 0.0])
    >>> per_example_gradients(loss)(jnp.array([3.0, 1.0]), x, y).tolist()
    [[2.0, 0.0], [5.0, 10.0]]

    Source: I. Goodfellow, Efficient per-example gradient computations, arXiv:1510.01799, 2015.
    """
    shared = {argnums} if isinstance(argnums, int) else set(argnums)

    def gradients(*args: Any) -> Any:
        positions = {position % len(args) for position in shared}
        axes = tuple(None if position in positions else 0 for position in range(len(args)))
        return jax.vmap(grad(loss, argnums), in_axes=axes)(*args)

    return gradients


def stop_gradient(x: Any) -> Any:
    r"""\(x\) itself, taken as a constant by every derivative.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(grad(lambda x: x * stop_gradient(x))(jnp.float32(3.0)))
    3.0
    """
    return jax.lax.stop_gradient(x)
