r"""The training step: forward pass, derivative, update and statistics as one pure function.

For a batch with rows $i$ of weight $w_i$ (padding has weight zero)

$$ C(\theta) = \frac{\sum_i w_i\, \ell(f_\theta(x_i), y_i)}{\sum_i w_i}, \qquad
   \theta_{t+1} = \theta_t + u(\nabla C(\theta_t), s_t), $$

where $u$ is the optimizer's update. With k accumulation steps the batch is cut into k parts whose gradients are summed
with the same denominator, so the sum is the gradient of the whole batch. A solver is given $C$ itself instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.tree_util import Partial
from jaxtyping import Array, Bool, Float, Int, PyTree

from pullback.core.random import row_keys, stream
from pullback.metrics import add_values, mean_statistics
from pullback.nn.state import with_row_weights
from pullback.optim import Optimizer, Solver, SolverState
from pullback.train.state import TrainingState


class Examples(NamedTuple):
    """All training data on the device: inputs, targets, row ids in the source; how many an epoch sees, if not all."""

    inputs: Array
    targets: Array
    ids: Int[Array, " rows"]
    rows: Int[Array, ""] | None = None


def rows_of_epoch(data: Examples) -> Any:
    """How many rows an epoch sees."""
    return data.inputs.shape[0] if data.rows is None else data.rows


class Rows(NamedTuple):
    """A batch of examples with weights, zero for padding."""

    inputs: Array
    targets: Array
    ids: Int[Array, " rows"]
    weights: Float[Array, " rows"]


@dataclass(frozen=True)
class StepRule:
    """What the step is made of; every field is fixed while a program runs."""

    static: Any
    loss: Callable[[Array, Array], Array]
    optimizer: Optimizer
    metrics: tuple[Any, ...]
    value_and_grad: Callable[..., Any]
    augment: Callable[[Array, Array], Array] | None
    # An array where a sweep has many.
    seed: int | Int[Array, ""]
    key_per_row: bool
    ema_decay: float | None
    batch_size: int
    accumulate_steps: int
    steps_per_epoch: int
    in_loop: bool
    # What is done to the whole model before it is called, such as giving it a rate of dropout that is traced.
    adapt: Callable[[Any], Any] = lambda model: model


def call_model(model: Any, memory: dict[str, Any], inputs: Array, key: Array | None, training: bool) -> Any:
    """`(outputs, memory)` of a model with or without memory."""
    if memory:
        return model(inputs, memory, key=key, training=training)
    return model(inputs, key=key, training=training), memory


def init_totals(metrics: tuple[Any, ...]) -> dict[str, Any]:
    """Statistics of an epoch before its first batch: those of the loss and of every metric."""
    return {"loss": mean_statistics()} | {metric.name: metric.init() for metric in metrics}


def add_rows(
    totals: dict[str, Any], metrics: tuple[Any, ...], outputs: Array, targets: Array, losses: Array, weights: Array
) -> dict[str, Any]:
    """`totals` with the statistics of these rows added."""
    sums = {"loss": add_values(totals["loss"], losses, weights)}
    return sums | {m.name: m.update(totals[m.name], outputs, targets, weights) for m in metrics}


def select_rows(data: Examples, order: Int[Array, " order"], position: Array, size: int) -> Rows:
    """The `size` rows at `position` of the epoch's order; positions past the data have weight zero."""
    chosen = jax.lax.dynamic_slice(order, (position,), (size,))
    within = position + jnp.arange(size, dtype=jnp.int32) < rows_of_epoch(data)
    take = lambda array: jnp.take(array, chosen, axis=0, mode="clip")  # noqa: E731
    return Rows(take(data.inputs), take(data.targets), take(data.ids), within.astype(jnp.float32))


def augmented(rule: StepRule, rows: Rows, epoch: Int[Array, ""]) -> Rows:
    """The rows with their inputs augmented, each from the random stream of its own row id."""
    if rule.augment is None:
        return rows
    keys = row_keys(stream(rule.seed, "augment", epoch), rows.ids)
    return rows._replace(inputs=jax.vmap(rule.augment)(keys, rows.inputs))


def model_key(rule: StepRule, rows: Rows, epoch: Int[Array, ""], step: Int[Array, ""]) -> Array:
    """Random key for the model: one a row, by row id, or one a step for a model that cannot take rows."""
    if rule.key_per_row:
        return row_keys(stream(rule.seed, "model", epoch), rows.ids)
    return stream(rule.seed, "model", step)


