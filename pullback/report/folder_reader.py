"""Reading a run folder: nothing that it names is imported, nothing in it is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import RunFolderError
from pullback.report.array_archive import read_archive
from pullback.report.records import (
    Record,
    count,
    mapping,
    number,
    numbers,
    read_record,
    read_record_lines,
    read_record_list,
    text,
    texts,
)
from pullback.report.run_folder import (
    Curvature,
    Data,
    Epoch,
    EpochTime,
    Estimate,
    Failure,
    Finished,
    LayerRow,
    Model,
    Predictions,
    RunFolder,
)

FORMAT = 1


def read_run_folder(folder: str | Path) -> RunFolder:
    """Read a run folder; only its configuration must be there and whole.

    Raises
    ------
    RunFolderError
        if the folder is missing, has no `config.json`, or is of another format version.
    """
    path = Path(folder)
    config = _read_config(path)
    notes: list[str] = []
    events = _read_lines(path / "metrics.jsonl", notes)
    return RunFolder(
        path=path,
        id=text(config, "id", path.resolve().name),
        created=text(config, "created"),
        command=texts(config, "command"),
        recipe=mapping(config, "recipe"),
        settings=mapping(config, "settings"),
        data=_data(mapping(config, "data")),
        environment=mapping(config, "environment"),
        model=_read_model(path / "model.json", notes),
        preprocessing=_read_preprocessing(path / "preprocessing.json", notes),
        epochs=_epochs(events),
        finished=_finished(events),
        failure=_failure(events),
        evaluations=_evaluations(events),
        timing=_timing(_read_lines(path / "timing.jsonl", notes)),
        predictions=_read_predictions(path / "predictions.npz", notes),
        notes=tuple(notes),
    )


def _read_config(path: Path) -> Record:
    if not path.is_dir():
        raise RunFolderError(
            f"there is no run folder {str(path)!r}",
            expected="a folder written by a training run",
            got="a file" if path.exists() else "nothing at this place",
            fix="`pullback runs` lists the run folders",
        )
    if not (path / "config.json").is_file():
        raise RunFolderError(
            f"{str(path)!r} is not a run folder",
            expected="a folder with the file config.json",
            got=", ".join(sorted(entry.name for entry in path.iterdir())[:8]) or "an empty folder",
            fix="give the folder of one run, such as runs/<id>; `pullback runs` lists them",
        )
    config = read_record(path / "config.json")
    if config.get("format") != FORMAT:
        raise RunFolderError(
            f"the run folder {str(path)!r} is of another format version",
            expected=f"format {FORMAT}",
            got=f"format {config['format']!r}" if "format" in config else "no format version",
            fix="use the version of pullback that wrote it, recorded in config.json under environment",
        )
    return config


def _read_lines(path: Path, notes: list[str]) -> list[Record]:
    records, bad = read_record_lines(path)
    if bad:
        lines = "one line is" if bad == 1 else f"{bad} lines are"
        notes.append(f"In {path.name} {lines} incomplete, as after a kill, and left out.")
    return records


def _data(record: Record) -> Data:
    shape = record.get("input_shape")
    sizes = mapping(record, "sizes")
    digests = mapping(record, "sha256")
    return Data(
        name=text(record, "name", "data"),
        task=text(record, "task"),
        class_names=texts(record, "class_names"),
        feature_names=texts(record, "feature_names"),
        input_shape=tuple(axis for axis in shape if isinstance(axis, int)) if isinstance(shape, list) else (),
        sizes={split: size for split in sizes if (size := count(sizes, split)) is not None},
        sha256={split: text(digests, split) for split in digests},
    )


def _read_model(path: Path, notes: list[str]) -> Model | None:
    if not path.is_file():
        return None
    try:
        record = read_record(path)
    except RunFolderError as error:
        notes.append(f"{error.what}.")
        return None
    rows = record.get("summary")
    return Model(
        source=text(record, "source"),
        architecture=text(record, "architecture"),
        arguments=mapping(record, "arguments"),
        parameters=count(record, "parameters"),
        multiply_adds=count(record, "multiply_adds"),
        rows=tuple(_layer_row(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else (),
    )


def _layer_row(row: Record) -> LayerRow:
    return LayerRow(
        text(row, "path"), text(row, "type"), _shape_text(row.get("output_shape")),
        count(row, "parameters"), count(row, "multiply_adds"),
    )  # fmt: skip


def _shape_text(shape: Any) -> str:
    if isinstance(shape, list):
        return " × ".join(str(axis) for axis in shape)
    return str(shape) if isinstance(shape, str) else ""


def _read_preprocessing(path: Path, notes: list[str]) -> tuple[Record, ...]:
    if not path.is_file():
        return ()
    try:
        return tuple(read_record_list(path))
    except RunFolderError as error:
        notes.append(f"{error.what}; how the inputs were prepared is not known.")
        return ()


def _epochs(events: list[Record]) -> tuple[Epoch, ...]:
    """The epochs, without those that a restart has undone."""
    epochs: list[Epoch] = []
    for event in events:
        kind, after = event.get("event"), count(event, "after")
        if kind == "epoch" and count(event, "epoch") is not None:
            epochs.append(_epoch(event))
        if kind == "restart" and after is not None:
            epochs = [epoch for epoch in epochs if epoch.epoch <= after]
    return tuple(epochs)


def _epoch(event: Record) -> Epoch:
    return Epoch(
        epoch=count(event, "epoch") or 0,
        step=count(event, "step"),
        learning_rate=number(event, "learning_rate"),
        train=numbers(event, "train"),
        validation=numbers(event, "validation"),
        best=event.get("best") is True,
        curvature=_curvature(event),
    )


def _curvature(event: Record) -> Curvature | None:
    look = mapping(event, "curvature")
    if not look:
        return None
    return Curvature(number(look, "largest"), number(look, "share"), text(look, "label") or None)


def _finished(events: list[Record]) -> Finished | None:
    ends = [event for event in events if event.get("event") == "finished"]
    return Finished(text(ends[-1], "reason"), count(ends[-1], "best_epoch")) if ends else None


def _failure(events: list[Record]) -> Failure | None:
    """The failure that the log ends with; one that training went on from is over."""
    if not events or events[-1].get("event") != "failure":
        return None
    event = events[-1]
    path, layer = text(event, "path"), text(event, "layer")
    return Failure(
        epoch=count(event, "epoch"),
        step=count(event, "step"),
        place=f"{path} ({layer})" if path and layer else path or layer,
        direction=text(event, "direction"),
        cause=text(event, "cause"),
    )


def _evaluations(events: list[Record]) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for event in events:
        if event.get("event") == "evaluation":
            metrics = mapping(event, "metrics")
            found[text(event, "split", "held-out")] = {
                name: estimate for name in metrics if (estimate := _estimate(metrics, name)) is not None
            }
    return found


def _estimate(metrics: Record, name: str) -> Estimate | None:
    # A bare number is a metric without an interval.
    record = mapping(metrics, name) or {"value": metrics.get(name)}
    value = number(record, "value")
    if value is None:
        return None
    return Estimate(
        value, number(record, "lower"), number(record, "upper"), number(record, "level"),
        count(record, "n"), text(record, "method") or None,
    )  # fmt: skip


def _timing(records: list[Record]) -> tuple[EpochTime, ...]:
    return tuple(
        EpochTime(count(record, "epoch"), seconds, count(record, "steps"), number(record, "compile_seconds") or 0.0)
        for record in records
        if (seconds := number(record, "seconds")) is not None
    )


def _read_predictions(path: Path, notes: list[str]) -> Predictions | None:
    if not path.is_file():
        return None
    try:
        return _predictions(read_archive(path), path)
    except RunFolderError as error:
        notes.append(f"{error.what}: {error.got}. What needs the predictions is left out.")
        return None


def _predictions(arrays: dict[str, np.ndarray], path: Path) -> Predictions:
    missing = sorted({"outputs", "targets"} - arrays.keys())
    if missing or _length(arrays["outputs"]) != _length(arrays["targets"]) or not _length(arrays["targets"]):
        raise RunFolderError(
            f"{path.name} does not hold one output for every target",
            got=f"no array {missing[0]!r}" if missing else "arrays of different length, or empty ones",
        )
    rows = len(arrays["targets"])
    index, loss = arrays.get("index"), arrays.get("loss")
    inputs, inputs_row = arrays.get("inputs"), arrays.get("inputs_row", np.empty(0, int))
    fits = inputs is not None and _length(inputs) == _length(inputs_row) and np.isin(inputs_row, np.arange(rows)).all()
    return Predictions(
        split=str(arrays["split"]) if "split" in arrays else "held-out",
        index=index if index is not None and index.shape == (rows,) else np.arange(rows),
        outputs=arrays["outputs"],
        targets=arrays["targets"],
        loss=loss if loss is not None and loss.shape == (rows,) else None,
        inputs=inputs if fits else None,
        inputs_row=inputs_row.astype(int) if fits else np.empty(0, int),
    )


def _length(array: np.ndarray) -> int:
    return len(array) if array.ndim else 0
