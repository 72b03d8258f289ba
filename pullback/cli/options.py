"""Options of a command from dataclasses, with the library's own form of error."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from typing import Annotated, Any, get_type_hints

import tyro

from pullback.core.errors import ConfigurationError, unknown_name

_RULE, _EDGES = "─", "│╭╮╰╯"


def parse(forms: tuple[type, ...], arguments: list[str], *, command: str, description: str) -> tuple[Any, ...]:
    """One instance of each dataclass in `forms`, filled from the command line; their fields share one namespace.

    Raises `ConfigurationError` for an unknown option (the nearest name is offered), a missing argument or a value
    that cannot be read. `--help` prints the fields with their documentation and ends the process with code 0.
    """
    known = flags(forms)
    for argument in arguments:
        _check_flag(argument, known, command)
    flat = [Annotated[form, tyro.conf.arg(name="")] for form in forms]
    whole = dataclasses.make_dataclass("Options", [(f"part{i}", form) for i, form in enumerate(flat)])
    messages = io.StringIO()
    try:
        with contextlib.redirect_stderr(messages):
            filled, unknown = tyro.cli(
                whole, args=arguments, prog=f"pullback {command}", description=description, return_unknown_args=True
            )
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise _unreadable(messages.getvalue(), command) from None
    if unknown:
        raise ConfigurationError(
            f"unexpected argument {unknown[0]!r}", fix=f"see `pullback {command} --help` for what it takes"
        )
    return tuple(getattr(filled, f"part{i}") for i in range(len(forms)))


def flags(forms: tuple[type, ...]) -> list[str]:
    """The options that `forms` understand, as they are typed."""
    names: list[str] = []
    for form in forms:
        hints = get_type_hints(form, include_extras=True)
        for field in dataclasses.fields(form):
            if tyro.conf.Positional not in getattr(hints[field.name], "__metadata__", ()):
                names.append("--" + field.name.replace("_", "-"))
                if hints[field.name] is bool:
                    names.append("--no-" + field.name.replace("_", "-"))
    return names


def _check_flag(argument: str, known: list[str], command: str) -> None:
    name = argument.split("=", 1)[0].replace("_", "-")
    if not name.startswith("--") or name in (*known, "--help"):
        return
    error = unknown_name("option", name, known)
    if not known:
        error = ConfigurationError(f"`pullback {command}` has no option {name}")
    raise error


def _unreadable(printed: str, command: str) -> ConfigurationError:
    """The parser's own message without its frame: the text before the first rule."""
    words: list[str] = []
    for line in printed.splitlines():
        if line[:1] in ("╭", "╰"):
            continue
        text = line.strip(_EDGES + " ")
        if text and not text.strip(_RULE):
            break
        words.append(text)
    what = (
        " ".join(" ".join(words).split()).split(" Got errors:")[0].rstrip(".") or "the command line could not be read"
    )
    return ConfigurationError(what, fix=f"see `pullback {command} --help`")
