"""Errors that say what happened, what was expected, what was found and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class PullbackError(Exception):
    """Base of every error that this library raises on purpose.

    Parameters
    ----------
    what : one sentence that names the thing that is wrong.
    expected, got : the two sides of the disagreement, in the user's own terms.
    fix : one action that removes the cause.

    Examples
    --------
    >>> print(PullbackError("the learning rate is negative", expected="a number > 0", got="-0.1", fix="pass 0.1"))
    the learning rate is negative
      expected: a number > 0
      got: -0.1
      to do: pass 0.1
    """

    exit_code = 2

    def __init__(self, what: str, *, expected: object = None, got: object = None, fix: str | None = None) -> None:
        self.what = what
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(what)

    def headline(self) -> str:
        return self.what

    def __str__(self) -> str:
        lines = [self.headline()]
        for label, value in (("expected", self.expected), ("got", self.got), ("to do", self.fix)):
            if value is not None:
                lines.append(f"  {label}: {value}")
        return "\n".join(lines)


class ShapeError(PullbackError):
    """Array shape, rank or dtype that a layer or function cannot take; carries the layer's path in the model.

    Examples
    --------
    >>> error = ShapeError("Linear cannot take this input", expected="(..., 3)", got="(2, 4)")
    >>> print(error.within("layers[1]", producer="layers[0] (Flatten)"))
    layers[1]: Linear cannot take this input
      expected: (..., 3)
      got: (2, 4), produced by layers[0] (Flatten)
    """

    def __init__(
        self, what: str, *, expected: object = None, got: object = None, fix: str | None = None, path: str = ""
    ) -> None:
        super().__init__(what, expected=expected, got=got, fix=fix)
        self.path = path
        self.producer: str | None = None
        self._pinned = False

    def within(self, name: str, producer: str | None = None) -> ShapeError:
        """The same error seen from the container that holds the failing layer under `name`."""
        if not self._pinned:
            separator = "" if not self.path or self.path.startswith("[") else "."
            self.path = f"{name}{separator}{self.path}"
            self.producer = f"{name}.{self.producer}" if self.producer else producer
        return self

    def pin(self, path: str) -> ShapeError:
        """Set the absolute path; containers further out leave it alone."""
        if not self._pinned:
            self.path = path
            self._pinned = True
        return self

    def headline(self) -> str:
        return f"{self.path}: {self.what}" if self.path else self.what

    def __str__(self) -> str:
        if self.producer is None or self.got is None:
            return super().__str__()
        return super().__str__().replace(f"  got: {self.got}", f"  got: {self.got}, produced by {self.producer}", 1)


class DataError(PullbackError, ValueError):
    """Data that cannot be used as they are: empty, not finite, a label out of range, a ragged shape.

    A `ValueError` too, which is what callers of scikit-learn's estimators catch.
    """


class ConfigurationError(PullbackError, ValueError):
    """A setting, name or combination of settings that makes no sense; a `ValueError` too."""


class DerivativeError(PullbackError):
    """A derivative that does not exist, or is not defined for what was passed."""


class CheckpointError(PullbackError):
    """A checkpoint that is missing, damaged, incomplete or belongs to another model."""


class RunFolderError(PullbackError):
    """A run folder that is missing, busy, of another format version or not a run folder."""


class NonFiniteError(PullbackError):
    """Training met a NaN or an infinity.

    `finding` says where as a value, `run` holds the last good state.
    """

    finding: Any = None
    run: Any = None


class ConvergenceError(PullbackError):
    """An iteration ended without what was asked for, and the caller wanted that raised; `result` is how far it came."""

    result: Any = None


class EquationError(PullbackError):
    """A program of which no equation can be given: not supported yet, or no formula at all; the message says which.

    Examples
    --------
    >>> print(EquationError("the operation 'fft' is not supported in equations yet", fix="show the rest"))
    the operation 'fft' is not supported in equations yet
      to do: show the rest
    """


class MissingExtraError(PullbackError):
    """An optional dependency is not installed; the message names the extra to install."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigurationError:
    """Error for a name outside a closed list, with the nearest name offered.

    Examples
    --------
    >>> print(unknown_name("metric", "acuracy", ["accuracy", "cross_entropy"]))
    unknown metric 'acuracy'
      expected: one of accuracy, cross_entropy
      got: 'acuracy'
      to do: did you mean 'accuracy'?
    >>> print(unknown_name("method", "L-BFGS-B", ["bfgs", "lbfgs", "newton"]).fix)
    did you mean 'lbfgs'?
    """
    names = sorted(known)
    # Capitals and hyphens are a matter of taste: "L-BFGS" is near "lbfgs".
    plain = {"".join(filter(str.isalnum, known_name.lower())): known_name for known_name in names}
    close = difflib.get_close_matches("".join(filter(str.isalnum, name.lower())), plain, n=1, cutoff=0.5)
    nearest = [plain[found] for found in close]
    return ConfigurationError(
        f"unknown {kind} {name!r}",
        expected=f"one of {', '.join(names)}",
        got=repr(name),
        fix=f"did you mean {nearest[0]!r}?" if nearest else f"choose a {kind} from the list",
    )


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """Error for an optional dependency that is not installed.

    Examples
    --------
    >>> print(missing_extra("torch", "peers", "the benchmark against PyTorch"))
    the benchmark against PyTorch needs the package 'torch', which is not installed
      to do: python -m pip install "pullback[peers]"
    """
    return MissingExtraError(
        f"{purpose} needs the package {package!r}, which is not installed",
        fix=f'python -m pip install "pullback[{extra}]"',
    )
