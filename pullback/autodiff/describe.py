"""The rules of differentiation as a table to read: each operation's derivative, and what holds where it has none."""

from __future__ import annotations

from dataclasses import dataclass

from pullback.autodiff.rules import RULES
from pullback.core.errors import unknown_name


@dataclass(frozen=True)
class RuleDescription:
    r"""One line of the table of rules.

    Parameters
    ----------
    operation : the name of the operation in a traced program.
    equation : its derivative in LaTeX, in the operands \(x, y\) and the result \(z\): the partial derivatives of a
        function of each element, the tangent \(\dot z\) or the cotangents \(\bar x\) of others.
    convention : what was chosen at kinks, ties and singular points.

    Examples
    --------
    >>> describe_rule("exp")
    RuleDescription(operation='exp', equation='z', convention='')
    """

    operation: str
    equation: str
    convention: str


def describe_rule(operation: str) -> RuleDescription:
    r"""The derivative of one operation, as this library takes it.

    Parameters
    ----------
    operation : its name in a traced program, as `jax.make_jaxpr` prints it.

    Raises
    ------
    ConfigurationError
        There is no rule of this name: JAX differentiates the operation, or it does not exist.

    Examples
    --------
    The equation \(1 - z^2\) of \(z = \tanh x\), and the choice at a tie:

    >>> describe_rule("tanh").equation
    '1 - z^2'
    >>> describe_rule("max").convention
    '1/2 each at a tie, as in JAX; 0 where an operand is NaN'
    """
    if operation not in RULES:
        raise unknown_name("operation", operation, RULES)
    rule = RULES[operation]
    return RuleDescription(operation, rule.equation, rule.convention)


def rules_table() -> tuple[RuleDescription, ...]:
    """All rules of differentiation, by the name of the operation.

    Examples
    --------
    >>> {line.operation: line.equation for line in rules_table()}["sin"]
    '\\\\cos x'
    """
    return tuple(describe_rule(operation) for operation in sorted(RULES))