def objective(
    rule: StepRule, params: PyTree, memory: dict[str, Any], rows: Rows, key: Array, total_weight: Array
) -> tuple[Array, tuple[dict[str, Any], Array, Array]]:
    """Weighted cost of these rows, with the new memory, the outputs and the loss of every row."""
    model = rule.adapt(eqx.combine(params, rule.static))
    weighted = with_row_weights(memory, rows.weights) if memory else memory
    outputs, memory = call_model(model, weighted, rows.inputs, key, True)
    losses = rule.loss(outputs, rows.targets)
    weights = rows.weights.astype(losses.dtype)
    cost = jnp.sum(jnp.where(weights > 0, losses, 0) * weights) / total_weight.astype(losses.dtype)
    return cost, (memory, outputs, losses)


class Gradient(NamedTuple):
    """Sums over the parts of one batch: gradient, memory after them, statistics."""

    gradient: PyTree
    memory: dict[str, Any]
    totals: dict[str, Any]


def batch_gradient(
    rule: StepRule, state: TrainingState, data: Examples, order: Array, epoch: Array, epoch_step: Array
) -> tuple[Gradient, Array]:
    """Gradient of the batch cost, accumulated over its parts, and whether every part's cost was finite."""
    size = rule.batch_size // rule.accumulate_steps
    start = epoch_step * rule.batch_size
    total_weight = jnp.clip(rows_of_epoch(data) - start, 1, rule.batch_size).astype(jnp.float32)

    def part(number: Array, carry: tuple[Gradient, Array]) -> tuple[Gradient, Array]:
        sums, finite = carry
        rows = augmented(rule, select_rows(data, order, start + number * size, size), epoch)
        key = model_key(rule, rows, epoch, state.step * rule.accumulate_steps + number)
        function = rule.value_and_grad(
            lambda params: objective(rule, params, sums.memory, rows, key, total_weight), has_aux=True
        )
        (cost, (memory, outputs, losses)), gradient = function(state.params)
        totals = add_rows(sums.totals, rule.metrics, outputs, rows.targets, losses, rows.weights)
        if rule.accumulate_steps == 1:
            return Gradient(gradient, memory, totals), finite & jnp.isfinite(cost)
        gradient = jax.tree.map(jnp.add, sums.gradient, gradient)
        found = Gradient(gradient, memory, totals), finite & jnp.isfinite(cost)
        # The last batch may leave a part without rows, of which a layer's statistics are no numbers.
        return jax.tree.map(partial(jnp.where, jnp.any(rows.weights > 0)), found, carry)

    empty = jax.tree.map(jnp.zeros_like, state.params) if rule.accumulate_steps > 1 else state.params
    carry = (Gradient(empty, state.memory, state.totals), jnp.array(True))
    if rule.in_loop and rule.accumulate_steps > 1:
        return jax.lax.fori_loop(jnp.int32(0), jnp.int32(rule.accumulate_steps), part, carry)
    for number in range(rule.accumulate_steps):
        carry = part(jnp.int32(number), carry)
    return carry


def average_params(rule: StepRule, average: PyTree, params: PyTree, step: Array) -> PyTree:
    r"""Exponential moving average $\bar\theta_{t+1} = d_t \bar\theta_t + (1 - d_t)\theta_{t+1}$.

    The decay warms up, $d_t = \min(d, (1 + t) / (10 + t))$, so that the random start is forgotten.
    """
    if rule.ema_decay is None:
        return None
    count = step.astype(jnp.float32)
    decay = jnp.minimum(jnp.float32(rule.ema_decay), (1 + count) / (10 + count))
    return jax.tree.map(lambda a, p: a + (1 - decay).astype(a.dtype) * (p - a), average, params)


def all_finite(tree: PyTree) -> Bool[Array, ""]:
    """Whether every floating leaf is finite everywhere."""
    floating = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    checks = [jnp.all(jnp.isfinite(leaf)) for leaf in floating]
    return jnp.all(jnp.stack(checks)) if checks else jnp.array(True)


class Updated(NamedTuple):
    """What one update changes."""

    params: PyTree
    memory: dict[str, Any]
    optimizer: PyTree
    totals: dict[str, Any]


def transformation_update(
    rule: StepRule,
    transformation: optax.GradientTransformation,
    state: TrainingState,
    data: Examples,
    order: Array,
    epoch: Array,
    epoch_step: Array,
) -> tuple[Updated, Array]:
    """The update of an optimizer that is given the gradient, and whether the costs were finite."""
    sums, finite = batch_gradient(rule, state, data, order, epoch, epoch_step)
    updates, optimizer = transformation.update(sums.gradient, state.optimizer, state.params)
    return Updated(optax.apply_updates(state.params, updates), sums.memory, optimizer, sums.totals), finite


def batch_objective(rule: StepRule, memory: dict[str, Any]) -> Callable[[PyTree, Rows, Array], Any]:
    """What a solver sees: the cost of a batch at any parameters, with the new memory, outputs and losses beside it."""

    def cost(params: PyTree, rows: Rows, key: Array) -> tuple[Array, tuple[dict[str, Any], Array, Array]]:
        return objective(rule, params, memory, rows, key, jnp.maximum(jnp.sum(rows.weights), 1))

    return cost


