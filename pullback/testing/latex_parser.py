r"""Reads the LaTeX of an equation back, from its text alone.

The subset: numbers, names, \(e\), \(\pi\), \(\infty\); sums, products by juxtaposition or `\cdot`, `\bmod`, `\frac`,
`\sqrt`, powers, bars, floor and ceiling; functions (`\log`, `\operatorname{name}`) with their arguments in parentheses;
`\sum`, `\prod`, `\max`, `\min`, `\operatorname{mean}`, ... over indices below, with or without limits; subscripts;
`cases` with conditions; brackets around a condition, which are 1 where it holds. An equation is one line, or several
in `aligned`: results, then lines that begin with *where*, then remarks that begin with *with*.

The result is nested tuples whose first entry says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Tree = tuple[Any, ...]

RELATIONS = {"=": "eq", r"\ne": "ne", "<": "lt", ">": "gt", r"\le": "le", r"\ge": "ge"}
OVER_INDICES = (
    r"\operatorname{argmax}",
    r"\operatorname{argmin}",
    r"\operatorname{mean}",
    r"\bigwedge",
    r"\bigvee",
    r"\prod",
    r"\sum",
    r"\max",
    r"\min",
)
END_OF_PRODUCT = (r"\right", r"\end", r"\text", r"\land", r"\lor", r"\quad", r"\bmod", r"\\", r"\le", r"\ge", r"\ne")


@dataclass(frozen=True)
class Line:
    """One line: what it defines, the indices on its left side, its right side, and how far unclear indices run.

    A line that defines a function has `parameters`, the names of its arguments. One whose left side has subscripts that
    are more than an index has them in `subscripts`, and `indices` are those that occur in them.
    """

    name: str
    indices: tuple[str, ...]
    body: Tree
    ranges: dict[str, int]
    parameters: tuple[str, ...] | None = None
    subscripts: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Page:
    """All lines of an equation: how many are results, and what arrays are beyond their edges."""

    lines: tuple[Line, ...]
    outside: dict[str, Tree]


def parse(latex: str, names: Iterable[str]) -> Page:
    """Read an equation in which these names occur beside those that it defines."""
    text = latex.strip()
    rows = [text]
    if text.startswith(r"\begin{aligned}"):
        text = text.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}")
        rows = [row.strip() for row in _split(text, r"\\")]
    remarks = [row for row in rows if row.startswith(r"& \text{with }")]
    sides = [_sides(row) for row in rows if row not in remarks]
    known = set(names) | {_defined(left) for left, _ in sides if not _is_function(left, names)}
    outside = {}
    for remark in remarks:
        left, _, right = remark.removeprefix(r"& \text{with }").removesuffix(r"\text{ outside}").partition(" = ")
        outside[left.strip()] = Reader(right, known).whole()
    return Page(tuple(_line(left, right, known) for left, right in sides), outside)


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that stand outside braces and environments."""
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        if text.startswith((r"\begin{", "{"), place):
            depth += 1
        if text.startswith((r"\end{", "}"), place):
            depth -= 1
        # The braces of \begin{...} and \end{...} cancel out.
        if depth == 0 and text.startswith(separator, place):
            parts.append(text[start:place])
            start = place + len(separator)
            place = start
            continue
        place += 1
    return [*parts, text[start:]]


def _sides(row: str) -> tuple[str, str]:
    row = row.removeprefix(r"\text{where }")
    left, separator, right = row.partition(" &= ")
    if not separator:
        left, _, right = row.partition(" = ")
    return left.strip(), right.strip()


def _is_function(left: str, names: Iterable[str]) -> bool:
    return "(" in left and _defined(left) not in names and not left.startswith(tuple(f"{name}_" for name in names))


def _defined(left: str) -> str:
    """The name on a left side, without its subscripts: a subscript that is a number belongs to the name."""
    base, separator, subscripts = left.rpartition("_{")
    if not separator or not subscripts.endswith("}") or _is_part_of_name(subscripts[:-1]):
        return left
    return base


def _is_part_of_name(subscript: str) -> bool:
    return "{" in subscript or subscript.isdigit()


