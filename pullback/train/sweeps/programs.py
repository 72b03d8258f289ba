"""The compiled programs of a group: updates, evaluation and the keeping of the best, for all members at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from pullback.train.loop import step_rule
from pullback.train.program import Programs
from pullback.train.state import TrainingState
from pullback.train.step import Examples, StepRule, add_rows, call_model, first_state, init_totals, training_step
from pullback.train.sweeps.groups import Group, HeldOut, Values
from pullback.train.sweeps.rates import with_dropout_rates

# Members side by side in every operation; one after another in a loop of the program; or each dispatched alone.
ROUTES = ("vmap", "map", "one by one")
# Every member has made equally many updates, so what depends on their number alone is computed once.
AXES = TrainingState(*cast(Any, (0, 0, 0, 0, None, 0, 0)))
Update = Callable[[TrainingState, Values, Array], TrainingState]


def state_axes(state: TrainingState) -> TrainingState:
    """Which parts of a state have an axis of members."""
    return AXES._replace(average=None if state.average is None else 0)


@dataclass(frozen=True)
class GroupPrograms:
    """What a group compiles; arguments of another number of members compile again, and say so.

    Parameters
    ----------
    group, programs : the members, and what is compiled for them.
    route : one of `ROUTES`.
    threads : among which the members are divided.
    """

    group: Group
    programs: Programs
    route: str
    threads: int = 1

    @cached_property
    def rule(self) -> StepRule:
        """What a step of the first member is made of."""
        return step_rule(self.group.first, self.group.static)

    @property
    def in_loop(self) -> bool:
        """Whether one dispatch makes several updates, as it does for `fit`."""
        return self.rule.in_loop

    def start(self) -> TrainingState:
        """The state of all members before the first update."""
        averaged = self.group.first.experiment.ema_decay is not None

        def one(params: Any, memory: Any, values: Values) -> TrainingState:
            return first_state(self._rule(values), params, memory)

        every = jax.vmap(one, out_axes=AXES._replace(average=0 if averaged else None))
        arguments = (self.group.params, self.group.memory, self.group.values)
        return self.programs.get("start", every, arguments)(*arguments)

    def updating(
        self, state: TrainingState, values: Values, data: Examples, order: Array, epoch: Array, count: Array
    ) -> Callable[[], TrainingState]:
        """What gives the state `count` updates later, compiled and not yet called."""
        arguments = (state, values, data, order, epoch, count)
        return partial(self.programs.get("training step", self._updates, arguments, donate=(0,)), *arguments)

    def evaluating(
        self, judged: dict[str, Any], values: Values, data: HeldOut, batches: Array
    ) -> Callable[[], dict[str, Any]]:
        """What gives statistics of every member over `batches[:, 1]` batches of `data` from number `batches[:, 0]` on.

        Compiled and not yet called.
        """
        params, memory, dropout = judged["params"], judged["memory"], values.dropout
        if self.route == "one by one":
            params, memory, dropout = _without_axis((params, memory, dropout))
            return self._evaluating_alone(params, memory, dropout, data, np.asarray(batches[0]))
        arguments = (params, memory, dropout, data.rows, batches)

        def run(params: Any, memory: Any, dropout: Array, rows: Any, batches: Array) -> dict[str, Any]:
            return self._evaluations(params, memory, dropout, data._replace(rows=rows), batches)

        return partial(self.programs.get("evaluation", run, arguments), *arguments)

    def _evaluating_alone(
        self, params: Any, memory: Any, dropout: Array, data: HeldOut, batches: Int[np.ndarray, " 2"]
    ) -> Callable[[], dict[str, Any]]:
        """One member in the program that `fit` evaluates with, batch after batch."""
        prepared, size = self.group.first, self.group.first.evaluation_batch_size

        def one(params: Any, memory: Any, dropout: Array, totals: Any, batch: Any) -> Any:
            inputs, targets, weights = batch
            model = _adapted(eqx.combine(params, self.group.static), dropout)
            outputs, _ = call_model(model, memory, inputs, None, False)
            losses = prepared.loss(outputs, targets)
            # Outputs and losses, because a program without them adds up in another order.
            return add_rows(totals, prepared.metrics, outputs, targets, losses, weights), outputs, losses

        first, count = batches
        starts = range(first * size, (first + count) * size, size)
        rows = [tuple(array[start : start + size] for array in data.rows) for start in starts]
        empty = init_totals(prepared.metrics)
        program = self.programs.get("evaluation", one, (params, memory, dropout, empty, rows[0]))

        def run() -> dict[str, Any]:
            totals = empty
            for batch in rows:
                totals = program(params, memory, dropout, totals, batch)[0]
            return _with_axis(totals)

        return run

    def keep(self, better: Bool[Array, " m"], new: Any, old: Any) -> Any:
        """`new` for the members that are better, else `old`."""
        arguments = (better, new, old)
        return self.programs.get("best", _keep, arguments)(*arguments)

    def _updates(
        self, state: TrainingState, values: Values, data: Examples, order: Array, epoch: Array, count: Array
    ) -> TrainingState:
        axes = state_axes(state)

        def one(state: TrainingState, values: Values, order: Array) -> TrainingState:
            rule = self._rule(values)
            return training_step(rule, state, data._replace(rows=values.rows), order, epoch)

        if self.route == "map":
            return self._in_turn(one, state, values, order, count)
        if self.route == "one by one":
            alone, *others = _without_axis((state._replace(step=None), values, order))
            alone = alone._replace(step=state.step)
            if self.in_loop:
                found = jax.lax.fori_loop(jnp.int32(0), count, lambda _, now: one(now, *others), alone)
            else:
                found = one(alone, *others)
            return _with_axis(found._replace(step=None))._replace(step=found.step)
        every = jax.vmap(one, in_axes=(axes, 0, 0), out_axes=axes)
        return jax.lax.fori_loop(jnp.int32(0), count, lambda _, now: every(now, values, order), state)

    def _in_turn(self, one: Update, state: TrainingState, values: Values, order: Array, count: Array) -> TrainingState:
        """Every member's updates in place: of the results of `lax.map` a second array would be made in each dispatch,
        whose pages are new to the process each time."""

        def member(place: Array, every: TrainingState) -> TrainingState:
            own, settings, rows = (_taken(tree, place) for tree in (every, values, order))
            start = own._replace(step=state.step)
            end = jax.lax.fori_loop(jnp.int32(0), count, lambda _, now: one(now, settings, rows), start)
            put = lambda leaf, new: jax.lax.dynamic_update_index_in_dim(leaf, new, place, 0)  # noqa: E731
            return jax.tree.map(put, every, end._replace(step=None))

        found = jax.lax.fori_loop(jnp.int32(0), jnp.int32(len(order)), member, state._replace(step=None))
        return found._replace(step=state.step + count)

    def _rule(self, values: Values) -> StepRule:
        return replace(
            self.rule,
            optimizer=self.group.optimizer(values.settings),
            seed=values.seed,
            adapt=partial(_adapted, rates=values.dropout),
        )

    def _evaluations(
        self, params: Any, memory: Any, dropout: Array, data: HeldOut, batches: Int[Array, "m 2"]
    ) -> dict[str, Any]:
        every, members = self._evaluation(data), (params, memory, dropout, batches)
        if self.route == "map":
            return jax.lax.map(lambda item: every(*item), members)
        return jax.vmap(every)(*members)

    def _evaluation(self, data: HeldOut) -> Callable[..., Any]:
        prepared = self.group.first
        # Batches as `fit` has them, and cut out as slices, so that sums are added in the same order.
        size = prepared.evaluation_batch_size

        def one(params: Any, memory: Any, rates: Array, batches: Array) -> Any:
            model = _adapted(eqx.combine(params, self.group.static), rates)

            def batch(number: Array, totals: dict[str, Any]) -> dict[str, Any]:
                start = (batches[0] + number) * size
                inputs, targets, weights = (jax.lax.dynamic_slice_in_dim(array, start, size) for array in data.rows)
                if data.fewest < data.most:
                    weights = jnp.where(number < batches[1], weights, 0.0)
                outputs, _ = call_model(model, memory, inputs, None, False)
                losses = prepared.loss(outputs, targets)
                return add_rows(totals, prepared.metrics, outputs, targets, losses, weights)

            return jax.lax.fori_loop(jnp.int32(0), batches[1], batch, init_totals(prepared.metrics))

        return one


def _taken(tree: Any, place: Array) -> Any:
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, place, 0, keepdims=False), tree)


def _without_axis(tree: Any) -> Any:
    """The only member by itself: an axis of members would make a grouped convolution of every convolution."""
    return jax.tree.map(lambda leaf: leaf[0], tree)


def _with_axis(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[None], tree)


def _adapted(model: Any, rates: Any) -> Any:
    return with_dropout_rates(model, list(rates))


def _keep(better: Array, new: Any, old: Any) -> Any:
    def one(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(one, new, old)
