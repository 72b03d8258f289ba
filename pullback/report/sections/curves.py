"""The course of training: curves, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pullback.report.blocks import Block, Column, Figures, Prose, Section, Table
from pullback.report.figures.learning_curves import learning_curves
from pullback.report.figures.learning_rate_share import learning_rate_share
from pullback.report.findings.interval import in_sentence
from pullback.report.number_text import number_text
from pullback.report.run_folder import Epoch, RunFolder

LONGEST_TABLE = 60
SPLIT_WORDS = {"train": "training", "validation": "validation"}


def curves_section(run: RunFolder) -> Section | None:
    """Learning curves and the table of epochs, or None for a fit that has no epochs."""
    if run.was_solved:
        return None
    if not run.epochs:
        return Section("curves", "Learning curves", [Prose("No epoch has been completed yet.")])
    best = run.best_epoch.epoch if run.best_epoch is not None else None
    share = learning_rate_share(run.epochs)
    panels = [*learning_curves(run.epochs, best), *([] if share is None else [share])]
    blocks: list[Block] = [Figures(panels), _epoch_table(run.epochs, best)]
    if any(epoch.train for epoch in run.epochs):
        blocks.insert(
            0,
            Prose(
                "Training values are averages over an epoch, taken while the weights move; "
                "validation values are taken at its end."
            ),
        )
    return Section("curves", "Learning curves", blocks)


def _epoch_table(epochs: Sequence[Epoch], best: int | None) -> Table:
    shown = _shown(epochs, best)
    names = list(
        dict.fromkeys(
            (split, name) for epoch in epochs for split in ("train", "validation") for name in getattr(epoch, split)
        )
    )
    columns = [
        Column("epoch", True), Column("step", True), Column("learning rate", True),
        *(Column(f"{SPLIT_WORDS[split]} {in_sentence(name)}", True) for split, name in names),
    ]  # fmt: skip
    rows = [
        [f"{'kept: ' if epoch.epoch == best else ''}{epoch.epoch}", str(epoch.step or ""), _rate(epoch.learning_rate),
         *(number_text(getattr(epoch, split).get(name), 4) for split, name in names)]
        for epoch in shown
    ]  # fmt: skip
    all_of_them = f"all {len(epochs)}" if len(shown) == len(epochs) else f"{len(shown)} of {len(epochs)}"
    return Table("Epochs", columns, rows, folded=f"The numbers: {all_of_them} epochs")


def _rate(rate: float | None) -> str:
    return "" if rate is None else number_text(rate)


def _shown(epochs: Sequence[Epoch], best: int | None) -> list[Epoch]:
    if len(epochs) <= LONGEST_TABLE:
        return list(epochs)
    chosen = set(np.linspace(0, len(epochs) - 1, LONGEST_TABLE).round().astype(int).tolist())
    return [epoch for place, epoch in enumerate(epochs) if place in chosen or epoch.epoch == best]
