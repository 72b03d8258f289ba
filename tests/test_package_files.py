"""The files around the code: the README's commands, the metadata, what is installed."""

import importlib.metadata
import json
import tomllib
from pathlib import Path

import pytest

import pullback
from pullback.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README_COMMANDS = ["python -m pip install . && pullback train", 'python -m pip install ".[test]" && pytest']


def settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("command", README_COMMANDS)
def test_readme_shows_the_command_on_a_line_of_its_own(command):
    assert (ROOT / "README.md").read_text().splitlines().count(command) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_explains_every_command(command):
    assert f"`pullback {command}" in (ROOT / "README.md").read_text()


def test_required_packages_are_those_of_the_design():
    required = {entry.split(">")[0] for entry in settings()["project"]["dependencies"]}
    assert required == {
        "jax", "equinox", "jaxtyping", "optax", "numpy", "scipy", "scikit-learn", "pandas", "narwhals",
        "threadpoolctl", "safetensors", "pillow", "matplotlib", "jinja2", "rich", "tyro",
    }  # fmt: skip


def test_installed_package_holds_every_source_file():
    try:
        distribution = importlib.metadata.distribution("pullback")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pullback is not installed, the tests run on the source tree")
    if json.loads(distribution.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable"):
        pytest.skip("pullback is installed in editable mode")
    installed = {str(file) for file in distribution.files or ()}
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "pullback").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources - installed == set()
    assert distribution.version == pullback.__version__


def test_changelog_and_licence_are_there():
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
