"""What the target of a table means: which task, which classes, which numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pullback.core.errors import ConfigurationError, DataError, unknown_name
from pullback.data.dataset import TASKS
from pullback.data.table_column import Column, as_category, number_text

# Integers with more distinct values than this are amounts, not labels.
MOST_INTEGER_CLASSES = 20


class Target(NamedTuple):
    """The target encoded: class indices (int32) or real numbers (float64), and what was decided about it."""

    values: np.ndarray
    task: str
    class_names: tuple[str, ...] | None
    note: str


def encode_target(column: Column, task: str | None) -> Target:
    """Task and values of a target without missing rows; the task is inferred where it is not given.

    Raises
    ------
    ConfigurationError, DataError
        if the task does not fit the values, or there is nothing to learn: one class, or no class twice.
    """
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if column.kind == "date":
        raise DataError(
            f"the target {column.name!r} is a date",
            expected="numbers to predict, or classes",
            got="dates",
            fix="predict a difference of dates in days instead",
        )
    chosen = task or infer_task(column)
    said = f"task: {chosen}" if task is None else f"task as asked: {chosen}"
    if chosen == "regression":
        return _real(column, said)
    return _classes(column, chosen, said)


def infer_task(column: Column) -> str:
    """Regression for numbers with fractions or with many distinct integers, classification for all else."""
    if column.kind != "number":
        return "classification"
    distinct = pd.unique(column.values)
    few = len(distinct) <= min(MOST_INTEGER_CLASSES, max(len(column) // 3, 2))
    return "classification" if few and (distinct == np.floor(distinct)).all() else "regression"


def _real(column: Column, said: str) -> Target:
    if column.kind not in ("number", "boolean"):
        raise ConfigurationError(
            f"the target {column.name!r} cannot be regressed on",
            expected="numbers",
            got=f"a {column.kind} with {len(column.levels)} levels",
            fix="leave task out, or say classification",
        )
    values = column.values.astype(np.float64)
    if values.min() == values.max():
        raise DataError(
            f"the target {column.name!r} is constant",
            expected="numbers that vary",
            got=f"{values[0]:g} in all {len(values)} rows",
            fix="check the choice of the target",
        )
    return Target(values, "regression", None, f"{said}, {column.name!r} from {values.min():g} to {values.max():g}")


def _classes(column: Column, task: str, said: str) -> Target:
    if column.kind == "number":
        # By hashing: sorting would take several times the memory of a long column.
        codes, distinct = pd.factorize(column.values, sort=True)
        names: tuple[str, ...] = tuple(number_text(value) for value in distinct)
    else:
        category = as_category(column)
        codes, used = pd.factorize(category.values, sort=True)
        names = tuple(str(category.levels[code]) for code in used)
    if len(names) < 2:
        raise DataError(
            f"the target {column.name!r} has one class",
            expected="at least two classes",
            got=f"{', '.join(names)!r} in all {len(column)} rows",
            fix="check the choice of the target, or the filter that made these rows",
        )
    if len(names) > len(column) / 2:
        raise DataError(
            f"the target {column.name!r} has {len(names)} classes in {len(column)} rows",
            expected="classes that repeat",
            got=f"{', '.join(names[:5])}, ...",
            fix='choose another target, or say task="regression" if these are amounts',
        )
    if task == "binary" and len(names) != 2:
        raise ConfigurationError(
            f"the task is binary and the target {column.name!r} has {len(names)} classes",
            expected="2 classes",
            got=", ".join(names[:10]),
            fix='say task="classification"',
        )
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return Target(codes.astype(np.int32), task, names, f"{said}, {len(names)} classes of {column.name!r}: {shown}")
