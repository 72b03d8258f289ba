"""`python -m benchmarks [NAMES]`: run the cases and print their tables."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.autodiff import table as gradients
from benchmarks.autodiff.case import CASES as GRADIENT_CASES
from benchmarks.cases import TRAINING_CASES
from benchmarks.pairs import Comparison, compare
from benchmarks.programs import PROGRAMS
from pullback.core.errors import PullbackError, unknown_name

# What is measured within one program; each module has `describe()`.
MEASUREMENTS = {
    "dispatch": "benchmarks.dispatch",
    "lasso_path": "benchmarks.lasso_path",
    "logging": "benchmarks.logging",
    "logistic_bootstrap": "benchmarks.logistic_bootstrap",
    "logistic_fit": "benchmarks.logistic_fit",
    "minimize_logistic": "benchmarks.minimize_logistic",
    "optimizer_update": "benchmarks.optimizer_update",
    "ridge_path": "benchmarks.ridge_path",
    "startup": "benchmarks.startup",
    "sweep": "benchmarks.sweep",
    "table_memory": "benchmarks.table_memory",
}

# One name for all gradient cases, and the rounds and seconds a program of each.
GRADIENTS = "autodiff"
GRADIENT_ROUNDS, GRADIENT_SECONDS = 5, 2.0

# Share of the processors above which other processes spoil a comparison.
BUSY = 0.05


@dataclass(frozen=True)
class Options:
    """The same training step in Pullback, PyTorch and Flax, side by side."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Cases to run: mlp_small, mlp_large, cnn, dispatch, lasso_path, logging, logistic_bootstrap, logistic_fit,
    minimize_logistic, optimizer_update, ridge_path, startup, sweep, table_memory, autodiff and each of
    its cases (autodiff_mlp, ...); all if none is named."""

    pairs: Annotated[int, tyro.conf.arg(metavar="N")] = 7
    """Rounds; each runs every program once in a fresh process."""

    programs: tuple[str, ...] = tuple(PROGRAMS)
    """Which programs take part."""

    quick: bool = False
    """Two rounds and few epochs: to see that it runs, not to judge."""


def main(options: Options) -> int:
    """Run what was asked for."""
    console = Console()
    known = [*TRAINING_CASES, *MEASUREMENTS, GRADIENTS]
    for name in options.names:
        if name not in (every := [*known, *GRADIENT_CASES]):
            raise unknown_name("case", name, every)
    for name in options.programs:
        if name not in PROGRAMS:
            raise unknown_name("program", name, PROGRAMS)
    show_gradients(console, options)
    for name in options.names or known:
        if name == GRADIENTS or name in GRADIENT_CASES:
            continue
        if name in MEASUREMENTS:
            console.print(f"\n[bold]{name}[/bold]")
            console.print(importlib.import_module(MEASUREMENTS[name]).describe(), highlight=False, soft_wrap=True)
        else:
            case = TRAINING_CASES[name]
            rounds, epochs = (2, 2) if options.quick else (options.pairs, case.timed_epochs)
            show(console, compare(case, list(options.programs), rounds, epochs, say), epochs)
    return 0


def say(line: str) -> None:
    """Progress, beside the tables."""
    print(line, file=sys.stderr, flush=True)


def show_gradients(console: Console, options: Options) -> None:
    """One table for all gradient cases that were asked for."""
    everything = not options.names or GRADIENTS in options.names
    names = [name for name in GRADIENT_CASES if everything or name in options.names]
    if not names:
        return
    rounds, seconds = (2, 0.5) if options.quick else (min(options.pairs, GRADIENT_ROUNDS), GRADIENT_SECONDS)
    table, notes = gradients.run(names, rounds, seconds, say)
    console.print()
    console.print(table, crop=False)
    for note in notes:
        console.print(note, highlight=False, soft_wrap=True)


def show(console: Console, comparison: Comparison, epochs: int) -> None:
    """One table a case."""
    table = Table(title=f"{comparison.case.name}: {comparison.case.summary}", title_justify="left")
    for column in ("program", "ms a step", "Pullback's time over it", "95% interval"):
        table.add_column(column, justify="left" if column == "program" else "right")
    for name in comparison.seconds:
        ratio = ("", "")
        if name != "pullback" and "pullback" in comparison.seconds:
            mean, lower, upper = comparison.ratio(name)
            ratio = (f"{mean:.2f}", f"{lower:.2f} to {upper:.2f}")
        table.add_row(PROGRAMS[name].label, f"{1000 * comparison.median(name):.3f}", *ratio)
    console.print()
    console.print(table)
    rounds = max(map(len, comparison.seconds.values()), default=0)
    console.print(f"{rounds} rounds of fresh processes; in each the median of {epochs} epochs, divided by their steps")
    if comparison.others is not None:
        console.print(f"other processes took {100 * comparison.others:.0f}% of the processors meanwhile")
        if comparison.others > BUSY:
            console.print("[bold red]the machine was busy: run this again when it is quiet[/bold red]")
    for name, reason in comparison.skipped.items():
        console.print(f"skipped {PROGRAMS[name].label}: {reason}", highlight=False, markup=False)


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Options, prog="python -m benchmarks")))
    except PullbackError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
