"""What a careful reader would ask about a table before training on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pullback.data.table import Table
from pullback.data.table_column import Column

# A single column that explains this much of the target is more likely a copy of it than a cause.
COPY = 0.999
NEARLY_ALL_DISTINCT = 0.999
FEW_ROWS = 10
MOST_ROWS_LOOKED_AT = 20_000


def table_warnings(table: Table, parts: Mapping[str, Table] | None = None) -> tuple[str, ...]:
    """Warnings about a table, each a sentence that gives its reason; an empty tuple if there is nothing to say.

    Looked for: columns that tell the target almost by themselves, columns that number the rows, constant columns,
    classes of fewer than 10 rows, rows that occur in more than one part. Of long tables the columns are judged by
    20,000 rows; duplicates by all.

    Parameters
    ----------
    table : the whole table.
    parts : name -> part of the table, for duplicates between the first part and the others.

    Examples
    --------
    >>> from pullback.data.table import table as make_table
    >>> rows = make_table({"x": [1.5, 0.2, 2.5, 0.4], "one": [1.0] * 4, "y": ["a", "b", "a", "b"]}, "y")
    >>> for warning in table_warnings(rows)[:1]:
    ...     print(warning)
    column 'one' is constant: it cannot tell rows apart
    """
    looked_at = table if len(table) <= MOST_ROWS_LOOKED_AT else table.take(_spread(len(table)))
    columns = [looked_at.column(name) for name in table.kinds]
    targets = looked_at.targets
    warnings = [_constant(column) or _identifier(column) for column in columns]
    if len(targets) >= FEW_ROWS:
        warnings += [copies_target(column, targets, table.task) for column in columns]
    warnings += _tiny_classes(table)
    if parts:
        warnings += duplicates_across(parts)
    return tuple(warning for warning in warnings if warning)


def _spread(rows: int) -> np.ndarray:
    return np.linspace(0, rows - 1, MOST_ROWS_LOOKED_AT).astype(np.int64)


def _constant(column: Column) -> str | None:
    known = column.values[~column.missing]
    if len(known) == len(column) and known.min() == known.max():
        return f"column {column.name!r} is constant: it cannot tell rows apart"
    return None


def _identifier(column: Column) -> str | None:
    """Distinct texts in every row, or whole numbers that count the rows: names, not measurements."""
    known = column.values[~column.missing]
    if len(known) < FEW_ROWS:
        return None
    if column.kind == "number" and ((known != np.floor(known)).any() or np.ptp(known) + 1 < len(known)):
        return None
    if column.kind not in ("category", "number"):
        return None
    distinct = len(np.unique(known))
    if distinct < NEARLY_ALL_DISTINCT * len(known):
        return None
    if column.kind == "number":
        steps = np.diff(known)
        counts = bool((steps > 0).all() or (steps < 0).all())
        named = column.name.casefold().replace("_", " ").split()[-1:] in (["id"], ["index"], ["key"], ["number"])
        if not (counts or named):
            return None
    return (
        f"column {column.name!r} looks like an identifier ({distinct} distinct values in {len(known)} rows): "
        "a network can learn rows by heart from it"
    )


def copies_target(column: Column, targets: np.ndarray, task: str) -> str | None:
    """A warning if this column alone gives the target: |AUC| or |rank correlation| or purity of levels near 1."""
    known = ~column.missing
    values, y = column.values[known], targets[known]
    if len(y) < FEW_ROWS or values.min() == values.max() or y.min() == y.max():
        return None
    measure, score = _strength(values, y, column.kind, task)
    if score < COPY:
        return None
    return (
        f"column {column.name!r} alone gives the target ({measure} {score:.4f}): if it is known only together with "
        "the target, leave it out"
    )


def _strength(values: np.ndarray, y: np.ndarray, kind: str, task: str) -> tuple[str, float]:
    if kind == "category":
        if len(np.unique(values)) > len(values) / 3:
            return "", 0.0
        if task == "regression":
            return "R^2 of its levels", _explained(values, y)
        return "share of rows in the commonest class of their level", _purity(values, y)
    if task == "regression":
        return "squared correlation", _squared_correlation(values, y)
    if y.max() == 1:
        return "AUC", _auc(values, y)
    few = len(np.unique(values)) <= 2 * (int(y.max()) + 1)
    return ("share of rows told by its values", _purity(values, y)) if few else ("", 0.0)


def _squared_correlation(x: np.ndarray, y: np.ndarray) -> float:
    a, b = x.astype(np.float64) - x.mean(dtype=np.float64), y - y.mean()
    return float((a @ b) ** 2 / ((a @ a) * (b @ b)))


def _explained(codes: np.ndarray, y: np.ndarray) -> float:
    _, codes = np.unique(codes, return_inverse=True)
    counts, totals = np.bincount(codes), np.bincount(codes, y)
    residual = y - (totals / counts)[codes]
    return float(1 - residual.var() / y.var())


def _purity(values: np.ndarray, y: np.ndarray) -> float:
    _, codes = np.unique(values, return_inverse=True)
    table = np.zeros((codes.max() + 1, int(y.max()) + 1), np.int64)
    np.add.at(table, (codes, y), 1)
    return float(table.max(1).sum() / len(y))


def _auc(values: np.ndarray, y: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties shared, whichever way the column points."""
    distinct, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positive = y == 1
    m, n = int(positive.sum()), int((~positive).sum())
    area = (ranks[codes][positive].sum() - m * (m + 1) / 2) / (m * n)
    return float(max(area, 1 - area))


def _tiny_classes(table: Table) -> list[str]:
    if table.class_names is None:
        return []
    counts = np.bincount(table.targets, minlength=len(table.class_names))
    return [
        f"class {name!r} has {count} row{'s' * (count != 1)}: too few to learn it or to judge how well it is predicted"
        for name, count in zip(table.class_names, counts.tolist(), strict=True)
        if count < FEW_ROWS
    ]


def duplicates_across(parts: Mapping[str, Table]) -> list[str]:
    """Rows of later parts whose features equal those of a row of the first part, counted a part."""
    names = list(parts)
    if not parts[names[0]].columns:
        return []
    hashes = {name: row_hashes(part) for name, part in parts.items()}
    found = []
    for name in names[1:]:
        count = int(np.isin(hashes[name], hashes[names[0]]).sum())
        if count:
            share = f"{count} of {len(hashes[name])} rows"
            found.append(
                f"{share} of the part {name!r} have the same features as a row of {names[0]!r}: its score flatters"
            )
    return found


def row_hashes(table: Table) -> np.ndarray:
    """A 64-bit hash of each row's features; equal rows have equal hashes."""
    total = np.full(len(table), 0x9E3779B97F4A7C15, np.uint64)
    for column in table.columns:
        bits = column.values[table.indices].astype(np.float64)
        # One NaN and one zero, whatever their bits.
        bits = np.where(np.isnan(bits), np.nan, bits) + 0.0
        total = _mix(total ^ _mix(bits.view(np.uint64)))
    return total


def _mix(x: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), in integers that wrap around."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))) + np.uint64(0x9E3779B97F4A7C15)
