"""The public face, checked by walking the package: every module loads, every public name is documented."""

import importlib
import inspect
from pathlib import Path

import pytest

import pullback

ROOT = Path(pullback.__path__[0])
FILES = sorted(path.relative_to(ROOT.parent) for path in ROOT.rglob("*.py") if path.name != "__main__.py")
MODULES = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in FILES]


def public_names(module):
    """Public functions and classes that the module itself defines."""
    for name, value in vars(module).items():
        if name.startswith("_") or not (inspect.isfunction(value) or inspect.isclass(value)):
            continue
        if value.__module__ == module.__name__:
            yield name, value


@pytest.mark.parametrize("name", MODULES)
def test_module_and_its_public_names_are_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    bare = [public for public, value in public_names(module) if not inspect.getdoc(value)]
    assert bare == [], f"{name} has public names without a docstring"


@pytest.mark.parametrize("name", MODULES)
def test_index_names_exist(name):
    names = getattr(importlib.import_module(name), "__all__", [])
    assert [public for public in names if not hasattr(importlib.import_module(name), public)] == []
    assert len(set(names)) == len(names)
