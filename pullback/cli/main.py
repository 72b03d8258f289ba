"""Entry point: choose the command, prepare its process, turn errors into messages and exit codes.

Exit codes: 0 done, 2 an error the user can mend, 75 training was interrupted and saved, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence

from pullback import __version__
from pullback.cli import COMMANDS
from pullback.cli.process import prepare_training
from pullback.core.errors import PullbackError, unknown_name

STOPPED = 130
_STORAGE_ERRORS = {
    errno.ENOSPC: "free some space or choose another place with --run-dir",
    errno.EDQUOT: "free some space or choose another place with --run-dir",
    errno.EACCES: "choose a place you may write to, or change its permissions",
    errno.EPERM: "choose a place you may write to, or change its permissions",
    errno.EROFS: "choose a place you may write to with --run-dir",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    try:
        code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except SystemExit as end:
        # Printed help, or training that was interrupted and saved.
        return end.code if isinstance(end.code, int) else 0
    except PullbackError as error:
        print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        # The reader of a pipe has left; a second failure while Python flushes at exit would print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        what = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
        print_error(PullbackError(what, fix=_STORAGE_ERRORS[error.errno]))
        return PullbackError.exit_code


def print_error(error: PullbackError) -> None:
    """Write `error` to standard error in the form what, expected, got, to do; colored on a terminal only."""
    colored = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    label = "\033[1;31merror:\033[0m" if colored else "error:"
    print(f"{label} {error}", file=sys.stderr)


def help_text() -> str:
    """What `pullback --help` prints, from the literal table alone."""
    width = max(len(command.usage) for command in COMMANDS.values())
    lines = [f"pullback {command.usage:<{width}}  {command.summary}" for command in COMMANDS.values()]
    return "\n".join(
        [
            f"Pullback {__version__}: the mathematics of deep learning as software",
            "",
            *lines,
            "",
            "pullback COMMAND --help explains one command; `pullback train` alone trains the recipe `digits`.",
        ]
    )


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if arguments[0] in ("--version", "-V"):
        print(f"pullback {__version__}")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    command = COMMANDS[name]
    if command.trains:
        prepare_training()
    return importlib.import_module(command.module).run(rest)
