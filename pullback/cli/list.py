"""`pullback list`: the recipes, one line each, from the literal table of `pullback.recipes`."""

from __future__ import annotations

from pullback.core.errors import ConfigurationError
from pullback.recipes import RECIPES

_HELP = """usage: pullback list

Lists the recipes that come with the library, one line each."""


def run(arguments: list[str]) -> int:
    """Print the table of recipes."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(_HELP)
        return 0
    if arguments:
        raise ConfigurationError(
            "`pullback list` takes no arguments", got=" ".join(arguments), fix="run `pullback list` alone"
        )
    width = max(len(name) for name in RECIPES)
    for name, (_, summary) in RECIPES.items():
        print(f"{name:<{width}}  {summary}")
    return 0
