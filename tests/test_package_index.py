"""The lazy index: what `import pullback` loads, and that the index tells type checkers the same names."""

import ast
import inspect
import json
import subprocess
import sys

import pytest

import pullback

HEAVY = {"jax", "jaxlib", "numpy", "scipy", "pandas", "sklearn", "matplotlib", "equinox", "optax", "tyro", "rich"}


def loaded_by(program: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `program`."""
    report = f"{program}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    answer = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy():
    assert loaded_by("import pullback") & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["--version"], ["doctor", "--help"]])
def test_literal_commands_load_neither_jax_nor_the_option_parser(arguments):
    assert loaded_by(f"from pullback.cli.main import main\nassert main({arguments}) == 0") & HEAVY == set()


def test_listing_runs_does_not_load_jax(tmp_path):
    assert "jax" not in loaded_by(f"from pullback.cli.main import main\nassert main(['runs', {str(tmp_path)!r}]) == 0")


def test_every_name_of_the_index_is_an_area():
    for name in pullback.__all__:
        assert getattr(pullback, name).__name__ == f"pullback.{name}"
    assert set(pullback.__all__) < set(dir(pullback))


def test_type_checkers_see_the_same_index():
    tree = ast.parse(inspect.getsource(pullback))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    names = [alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert names == pullback.__all__


def test_unknown_area_names_the_known_ones():
    with pytest.raises(AttributeError, match="no attribute 'nnn'; it has core, "):
        _ = pullback.nnn
