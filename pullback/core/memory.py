"""One process-wide setting of the C library's allocator that keeps freed memory for the next training step.

XLA asks `malloc` for the workspace of every call on a CPU. Left to itself glibc returns large blocks to the system at
once, so each step pays for fresh, zeroed pages: tens of thousands of page faults a step in a medium transformer. With
one arena, no private mappings and no trimming the same pages serve every step; the price is that the process never
gives memory back before it ends.

It is made on request alone, `PULLBACK_MALLOC=1` in the environment: with a single arena the threads of a small step
wait for each other, and dense and convolutional networks of up to a million parameters measured 10 to 20% slower. It
must come before JAX starts its threads, so only the `pullback` command makes it, in its own process. Linux with glibc
only; elsewhere nothing happens.

Source: the GNU C Library manual, section "Malloc Tunable Parameters".
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_LARGEST_INT = 2**31 - 1

APPLIED = "freed memory is kept for the next step"
UNTOUCHED = "untouched; PULLBACK_MALLOC=1 keeps freed memory for the next step"
UNAVAILABLE = "not made: this is not Linux with glibc"


def is_glibc() -> bool:
    """Whether this process runs on the GNU C Library."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):
        return False


def planned_setting() -> str:
    """What `keep_freed_memory` would do here: `APPLIED`, `UNTOUCHED` or `UNAVAILABLE`."""
    if os.environ.get("PULLBACK_MALLOC") != "1":
        return UNTOUCHED
    return APPLIED if is_glibc() else UNAVAILABLE


def keep_freed_memory() -> str:
    """Make the setting if it is asked for and possible, and say which of the three it was."""
    plan = planned_setting()
    if plan != APPLIED:
        return plan
    mallopt = ctypes.CDLL(None).mallopt
    made = [mallopt(_ARENA_MAX, 1), mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, _LARGEST_INT)]
    return APPLIED if all(made) else UNAVAILABLE
