"""The lines of an equation: results, the named pieces that they use, and what stands beyond an edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr

from pullback.core.errors import ConfigurationError
from pullback.explain.expression import ZERO, Node, is_number, node, number_node, tree_size, walk
from pullback.explain.joined_axes import joined_subscripts
from pullback.explain.layout import implicit_axes
from pullback.explain.reader import Auxiliary, Reader, no_formula, not_supported, program_inputs
from pullback.explain.reader_rules import RULES
from pullback.explain.rewrite import build, finish, settings_first
from pullback.explain.rules_calls import Function
from pullback.explain.sharing import name_cases, name_results, share
from pullback.explain.styles import Style
from pullback.explain.symbols import ARRAY_LETTERS, Symbol, distinct_symbols, function_symbol, plain_text, symbol_of
from pullback.explain.view import Shape
from pullback.explain.writer import Writer

# Beyond this many pieces nobody reads a formula.
LONGEST = 20_000
RESULT_LETTERS = "yzfghuvwrs"


@dataclass(frozen=True)
class Document:
    """Everything that is written, by name: `=n` is a result, `@n` a named piece, `#n` an array of the program.

    `subscripts` are those of a left side that are not plain indices.
    """

    inputs: tuple[str, ...]
    results: dict[str, Auxiliary]
    pieces: dict[str, Auxiliary]
    subscripts: dict[str, tuple[Node, ...]]
    symbols: dict[str, Symbol]
    shapes: dict[str, Shape]
    repeated: dict[str, int]
    settings: frozenset[str]
    function: Symbol | None
    functions: dict[str, Function]
    constants: dict[str, np.ndarray]

    def written(self, style: Style) -> str:
        """All lines in one style."""
        return style.lines(*_lines(self, style))

    def shown_arguments(self) -> list[str]:
        """Arguments on the left side: the arrays; settings are symbols of the right side alone."""
        return [name for name in self.inputs if name not in self.settings]

    def definitions(self) -> list[Document]:
        """Documents of the named functions that occur, in order."""
        bodies = [array.body for array in (*self.results.values(), *self.pieces.values())]
        called = {part.data[0]: None for body in bodies for part in walk(body) if part.op == "call"}
        return [_definition(self.functions[name]) for name in called if name in self.functions]


def read_document(
    program: ClosedJaxpr,
    inputs: Sequence[str],
    function: str | None,
    outputs: Sequence[str],
    symbols: Mapping[str, str],
    *,
    named: bool = False,
    layout: int | None = None,
    numbers: Mapping[float, Node] | None = None,
    settings: Sequence[str] = (),
) -> Document:
    """Read a traced program, simplify, and decide what is named and what is left out.

    Parameters
    ----------
    function : name of the function, for the left side where there is no symbol for the result.
    outputs : LaTeX of the results.
    named : whether the left side must be the function.
    layout : leading axes to leave out of the result, where that is known.
    numbers, settings : settings that are no inputs, and what numbers of the program are in terms of them.
    """
    reader = Reader(RULES, numbers=numbers or {})
    views = reader.closed(program, program_inputs(program, inputs))
    results: dict[str, Auxiliary] = {}
    for number, view in enumerate(views):
        place = [reader.new_index(size) if size > 1 else ZERO for size in view.shape]
        plain = tuple(sub for sub in place if sub is not ZERO)
        results[f"={number}"] = Auxiliary(plain, _written_out(finish(view.at(*place))))
    pieces = {name: Auxiliary(piece.indices, finish(piece.body)) for name, piece in reader.auxiliaries.items()}
    _check_length(results, pieces)
    known = _settings(program, inputs) | set(settings) | _single_numbers(program, inputs)
    for table in (results, pieces):
        for name, array in table.items():
            table[name] = Auxiliary(array.indices, settings_first(array.body, known))
    name_results(results, pieces)
    name_cases(results, pieces)
    share(results, pieces)
    pieces = _used(results, pieces)
    joined = joined_subscripts(results["=0"]) if len(results) == 1 and not pieces else None
    subscripts: dict[str, tuple[Node, ...]] = {}
    if joined is not None:
        results["=0"], subscripts["=0"] = joined
    shapes = dict.fromkeys(settings, ()) | _shapes(program, inputs, results, pieces, reader.constants)
    ranked = {name: len(shapes[name]) for name in inputs}
    plain = {name: len(left) - 1 for name, left in subscripts.items()}
    settled = None if layout is None else {"=0": layout}
    repeated = implicit_axes(results, pieces, settled, ranked, plain, _matrices(inputs))
    table = _symbols([*inputs, *settings], outputs, symbols, shapes, results, pieces, reader.constants)
    scalars = frozenset() if layout is not None else _settings(program, inputs)
    own = function is not None and function.isidentifier() and len(results) == 1 and not outputs
    taken = "y" in {table[name].latex for name in inputs}
    shown = named or (own and (taken or len(inputs) - len(scalars) == 1))
    return Document(
        (*inputs, *settings),
        results,
        pieces,
        subscripts,
        table,
        shapes,
        repeated,
        scalars | set(settings),
        function_symbol(function) if shown and function else None,
        reader.functions,
        reader.constants,
    )


def _settings(program: ClosedJaxpr, inputs: Sequence[str]) -> frozenset[str]:
    """Inputs that were Python numbers, beside at least one that was an array."""
    variables: list[Any] = list(program.jaxpr.invars)
    found = frozenset(name for name, variable in zip(inputs, variables, strict=True) if variable.aval.weak_type)
    return found if len(found) < len(inputs) else frozenset()


def _matrices(inputs: Sequence[str]) -> list[str]:
    """Arguments that are called by a capital letter: a matrix is no batch of rows."""
    return [name for name in inputs if symbol_of(name).latex.isupper()]


def _single_numbers(program: ClosedJaxpr, inputs: Sequence[str]) -> frozenset[str]:
    """Inputs that are one number, beside at least one that is an array."""
    variables: list[Any] = list(program.jaxpr.invars)
    found = frozenset(name for name, variable in zip(inputs, variables, strict=True) if not variable.aval.shape)
    return found if len(found) < len(inputs) else frozenset()


def _definition(function: Function) -> Document:
    return read_document(
        function.program, function.arguments, function.name, (), {}, named=True, layout=function.repeated
    )


def _written_out(body: Node) -> Node:
    """An elementary function on its own is shown by what it means: a definition by itself says nothing."""
    if body.op not in ("logistic", "tanh") or body.args[0].op != "element":
        return body
    (x,) = body.args
    falling, rising = build("exp", build("neg", x)), build("exp", x)
    if body.op == "logistic":
        return node("div", number_node(1), build("add", number_node(1), falling))
    return node("div", build("add", rising, build("neg", falling)), build("add", rising, falling))


def _check_length(results: Mapping[str, Auxiliary], pieces: Mapping[str, Auxiliary]) -> None:
    size = sum(tree_size(array.body) for array in (*results.values(), *pieces.values()))
    if size > LONGEST:
        raise no_formula("the program as a whole", f"a formula of {size} pieces, where {LONGEST} are the most")


def _occurring(results: Mapping[str, Auxiliary], pieces: Mapping[str, Auxiliary]) -> dict[str, None]:
    """Names of the arrays that are written, in order."""
    found: dict[str, None] = {}

    def visit(body: Node) -> None:
        for part in walk(body):
            if part.op == "element" and part.data[0] not in found:
                found[part.data[0]] = None
                if part.data[0] in pieces:
                    visit(pieces[part.data[0]].body)

    for result in results.values():
        visit(result.body)
    return found


def _used(results: Mapping[str, Auxiliary], pieces: Mapping[str, Auxiliary]) -> dict[str, Auxiliary]:
    return {name: pieces[name] for name in _occurring(results, pieces) if name in pieces}


def _shapes(
    program: ClosedJaxpr,
    inputs: Sequence[str],
    results: Mapping[str, Auxiliary],
    pieces: Mapping[str, Auxiliary],
    constants: Mapping[str, np.ndarray],
) -> dict[str, Shape]:
    variables: list[Any] = list(program.jaxpr.invars)
    found = {name: variable.aval.shape for name, variable in zip(inputs, variables, strict=True)}
    found |= {name: value.shape for name, value in constants.items()}
    found = {name: tuple(size for size in shape if size > 1) for name, shape in found.items()}
    return found | {
        name: tuple(sub.data[1] for sub in array.indices) for name, array in (*results.items(), *pieces.items())
    }


def _symbols(
    inputs: Sequence[str],
    outputs: Sequence[str],
    chosen: Mapping[str, str],
    shapes: Mapping[str, Shape],
    results: Mapping[str, Auxiliary],
    pieces: Mapping[str, Auxiliary],
    constants: Mapping[str, np.ndarray],
) -> dict[str, Symbol]:
    """Symbols of arguments by their names, of results as told, of the rest from letters that are free."""
    if outputs and len(outputs) != len(results):
        raise ConfigurationError(
            "there is not one symbol a result",
            expected=f"{len(results)} symbols in `output`",
            got=f"{len(outputs)}: {', '.join(outputs)}",
            fix="give one LaTeX symbol for each result of the kernel",
        )
    table = distinct_symbols([(name, bool(shapes[name])) for name in inputs], chosen)
    used = {symbol.latex for symbol in table.values()}
    letter = next(letter for letter in RESULT_LETTERS if letter not in used)
    several = [f"{letter}^{{({number + 1})}}" for number in range(len(results))]
    names = list(outputs) or ([letter] if len(results) == 1 else several)
    table |= {name: Symbol(latex, plain_text(latex)) for name, latex in zip(results, names, strict=True)}
    taken = {symbol.latex for symbol in table.values()}
    letters = iter(letter for letter in ARRAY_LETTERS if letter not in taken)
    capitals = iter("ABCDFGHLMNPQRSTUVWXYZ")
    table |= {name: _letter(capitals, taken) for name in constants}
    for name, piece in pieces.items():
        wished = _customary(piece.body)
        table[name] = wished if wished and wished.latex not in taken else _next_letter(letters)
        taken.add(table[name].latex)
    return table


def _customary(body: Node) -> Symbol | None:
    """The letter that means and variances have everywhere."""
    if body.op != "mean":
        return None
    inner = body.args[0]
    square = inner.op == "pow" and is_number(inner.args[1], 2) and inner.args[0].op == "add"
    return Symbol(r"\sigma^{2}", "σ²") if square else Symbol(r"\mu", "μ")


def _letter(letters: Any, taken: set[str]) -> Symbol:
    letter = next(letter for letter in letters if letter not in taken)
    return Symbol(letter, letter)


def _next_letter(letters: Any) -> Symbol:
    letter = next(letters, None)
    if letter is None:
        raise not_supported("a formula with this many named pieces", f"more than {len(ARRAY_LETTERS)} of them")
    return Symbol(letter, letter)


def _lines(page: Document, style: Style) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]:
    """Left and right sides of the results and of the named pieces, and the remarks."""
    sizes = {name: function.shape for name, function in page.functions.items()}
    writer = Writer(style, page.symbols, page.shapes, page.repeated, sizes)
    first: dict[str, tuple[str, ...]] = {}
    tables: list[list[tuple[str, str]]] = []
    for arrays in (page.results, page.pieces):
        lines = []
        for name, array in arrays.items():
            writer.declare(array.indices, first.get(name, ()))
            right = writer.write(array.body)
            left = _left(page, writer, style, name, array)
            if arrays is page.pieces or name in page.subscripts:
                right += _ranges(page, writer, style, name, array)
            for part in walk(array.body):
                letters = tuple(writer.letters.get(sub, "") for sub in part.args) if part.op == "element" else ()
                if part.op == "element" and all(letters):
                    first.setdefault(part.data[0], letters)
            writer.forget(array.indices)
            lines.append((left, right))
        tables.append(lines)
    return tables[0], tables[1], _remarks(page, style)


def _left(page: Document, writer: Writer, style: Style, name: str, array: Auxiliary) -> str:
    full = page.subscripts.get(name, array.indices)
    subscripts = full[page.repeated.get(name, 0) :]
    if page.function is None or name not in page.results:
        return writer.array(name, full)
    arguments = ", ".join(style.symbol(page.symbols[argument]) for argument in page.shown_arguments())
    call = f"{style.symbol(page.function)}({arguments})"
    return style.subscripted(call, [writer.write(sub) for sub in subscripts])


def _ranges(page: Document, writer: Writer, style: Style, name: str, array: Auxiliary) -> str:
    """How far the indices of a named piece run, where no array says so."""
    unclear = [
        sub
        for sub in array.indices[page.repeated.get(name, 0) :]
        if sub not in page.subscripts.get(name, ()) and not writer.is_evident(sub, [array.body])
    ]
    return "".join(style.range(writer.letters[sub], sub.data[1] - 1) for sub in unclear)


def _remarks(page: Document, style: Style) -> list[str]:
    """What an array is beyond its edge."""
    found: dict[str, Node] = {}
    for array in (*page.results.values(), *page.pieces.values()):
        for part in walk(array.body):
            if part.op == "element" and part.data[1] is not None:
                name, outside = part.data
                if found.setdefault(name, outside) is not outside:
                    raise not_supported("padding", "one array padded with two different values")
    writer = Writer(style, page.symbols, page.shapes, page.repeated)
    return [style.remark(style.symbol(page.symbols[name]), writer.write(outside)) for name, outside in found.items()]
