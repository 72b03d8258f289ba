"""Recipes by name and by path."""

import pytest

from pullback.cli.recipe_module import fill, load_recipe
from pullback.core.errors import ConfigurationError

GOOD = '''"""A recipe of the user's own.

Second paragraph.
"""

from dataclasses import dataclass

from neighbor import WIDTH


@dataclass(frozen=True)
class Recipe:
    """Fields."""

    width: int = WIDTH
    """Width."""

    shape: tuple[int, ...] = (1, 2)
    """Shape."""


def build(recipe):
    return recipe.width
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "neighbor.py").write_text("WIDTH = 3\n")
    return tmp_path


def test_from_file_with_a_neighboring_module(folder):
    path = folder / "mine.py"
    path.write_text(GOOD)
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.path, recipe.label) == ("mine", path, str(path))
    assert recipe.header.startswith("A recipe of the user's own.")
    assert recipe.build(recipe.form()) == 3


def test_fields_from_a_record(folder):
    path = folder / "mine.py"
    path.write_text(GOOD)
    recipe = load_recipe(str(path))
    assert fill(recipe, {"width": 5, "shape": [4, 5]}) == recipe.form(width=5, shape=(4, 5))
    with pytest.raises(ConfigurationError, match="other fields than the run was made with"):
        fill(recipe, {"width": 5})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = ", r"SyntaxError: .*line 1"),
        ("y = 1\nunknown_name\n", r"NameError: .*line 2: unknown_name"),
        ("import nothing_of_the_kind\n", r"ModuleNotFoundError: .*line 1"),
        ("def build(recipe): ...\n", "no dataclass 'Recipe'"),
        ("import dataclasses\n@dataclasses.dataclass\nclass Recipe:\n    pass\n", "no function 'build'"),
    ],
)
def test_files_that_are_no_recipe(folder, source, message):
    path = folder / "broken.py"
    path.write_text(source)
    with pytest.raises(ConfigurationError, match=message):
        load_recipe(str(path))


def test_names_and_paths_that_lead_nowhere(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "mine.py").write_text(GOOD)
    with pytest.raises(ConfigurationError, match="did you mean 'digits'"):
        load_recipe("digit")
    with pytest.raises(ConfigurationError, match=r"say `pullback train ./mine.py`"):
        load_recipe("mine")
    with pytest.raises(ConfigurationError, match="nothing at this path"):
        load_recipe("./absent.py")
    with pytest.raises(ConfigurationError, match="a folder"):
        load_recipe("./")
