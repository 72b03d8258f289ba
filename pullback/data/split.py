"""Disjoint parts of a data set: who trains, who validates, who tests."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from pullback.core.checks import positive
from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.core.random import generator


@runtime_checkable
class Rows(Protocol):
    """What can be split: a `Dataset`, a `Table`, or anything else with rows and targets."""

    @property
    def name(self) -> str: ...
    @property
    def targets(self) -> np.ndarray: ...
    @property
    def class_names(self) -> tuple[str, ...] | None: ...
    def __len__(self) -> int: ...
    def take(self, indices: np.ndarray | Sequence[int]) -> Any: ...


Splittable = TypeVar("Splittable", bound=Rows)

RARE = ("warn", "train", "error")
THREE_WAY: Mapping[str, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}


def split(
    dataset: Splittable,
    fractions: Mapping[str, float] = THREE_WAY,
    *,
    seed: int,
    stratify: bool = True,
    rare: str = "warn",
) -> tuple[Splittable, ...]:
    r"""Random parts of the sizes asked for, each with the class proportions of the whole.

    The sizes $N_j$ are $n f_j$ rounded by largest remainder, so that $\sum_j N_j = n$. Parts are then drawn one after
    another: from a class of which $m_k$ of $m$ rows are left, part $j$ takes $m_k N_j / m$ rows, rounded by largest
    remainder so that the part has exactly $N_j$. With two parts every class count is its quota rounded up or down.
    Rows within a part keep the order of the source. A class of fewer rows than parts cannot be in all of them: its rows
    go to the part "train", or the first where none is called so, and count toward its size.

    Parameters
    ----------
    fractions : name of the part -> fraction; they sum to one.
    seed : the parts are a function of the data's classes, the fractions and the seed.
    stratify : False draws without regard to classes. A regression, or labels with more than one axis, is one stratum.
    rare : what a class of fewer rows than parts does: "warn" says so by a `UserWarning`, "train" says nothing (see
        `rare_class_notes`), "error" refuses.

    Returns
    -------
    the parts in the order of `fractions`; `indices` still count rows of the source.

    Raises
    ------
    ConfigurationError
        if the fractions are not positive or do not sum to one.
    DataError
        if a part would be empty; if a class has fewer rows than there are parts and `rare` is "error", or all such
        classes together have more rows than the training part.

    Examples
    --------
    >>> from pullback.data import load
    >>> train, test = split(load("iris"), {"train": 0.8, "test": 0.2}, seed=0)
    >>> len(train), np.bincount(test.targets).tolist()
    (120, [10, 10, 10])

    References
    ----------
    Balinski, Young, "Fair Representation" (1982), the method of Hamilton.
    """
    shares = shares_of_parts(fractions)
    sizes = largest_remainder(shares * len(dataset), len(dataset))
    if sizes.min() == 0:
        raise DataError(
            f"a part of {dataset.name!r} would be empty",
            expected=f"at least one row a part of {len(dataset)} rows",
            got=", ".join(f"{name}: {size}" for name, size in zip(fractions, sizes, strict=True)),
            fix="use fewer parts or larger fractions",
        )
    if not stratify or dataset.class_names is None or dataset.targets.ndim != 1:
        parts = stratified_parts(np.zeros(len(dataset), np.int32), sizes, generator(seed, "split"))
        return tuple(dataset.take(part) for part in parts)
    _check_rare(dataset, list(fractions), rare)
    whole = rare_rows(dataset, len(sizes))
    first = _training_part(list(fractions))
    sizes[first] -= len(whole)
    if sizes[first] < 0:
        raise DataError(
            f"the rows of classes too small for {len(sizes)} parts do not fit into one of them",
            expected=f"at most {sizes[first] + len(whole)} rows",
            got=f"{len(whole)} rows of {dataset.name!r}",
            fix="merge or drop classes, use fewer parts, or pass stratify=False",
        )
    others = np.delete(np.arange(len(dataset)), whole)
    parts = [others[part] for part in stratified_parts(dataset.targets[others], sizes, generator(seed, "split"))]
    parts[first] = np.sort(np.concatenate([parts[first], whole]))
    return tuple(dataset.take(part) for part in parts)


def rare_rows(dataset: Rows, parts: int) -> np.ndarray:
    """Positions of the rows whose class has fewer rows than there are parts."""
    assert dataset.class_names is not None
    counts = np.bincount(dataset.targets, minlength=len(dataset.class_names))
    return np.flatnonzero(counts[dataset.targets] < parts)


def rare_class_notes(dataset: Rows, fractions: Mapping[str, float] = THREE_WAY) -> tuple[str, ...]:
    """One sentence a class that has fewer rows than parts, which `split` therefore puts whole into one of them.

    Examples
    --------
    >>> from pullback.data import Dataset
    >>> rows = Dataset(np.zeros((6, 1)), np.array([0, 1, 1, 0, 0, 1]), "classification", class_names=("cat", "dog"))
    >>> rare_class_notes(rows), rare_class_notes(rows.take([0, 1, 2, 5]), {"train": 0.5, "test": 0.5})
    ((), ("class 'cat' has 1 row for 2 parts: 'train' has it whole, and no other part tells how it is predicted",))
    """
    if dataset.class_names is None or dataset.targets.ndim != 1:
        return ()
    names, counts = list(fractions), np.bincount(dataset.targets, minlength=len(dataset.class_names))
    place = names[_training_part(names)]
    return tuple(
        f"class {name!r} has {count} row{'s' * (count != 1)} for {len(names)} parts: {place!r} has it whole, and no "
        "other part tells how it is predicted"
        for name, count in zip(dataset.class_names, counts.tolist(), strict=True)
        if 0 < count < len(names)
    )


def _training_part(names: Sequence[str]) -> int:
    return list(names).index("train") if "train" in names else 0


def largest_remainder(quotas: np.ndarray, total: int) -> np.ndarray:
    """Integers next to the quotas that sum to `total`; ties go to the earlier entry.

    Examples
    --------
    >>> largest_remainder(np.array([1.4, 2.3, 1.3]), 5).tolist()
    [2, 2, 1]
    """
    # A quota such as 0.7 * 10 may fall short of its integer by rounding alone.
    quotas = np.where(np.isclose(quotas, np.rint(quotas), rtol=0, atol=1e-9), np.rint(quotas), quotas)
    floors = np.floor(quotas).astype(np.int64)
    order = np.argsort(-(quotas - floors), kind="stable")
    floors[order[: total - floors.sum()]] += 1
    return floors


def stratified_parts(strata: np.ndarray, sizes: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """Sorted row positions of each part; every part draws from every stratum in proportion to the rows left in it."""
    rows = [random.permutation(np.flatnonzero(strata == stratum)) for stratum in np.unique(strata)]
    parts = []
    for size in sizes:
        left = np.array([len(stratum) for stratum in rows])
        takes = largest_remainder(left * (size / max(left.sum(), 1)), int(size))
        parts.append(np.sort(np.concatenate([stratum[:take] for stratum, take in zip(rows, takes, strict=True)])))
        rows = [stratum[take:] for stratum, take in zip(rows, takes, strict=True)]
    return parts


def shares_of_parts(fractions: Mapping[str, float]) -> np.ndarray:
    """The fractions as an array that sums to one exactly."""
    shares = np.array([positive(f"fraction of {name!r}", share) for name, share in fractions.items()])
    if abs(shares.sum() - 1) > 1e-6:
        raise ConfigurationError(
            "the fractions of a split do not sum to one",
            expected="a sum of 1",
            got=f"{shares.sum():g} from {dict(fractions)}",
            fix="name every part, the rest as well",
        )
    return shares / shares.sum()


def _check_rare(dataset: Rows, names: Sequence[str], rare: str) -> None:
    if rare not in RARE:
        raise unknown_name("policy for rare classes", rare, RARE)
    assert dataset.class_names is not None
    for note in rare_class_notes(dataset, dict.fromkeys(names, 1.0)) if rare == "warn" else ():
        warnings.warn(note, UserWarning, stacklevel=3)
    whole = rare_rows(dataset, len(names))
    if rare == "error" and len(whole):
        label = dataset.targets[whole[0]]
        raise DataError(
            f"class {dataset.class_names[label]!r} of {dataset.name!r} is too small for {len(names)} parts",
            expected=f"at least {len(names)} rows of every class that occurs",
            got=f"{int((dataset.targets == label).sum())} rows",
            fix='merge or drop the class, use fewer parts, or pass rare="train" or stratify=False',
        )
