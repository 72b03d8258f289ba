"""Parts of a table that respect how its rows belong together: whole groups, or the order of time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pullback.core.errors import DataError
from pullback.core.random import generator
from pullback.data.split import THREE_WAY, Rows, Splittable, largest_remainder, shares_of_parts


def split_by_group(
    rows: Splittable, groups: np.ndarray, fractions: Mapping[str, float] = THREE_WAY, *, seed: int
) -> tuple[Splittable, ...]:
    r"""Random parts such that all rows of a group (a patient, a customer) lie in one part.

    Groups are taken in random order and each goes whole to the part that is furthest below its size,
    $\arg\max_j (N_j - n_j) / N_j$, so that the sizes come as near as whole groups allow.

    Parameters
    ----------
    groups : one value a row; equal values are one group. A missing value (NaN, None or an empty text) is refused.
    fractions : name of the part -> fraction; they sum to one.

    Raises
    ------
    DataError
        if there are fewer groups than parts, or the groups are not one value a row.

    Examples
    --------
    >>> from pullback.data import load
    >>> iris = load("iris")
    >>> train, test = split_by_group(iris, np.arange(150) // 10, {"train": 0.8, "test": 0.2}, seed=0)
    >>> len(train), len(test), set(train.indices // 10) & set(test.indices // 10)
    (120, 30, set())
    """
    shares = shares_of_parts(fractions)
    codes, count = _codes(rows, groups)
    if count < len(shares):
        raise DataError(
            f"{rows.name!r} has {count} groups for {len(shares)} parts",
            expected=f"at least {len(shares)} groups",
            got=f"{count}",
            fix="use fewer parts, or another column for the groups",
        )
    sizes = np.bincount(codes, minlength=count)
    # Larger groups first among the shuffled: a large one placed last could fill a small part twice over.
    order = generator(seed, "split by group").permutation(count)
    order = order[np.argsort(-sizes[order], kind="stable")]
    wanted, filled = shares * len(rows), np.zeros(len(shares))
    part_of_group = np.empty(count, np.int64)
    for number, group in enumerate(order):
        empty = np.flatnonzero(filled == 0)
        # The last groups are kept for parts that have none yet.
        forced = len(empty) >= count - number
        part = int(empty[0]) if forced else int(np.argmax((wanted - filled) / wanted))
        part_of_group[group] = part
        filled[part] += sizes[group]
    parts = part_of_group[codes]
    return tuple(rows.take(np.flatnonzero(parts == part)) for part in range(len(shares)))


def _codes(rows: Rows, groups: np.ndarray) -> tuple[np.ndarray, int]:
    values = np.asarray(groups)
    if values.shape != (len(rows),):
        raise DataError(
            f"the groups of {rows.name!r} are not one value a row",
            expected=f"{len(rows)} values",
            got=f"shape {values.shape}",
            fix="pass the column that names the group",
        )
    unknown = np.isnan(values) if values.dtype.kind == "f" else np.array([value in (None, "") for value in values])
    if unknown.any():
        raise DataError(
            f"row {int(np.flatnonzero(unknown)[0])} of {rows.name!r} has no group",
            expected="a group in every row",
            got=f"{int(unknown.sum())} rows without",
            fix="fill the column, or drop these rows",
        )
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, len(distinct)


def split_by_time(
    rows: Splittable, time: np.ndarray, fractions: Mapping[str, float] = THREE_WAY
) -> tuple[Splittable, ...]:
    """Parts that follow each other in time: the first part is the past of the second, and so on.

    Rows of one moment stay together, in the earlier part, so that no part holds a moment of the one before.

    Parameters
    ----------
    time : one number a row, for example days.
    fractions : name of the part -> fraction, from the earliest to the latest.

    Raises
    ------
    DataError
        if a moment is missing, or there are too few different ones to fill every part.

    Examples
    --------
    >>> from pullback.data import load
    >>> past, future = split_by_time(load("iris"), np.arange(150)[::-1], {"train": 0.8, "test": 0.2})
    >>> len(past), int(future.indices.max())
    (120, 29)
    """
    shares = shares_of_parts(fractions)
    moments = np.asarray(time)
    if moments.shape != (len(rows),) or moments.dtype.kind not in "iuf" or np.isnan(moments).any():
        raise DataError(
            f"the time of {rows.name!r} is not one number a row",
            expected=f"{len(rows)} finite numbers",
            got=f"shape {moments.shape}, {moments.dtype}"
            + (", with missing values" if moments.dtype.kind == "f" and np.isnan(moments).any() else ""),
            fix="name a column of dates or numbers without gaps",
        )
    in_order = np.sort(moments)
    ends = np.cumsum(largest_remainder(shares * len(rows), len(rows)))
    # A part ends behind the whole of the moment that holds its last row.
    limits = in_order[np.maximum(ends, 1) - 1]
    part = np.searchsorted(limits, moments, side="left")
    sizes = np.bincount(part, minlength=len(shares))
    if sizes.min() == 0:
        raise DataError(
            f"a part of {rows.name!r} would be empty",
            expected="enough different moments for every part",
            got=", ".join(f"{name}: {size}" for name, size in zip(fractions, sizes, strict=True)),
            fix="use fewer parts, or a finer measure of time",
        )
    return tuple(rows.take(np.flatnonzero(part == number)) for number in range(len(shares)))
