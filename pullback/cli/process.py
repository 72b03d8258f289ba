"""Settings of the whole process that a training command makes before JAX starts; never made by `import` or `fit`."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

from pullback.core.memory import keep_freed_memory

_CACHE_SETTINGS = {
    # Small programs are worth keeping too: a whole run of a small network compiles for a few seconds.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}


def prepare_training() -> None:
    """Keep compiled programs, unless `PULLBACK_CACHE=0`, and freed memory, if `PULLBACK_MALLOC=1`."""
    keep_freed_memory()
    folder = compilation_cache_folder()
    if folder is None:
        return
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    for name, value in _CACHE_SETTINGS.items():
        os.environ.setdefault(name, value)


def compilation_cache_folder() -> Path | None:
    """Folder of compiled programs, one for each kind of processor, or `None` where it is refused.

    A program compiled for one processor must not be loaded on another, as happens with a home directory shared
    between machines.
    """
    if os.environ.get("PULLBACK_CACHE") == "0":
        return None
    if chosen := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "pullback" / "xla" / _processor_digest()


def processor_features() -> tuple[str, ...]:
    """Instruction set extensions of the processor, as Linux lists them; empty elsewhere."""
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith(("flags", "Features")):
                    return tuple(line.split(":", 1)[1].split())
    except OSError:
        pass
    return ()


def _processor_digest() -> str:
    description = " ".join([platform.machine(), *sorted(processor_features())])
    return hashlib.sha256(description.encode()).hexdigest()[:12]
