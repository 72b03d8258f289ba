r"""Equations from the code: a traced kernel as the formula that a textbook would print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from pullback.core.errors import missing_extra
from pullback.explain.document import Document, read_document
from pullback.explain.styles import Latex, Unicode
from pullback.explain.tracing import is_transformed, trace


@dataclass(frozen=True)
class Equation:
    r"""A formula: what a kernel computes, as LaTeX, MathML and plain text.

    Parameters
    ----------
    latex, unicode : the formula; several results and shared pieces stand on lines of their own.
    definitions : the equations of the named functions that occur in it.
    symbols : the LaTeX of each argument, by name.
    results : the LaTeX of each result.
    constants : arrays that the kernel holds itself, by their LaTeX.

    Indices count from zero, axes of length one have none, and leading axes along which the formula repeats itself are
    not written.

    Examples
    --------
    >>> from pullback.nn import softplus
    >>> print(equation(softplus).latex)
    \operatorname{softplus}(x) = \log(1 + e^{x})
    """

    latex: str
    unicode: str
    definitions: tuple[Equation, ...] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def mathml(self) -> str:
        """The formula in MathML, for a page of HTML; needs the extra `docs`."""
        try:
            from latex2mathml.converter import convert
        except ImportError as error:
            raise missing_extra("latex2mathml", "docs", "an equation in MathML") from error
        return convert(self.latex.replace("{aligned}", "{align*}"), display="block")

    def _repr_latex_(self) -> str:
        return f"$$ {self.latex} $$"

    def __str__(self) -> str:
        return self.unicode


def equation(
    kernel: Callable[..., Any],
    *examples: Any,
    name: str | None = None,
    output: str | Sequence[str] | None = None,
    symbols: Mapping[str, str] | None = None,
) -> Equation:
    r"""The formula that a kernel computes, from its traced program.

    Argument names are the symbols (`theta` is \(\theta\), `learning_rate` \(\eta\)). A formula that is not elementwise
    is written in indices. Functions under `jax.jit` keep their names; their formulas are in `definitions`.

    Parameters
    ----------
    kernel : a function of arrays and settings, or the derivative of one (`jax.grad(kernel)`).
    examples : arrays, or `jax.ShapeDtypeStruct`, or numbers, for the arguments in order; only shapes matter. Without
        them shapes come from the annotations, such as `Float[Array, "batch features"]`.
    name : the function that the left side names; by default the kernel's if it takes one array.
    output : LaTeX of the result, or of each of several; the left side is then this symbol.
    symbols : LaTeX of arguments, by name, in place of what their names say.

    Errors
    ------
    `EquationError` for an operation that is not supported yet, or that no formula can express; `ConfigurationError`
    where a shape is not known.

    Examples
    --------
    >>> import jax
    >>> from pullback.nn.linear import linear
    >>> print(equation(linear))
    y_j = ∑_k x_k W_jk + b_j
    >>> print(equation(jax.grad(lambda x: x**3), 1.0, output="f'").latex)
    f' = 3 x^{2}
    """
    traced = trace(kernel, examples)
    outputs = (output,) if isinstance(output, str) else tuple(output or ())
    shown = name or (None if is_transformed(kernel) else traced.name)
    with jax.enable_x64(True):
        page = read_document(
            traced.program,
            traced.inputs,
            shown,
            outputs,
            symbols or {},
            named=name is not None,
            numbers=traced.numbers,
            settings=traced.settings,
        )
        return _shown(page)


def _shown(page: Document) -> Equation:
    """The equation of a document, with those of the functions that it calls."""
    return Equation(
        latex=page.written(Latex()),
        unicode=page.written(Unicode()),
        definitions=tuple(_shown(inner) for inner in page.definitions()),
        symbols={name: page.symbols[name].latex for name in page.inputs},
        results=tuple(page.symbols[name].latex for name in page.results),
        constants={page.symbols[name].latex: value for name, value in page.constants.items()},
    )
