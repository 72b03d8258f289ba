r"""Which axes a formula need not write: leading ones along which it merely repeats itself.

An index of the result is left out if everywhere it occurs it is a plain leading subscript, and every array that carries
it carries also the left-out indices that follow it, as in NumPy's broadcasting. Of an elementwise formula no index
remains; of \(y_{nj} = \sum_k x_{nk} W_{jk}\) the index \(n\) goes.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

from pullback.explain.expression import Node
from pullback.explain.reader import Auxiliary


def implicit_axes(
    results: Mapping[str, Auxiliary],
    auxiliaries: Mapping[str, Auxiliary],
    known: Mapping[str, int] | None = None,
    ranked: Mapping[str, int] | None = None,
    most: Mapping[str, int] | None = None,
    matrices: Collection[str] = (),
) -> dict[str, int]:
    """How many leading axes each result and each other array leaves out, by name; the most that fits.

    Parameters
    ----------
    known : results whose number is settled.
    most : largest number for a result, where not all of its indices are axes.
    ranked : number of axes of arguments; where the result keeps an index, none of them may lose all of its own.
    matrices : arrays that keep all of their indices.
    """
    settled = known or {}
    largest = {name: len(result.indices) for name, result in results.items()} | dict(most or {})
    ranks = [(settled[name],) if name in settled else range(largest[name], -1, -1) for name in results]
    for counts in sorted(itertools.product(*ranks), key=sum, reverse=True):
        arrays = dict(zip(results, counts, strict=True))
        everything = {**auxiliaries, **results}
        if (
            all(
                _fits(result.body, result.indices[:count], arrays, everything)
                for result, count in zip(results.values(), counts, strict=True)
            )
            and (settled or not any(arrays.get(name) for name in matrices))
            and (settled or not _loses_all(results, counts, arrays, ranked or {}))
        ):
            return arrays
    raise AssertionError("leaving out no axis always fits")


def _loses_all(
    results: Mapping[str, Auxiliary], counts: Sequence[int], arrays: Mapping[str, int], ranked: Mapping[str, int]
) -> bool:
    keeps = any(len(result.indices) > count for result, count in zip(results.values(), counts, strict=True))
    return keeps and any(rank and arrays.get(name) == rank for name, rank in ranked.items())


def _fits(body: Node, left_out: tuple[Node, ...], arrays: dict[str, int], auxiliaries: Mapping[str, Auxiliary]) -> bool:
    """Whether `left_out` may be left out of `body`; notes in `arrays` what that means for each array."""
    seen: set[Node] = set()

    def visit(part: Node) -> bool:
        if part in seen:
            return True
        seen.add(part)
        if part.op == "index":
            return part not in left_out
        if part.op != "element":
            return all(map(visit, part.args))
        count = next((n for n, sub in enumerate(part.args) if sub not in left_out), len(part.args))
        if part.args[:count] != left_out[len(left_out) - count :] or not all(map(visit, part.args[count:])):
            return False
        name = part.data[0]
        known = name in arrays
        if arrays.setdefault(name, count) != count:
            return False
        auxiliary = auxiliaries.get(name)
        return known or auxiliary is None or _fits(auxiliary.body, auxiliary.indices[:count], arrays, auxiliaries)

    return visit(body)
