"""How much of the processors other processes took while something was measured; Linux only."""

from __future__ import annotations

import os
import resource
from typing import NamedTuple


class Use(NamedTuple):
    """Processor seconds since start: of the whole machine, the part of it that was busy, and of our children."""

    total: float
    busy: float
    children: float


def read_use() -> Use | None:
    """Counters of this moment, or None where the system does not give them."""
    try:
        with open("/proc/stat") as lines:
            fields = [int(field) / os.sysconf("SC_CLK_TCK") for field in lines.readline().split()[1:9]]
    except OSError:
        return None
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    idle = fields[3] + fields[4]
    return Use(sum(fields), sum(fields) - idle, children.ru_utime + children.ru_stime)


def share_of_others(before: Use | None, after: Use | None) -> float | None:
    """Share of all processor time between two moments that went to processes other than our children."""
    if before is None or after is None or after.total <= before.total:
        return None
    foreign = (after.busy - before.busy) - (after.children - before.children)
    return max(0.0, foreign / (after.total - before.total))
