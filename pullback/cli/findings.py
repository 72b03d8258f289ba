"""From facts to findings: what is wrong or could be better, why, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pullback.cli.machine_facts import Facts

# The oldest NVIDIA driver branch that each plugin of JAX 0.10 runs on.
CUDA13_DRIVER, CUDA12_DRIVER = 580, 525
_JAX_BOUNDS = ">=0.10.2,<0.11"


class Finding(NamedTuple):
    """One sentence, with the command that mends it where there is one."""

    level: Literal["problem", "advice", "fine"]
    text: str
    command: str | None = None


def findings(facts: Facts) -> list[Finding]:
    """Everything worth saying about `facts`, problems first."""
    found = [*_installation(facts), *_gpu(facts), *_cache(facts)]
    order = ("problem", "advice", "fine")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _installation(facts: Facts) -> Iterator[Finding]:
    missing = [name for name, version in facts.packages.items() if version is None]
    if missing:
        yield Finding(
            "problem",
            f"required packages are not installed: {', '.join(missing)}",
            f"python -m pip install {' '.join(missing)}",
        )
    if facts.device_error is not None and not missing:
        yield Finding("problem", f"JAX does not start: {facts.device_error}", _restart_command(facts))


def _restart_command(facts: Facts) -> str:
    if "JAX_PLATFORMS" in facts.environment:
        return "unset JAX_PLATFORMS"
    return f'python -m pip install --force-reinstall "jax{_JAX_BOUNDS}"'


def _gpu(facts: Facts) -> Iterator[Finding]:
    if any(platform in ("gpu", "cuda", "rocm") for platform, _ in facts.devices):
        yield Finding("fine", "JAX uses the GPU")
        return
    if not facts.nvidia_device and facts.nvidia_driver is None:
        yield Finding("fine", "no NVIDIA GPU is visible on this machine: the CPU is used")
        return
    yield _why_unused(facts)


def _why_unused(facts: Facts) -> Finding:
    """The first reason in the order in which they hide one another."""
    chosen = facts.environment.get("JAX_PLATFORMS")
    if chosen and not {"cuda", "gpu"} & set(chosen.split(",")):
        return Finding("problem", f"the GPU is unused because JAX_PLATFORMS={chosen}", "unset JAX_PLATFORMS")
    hidden = facts.environment.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return Finding(
            "problem",
            f"the GPU is unused because CUDA_VISIBLE_DEVICES={hidden!r} hides it",
            "unset CUDA_VISIBLE_DEVICES",
        )
    if facts.nvidia_driver is None:
        return Finding(
            "problem",
            "a GPU device is there but no NVIDIA driver answers; in a container, it must be started with the GPU",
            "nvidia-smi",
        )
    branch = int(facts.nvidia_driver.split(".")[0])
    if branch < CUDA12_DRIVER:
        return Finding(
            "problem",
            f"the GPU is unused because the NVIDIA driver {facts.nvidia_driver} is too old: {CUDA12_DRIVER} or later "
            f"is needed, {CUDA13_DRIVER} for CUDA 13",
        )
    plugin = "cuda13" if branch >= CUDA13_DRIVER else "cuda12"
    install = f'python -m pip install "jax[{plugin}]{_JAX_BOUNDS}"'
    if f"jax-{plugin}-plugin" not in facts.plugins:
        other = f" (installed: {', '.join(facts.plugins)})" if facts.plugins else ""
        return Finding("problem", f"the GPU is unused because JAX has no {plugin} plugin{other}", install)
    version = facts.plugins[f"jax-{plugin}-plugin"]
    if version != facts.packages.get("jaxlib"):
        return Finding(
            "problem",
            f"the GPU is unused because jax-{plugin}-plugin {version} does not fit jaxlib {facts.packages['jaxlib']}",
            install,
        )
    return Finding(
        "problem",
        "the GPU is unused although driver and plugin are there",
        "python -c 'import jax; jax.devices(\"cuda\")'",
    )


def _cache(facts: Facts) -> Iterator[Finding]:
    if facts.cache_folder is None:
        yield Finding("advice", "PULLBACK_CACHE=0: every run compiles its programs again", "unset PULLBACK_CACHE")
    elif not facts.cache_writable:
        yield Finding(
            "problem",
            f"the cache of compiled programs cannot be written: {facts.cache_folder}",
            "export XDG_CACHE_HOME=/a/folder/you/may/write",
        )
    elif facts.cache_bytes > 2**30:
        yield Finding(
            "advice", f"the cache of compiled programs holds {facts.cache_bytes / 2**30:.1f} GiB and may be deleted",
            f"rm -r {facts.cache_folder}",
        )  # fmt: skip
