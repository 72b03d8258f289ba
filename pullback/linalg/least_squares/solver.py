"""The ways to solve a least-squares problem."""

from __future__ import annotations

from enum import IntEnum

from pullback.core.errors import unknown_name


class Solver(IntEnum):
    """The method that solved a least-squares problem: an integer that lives in arrays, with its message.

    Examples
    --------
    >>> Solver(1).message
    'Householder QR, full rank'
    >>> Solver.named("svd") == 2
    True
    """

    message: str

    CHOLESKY = 0, "Cholesky factor of the Gram matrix, one step of refinement"
    QR = 1, "Householder QR, full rank"
    SVD = 2, "singular value decomposition, minimum norm"
    NORMAL_EQUATIONS = 3, "eigenvalues of the Gram matrix, minimum norm"

    def __new__(cls, code: int, message: str) -> Solver:
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    @classmethod
    def named(cls, name: str) -> Solver | None:
        """The member of a lower-case name; None for "auto"."""
        known = {member.name.lower(): member for member in cls}
        if name != "auto" and name not in known:
            raise unknown_name("solver", name, ["auto", *known])
        return known.get(name)
