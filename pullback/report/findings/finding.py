"""One thing worth knowing about a run, in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`title` is a phrase, `text` a sentence or two; `caution` marks what speaks against relying on the result."""

    title: str
    text: str
    caution: bool = False
