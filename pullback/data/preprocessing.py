"""Preprocessing as data: the closed table of its kinds, by which `preprocessing.json` is read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.core.errors import DataError, unknown_name
from pullback.data.images_preprocessing import KIND as IMAGES
from pullback.data.images_preprocessing import ImagePreprocessing
from pullback.data.standardize import KIND as STANDARDIZE
from pullback.data.standardize import Standardize
from pullback.data.table_preprocessing import KIND as TABLE
from pullback.data.table_preprocessing import TablePreprocessing

PREPROCESSINGS: dict[str, Any] = {
    IMAGES: ImagePreprocessing,
    STANDARDIZE: Standardize,
    TABLE: TablePreprocessing,
}


def preprocessing_from_json(records: Any) -> tuple[Any, ...]:
    """The steps that a run folder recorded, in their order.

    Raises
    ------
    DataError
        if a record is damaged.
    ConfigurationError
        for a kind outside the table.

    Examples
    --------
    >>> preprocessing_from_json([{"kind": "standardize", "mean": [0.0], "scale": [2.0]}])
    (Standardize(mean=(0.0,), scale=(2.0,)),)
    """
    if not isinstance(records, Sequence) or not all(
        isinstance(record, dict) and "kind" in record for record in records
    ):
        raise DataError(
            "this is no list of preprocessing steps",
            expected='[{"kind": ..., ...}, ...]',
            got=f"{str(records)[:80]}",
            fix="pass the content of preprocessing.json",
        )
    for record in records:
        if record["kind"] not in PREPROCESSINGS:
            raise unknown_name("kind of preprocessing", str(record["kind"]), PREPROCESSINGS)
    return tuple(PREPROCESSINGS[record["kind"]].from_json(record) for record in records)
