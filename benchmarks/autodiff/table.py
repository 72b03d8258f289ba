"""The gradient cases one after the other, and their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from benchmarks.autodiff.case import CASES, SLOWER, SLOWEST
from benchmarks.autodiff.compare import GradientComparison, compare

BUSY = 0.05
_WIDTH = 124


def run(names: Sequence[str], rounds: int, seconds: float, say: Callable[[str], None]) -> tuple[Table, list[str]]:
    """The table, and what is to be said below it."""
    comparisons = []
    for name in names:
        comparisons.append(compare(name, rounds, seconds, say))
        # The table comes at the end, and an interruption should not take what was measured before it.
        say("  ".join(_row(comparisons[-1])))
    # As wide as it needs, where the terminal is narrower too: a cut number is no number.
    table = Table(title="compiled value_and_grad of plain JAX programs", title_justify="left", width=_WIDTH)
    for column in ("case", "JAX ms", "Pullback ms", "ratio", "95% interval", "JAX / itself", "limit", "verdict"):
        table.add_column(column, justify="left" if column in ("case", "verdict") else "right", no_wrap=True)
    for comparison in comparisons:
        table.add_row(*_row(comparison))
    notes = [
        f"{rounds} rounds of fresh processes; ratio of medians; interval of the geometric mean over rounds",
        f"without a limit of its own a case fails if its interval lies above {SLOWER} or its ratio above {SLOWEST}",
        *(f"{name}: {CASES[name].summary}" for name in names),
    ]
    busiest = max((comparison.others or 0.0 for comparison in comparisons), default=0.0)
    if busiest > BUSY:
        notes.append(
            f"other processes took up to {100 * busiest:.0f}% of the processors: run this again when it is quiet"
        )
    return table, notes


def _row(comparison: GradientComparison) -> list[str]:
    limit = CASES[comparison.name].limit
    median, lower, upper = comparison.ratio("pullback")
    itself, low, high = comparison.ratio("jax again")
    return [
        comparison.name.removeprefix("autodiff_"),
        f"{1000 * comparison.median('jax'):.3f}",
        f"{1000 * comparison.median('pullback'):.3f}",
        f"{median:.2f}",
        f"{lower:.2f} to {upper:.2f}",
        f"{itself:.2f} ({low:.2f} to {high:.2f})",
        f"{limit or SLOWEST}",
        ", ".join(comparison.failures()) or "ok",
    ]
