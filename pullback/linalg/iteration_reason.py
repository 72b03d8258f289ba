"""Why an iterative method of linear algebra ended."""

from __future__ import annotations

from enum import IntEnum


class IterationReason(IntEnum):
    """Why an iteration ended: an integer that lives in arrays, with its message.

    Examples
    --------
    >>> IterationReason(1).message
    'the step limit was reached before the tolerance'
    >>> IterationReason.CONVERGED == 0
    True
    """

    message: str

    CONVERGED = 0, "the residual is within the tolerance"
    STEP_LIMIT = 1, "the step limit was reached before the tolerance"
    NEGATIVE_CURVATURE = 2, "a direction of zero or negative curvature was met: the matrix is not positive definite"
    BOUNDARY = 3, "the iterate reached the boundary of the trust region"
    BREAKDOWN = 4, "the preconditioner is not positive definite"
    NOT_FINITE = 5, "a product or the preconditioner gave a number that is not finite"
    ROUNDING = (
        6,
        "the residual by recursion is within the tolerance, b - A x itself is not: rounding limits the accuracy",
    )

    def __new__(cls, code: int, message: str) -> IterationReason:
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member
