r"""Symbols of names: `learning_rate` is \(\eta\), `y_hat` is \(\hat y\), `beta1` is \(\beta_1\)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pullback.core.errors import ConfigurationError


class Symbol(NamedTuple):
    """One name in LaTeX and in plain text."""

    latex: str
    unicode: str


GREEK = {
    **dict(
        zip("alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi".split(), "αβγδζηθικλμνξ", strict=True)
    ),
    **dict(zip("pi rho sigma tau phi chi psi omega epsilon".split(), "πρστφχψωε", strict=True)),
}
SIGNS = {"Delta": "Δ", "Gamma": "Γ", "Lambda": "Λ", "Omega": "Ω", "Phi": "Φ", "Sigma": "Σ", "Theta": "Θ", "ell": "ℓ"}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "dot": "\u0307", "tilde": "\u0303"}
# What the literature calls the arguments that have a long name in the code.
ARGUMENTS: dict[str, Symbol] = {
    "after": Symbol(r"\eta_{1}", "η₁"),
    "average": Symbol("m", "m"),
    "before": Symbol(r"\eta_{0}", "η₀"),
    "bias": Symbol("b", "b"),
    "boundary": Symbol("b", "b"),
    "count": Symbol("n", "n"),
    "dampening": Symbol(r"\tau", "τ"),
    "epsilon_root": Symbol(r"\epsilon_{r}", "εᵣ"),
    "every": Symbol("k", "k"),
    "factor": Symbol(r"\gamma", "γ"),
    "final": Symbol(r"\eta_{T}", "η_T"),
    "first_correction": Symbol("c_{1}", "c₁"),
    "first_moment": Symbol("m", "m"),
    "gain": Symbol(r"\gamma", "γ"),
    "gradient": Symbol("g", "g"),
    "initial": Symbol(r"\eta_{0}", "η₀"),
    "kept": Symbol("m", "m"),
    "kernel": Symbol("K", "K"),
    "label_smoothing": Symbol(r"\epsilon", "ε"),
    "lambda_": Symbol(r"\lambda", "λ"),
    "learning_rate": Symbol(r"\eta", "η"),
    "limit": Symbol("c", "c"),
    "loss": Symbol(r"\ell", "ℓ"),
    "lower": Symbol("a", "a"),
    "max_norm": Symbol("c", "c"),
    "mean": Symbol(r"\mu", "μ"),
    "milestones": Symbol("m", "m"),
    "momentum": Symbol(r"\beta", "β"),
    "negative_slope": Symbol("a", "a"),
    "norm": Symbol("n", "n"),
    "peak": Symbol(r"\eta_{p}", "ηₚ"),
    "rate": Symbol("a", "a"),
    "row_weights": Symbol("w", "w"),
    "scale": Symbol(r"\gamma", "γ"),
    "second_correction": Symbol("c_{2}", "c₂"),
    "second_moment": Symbol("v", "v"),
    "start": Symbol(r"\eta_{s}", "ηₛ"),
    "step": Symbol("t", "t"),
    "steps": Symbol("T", "T"),
    "tree": Symbol("g", "g"),
    "upper": Symbol("b", "b"),
    "value": Symbol("x", "x"),
    "values": Symbol("x", "x"),
    "variance": Symbol(r"\sigma^{2}", "σ²"),
    "velocity": Symbol("v", "v"),
    "weight": Symbol("W", "W"),
    "weight_decay": Symbol(r"\lambda", "λ"),
    "weights": Symbol("w", "w"),
}
# Functions that the literature writes with a sign of its own.
FUNCTION_SYMBOLS: dict[str, Symbol] = {
    "sigmoid": Symbol(r"\sigma", "σ"),
    "tanh": Symbol(r"\tanh", "tanh"),
}
INDEX_LETTERS = "ijklmnpqrsuvw"
ARRAY_LETTERS = "uvwrsadfghpqz"
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPT = str.maketrans("0123456789-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ")


def subscript(number: str) -> str:
    """Digits below the line."""
    return number.translate(_SUBSCRIPT)


def superscript(number: str) -> str:
    """Digits above the line."""
    return number.translate(_SUPERSCRIPT)


def symbol_of(name: str, *, array: bool = False) -> Symbol:
    """The symbol of an argument's name; a number at the end is a subscript, of an array (n) above.

    Examples
    --------
    >>> symbol_of("beta1").latex, symbol_of("y_hat").latex, symbol_of("x2", array=True).latex
    ('\\\\beta_{1}', '\\\\hat{y}', 'x^{(2)}')
    >>> symbol_of("learning_rate").unicode, symbol_of("max_depth").latex
    ('η', '\\\\mathrm{max\\\\_depth}')
    """
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    tree, _, leaf = name.rpartition(".")
    if tree:
        return symbol_of(f"{tree}_{leaf}" if leaf.isdigit() else leaf, array=array)
    base, _, accent = name.rpartition("_")
    if base and accent in ACCENTS:
        inner = symbol_of(base, array=array)
        return Symbol(rf"\{accent}{{{inner.latex}}}", unicodedata.normalize("NFC", inner.unicode + ACCENTS[accent]))
    numbered = re.fullmatch(r"(.*?)_?(\d+)", name)
    if numbered and numbered[1]:
        inner, digits = symbol_of(numbered[1], array=array), numbered[2]
        if array:
            return Symbol(f"{inner.latex}^{{({digits})}}", f"{inner.unicode}⁽{superscript(digits)}⁾")
        return Symbol(f"{inner.latex}_{{{digits}}}", inner.unicode + subscript(digits))
    if name in GREEK:
        return Symbol(rf"\{name}", GREEK[name])
    if name.lower() in GREEK and name[0].isupper():
        return Symbol(rf"\{name}", name)
    return Symbol(name, name) if len(name) == 1 else plain_symbol(name)


def plain_text(latex: str) -> str:
    r"""A symbol given in LaTeX, without its commands.

    Examples
    --------
    >>> plain_text(r"\hat{x}"), plain_text(r"\Delta\theta"), plain_text(r"\sigma^{2}"), plain_text(r"\beta_{1}")
    ('x̂', 'Δθ', 'σ²', 'β₁')
    """
    for accent, mark in ACCENTS.items():
        latex = re.sub(rf"\\{accent}\{{(.*?)\}}", rf"\1{mark}", latex)
    latex = re.sub(r"\^\{(\d+)\}", lambda match: superscript(match[1]), latex)
    latex = re.sub(r"_\{(\d+)\}", lambda match: subscript(match[1]), latex)
    latex = re.sub(r"\\([A-Za-z]+)", lambda match: {**GREEK, **SIGNS}.get(match[1], match[1]), latex)
    return unicodedata.normalize("NFC", latex.replace("{", "").replace("}", ""))


def plain_symbol(name: str) -> Symbol:
    r"""The name itself, upright."""
    escaped = name.replace("_", r"\_")
    return Symbol(rf"\mathrm{{{escaped}}}", name)


def function_symbol(name: str) -> Symbol:
    """How a named function is written."""
    joined = name.replace("_", "")
    return FUNCTION_SYMBOLS.get(name, Symbol(rf"\operatorname{{{joined}}}", name))


def distinct_symbols(names: Iterable[tuple[str, bool]], chosen: Mapping[str, str]) -> dict[str, Symbol]:
    """A symbol for each name, those that the caller chose first; where two would be the same, the later is upright.

    Parameters
    ----------
    names : each name, and whether it is an array with axes.
    chosen : LaTeX by name.
    """
    listed = list(names)
    unknown = sorted(set(chosen) - {name for name, _ in listed})
    if unknown:
        raise ConfigurationError(
            "a symbol is given for something that the formula does not have",
            expected=f"names among {', '.join(name for name, _ in listed)}",
            got=", ".join(unknown),
            fix="give symbols by the names of the arguments",
        )
    found = {name: Symbol(latex, plain_text(latex)) for name, latex in chosen.items()}
    for name, array in listed:
        if name in found:
            continue
        symbol = symbol_of(name, array=array)
        taken = {other.latex for other in found.values()}
        found[name] = plain_symbol(name) if symbol.latex in taken else symbol
    return found
