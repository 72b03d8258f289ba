"""What `pullback doctor` looks at: facts of the machine and the installation, collected without loading JAX here.

JAX is asked in a process of its own with a time limit, so that a broken driver or installation is a finding and not a
crash or a hang.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pullback import __version__
from pullback.cli.process import compilation_cache_folder, processor_features
from pullback.core.memory import planned_setting

DEVICE_SECONDS = 60
PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "equinox", "optax", "scikit-learn", "safetensors")
PLUGINS = ("jax-cuda13-plugin", "jax-cuda12-plugin")

_ASK_JAX = """
import json, jax
print(json.dumps([[device.platform, device.device_kind] for device in jax.devices()]))
"""


@dataclass(frozen=True)
class Facts:
    """The machine and the installation as found."""

    python: str
    pullback: str
    packages: dict[str, str | None]
    platform: str
    processor: str
    cores: int
    features: tuple[str, ...]
    memory_bytes: int | None
    memory_limit_bytes: int | None
    devices: tuple[tuple[str, str], ...]
    device_error: str | None
    nvidia_device: bool
    nvidia_driver: str | None
    plugins: dict[str, str]
    environment: dict[str, str]
    malloc: str
    cache_folder: Path | None
    cache_bytes: int
    cache_writable: bool


def collect() -> Facts:
    """Look at this machine; takes a second or two, nearly all of it JAX starting in the other process."""
    devices, device_error = _devices()
    cache = compilation_cache_folder()
    return Facts(
        python=platform.python_version(),
        pullback=__version__,
        packages={name: _version(name) for name in PACKAGES},
        platform=platform.platform(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        features=processor_features(),
        memory_bytes=_memory(),
        memory_limit_bytes=_memory_limit(),
        devices=devices,
        device_error=device_error,
        nvidia_device=Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists(),
        nvidia_driver=_nvidia_driver(),
        plugins={name: version for name in PLUGINS if (version := _version(name)) is not None},
        environment={
            name: os.environ[name]
            for name in ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "XLA_FLAGS")
            if name in os.environ
        },
        malloc=planned_setting(),
        cache_folder=cache,
        cache_bytes=_folder_bytes(cache),
        cache_writable=cache is not None and _writable(cache),
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> tuple[tuple[tuple[str, str], ...], str | None]:
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _ASK_JAX], capture_output=True, text=True, timeout=DEVICE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return (), f"JAX did not answer within {DEVICE_SECONDS} seconds"
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines() or [f"the process ended with code {answer.returncode}"]
        return (), lines[-1]
    return tuple((name, kind) for name, kind in json.loads(answer.stdout.splitlines()[-1])), None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _memory_limit() -> int | None:
    """The limit of a container on Linux (control groups, version 2), if there is one."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        return None if text == "max" else int(text)
    except (OSError, ValueError):
        return None


def _nvidia_driver() -> str | None:
    try:
        found = re.search(r"Module\s+([\d.]+)", Path("/proc/driver/nvidia/version").read_text())
        if found:
            return found.group(1)
    except OSError:
        pass
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.split()
    return lines[0] if answer.returncode == 0 and lines else None


def _folder_bytes(folder: Path | None) -> int:
    if folder is None or not folder.is_dir():
        return 0
    total = 0
    for entry in folder.rglob("*"):
        try:
            total += entry.stat().st_size if entry.is_file() else 0
        except OSError:
            # Another process may sweep the cache meanwhile.
            continue
    return total


def _writable(folder: Path) -> bool:
    nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    return os.access(nearest, os.W_OK)
