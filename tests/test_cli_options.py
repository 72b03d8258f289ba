"""Options from dataclasses: values, help, and errors in the library's own form."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import tyro

from pullback.cli.options import flags, parse
from pullback.core.errors import ConfigurationError


@dataclass(frozen=True)
class Recipe:
    """A recipe."""

    epochs: int = 3
    """Passes over the data."""

    learning_rate: float = 1e-3
    """Step size."""

    augment: bool = True
    """Shift the images."""

    patience: int | None = None
    """Epochs without improvement."""

    optimizer: Literal["adam", "sgd"] = "adam"
    """Update rule."""

    widths: tuple[int, ...] = (8, 4)
    """Hidden widths."""


@dataclass(frozen=True)
class Target:
    """What a command works on."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run folder."""

    quiet: bool = False
    """Say nothing."""


def read(*arguments, forms=(Recipe,)):
    return parse(forms, list(arguments), command="train digits", description="Train.")


def test_defaults_and_values():
    assert read() == (Recipe(),)
    given = read("--epochs", "5", "--learning-rate=0.1", "--no-augment", "--patience", "2", "--widths", "3", "2", "1")
    assert given == (Recipe(epochs=5, learning_rate=0.1, augment=False, patience=2, widths=(3, 2, 1)),)


def test_underscores_are_understood():
    assert read("--learning_rate", "0.5") == (Recipe(learning_rate=0.5),)


def test_two_forms_share_one_command_line():
    recipe, target = read("folder", "--quiet", "--epochs", "1", forms=(Recipe, Target))
    assert (recipe, target) == (Recipe(epochs=1), Target("folder", quiet=True))


def test_flags():
    assert flags((Target,)) == ["--quiet", "--no-quiet"]


@pytest.mark.parametrize(
    ("arguments", "what", "fix"),
    [
        (["--epoch", "3"], "unknown option '--epoch'", "did you mean '--epochs'?"),
        (["--learning-rte=1"], "unknown option '--learning-rte'", "did you mean '--learning-rate'?"),
        (["--epochs", "many"], "Error parsing --epochs", "see `pullback train digits --help`"),
        (["--patience", "soon"], "Error parsing --patience", "see `pullback train digits --help`"),
        (["--epochs"], "Missing value for argument '--epochs'", "see `pullback train digits --help`"),
        (
            ["--optimizer", "adm"],
            "invalid choice 'adm' for argument '--optimizer'",
            "see `pullback train digits --help`",
        ),
        (["extra"], "unexpected argument 'extra'", "see `pullback train digits --help` for what it takes"),
    ],
)
def test_errors_name_the_option_and_the_way_out(arguments, what, fix):
    with pytest.raises(ConfigurationError) as caught:
        read(*arguments)
    assert caught.value.what.startswith(what)
    assert caught.value.fix == fix
    assert not set("│╭╰─") & set(str(caught.value))


def test_missing_argument():
    with pytest.raises(ConfigurationError, match="RUN"):
        read(forms=(Target,))


def test_help_documents_every_field(capsys):
    with pytest.raises(SystemExit) as end:
        read("--help")
    assert end.value.code == 0
    printed = capsys.readouterr().out
    for name in flags((Recipe,)):
        assert name in printed
    assert "Passes over the data." in printed and "(default: 3)" in printed
