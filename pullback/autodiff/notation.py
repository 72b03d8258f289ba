"""How the operations of a traced program are written: symbols and precedence, one literal table."""

from __future__ import annotations

from typing import NamedTuple

# How tightly a piece of a formula holds together; a piece is put in parentheses where a tighter one is asked for.
DISJUNCTION, CONJUNCTION, RELATION, SUM, PRODUCT, POWER, ATOM = range(7)


class Notation(NamedTuple):
    """The sign of an operation in LaTeX and in plain text, and how tightly it binds."""

    latex: str
    unicode: str
    precedence: int = ATOM


def _function(name: str, command: bool = False) -> Notation:
    return Notation(rf"\{name}" if command else rf"\operatorname{{{name}}}", name)


RELATIONS: dict[str, Notation] = {
    "eq": Notation("=", "=", RELATION),
    "ge": Notation(r"\ge", "≥", RELATION),
    "gt": Notation(">", ">", RELATION),
    "le": Notation(r"\le", "≤", RELATION),
    "lt": Notation("<", "<", RELATION),
    "ne": Notation(r"\ne", "≠", RELATION),
}

CONNECTIVES: dict[str, Notation] = {
    "and": Notation(r"\land", "∧", CONJUNCTION),
    "or": Notation(r"\lor", "∨", DISJUNCTION),
}

FUNCTIONS: dict[str, Notation] = {
    "acos": _function("arccos", command=True),
    "acosh": _function("arcosh"),
    "asin": _function("arcsin", command=True),
    "asinh": _function("arsinh"),
    "atan": _function("arctan", command=True),
    "atan2": _function("atan2"),
    "atanh": _function("artanh"),
    "cos": _function("cos", command=True),
    "cosh": _function("cosh", command=True),
    "digamma": Notation(r"\psi", "ψ"),
    "erf": _function("erf"),
    "erf_inv": Notation(r"\operatorname{erf}^{-1}", "erf⁻¹"),
    "erfc": _function("erfc"),
    "exp": _function("exp", command=True),
    "lgamma": Notation(r"\log\Gamma", "log Γ"),
    "log": _function("log", command=True),
    "logistic": Notation(r"\sigma", "σ"),
    "max": _function("max", command=True),
    "min": _function("min", command=True),
    "rem": _function("rem"),
    "round": _function("round"),
    "sign": _function("sign"),
    "sin": _function("sin", command=True),
    "sinh": _function("sinh", command=True),
    "sort": _function("sort"),
    "tan": _function("tan", command=True),
    "tanh": _function("tanh", command=True),
    "trunc": _function("trunc"),
}

# Operations over a range of indices, written with the index below.
REDUCTIONS: dict[str, Notation] = {
    "all": Notation(r"\bigwedge", "⋀", PRODUCT),
    "any": Notation(r"\bigvee", "⋁", PRODUCT),
    "argmax": Notation(r"\operatorname{argmax}", "argmax", PRODUCT),
    "argmin": Notation(r"\operatorname{argmin}", "argmin", PRODUCT),
    "maximum_over": Notation(r"\max", "max", PRODUCT),
    "mean": Notation(r"\operatorname{mean}", "mean", PRODUCT),
    "minimum_over": Notation(r"\min", "min", PRODUCT),
    "product": Notation(r"\prod", "∏", PRODUCT),
    "sum": Notation(r"\sum", "∑", PRODUCT),
}
