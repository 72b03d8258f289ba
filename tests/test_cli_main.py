"""The command's door: exit codes, the form of errors, color on a terminal only."""

import errno
import importlib
import io
import os
import subprocess
import sys

import pytest

from pullback import __version__
from pullback.cli import COMMANDS
from pullback.cli.main import main, print_error
from pullback.core.errors import ConfigurationError


@pytest.fixture
def failing(monkeypatch):
    """Make `pullback doctor` raise a chosen error."""

    def choose(error):
        def run(arguments):
            raise error

        monkeypatch.setattr(importlib.import_module("pullback.cli.doctor"), "run", run)

    return choose


def test_help_shows_every_command(capsys):
    assert main([]) == 0
    bare = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == bare
    for name, command in COMMANDS.items():
        assert f"pullback {name}" in bare and command.summary in bare


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pullback {__version__}\n"


def test_every_command_of_the_table_has_help(capsys):
    for name in COMMANDS:
        module = importlib.import_module(COMMANDS[name].module)
        assert callable(module.run)


def test_unknown_command_offers_the_nearest(capsys):
    assert main(["trian"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.splitlines()[0] == "error: unknown command 'trian'"
    assert "to do: did you mean 'train'?" in streams.err


def test_error_is_four_lines_without_traceback(failing, capsys):
    failing(ConfigurationError("the rate is negative", expected="> 0", got="-1", fix="choose 0.1"))
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == "error: the rate is negative\n  expected: > 0\n  got: -1\n  to do: choose 0.1\n"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (SystemExit(75), 75, ""),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 2, "error: No space left on device: runs/a"),
        (OSError(errno.EROFS, "Read-only file system", "runs"), 2, "error: Read-only file system: runs"),
    ],
)
def test_exit_codes(failing, capsys, error, code, message):
    failing(error)
    assert main(["doctor"]) == code
    assert capsys.readouterr().err.split("\n")[0] == message


def test_a_bug_is_not_dressed_up_as_a_message(failing):
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "no_color", "printed"),
    [
        (Terminal, "", "\033[1;31merror:\033[0m no\n"),
        (Terminal, "1", "error: no\n"),
        (io.StringIO, "", "error: no\n"),
    ],
)
def test_color_on_a_terminal_only(monkeypatch, stream, no_color, printed):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys, "stderr", stream())
    print_error(ConfigurationError("no"))
    assert sys.stderr.getvalue() == printed


def test_a_reader_that_leaves_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        answer = subprocess.run([sys.executable, "-m", "pullback", "--help"], stdout=pipe, stderr=subprocess.PIPE)
    assert (answer.returncode, answer.stderr) == (0, b"")


def test_list_names_every_recipe(capsys):
    from pullback.recipes import RECIPES

    assert main(["list"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == list(RECIPES)
    assert main(["list", "all"]) == 2