def _line(left: str, right: str, known: set[str]) -> Line:
    name = _defined(left)
    written = left[len(name) :]
    parts = _subscripts(written[2:-1]) if written else []
    indices = tuple(dict.fromkeys(letter for part in parts for letter in re.findall(r"[a-z]", part)))
    computed = tuple(Reader(part, indices).whole() for part in parts) if list(indices) != parts else ()
    right, *ranges = (part.strip() for part in right.split(r", \quad "))
    sizes = {part.partition(" = ")[0]: int(part.rpartition(", ")[2]) + 1 for part in ranges}
    if "(" in name and name not in known:
        function, _, inner = name.partition("(")
        parameters = tuple(part.strip() for part in _split(inner.removesuffix(")"), ","))
        body = Reader(right, known | set(parameters) | set(indices)).whole()
        return Line(function, indices, body, sizes, parameters, computed)
    return Line(name, indices, Reader(right, known | set(indices)).whole(), sizes, subscripts=computed)


def _subscripts(text: str) -> list[str]:
    """The subscripts of a name: separated by commas, or letters side by side."""
    words = text.split()
    if all((len(word) == 1 and word.isalpha()) or word == r"\cdot" for word in words):
        return words
    return [part.strip() for part in _split(text, ",")]


class Reader:
    """Recursive descent over one right side."""

    def __init__(self, text: str, names: Iterable[str]) -> None:
        self.text = text
        self.names = sorted(set(names), key=len, reverse=True)
        self.place = 0

    def whole(self) -> Tree:
        """The tree of the whole text."""
        tree = self.condition()
        if self.rest():
            raise ValueError(f"cannot read {self.rest()!r} in {self.text!r}")
        return tree

    def rest(self) -> str:
        """What is not read yet."""
        while self.place < len(self.text) and self.text[self.place] == " ":
            self.place += 1
        return self.text[self.place :]

    def sees(self, token: str) -> bool:
        """Whether the token comes next; a command ends where its letters end."""
        rest = self.rest()
        if not rest.startswith(token):
            return False
        command = token[0] == "\\" and token[-1].isalpha()
        return not (command and rest[len(token) : len(token) + 1].isalpha())

    def takes(self, token: str) -> bool:
        """Read the token if it comes next."""
        found = self.sees(token)
        if found:
            self.place += len(token)
        return found

    def expect(self, token: str) -> None:
        """Read the token, which must come next."""
        if not self.takes(token):
            raise ValueError(f"expected {token!r} before {self.rest()!r} in {self.text!r}")

    def group(self) -> str:
        """The text inside the braces that come next."""
        self.expect("{")
        start, depth = self.place, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.text[self.place], 0)
            self.place += 1
        return self.text[start : self.place - 1]

    def inside(self) -> Tree:
        """The tree inside the braces that come next."""
        return Reader(self.group(), self.names).whole()

    def condition(self) -> Tree:
        """Relations joined by and, and those by or."""
        tree = self.conjunction()
        while self.takes(r"\lor"):
            tree = ("or", tree, self.conjunction())
        return tree

    def conjunction(self) -> Tree:
        tree = self.relation()
        while self.takes(r"\land"):
            tree = ("and", tree, self.relation())
        return tree

    def relation(self) -> Tree:
        """A chain such as 0 <= k < 3 is the conjunction of its links."""
        left = self.sum()
        links = []
        while (sign := next((sign for sign in RELATIONS if self.sees(sign)), None)) is not None:
            self.expect(sign)
            right = self.sum()
            links.append((RELATIONS[sign], left, right))
            left = right
        if not links:
            return left
        tree = links[0]
        for link in links[1:]:
            tree = ("and", tree, link)
        return tree

    def sum(self) -> Tree:
        tree = ("neg", self.product()) if self.takes("-") else self.product()
        while (sign := next((sign for sign in "+-" if self.sees(sign)), None)) is not None:
            self.expect(sign)
            term = self.product()
            tree = ("add", tree, term) if sign == "+" else ("add", tree, ("neg", term))
        return tree

    def product(self) -> Tree:
        tree = self.factor()
        while True:
            if self.takes(r"\bmod"):
                tree = ("mod", tree, self.factor())
            elif self.takes(r"\cdot") or not self.ends_product():
                tree = ("mul", tree, self.factor())
            else:
                return tree

    def ends_product(self) -> bool:
        rest = self.rest()
        return not rest or rest[0] in "+-=<>),&]|}" or any(self.sees(token) for token in END_OF_PRODUCT)

    def factor(self) -> Tree:
        """A base and its power."""
        tree = self.base()
        while self.takes("^"):
            exponent = self.inside() if self.sees("{") else ("number", float(self.take_character()))
            tree = ("pow", tree, exponent)
        return tree

    def take_character(self) -> str:
        self.rest()
        self.place += 1
        return self.text[self.place - 1]

    def base(self) -> Tree:
        name = next((name for name in self.names if self.sees(name)), None)
        if name is not None:
            self.expect(name)
            return self.subscripted(name)
        number = re.match(r"\d+(\.\d+)?", self.rest())
        if number:
            self.place += number.end()
            return ("number", float(number[0]))
        for token, method in self.FORMS.items():
            if self.sees(token):
                self.expect(token)
                return method(self)
        for token in OVER_INDICES:
            if self.sees(f"{token}_"):
                self.expect(token)
                return self.over_indices(token)
        return self.application()

    def subscripted(self, name: str) -> Tree:
        """A name with its subscripts; those that are a dot stand for a whole axis."""
        if not self.takes("_"):
            return ("name", name, ())
        parts = _subscripts(self.group())
        subscripts = tuple(None if part == r"\cdot" else Reader(part, self.names).whole() for part in parts)
        return ("name", name, subscripts)

    def over_indices(self, token: str) -> Tree:
        """A sum or its like; each index with its last value, or None where the arrays say how far it runs."""
        self.expect("_")
        below = self.group()
        above = None
        if self.takes("^"):
            above = self.inside()
        first, _, start = below.partition(" = ")
        letters = [letter.strip() for letter in (first if above is not None else below).split(",")]
        assert above is None or start == "0"
        saved, self.names = self.names, sorted({*self.names, *letters}, key=len, reverse=True)
        body = self.product()
        self.names = saved
        return ("over", token, tuple(letters), above, body)

    def application(self) -> Tree:
        """A function and its arguments, perhaps with a power or with subscripts of its result."""
        if self.takes(r"\operatorname"):
            function = rf"\operatorname{{{self.group()}}}"
        else:
            command = re.match(r"\\[a-zA-Z]+|[a-zA-Z]", self.rest())
            if not command:
                raise ValueError(f"cannot read {self.rest()!r} in {self.text!r}")
            function = command[0]
            self.place += command.end()
            if function == r"\log" and self.takes(r"\Gamma"):
                function = r"\log\Gamma"
            if function == "e" and not self.sees("("):
                return ("number", 2.718281828459045)
        power = self.inside() if self.takes("^") else None
        arguments = self.arguments()
        subscripts: tuple[Tree, ...] = ()
        if self.takes("_"):
            subscripts = tuple(Reader(part, self.names).whole() for part in _subscripts(self.group()))
        tree = ("call", function, arguments, subscripts)
        return tree if power is None else ("pow", tree, power)

    def arguments(self) -> tuple[Tree, ...]:
        closing = r"\right)" if self.takes(r"\left(") else ")"
        if closing == ")":
            self.expect("(")
        found = [self.condition()]
        while self.takes(","):
            found.append(self.condition())
        self.expect(closing)
        return tuple(found)

    def between(self, closing: str) -> Tree:
        tree = self.condition()
        self.expect(closing)
        return tree

    def cases(self) -> Tree:
        """Branches in order, the last one without a condition."""
        branches: list[tuple[Tree, Tree | None]] = []
        while True:
            value = self.condition()
            self.expect("&")
            if self.takes(r"\text{otherwise}"):
                branches.append((value, None))
                self.expect(r"\end{cases}")
                return ("cases", tuple(branches))
            self.expect(r"\text{if }")
            branches.append((value, self.condition()))
            self.expect("\\\\")

    FORMS = {
        r"\frac": lambda self: ("div", self.inside(), self.inside()),
        r"\sqrt[3]": lambda self: ("cube_root", self.inside()),
        r"\sqrt": lambda self: ("sqrt", self.inside()),
        r"\left(": lambda self: self.between(r"\right)"),
        "(": lambda self: self.between(")"),
        r"\left|": lambda self: ("abs", self.between(r"\right|")),
        r"\left\lfloor": lambda self: ("floor", self.between(r"\right\rfloor")),
        r"\left\lceil": lambda self: ("ceil", self.between(r"\right\rceil")),
        r"\left[": lambda self: ("bracket", self.between(r"\right]")),
        r"\begin{cases}": lambda self: self.cases(),
        r"\lnot": lambda self: ("not", self.base()),
        r"\pi": lambda self: ("number", 3.141592653589793),
        r"\infty": lambda self: ("number", float("inf")),
        r"\mathrm{NaN}": lambda self: ("number", float("nan")),
        r"\mathrm{true}": lambda self: ("number", 1.0),
        r"\mathrm{false}": lambda self: ("number", 0.0),
    }
