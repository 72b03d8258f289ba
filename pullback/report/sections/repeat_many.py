"""What repeats a sweep or a comparison, what its members share, and where it ran."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from pullback.report.blocks import Block, Code, FactColumns, Facts, Prose, Section
from pullback.report.records import Record
from pullback.report.sections.setup import value_text


def repeat_many(
    kind: str, command: Sequence[str] | None, recipe: Record, varied: Collection[str], environment: Record
) -> Section:
    """The command, the fields of the recipe that do not vary, and the environment."""
    fields = recipe.get("fields")
    shared = [entry for entry in fields.items() if entry[0] not in varied] if isinstance(fields, dict) else []
    lists = [("What all members share", shared), ("Environment", list(environment.items()))]
    blocks: list[Block] = []
    if command:
        blocks += [Prose(f"This command repeats the {kind}:"), Code(shlex.join(command))]
    facts = [Facts(title, [(name.replace("_", " "), value_text(v)) for name, v in pairs]) for title, pairs in lists]
    if any(pairs for _, pairs in lists):
        blocks.append(FactColumns(facts))
    return Section("repeat", f"Repeating the {kind}", blocks)
