"""`pullback doctor`: device, versions and settings, and the command that mends what is wrong."""

from __future__ import annotations

from pullback.cli.findings import findings
from pullback.cli.machine_facts import Facts, collect
from pullback.core.errors import ConfigurationError

_HELP = """usage: pullback doctor

Shows device, versions, processor, memory, allocator setting and the cache of compiled programs; says why a GPU is
unused and which command mends it. Exit code 1 if a problem was found."""

# The extensions that decide how fast linear algebra runs; the full list has over a hundred entries.
_SHOWN_FEATURES = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")
PROBLEM_FOUND = 1


def run(arguments: list[str]) -> int:
    """Print facts and findings."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(_HELP)
        return 0
    if arguments:
        raise ConfigurationError(
            "`pullback doctor` takes no arguments", got=" ".join(arguments), fix="run `pullback doctor` alone"
        )
    facts = collect()
    print(describe(facts))
    return PROBLEM_FOUND if any(finding.level == "problem" for finding in findings(facts)) else 0


def describe(facts: Facts) -> str:
    """Facts as aligned lines, then the findings with their commands."""
    rows = list(_rows(facts).items())
    width = max(len(label) for label, _ in rows)
    lines = [f"{label:<{width}}  {value}" for label, value in rows]
    for level, text, command in findings(facts):
        lines += ["", f"{level}: {text}"]
        if command is not None:
            lines.append(f"  to do: {command}")
    return "\n".join(lines)


def _rows(facts: Facts) -> dict[str, str]:
    devices = ", ".join(f"{platform} ({kind})" for platform, kind in facts.devices)
    versions = ", ".join(f"{name} {version or 'missing'}" for name, version in facts.packages.items())
    features = " ".join(name for name in _SHOWN_FEATURES if name in facts.features)
    cache = "refused by PULLBACK_CACHE=0"
    if facts.cache_folder is not None:
        cache = f"{facts.cache_folder} ({facts.cache_bytes / 2**20:.1f} MiB)"
    rows = {
        "device": devices or "none",
        "pullback": facts.pullback,
        "python": facts.python,
        "packages": versions,
        "platform": facts.platform,
        "processor": f"{facts.processor}, {facts.cores} cores for this process" + (f", {features}" if features else ""),
        "memory": _memory(facts),
        "allocator": facts.malloc,
        "compiled programs": cache,
    }
    if facts.nvidia_driver is not None:
        rows["NVIDIA driver"] = facts.nvidia_driver
    if facts.plugins:
        rows["JAX plugins"] = ", ".join(f"{name} {version}" for name, version in facts.plugins.items())
    if facts.environment:
        rows["environment"] = ", ".join(f"{name}={value}" for name, value in facts.environment.items())
    return rows


def _memory(facts: Facts) -> str:
    if facts.memory_bytes is None:
        return "unknown"
    text = f"{facts.memory_bytes / 2**30:.1f} GiB"
    if facts.memory_limit_bytes is not None and facts.memory_limit_bytes < facts.memory_bytes:
        text += f", limited to {facts.memory_limit_bytes / 2**30:.1f} GiB"
    return text
