"""Where a NaN or an infinity came from: the failing update again, every layer and every derivative looked at.

The step is deterministic, so the state before the failing update is found by running again from the last saved one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, PyTree

from pullback.core.errors import NonFiniteError
from pullback.core.trees import flatten_by_path
from pullback.nn.probe import layer_type, probe
from pullback.nn.state import with_row_weights
from pullback.optim import Solver
from pullback.train.state import TrainingState, to_device
from pullback.train.step import StepRule, augmented, call_model, model_key, select_rows, update

if TYPE_CHECKING:
    from pullback.train.loop import Loop

LARGE = 1e18
SHOWN_ROWS = 10
OUTSIDE = "a logarithm, root, power or division outside its domain: guard its argument, for example with an epsilon"


@dataclass(frozen=True)
class Finding:
    """The first thing in an update that is not finite.

    Parameters
    ----------
    step, epoch : the failing update, from 0, and its epoch, from 1.
    direction : "data", "augmentation", "state", "forward", "loss", "backward" or "optimizer".
    path : layer or parameter, as Python would write it from the model; "" is the model itself.
    layer : class of that layer.
    rows : row ids in the source of the data, where rows can be told apart.
    cause : what usually does this, and what to try.
    """

    step: int
    epoch: int
    direction: str
    path: str
    layer: str
    rows: tuple[int, ...]
    cause: str

    def record(self) -> dict[str, Any]:
        return asdict(self)

    def error(self) -> NonFiniteError:
        place = f"{self.path} ({self.layer})" if self.path and self.layer else self.path or self.layer
        shown = ", ".join(map(str, self.rows[:SHOWN_ROWS]))
        more = f" and {len(self.rows) - SHOWN_ROWS} more" if len(self.rows) > SHOWN_ROWS else ""
        rows = f"; rows {shown}{more} of the data" if self.rows else ""
        return NonFiniteError(
            f"update {self.step} in epoch {self.epoch} is not finite: first in {place}, {self.direction}",
            expected="finite numbers",
            got=f"NaN or infinity in {place}{rows}",
            fix=self.cause,
        )


class Visit(NamedTuple):
    """One call of a layer: where, and what its input and output looked like, row by row."""

    path: str
    layer: str
    producer: int | None


class Looks(NamedTuple):
    """Finiteness of everything in one part of a batch."""

    rows: Bool[Array, " rows"]
    ids: Array
    raw_inputs: Bool[Array, " rows"]
    inputs: Bool[Array, " rows"]
    targets: Bool[Array, " rows"]
    layer_inputs: tuple[Bool[Array, " rows"], ...]
    layer_outputs: tuple[Bool[Array, " rows"], ...]
    largest: tuple[Array, ...]
    losses: Bool[Array, " rows"]
    cost: Bool[Array, ""]
    cotangents: tuple[Bool[Array, " rows"], ...]
    gradient: PyTree


def investigate(loop: Loop) -> Finding:
    """Find the first bad update, leave `loop` in the state just before it, and say what is wrong in it."""
    assert loop.saved is not None
    loop.progress.note("a number is not finite: running the batch again with checks")
    suspect = first_bad_step(loop)
    state, step = replay(loop, loop.saved[1].step), loop.saved[1].step
    for candidate in sorted({max(step, suspect - 1), suspect}):
        state = replay(loop, candidate)
        if finding := examine(loop, state, candidate):
            break
    else:
        candidate, finding = scan(loop)
    loop.leaves = jax.tree.leaves(replay(loop, finding.step))
    loop.position = replace(loop.position, step=finding.step, epoch=finding.epoch, reason=None)
    return finding


def first_bad_step(loop: Loop) -> int:
    """The update at which the fused check first saw something."""
    return max(int(loop.state.first_bad), 0)


def scan(loop: Loop) -> tuple[int, Finding]:
    """Every update since the last good state, one by one; the last resort for damage that shows late."""
    assert loop.saved is not None
    start, suspect = loop.saved[1].step, first_bad_step(loop)
    for step in range(start, suspect):
        if finding := examine(loop, replay(loop, step), step):
            return step, finding
    epoch = suspect // loop.rule.steps_per_epoch + 1
    cause = "no single operation was found; run with jax.config.update('jax_debug_nans', True)"
    return suspect, Finding(suspect, epoch, "forward", "", type(loop.prepared.experiment.model).__name__, (), cause)


def replay(loop: Loop, step: int) -> TrainingState:
    """The state just before update `step`, computed again from the last saved one."""
    from_host, position = loop.saved if loop.saved is not None else (None, None)
    assert position is not None
    leaves = jax.tree.leaves(to_device(loop.state, from_host))
    done = position.step
    while done < step:
        epoch = done // loop.rule.steps_per_epoch + 1
        end = min(step, epoch * loop.rule.steps_per_epoch)
        leaves = loop.advance(leaves, epoch, end - done)
        done = end
    return jax.tree.unflatten(loop.structure, leaves)


def examine(loop: Loop, state: TrainingState, step: int) -> Finding | None:
    """What is not finite in update `step` from `state`, or None."""
    epoch = step // loop.rule.steps_per_epoch + 1
    model = type(loop.prepared.experiment.model).__name__
    if bad := _bad_leaf({"params": state.params, "memory": state.memory, "optimizer": state.optimizer}):
        return Finding(step, epoch, "state", bad, "", (), "the state before the update is damaged already")
    gradient = jax.tree.map(jnp.zeros_like, state.params)
    for part in range(loop.rule.accumulate_steps):
        visits, looks = look(loop, state, step, part)
        if found := _judge(visits, looks, model):
            return Finding(step, epoch, *found)
        gradient = jax.tree.map(jnp.add, gradient, looks.gradient)
    updates, optimizer = _changes(loop, state, step, gradient)
    if bad := _bad_leaf(updates) or _bad_leaf(optimizer):
        cause = "the optimizer divides by zero or overflows: check its epsilon and learning rate, or clip the gradient"
        return Finding(step, epoch, "optimizer", bad, "", (), cause)
    return None


def _changes(loop: Loop, state: TrainingState, step: int, gradient: PyTree) -> tuple[PyTree, PyTree]:
    """What the optimizer adds to the parameters, and its own state after; of a solver the parameters it gives."""
    optimizer = loop.rule.optimizer
    if not isinstance(optimizer, Solver):
        return optimizer.update(gradient, state.optimizer, state.params)
    epoch = step // loop.rule.steps_per_epoch + 1
    within, number = jnp.int32(step % loop.rule.steps_per_epoch), jnp.asarray(epoch, jnp.int32)
    run = jax.jit(lambda state, data, order: update(loop.rule, state, data, order, number, within)[0])
    after = run(state, loop.examples, loop.order(epoch))
    return after.params, after.optimizer


def look(loop: Loop, state: TrainingState, step: int, part: int) -> tuple[list[Visit], Looks]:
    """Compute one part of the batch of update `step` with every layer watched."""
    rule, size = loop.rule, loop.rule.batch_size // loop.rule.accumulate_steps
    number = jnp.asarray(step // rule.steps_per_epoch + 1, jnp.int32)
    order = loop.order(int(number))
    start = step % rule.steps_per_epoch * rule.batch_size
    raw = select_rows(loop.examples, order, jnp.asarray(start + part * size, jnp.int32), size)
    rows = augmented(rule, raw, number)
    key = model_key(rule, rows, number, state.step * rule.accumulate_steps + part)
    # An array, as in the training step: by a number the compiler divides before it adds, which overflows later.
    total = jnp.asarray(max(min(len(loop.prepared.train_data) - start, rule.batch_size), 1), jnp.float32)
    visits: list[Visit] = []

    def run(params: PyTree, memory: dict[str, Any], total: Array) -> Looks:
        return _watched(rule, params, memory, raw, rows, key, total, visits)

    try:
        return visits, jax.jit(run)(state.params, state.memory, total)
    except jax.errors.UnexpectedTracerError:
        # A layer called inside a loop or a map of the user's cannot be watched from outside; the model as a whole can.
        visits.clear()
        whole = partial(_watched, rule, raw=raw, rows=rows, key=key, visits=visits, layers=False)
        return visits, jax.jit(lambda params, memory, total: whole(params, memory, total=total))(
            state.params, state.memory, total
        )


def _watched(
    rule: StepRule,
    params: PyTree,
    memory: dict[str, Any],
    raw: Any,
    rows: Any,
    key: Array,
    total: Array,
    visits: list[Visit],
    layers: bool = True,
) -> Looks:
    count = rows.inputs.shape[0]
    weighted = with_row_weights(memory, rows.weights) if memory else memory

    def forward(params: PyTree, nudges: Sequence[Array] | None) -> tuple[Array, Any]:
        visits.clear()
        seen: list[tuple[Array, Array, Array]] = []
        outputs_seen: list[Array] = []

        def visit(path: str, module: Any, x: Any, y: Any) -> Any:
            if not (eqx.is_array(y) and jnp.issubdtype(y.dtype, jnp.floating)):
                return y
            producer = next((i for i, output in reversed(list(enumerate(outputs_seen))) if output is x), None)
            visits.append(Visit(path, layer_type(module), producer))
            seen.append((_finite_rows(x, count), _finite_rows(y, count), _largest(x)))
            if nudges is not None:
                y = y + nudges[len(outputs_seen)]
            outputs_seen.append(y)
            return y

        model = eqx.combine(params, rule.static)
        watched = probe(model, visit) if layers else model
        outputs, _ = call_model(watched, weighted, rows.inputs, key, True)
        if not layers:
            outputs = visit("", model, rows.inputs, outputs)
        losses = rule.loss(outputs, rows.targets)
        cost = jnp.sum(jnp.where(rows.weights > 0, losses, 0)) / total.astype(losses.dtype)
        shapes = [jax.ShapeDtypeStruct(y.shape, y.dtype) for y in outputs_seen]
        return cost, (tuple(seen), _finite_rows(losses, count), shapes if nudges is None else None)

    shapes: list[jax.ShapeDtypeStruct] = []

    def shapes_only(params: PyTree) -> Array:
        cost, (_, _, found) = forward(params, None)
        shapes.extend(found)
        return cost

    jax.eval_shape(shapes_only, params)
    nudges = [jnp.zeros(shape.shape, shape.dtype) for shape in shapes]
    derivative = rule.value_and_grad(forward, argnums=(0, 1), has_aux=True)
    (cost, (seen, losses, _)), (gradient, cotangents) = derivative(params, nudges)
    return Looks(
        rows=rows.weights > 0,
        ids=rows.ids,
        raw_inputs=_finite_rows(raw.inputs, count),
        inputs=_finite_rows(rows.inputs, count),
        targets=_finite_rows(rows.targets, count),
        layer_inputs=tuple(x for x, _, _ in seen),
        layer_outputs=tuple(y for _, y, _ in seen),
        largest=tuple(size for _, _, size in seen),
        losses=losses,
        cost=jnp.isfinite(cost),
        cotangents=tuple(_finite_rows(cotangent, count) for cotangent in cotangents),
        gradient=gradient,
    )


def _finite_rows(x: Any, count: int) -> Bool[Array, " rows"]:
    """Whether each row is finite; an array without a batch axis speaks for all rows."""
    if not (hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)):
        return jnp.ones(count, bool)
    finite = jnp.isfinite(x)
    if x.ndim and x.shape[0] == count:
        return jnp.all(finite.reshape(count, -1), axis=1)
    return jnp.broadcast_to(jnp.all(finite), (count,))


def _largest(x: Any) -> Array:
    if not (hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)) or x.size == 0:
        return jnp.zeros(())
    return jnp.max(jnp.where(jnp.isfinite(x), jnp.abs(x), 0)).astype(jnp.float32)


def _bad_leaf(tree: PyTree) -> str | None:
    """Path of the first leaf that is not finite."""
    for path, leaf in flatten_by_path(tree).items():
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and not np.isfinite(np.asarray(leaf)).all():
            return path
    return None


Found = tuple[str, str, str, tuple[int, ...], str]


def _judge(visits: list[Visit], looks: Looks, model: str) -> Found | None:
    looks = jax.tree.map(np.asarray, looks)
    return _in_data(looks) or _in_forward(visits, looks, model) or _in_backward(visits, looks)


def _rows_of(looks: Looks, finite: Any) -> tuple[int, ...]:
    return tuple(int(i) for i in looks.ids[~finite & looks.rows])


def _is_bad(looks: Looks, finite: Any) -> bool:
    return bool((~finite & looks.rows).any())


def _in_data(looks: Looks) -> Found | None:
    if _is_bad(looks, looks.raw_inputs):
        return "data", "inputs", "", _rows_of(looks, looks.raw_inputs), "mend or drop these rows"
    if _is_bad(looks, looks.targets):
        return "data", "targets", "", _rows_of(looks, looks.targets), "mend or drop these rows"
    if _is_bad(looks, looks.inputs):
        return "augmentation", "augment", "", _rows_of(looks, looks.inputs), "the augmentation makes it: mend it"
    return None


def _in_forward(visits: list[Visit], looks: Looks, model: str) -> Found | None:
    for index, visit in enumerate(visits):
        if not _is_bad(looks, looks.layer_outputs[index]):
            continue
        rows = _rows_of(looks, looks.layer_outputs[index])
        if _is_bad(looks, looks.layer_inputs[index]):
            parent, layer = _enclosing(visits, visit.path, model)
            rows = _rows_of(looks, looks.layer_inputs[index])
            return "forward", parent, layer, rows, f"it appears between the layers, before {visit.path}: {OUTSIDE}"
        return "forward", visit.path, visit.layer, rows, _forward_cause(float(looks.largest[index]))
    if _is_bad(looks, looks.losses):
        cause = "the model's outputs are finite and the loss is not: check the loss and the scale of the targets"
        return "loss", "loss", "", _rows_of(looks, looks.losses), cause
    if not looks.cost:
        return "loss", "loss", "", (), "the losses are finite and their sum overflows: lower the learning rate"
    return None


def _forward_cause(largest: float) -> str:
    if largest > LARGE:
        return (
            f"its input has grown to {largest:.1e} and overflows: lower the learning rate, clip the gradient, "
            "or normalize before this layer"
        )
    return OUTSIDE


def _enclosing(visits: list[Visit], path: str, model: str) -> tuple[str, str]:
    """The innermost module that holds the layer at `path`."""
    holders = [visit for visit in visits if path.startswith((f"{visit.path}.", f"{visit.path}["))]
    holder = max(holders, key=lambda visit: len(visit.path), default=None)
    return (holder.path, holder.layer) if holder is not None else ("", model)


def _in_backward(visits: list[Visit], looks: Looks) -> Found | None:
    """The first layer, going backward, that receives a finite cotangent and sends on one that is not."""
    bad = [index for index in range(len(visits)) if _is_bad(looks, looks.cotangents[index])]
    cause = (
        "its value is finite and its derivative is not, as for a root or norm at zero, or where() around a bad branch: "
        "add an epsilon inside, or guard the argument before the operation"
    )
    if bad:
        last = bad[-1]
        rows = _rows_of(looks, looks.cotangents[last])
        consumers = [visit for visit in visits if visit.producer == last]
        if consumers:
            return "backward", consumers[0].path, consumers[0].layer, rows, cause
        if visits[last].path == "" or last == len(visits) - 1:
            return "backward", "loss", "", rows, cause
        parent, layer = _enclosing(visits, visits[last].path, visits[-1].layer)
        return "backward", parent, layer, rows, f"{cause}; it appears after {visits[last].path}"
    if path := _bad_leaf(looks.gradient):
        layer = path.rpartition(".")[0]
        kinds = [visit.layer for visit in visits if visit.path == layer]
        return "backward", layer or path, kinds[0] if kinds else "", (), cause
    return None
