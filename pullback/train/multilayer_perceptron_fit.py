"""A multilayer perceptron fitted within one program, for the many small fits of model selection.

`train.fit` compiles a step for each call and returns to Python after some of them: right for a long run, which is
logged, resumed and diagnosed, and a second or two too much for a table of a hundred rows in a grid search. Here all
passes, batches and the stopping rule are one pure function of arrays. It compiles once for a shape and an
architecture, whatever the rates and penalties, and `jax.vmap` makes it many fits at once. Inputs are padded to a few
widths by columns of zeros, and the optimizer sees all parameters as one vector: less to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int

from pullback.core.errors import unknown_name
from pullback.core.precision import double_precision
from pullback.models.multilayer_perceptron import MultilayerPerceptron
from pullback.nn.losses.categorical_cross_entropy import categorical_cross_entropy
from pullback.nn.losses.squared_error import squared_error
from pullback.optim import adam, momentum, nesterov, sgd


def half_squared_error(z: Float[Array, "rows outputs"], y: Float[Array, "rows outputs"]) -> Float[Array, " rows"]:
    r"""$\frac{1}{2d} \sum_{j=1}^d (z_j - y_j)^2$.

    Examples
    --------
    >>> half_squared_error(jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 0.0]])).tolist()
    [1.25]
    """
    return jnp.mean(squared_error(z, y), axis=-1) / 2


LOSSES = {"categorical_cross_entropy": categorical_cross_entropy, "squared_error": half_squared_error}


class Descent(NamedTuple):
    """How a network is fitted; numbers of a kind that a compiled program must know.

    Parameters
    ----------
    method : `"adam"`, or `"sgd"` with its momentum.
    beta_1, beta_2, epsilon : of Adam.
    momentum, nesterovs_momentum : of the gradient descent.
    batch_size : rows an update.
    shuffle : whether each pass has an order of its own.
    """

    method: str = "adam"
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    batch_size: int = 200
    shuffle: bool = True


class Limits(NamedTuple):
    """Numbers that may change without a new program.

    Parameters
    ----------
    alpha : of the penalty on the squares of the weights.
    learning_rate : of every update.
    max_iter : passes at most.
    tol, n_iter_no_change : the fit ends after so many passes without a loss lower by `tol`.
    """

    alpha: Any = 1e-4
    learning_rate: Any = 1e-3
    max_iter: Any = 200
    tol: Any = 1e-4
    n_iter_no_change: Any = 10


class MultilayerPerceptronFit(NamedTuple):
    """What `fit_multilayer_perceptron` returns.

    Attributes
    ----------
    network : a `MultilayerPerceptron`; of the pass with the lowest loss on the rows held out, if there are some.
    loss_curve : mean loss of each pass, without the penalty, as the batches came; NaN after the last pass.
    validation_curve : mean loss of the rows held out after each pass; NaN without them.
    n_iter : passes.
    converged : whether the loss came to rest before `max_iter`.
    """

    network: Any
    loss_curve: Any
    validation_curve: Any
    n_iter: Any
    converged: Any


class _Progress(NamedTuple):
    theta: Float[Array, " parameters"]
    optimizer_state: Any
    chosen: Float[Array, " parameters"]
    best: Float[Array, ""]
    stale: Int[Array, ""]
    epoch: Int[Array, ""]
    loss_curve: Float[Array, " passes"]
    validation_curve: Float[Array, " passes"]


class _Rows(NamedTuple):
    X: Float[Array, "rows features"]
    y: Array
    weight: Float[Array, " rows"]
    held: Float[Array, " rows"] | None


def fit_multilayer_perceptron(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike,
    held_weight: ArrayLike | None = None,
    *,
    key: Array,
    hidden: Sequence[int] = (100,),
    activation: str = "relu",
    loss: str = "categorical_cross_entropy",
    outputs: int,
    descent: Descent | None = None,
    limits: Limits | None = None,
    start: MultilayerPerceptron | None = None,
) -> MultilayerPerceptronFit:
    r"""Steps on batches towards the minimum of

    $$ C(\theta) = \frac{1}{\sum_i w_i} \Bigl( \sum_i w_i\, \ell(f_\theta(x_i), y_i)
       + \frac{\alpha}{2} \sum_l \lVert W_l \rVert^2 \Bigr). $$

    Rows without weight belong to no batch. Each update takes the mean of its batch, by weight.

    Parameters
    ----------
    X, y : shape (n, p); class of each row, shape (n,), or targets, shape (n, outputs).
    sample_weight : $w$, shape (n,).
    held_weight : weight of rows that are not fitted but tell when to stop, shape (n,).
    key : of the first weights and of the order of the rows.
    hidden, activation, outputs : of the network.
    loss : `"categorical_cross_entropy"` from logits, or `"squared_error"`, half the mean over the outputs.
    start : network to go on from, with a fresh optimizer.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 32)[:, None]
    >>> fit = fit_multilayer_perceptron(X, X**2, np.ones(32), key=jax.random.key(0), hidden=(16,), outputs=1,
    ...     loss="squared_error", limits=Limits(learning_rate=0.05, max_iter=300, n_iter_no_change=300))
    >>> bool(fit.loss_curve[fit.n_iter - 1] < fit.loss_curve[0] / 10)
    True
    """
    descent, limits = descent or Descent(), limits or Limits()
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    if descent.method not in ("adam", "sgd"):
        raise unknown_name("solver", descent.method, ("adam", "sgd"))
    features = np.shape(X)[1]
    # The curves have a place for every pass: powers of two, so that few programs serve all numbers of passes.
    places = 1 << max(int(limits.max_iter) - 1, 1).bit_length()
    architecture = (_width(features), outputs, tuple(hidden), activation)
    going_on = None if start is None else _widened(start)
    batch = descent._replace(batch_size=min(descent.batch_size, np.shape(X)[0]))
    found = _fit_widened(X, y, sample_weight, held_weight, key, limits, going_on, architecture, loss, batch, places)
    return found._replace(network=_narrowed(found.network, features))


def network_from_parameters(
    weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], activation: str
) -> MultilayerPerceptron:
    """The multilayer perceptron with these weights, shape (out, in) each, and biases.

    Examples
    --------
    >>> network_from_parameters([np.eye(2), np.ones((1, 2))], [np.zeros(2), np.zeros(1)], "relu").hidden
    (2,)
    """
    hidden = tuple(len(bias) for bias in biases[:-1])
    structure = _structure(weights[0].shape[1], len(biases[-1]), hidden, activation)
    return jax.tree.unflatten(structure, [leaf for pair in zip(weights, biases, strict=True) for leaf in pair])


@double_precision
def network_outputs(network: MultilayerPerceptron, X: ArrayLike) -> Float[Array | np.ndarray, "rows outputs"]:
    """What the network makes of the rows, by a program that serves every number of columns nearby.

    Examples
    --------
    >>> network = MultilayerPerceptron(3, 2, hidden=(4,), key=jax.random.key(0))
    >>> network_outputs(network, jnp.ones((5, 3))).shape
    (5, 2)
    """
    return _outputs(_widened(network), _padded(X))


@double_precision
def _fit_widened(
    X: Any,
    y: Any,
    sample_weight: Any,
    held_weight: Any,
    key: Array,
    limits: Limits,
    start: MultilayerPerceptron | None,
    architecture: tuple[Any, ...],
    loss: str,
    descent: Descent,
    places: int,
) -> Any:
    features = np.shape(X)[1]
    X = _padded(X)
    real = partial(jnp.asarray, dtype=X.dtype)
    rows = _Rows(X, jnp.asarray(y), real(sample_weight), None if held_weight is None else real(held_weight))
    numbers = Limits(
        real(limits.alpha),
        real(limits.learning_rate),
        jnp.asarray(limits.max_iter, jnp.int32),
        real(limits.tol),
        jnp.asarray(limits.n_iter_no_change, jnp.int32),
    )
    return _fit(rows, real(features), key, numbers, start, architecture, loss, descent, places)


@eqx.filter_jit
def _outputs(network: MultilayerPerceptron, X: Array) -> Array:
    return network(X)


@eqx.filter_jit
def _fit(
    rows: _Rows,
    features: Array,
    key: Array,
    limits: Limits,
    start: MultilayerPerceptron | None,
    architecture: tuple[Any, ...],
    loss: str,
    descent: Descent,
    places: int,
) -> MultilayerPerceptronFit:
    start_key, order_key = jax.random.split(key)
    network = _new(architecture, features, start_key, rows.X.dtype) if start is None else start
    arrays, static = eqx.partition(network, eqx.is_inexact_array)
    theta, unravel = ravel_pytree(arrays)
    # Biases are not penalized.
    penalized = ravel_pytree(jax.tree.map(lambda leaf: jnp.full_like(leaf, leaf.ndim > 1), arrays))[0]
    optimizer = _optimizer(descent, limits.learning_rate)
    state = optimizer.init(theta)
    empty = jnp.full(places, jnp.nan, rows.X.dtype)
    zero = jnp.int32(0)
    first = _Progress(theta, state, theta, jnp.asarray(jnp.inf, rows.X.dtype), zero, zero, empty, empty)

    def mean_loss(theta: Array, X: Array, y: Array, weight: Array) -> Float[Array, ""]:
        values = LOSSES[loss](eqx.combine(unravel(theta), static)(X), y)
        return jnp.sum(weight * values) / jnp.sum(weight)

    def cost(theta: Array, X: Array, y: Array, weight: Array) -> tuple[Array, Array]:
        value = mean_loss(theta, X, y, weight)
        return value + limits.alpha / (2 * jnp.sum(rows.weight)) * jnp.sum(penalized * theta**2), value

    def one_pass(progress: _Progress) -> _Progress:
        order = _order(jax.random.fold_in(order_key, progress.epoch), rows.weight, descent.shuffle)
        theta, state, training = _pass(progress, rows, order, cost, optimizer, descent.batch_size)
        held = jnp.asarray(jnp.nan, rows.X.dtype)
        if rows.held is not None:
            held = mean_loss(theta, rows.X, rows.y, rows.held)
        watched = training if rows.held is None else held
        return _Progress(
            theta,
            state,
            theta if rows.held is None else jnp.where(watched < progress.best, theta, progress.chosen),
            jnp.minimum(watched, progress.best),
            jnp.where(watched > progress.best - limits.tol, progress.stale + 1, 0),
            progress.epoch + 1,
            progress.loss_curve.at[progress.epoch].set(training),
            progress.validation_curve.at[progress.epoch].set(held),
        )

    def going_on(progress: _Progress) -> Bool[Array, ""]:
        return (progress.epoch < limits.max_iter) & (progress.stale < limits.n_iter_no_change)

    end = jax.lax.while_loop(going_on, one_pass, first)
    return MultilayerPerceptronFit(
        eqx.combine(unravel(end.chosen), static),
        end.loss_curve,
        end.validation_curve,
        end.epoch,
        end.stale >= limits.n_iter_no_change,
    )


def _width(features: int) -> int:
    return max(8, 1 << (features - 1).bit_length()) if features <= 64 else -(-features // 64) * 64


def _padded(X: Any) -> Array:
    X = jnp.asarray(X)
    return jnp.pad(X, ((0, 0), (0, _width(X.shape[1]) - X.shape[1])))


def _with_inputs(network: MultilayerPerceptron, weight: Any) -> MultilayerPerceptron:
    """The network with another weight of its first layer, the first of its leaves."""
    structure = _structure(weight.shape[-1], network.out_features, network.hidden, network.activation)
    return jax.tree.unflatten(structure, [weight, *jax.tree.leaves(network)[1:]])


@lru_cache(maxsize=64)
def _structure(features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> Any:
    new = partial(MultilayerPerceptron, features, outputs, hidden=hidden, activation=activation)
    return jax.tree.structure(eqx.filter_eval_shape(new, key=jax.random.key(0)))


def _widened(network: Any) -> Any:
    weight = network.layers[0].weight
    xp = weight.__array_namespace__()
    missing = _width(weight.shape[1]) - weight.shape[1]
    return _with_inputs(network, xp.pad(weight, ((0, 0), (0, missing))))


def _narrowed(network: Any, features: int) -> Any:
    return _with_inputs(network, network.layers[0].weight[..., :features])


def _new(architecture: tuple[Any, ...], features: Array, key: Array, dtype: Any) -> MultilayerPerceptron:
    width, outputs, hidden, activation = architecture
    network: Any = MultilayerPerceptron(width, outputs, hidden=hidden, activation=activation, key=key)
    network = jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, network)
    # The first layer starts as one of its true width would, whose values are larger.
    scale = jnp.sqrt(width / features)
    first = lambda tree: (tree.layers[0].weight, tree.layers[0].bias)  # noqa: E731
    weight, bias = first(network)
    return eqx.tree_at(
        first, network, (scale * jnp.where(jnp.arange(width, dtype=dtype) < features, weight, 0), scale * bias)
    )


def _optimizer(descent: Descent, learning_rate: Array) -> optax.GradientTransformation:
    if descent.method == "adam":
        return adam(learning_rate, beta1=descent.beta_1, beta2=descent.beta_2, epsilon=descent.epsilon)
    if descent.momentum == 0:
        return sgd(learning_rate)
    method = nesterov if descent.nesterovs_momentum else momentum
    return method(learning_rate, descent.momentum)


def _order(key: Array, weight: Array, shuffle: bool) -> Int[Array, " rows"]:
    place = jax.random.uniform(key, weight.shape) if shuffle else jnp.linspace(0, 1, len(weight))
    # Rows without weight come last, and no batch reaches them.
    return jnp.argsort(jnp.where(weight > 0, place, 2.0)).astype(jnp.int32)


def _pass(
    progress: _Progress,
    rows: _Rows,
    order: Array,
    cost: Callable[..., tuple[Array, Array]],
    optimizer: optax.GradientTransformation,
    size: int,
) -> tuple[Any, Any, Any]:
    """Parameters, optimizer state and mean loss after one pass over the batches."""
    count = jnp.sum(rows.weight > 0)
    padded = jnp.concatenate([order, jnp.zeros(size, jnp.int32)])

    def step(number: Array, carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        theta, state, sums = carry
        begin = number * size
        chosen = jax.lax.dynamic_slice(padded, (begin,), (size,))
        weight = jnp.where(begin + jnp.arange(size) < count, rows.weight[chosen], 0)
        gradient, value = jax.grad(cost, has_aux=True)(theta, rows.X[chosen], rows.y[chosen], weight)
        updates, state = optimizer.update(gradient, state, theta)
        return theta + updates, state, sums + value * jnp.sum(weight)

    batches = (count + size - 1) // size
    start = progress.theta, progress.optimizer_state, jnp.zeros((), rows.X.dtype)
    theta, state, sums = jax.lax.fori_loop(0, batches, step, start)
    return theta, state, sums / jnp.sum(rows.weight)
