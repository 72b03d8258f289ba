"""SIGINT and SIGTERM as a request to stop after the current step."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: try again, here by `pullback resume`


class Interrupted(SystemExit):
    """Training was asked to stop, has saved its state, and leaves with exit code 75.

    `run` holds the model as it stands; `pullback resume` or `train.resume` goes on exactly where it stopped.
    """

    def __init__(self, run: Any) -> None:
        super().__init__(EXIT_CODE)
        self.run = run


class Interruption:
    """Inside its `with` block the first signal sets `requested`; a second Ctrl-C aborts at once.

    Signals can be caught in the main thread only; elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self.requested: str | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = signal.Signals(number).name
