"""Many starts at once: one compiled program, each start as if alone; and what a repeated call costs."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
import pytest

from pullback.core.errors import DataError
from pullback.optim import minimize

STARTS = np.random.default_rng(0).uniform(-2, 2, (1000, 2))


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


@contextmanager
def counted_programs() -> Iterator[list[str]]:
    """The names of the events of XLA's compiler within the block."""
    compiled = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize("method", ["bfgs", "lbfgs", "newton"])
def test_a_thousand_starts_are_one_program_and_each_is_as_if_alone(method):
    with counted_programs() as compiled:
        many = minimize(rosenbrock, STARTS, method=method, many=True)
    assert len(compiled) == 1
    assert many.converged.all()
    np.testing.assert_allclose(many.x, np.ones((1000, 2)), atol=1e-4)
    with counted_programs() as compiled:
        for k in range(0, 1000, 20):
            alone = minimize(rosenbrock, STARTS[k], method=method)
            rows = len(alone.trace.value)
            assert many.steps[k] == alone.steps
            assert many.work.values[k] == alone.work.values
            np.testing.assert_allclose(many.x[k], alone.x, rtol=1e-10)
            np.testing.assert_allclose(many.trace.value[k][:rows], alone.trace.value, rtol=1e-6, atol=1e-12)
            assert np.isnan(many.trace.value[k][rows:]).all()
    assert len(compiled) == 1


def test_a_start_that_fails_touches_no_other():
    """Each with a reason of its own: the half space of negative entries is not a number."""

    def broken(x):
        return rosenbrock(x) + jax.numpy.where(x[0] < -1.5, jax.numpy.nan, 0.0)

    starts = np.array([[-1.2, 1.0], [-1.8, 1.0], [0.5, 0.5]])
    many = minimize(broken, starts, many=True, keep_path=True)
    assert many.converged.tolist() == [True, False, True]
    assert "not finite" in many.message
    for k in (0, 2):
        alone = minimize(broken, starts[k], keep_path=True)
        np.testing.assert_allclose(many.trace.x[k][: len(alone.trace.x)], alone.trace.x, rtol=1e-9)


def test_other_numbers_compile_nothing_again():
    """Data, tolerance, bounds and options that are numbers are inputs of the program."""

    def shifted(x, center):
        return ((x - center) ** 4).sum()

    def run(center, **options):
        return minimize(shifted, [0.0, 0.0], args=(center,), method="lbfgs", **options)

    run(np.ones(2), tolerance=1e-3, bounds=(-1.0, 2.0))
    with counted_programs() as compiled:
        found = run(np.full(2, 1.5), tolerance=1e-9, bounds=(-2.0, 1.0))
    assert compiled == []
    np.testing.assert_allclose(found.x, [1.0, 1.0])


@pytest.mark.parametrize(
    "starts",
    [np.array(1.0), np.zeros((0, 2)), {"a": np.zeros((3, 2)), "b": np.zeros((2, 2))}],
    ids=["no axis", "none", "different numbers"],
)
def test_starts_without_a_common_axis_are_refused(starts):
    with pytest.raises(DataError, match="first axis|no number"):
        minimize(lambda x: sum((leaf**2).sum() for leaf in jax.tree.leaves(x)), starts, many=True)
