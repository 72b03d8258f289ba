"""The compiled programs of a group: updates, evaluation and the keeping of the best, for all members at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from pullback.train.program import Programs
from pullback.train.state import TrainingState
from pullback.train.step import Examples, StepRule, add_rows, call_model, init_totals, training_step
from pullback.train.sweeps.groups import Group, Values
from pullback.train.sweeps.rates import with_dropout_rates

# Members side by side in every operation; one after another in a loop of the program; or each dispatched alone.
ROUTES = ("vmap", "map", "one by one")
# Every member has made equally many updates, so what depends on their number alone is computed once.
AXES = TrainingState(*cast(Any, (0, 0, 0, 0, None, 0, 0)))


def state_axes(state: TrainingState) -> TrainingState:
    """Which parts of a state have an axis of members."""
    return AXES._replace(average=None if state.average is None else 0)


@dataclass(frozen=True)
class GroupPrograms:
    """What a group compiles; arguments of another number of members compile again, and say so."""

    group: Group
    programs: Programs
    route: str

    def start(self) -> TrainingState:
        """The state of all members before the first update."""
        experiment = self.group.first.experiment

        def one(params: Any, memory: Any, values: Values) -> TrainingState:
            return TrainingState(
                params=params,
                memory=memory,
                optimizer=self.group.optimizer(values.settings).init(params),
                average=None if experiment.ema_decay is None else params,
                step=jnp.zeros((), jnp.int32),
                totals=init_totals(self.group.first.metrics),
                first_bad=jnp.full((), -1, jnp.int32),
            )

        every = jax.vmap(one, out_axes=AXES._replace(average=None if experiment.ema_decay is None else 0))
        arguments = (self.group.params, self.group.memory, self.group.values)
        # Copies, because the state is handed over to the updates.
        return jax.tree.map(jnp.copy, self.programs.get("start", every, arguments)(*arguments))

    def update(
        self, state: TrainingState, values: Values, data: Examples, order: Array, epoch: Array, count: Array
    ) -> TrainingState:
        """The state `count` updates later."""
        arguments = (state, values, data, order, epoch, count)
        return self.programs.get("training step", self._updates, arguments, donate=(0,))(*arguments)

    def evaluate(self, params: Any, memory: Any, values: Values, data: Examples, rows: Array) -> dict[str, Any]:
        """Statistics of every member over its rows of `data`, from `rows[:, 0]` to before `rows[:, 1]`."""
        arguments = (params, memory, values.dropout, data, rows)
        return self.programs.get("evaluation", self._evaluations, arguments)(*arguments)

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
            many = lambda state, values, order: jax.lax.fori_loop(  # noqa: E731
                jnp.int32(0), count, lambda _, now: one(now, values, order), state
            )
            split = lambda item: many(item[0]._replace(step=state.step), item[1], item[2])  # noqa: E731
            found = jax.lax.map(split, (state._replace(step=None), values, order))
            return found._replace(step=state.step + count)
        every = jax.vmap(one, in_axes=(axes, 0, 0), out_axes=axes)
        if self.route == "one by one":
            return every(state, values, order)
        return jax.lax.fori_loop(jnp.int32(0), count, lambda _, now: every(now, values, order), state)

    def _rule(self, values: Values) -> StepRule:
        prepared = self.group.first
        experiment = prepared.experiment
        return StepRule(
            static=self.group.static,
            loss=prepared.loss,
            optimizer=self.group.optimizer(values.settings),
            metrics=prepared.metrics,
            value_and_grad=experiment.value_and_grad,
            augment=experiment.augment,
            seed=cast(Any, values.seed),
            key_per_row=prepared.key_per_row,
            ema_decay=experiment.ema_decay,
            batch_size=prepared.batch_size,
            accumulate_steps=experiment.accumulate_steps,
            steps_per_epoch=prepared.steps_per_epoch,
            in_loop=self.route != "one by one",
            adapt=partial(_adapted, rates=values.dropout),
        )

    def _evaluations(
        self, params: Any, memory: Any, dropout: Array, data: Examples, rows: Int[Array, "m 2"]
    ) -> dict[str, Any]:
        every = self._evaluation(data)
        if self.route == "map":
            return jax.lax.map(lambda item: every(*item), (params, memory, dropout, rows))
        return jax.vmap(every)(params, memory, dropout, rows)

    def _evaluation(self, data: Examples) -> Callable[..., dict[str, Any]]:
        prepared = self.group.first
        # Batches as `fit` has them, so that sums are added in the same order.
        size = prepared.evaluation_batch_size

        def one(params: Any, memory: Any, rates: Array, rows: Array) -> dict[str, Any]:
            model = _adapted(eqx.combine(params, self.group.static), rates)
            first, end = rows[0], rows[1]

            def batch(number: Array, totals: dict[str, Any]) -> dict[str, Any]:
                places = first + number * size + jnp.arange(size, dtype=jnp.int32)
                chosen = jnp.minimum(places, end - 1)
                inputs, targets = (jnp.take(array, chosen, axis=0) for array in (data.inputs, data.targets))
                outputs, _ = call_model(model, memory, inputs, None, False)
                weights = (places < end).astype(jnp.float32)
                losses = prepared.loss(outputs, targets)
                return add_rows(totals, prepared.metrics, outputs, targets, losses, weights)

            totals = init_totals(prepared.metrics)
            most = max(_most_rows(self.group), 1)
            if self.route == "one by one":
                for number in range(-(-most // size)):
                    totals = batch(jnp.int32(number), totals)
                return totals
            return jax.lax.fori_loop(jnp.int32(0), (end - first + size - 1) // size, batch, totals)

        return one


def _most_rows(group: Group) -> int:
    sets = [rows for source in (group.validation, group.test) if source is not None for rows in source.rows]
    return max(sets, default=0)


def _adapted(model: Any, rates: Array) -> Any:
    return with_dropout_rates(model, list(rates))


def _keep(better: Array, new: Any, old: Any) -> Any:
    def one(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(one, new, old)
