"""A page taken apart by the standard library's parser, with every rule it breaks."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Elements, texts and tables of a page; `faults` lists what is not well formed or not accessible."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: Counter[str] = Counter()
        self.identifiers: list[str] = []
        self.references: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(source)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open]
        self.faults += [f"id {name!r} stands {n} times" for name, n in Counter(self.identifiers).items() if n > 1]
        self.faults += [f"#{name} leads nowhere" for name in self.references if name not in self.identifiers]

    @classmethod
    def of(cls, path: Path) -> Page:
        return cls(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        self._note(tag, named)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self._note(tag, dict(attrs))

    def _note(self, tag: str, named: dict[str, str | None]) -> None:
        if "id" in named:
            self.identifiers.append(named["id"] or "")
        self.references += (named.get("aria-labelledby") or "").split()
        for attribute in ("href", "xlink:href", "src"):
            value = named.get(attribute)
            if value is not None:
                (self.addresses if not value.startswith("#") else self.references).append(value.lstrip("#"))
        self.references += [name for value in named.values() for name in re.findall(r"url\(#([^)]*)\)", value or "")]
        if any(name.startswith("on") for name in named):
            self.faults.append(f"<{tag}> has an event handler")
        if tag == "img" and not named.get("alt"):
            self.faults.append("an image has no alternative text")
        if tag == "svg" and not (named.get("aria-label") or named.get("aria-hidden")):
            self.faults.append("a drawing has no label")
        if tag == "th" and "scope" not in named:
            self.faults.append("a table heading has no scope")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)
        if self.rows and self.rows[-1] and ("td" in self.open or "th" in self.open) and "svg" not in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        """All words of the page with single spaces."""
        return " ".join(" ".join(self.texts).replace("\N{NO-BREAK SPACE}", " ").split())

    def row(self, heading: str) -> list[str]:
        """The first table row whose first cell begins with `heading`."""
        return next(row for row in self.rows if row and row[0].startswith(heading))
