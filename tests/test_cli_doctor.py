"""From facts to findings, for machines that are not here; and the real command on this one."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pullback.cli.doctor import describe
from pullback.cli.findings import findings
from pullback.cli.machine_facts import PACKAGES, Facts

CPU_ONLY = Facts(
    python="3.11.7",
    pullback="0.1.0",
    packages=dict.fromkeys(PACKAGES, "0.10.2"),
    platform="Linux",
    processor="a processor",
    cores=2,
    features=("avx2",),
    memory_bytes=8 * 2**30,
    memory_limit_bytes=None,
    devices=(("cpu", "cpu"),),
    device_error=None,
    nvidia_device=False,
    nvidia_driver=None,
    plugins={},
    environment={},
    malloc="freed memory is kept for the next step",
    cache_folder=Path("/cache"),
    cache_bytes=0,
    cache_writable=True,
)
WITH_GPU = replace(CPU_ONLY, nvidia_device=True, nvidia_driver="580.65.06")
CUDA13 = {"jax-cuda13-plugin": "0.10.2"}


def problems(facts):
    return [(finding.text, finding.command) for finding in findings(facts) if finding.level == "problem"]


def test_a_machine_without_gpu_is_fine():
    assert problems(CPU_ONLY) == []
    assert "the CPU is used" in findings(CPU_ONLY)[0].text


def test_a_gpu_in_use_is_fine():
    facts = replace(WITH_GPU, plugins=CUDA13, devices=(("gpu", "NVIDIA A100"),))
    assert problems(facts) == []


@pytest.mark.parametrize(
    ("facts", "reason", "command"),
    [
        (WITH_GPU, "no cuda13 plugin", 'python -m pip install "jax[cuda13]>=0.10.2,<0.11"'),
        (
            replace(WITH_GPU, nvidia_driver="550.54.14"),
            "no cuda12 plugin",
            'python -m pip install "jax[cuda12]>=0.10.2,<0.11"',
        ),
        (
            replace(WITH_GPU, nvidia_driver="550.54.14", plugins=CUDA13),
            "no cuda12 plugin (installed: jax-cuda13-plugin)",
            'python -m pip install "jax[cuda12]>=0.10.2,<0.11"',
        ),
        (replace(WITH_GPU, nvidia_driver="470.1"), "driver 470.1 is too old", None),
        (replace(WITH_GPU, nvidia_driver=None), "no NVIDIA driver answers", "nvidia-smi"),
        (
            replace(WITH_GPU, plugins={"jax-cuda13-plugin": "0.9.0"}),
            "jax-cuda13-plugin 0.9.0 does not fit jaxlib 0.10.2",
            'python -m pip install "jax[cuda13]>=0.10.2,<0.11"',
        ),
        (replace(WITH_GPU, environment={"JAX_PLATFORMS": "cpu"}), "JAX_PLATFORMS=cpu", "unset JAX_PLATFORMS"),
        (
            replace(WITH_GPU, environment={"CUDA_VISIBLE_DEVICES": ""}),
            "CUDA_VISIBLE_DEVICES='' hides it",
            "unset CUDA_VISIBLE_DEVICES",
        ),
        (
            replace(WITH_GPU, plugins=CUDA13),
            "although driver and plugin are there",
            "python -c 'import jax; jax.devices(\"cuda\")'",
        ),
    ],
)  # fmt: skip
def test_why_a_gpu_is_unused(facts, reason, command):
    ((text, found),) = problems(facts)
    assert reason in text
    assert found == command


def test_missing_package_and_broken_start():
    missing = replace(CPU_ONLY, packages={**CPU_ONLY.packages, "optax": None})
    assert problems(missing) == [("required packages are not installed: optax", "python -m pip install optax")]
    ((text, _),) = problems(replace(CPU_ONLY, devices=(), device_error="OSError: libcuda"))
    assert text == "JAX does not start: OSError: libcuda"


def test_refused_settings_and_cache():
    refused = replace(CPU_ONLY, cache_folder=None, cache_writable=False)
    assert [(f.level, f.command) for f in findings(refused)][:1] == [("advice", "unset PULLBACK_CACHE")]
    assert problems(replace(CPU_ONLY, cache_writable=False))[0][0].endswith("cannot be written: /cache")
    assert any("may be deleted" in f.text for f in findings(replace(CPU_ONLY, cache_bytes=2**31)))


def test_problems_come_first():
    levels = [finding.level for finding in findings(replace(WITH_GPU, cache_folder=None))]
    assert levels == sorted(levels, key=("problem", "advice", "fine").index)


def test_description_holds_the_facts():
    text = describe(replace(WITH_GPU, plugins=CUDA13, memory_limit_bytes=2**30))
    for part in ("cpu (cpu)", "2 cores", "avx2", "8.0 GiB, limited to 1.0 GiB", "580.65.06", "/cache"):
        assert part in text


def test_the_command_runs_here():
    answer = subprocess.run([sys.executable, "-m", "pullback", "doctor"], capture_output=True, text=True)
    assert answer.stderr == ""
    assert answer.stdout.startswith("device ")
    assert "jax 0.10" in answer.stdout
