"""One tidy line of progress, at most five times a second; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

INTERVAL = 0.2


class Progress(ABC):
    """What the loop tells about its progress."""

    @abstractmethod
    def step(self, epoch: int, epochs: int, done: int, total: int, loss: float) -> None:
        """`done` of `total` updates of this epoch are made, at this mean loss so far."""

    @abstractmethod
    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        """An epoch has ended with this record of the log."""

    @abstractmethod
    def note(self, line: str) -> None:
        """Something that the user should know."""

    @abstractmethod
    def close(self) -> None:
        """Training has ended."""


class Silent(Progress):
    """Tells nothing but notes, which go to standard error."""

    def step(self, epoch: int, epochs: int, done: int, total: int, loss: float) -> None:
        pass

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        pass

    def note(self, line: str) -> None:
        print(f"pullback: {line}", file=sys.stderr)

    def close(self) -> None:
        pass


class Terminal(Progress):
    """A line that is redrawn in place, and one line a finished epoch that improves or is due."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(Text(""), console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._last = 0.0
        self._started = time.monotonic()
        self._record = ""

    def step(self, epoch: int, epochs: int, done: int, total: int, loss: float) -> None:
        now = time.monotonic()
        if now - self._last < INTERVAL:
            return
        self._last = now
        share = (epoch - 1 + done / total) / epochs
        width = 24
        bar = ("━" * round(share * width)).ljust(width, "╌")
        left = (now - self._started) * (1 - share) / share if share > 0 else 0.0
        line = f"{bar} epoch {epoch}/{epochs}  step {done}/{total}  loss {loss:.4f}  {left:.0f} s left  {self._record}"
        self._live.update(Text(line, overflow="ellipsis", no_wrap=True), refresh=True)

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        parts = [_scores(record.get("validation"), "validation "), _rate(record.get("curvature"))]
        self._record = "  ".join(part for part in parts if part)

    def note(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)

    def close(self) -> None:
        self._live.stop()


class Plain(Progress):
    """Whole lines for a file or a pipe: at most one in five seconds, and the last epoch always."""

    def __init__(self) -> None:
        self._last = -float("inf")

    def step(self, epoch: int, epochs: int, done: int, total: int, loss: float) -> None:
        pass

    def epoch(self, record: dict[str, Any], epochs: int) -> None:
        now = time.monotonic()
        if now - self._last < 5 and record["epoch"] < epochs:
            return
        self._last = now
        parts = [
            _scores(record["train"], ""),
            _scores(record.get("validation"), "validation "),
            _rate(record.get("curvature")),
        ]
        print(f"epoch {record['epoch']}/{epochs}  {'  '.join(part for part in parts if part)}", flush=True)

    def note(self, line: str) -> None:
        print(line, flush=True)

    def close(self) -> None:
        pass


def choose(show: bool) -> Progress:
    """A redrawn line on a terminal, plain lines elsewhere, nothing if not wanted."""
    if not show:
        return Silent()
    console = Console()
    return Terminal(console) if console.is_terminal else Plain()


def _scores(scores: dict[str, float] | None, prefix: str) -> str:
    return "  ".join(f"{prefix}{name} {value:.4f}" for name, value in (scores or {}).items())


def _rate(look: dict[str, Any] | None) -> str:
    if look is None:
        return ""
    if look["label"] is None:
        return f"curvature {look['largest']:.3g}"
    return f"rate {look['label']} ({look['share']:.2f} of the edge)"