def init_optimizer(rule: StepRule, params: PyTree, memory: dict[str, Any]) -> PyTree:
    """The optimizer's state before the first update."""
    if isinstance(rule.optimizer, Solver):
        return without_objective(rule.optimizer.init(batch_objective(rule, memory), params))
    return rule.optimizer.init(params)


def first_state(rule: StepRule, params: PyTree, memory: dict[str, Any]) -> TrainingState:
    """The state before the first update."""
    return TrainingState(
        params=params,
        memory=memory,
        optimizer=init_optimizer(rule, params, memory),
        average=None if rule.ema_decay is None else params,
        step=jnp.zeros((), jnp.int32),
        totals=init_totals(rule.metrics),
        first_bad=jnp.full((), -1, jnp.int32),
    )


def without_objective(state: SolverState) -> SolverState:
    """A solver's state as it is kept from step to step: the parameters lie in the training state already."""
    return state._replace(objective=None, params=None)


def solver_update(
    rule: StepRule,
    solver: Solver,
    state: TrainingState,
    data: Examples,
    order: Array,
    epoch: Array,
    epoch_step: Array,
) -> tuple[Updated, Array]:
    """The step of a solver on the whole batch, and whether the cost before it was finite.

    Every evaluation within the step has the same rows, random key and memory; memory and statistics are those of the
    parameters before the step, as they are for a transformation.
    """
    rows = augmented(rule, select_rows(data, order, epoch_step * rule.batch_size, rule.batch_size), epoch)
    cost = Partial(batch_objective(rule, state.memory))
    before = state.optimizer._replace(objective=cost, params=state.params)
    after, info = solver.step(before, rows, model_key(rule, rows, epoch, state.step))
    memory, outputs, losses = info.aux
    totals = add_rows(state.totals, rule.metrics, outputs, rows.targets, losses, rows.weights)
    return Updated(after.params, memory, without_objective(after), totals), jnp.isfinite(info.value)


def update(
    rule: StepRule, state: TrainingState, data: Examples, order: Array, epoch: Array, epoch_step: Array
) -> tuple[Updated, Array]:
    """One update by whatever optimizes, and whether the cost before it was finite."""
    optimizer = rule.optimizer
    if isinstance(optimizer, Solver):
        return solver_update(rule, optimizer, state, data, order, epoch, epoch_step)
    return transformation_update(rule, optimizer, state, data, order, epoch, epoch_step)


def training_step(
    rule: StepRule, state: TrainingState, data: Examples, order: Int[Array, " order"], epoch: Int[Array, ""]
) -> TrainingState:
    """One update, with its statistics and its check for numbers that are not finite."""
    epoch_step = state.step - (epoch - 1) * rule.steps_per_epoch
    after, finite = update(rule, state, data, order, epoch, epoch_step)
    # A gradient that is not finite spoils the next loss, which the check above sees at no cost. Only the last update
    # of an epoch has no next loss, so the parameters themselves are looked at there.
    last = epoch_step == rule.steps_per_epoch - 1
    kept = (after.params, after.memory, after.optimizer)
    finite = finite & jax.lax.cond(last, lambda: all_finite(kept), lambda: jnp.array(True))
    return TrainingState(
        params=after.params,
        memory=after.memory,
        optimizer=after.optimizer,
        average=average_params(rule, state.average, after.params, state.step),
        step=state.step + 1,
        totals=after.totals,
        first_bad=jnp.where((state.first_bad < 0) & ~finite, state.step, state.first_bad),
    )


class Token(NamedTuple):
    """What a dispatch says beside the state: updates so far, first bad update or -1, losses and rows of the epoch."""

    step: Array
    first_bad: Array
    loss: Array
    rows: Array


def dispatch(rule: StepRule, structure: Any) -> Callable[..., tuple[list[Array], Token]]:
    """The function that is compiled: `count` steps in a loop, or exactly one where loops are slow.

    The state travels as a flat list of arrays, which is quicker to hand over than a nested one. The second result are
    small copies to wait for and look at while the state itself is already given to the next dispatch.
    """

    def run(leaves: list[Array], data: Examples, order: Array, epoch: Array, count: Array) -> tuple[list[Array], Token]:
        state = jax.tree.unflatten(structure, leaves)
        if rule.in_loop:
            body = lambda _, state: training_step(rule, state, data, order, epoch)  # noqa: E731
            state = jax.lax.fori_loop(jnp.int32(0), count, body, state)
        else:
            state = training_step(rule, state, data, order, epoch)
        loss = state.totals["loss"]
        return jax.tree.leaves(state), Token(state.step, state.first_bad, loss["total"], loss["count"])

    return run
