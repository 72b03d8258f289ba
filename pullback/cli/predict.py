"""`pullback predict RUN FILE`: classes with probabilities and sets, or values with intervals, as CSV."""

from __future__ import annotations

import csv
import math
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import tyro

from pullback.cli.options import parse
from pullback.cli.run_folders import find_run
from pullback.core.errors import ConfigurationError, DataError, RunFolderError
from pullback.learn.table_run import ESTIMATOR_FILE, LoadedTable, load_table
from pullback.prob import fewest_rows
from pullback.train import Loaded, Prediction, load

SEPARATOR = "|"
ROWS_PER_CHUNK = 4096


@dataclass(frozen=True)
class PredictOptions:
    """Which run predicts what."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Path of a run folder, or its id under runs/ (the beginning is enough)."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """CSV, Parquet or NPZ for a table; an image or a folder of images; NPZ with the array `inputs` otherwise."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """CSV file to write, whole or not at all; without it the rows are printed."""

    level: Annotated[float | None, tyro.conf.arg(metavar="LEVEL")] = None
    """Probability with which a set or interval covers, between 0 and 1; 0.9 if the run was calibrated."""


class Rows(NamedTuple):
    """What is predicted: a name a row, and the inputs, prepared; `notes` say how."""

    names: Sequence[str | int]
    inputs: Any
    notes: tuple[str, ...]


def run(arguments: list[str]) -> int:
    """Predict and write the rows."""
    description = "Predict the rows of a file by a trained run; nothing but the run folder is needed."
    (options,) = parse((PredictOptions,), arguments, command="predict", description=description)
    loaded = _loaded(find_run(options.run))
    _check_place(options.out)
    rows = read_rows(loaded, options.file)
    for note in (*loaded.notes, *rows.notes):
        print(f"note: {note}", file=sys.stderr)
    found = loaded.interpret(rows.inputs, options.level)
    for note in _uncertainty_notes(loaded, found):
        print(f"note: {note}", file=sys.stderr)
    with _whole_file(options.out) as stream:
        write_rows(stream, rows.names, found)
    if options.out is not None:
        print(f"{len(rows.names)} rows: {options.out}")
    return 0


def _loaded(folder: Path) -> Loaded | LoadedTable:
    if (folder / ESTIMATOR_FILE).is_file():
        return load_table(folder)
    try:
        return load(folder)
    except ConfigurationError as error:
        raise ConfigurationError(
            error.what,
            expected="an architecture of the library",
            got="a model that only its own code can build",
            fix="call pullback.train.load(folder, model=...).predict(...) from Python",
        ) from error


def read_rows(loaded: Loaded | LoadedTable, file: Path) -> Rows:
    """The rows of a file as the run's preprocessing reads them.

    Raises
    ------
    DataError
        if there is no such file, or it is not of the kind that the run was trained on.
    """
    if not file.exists():
        raise DataError(
            f"there is no file {file}", expected="data to predict", got="nothing at this path", fix="check the path"
        )
    steps = {step.kind: step for step in loaded.preprocessing}
    if "images" in steps:
        return _image_rows(loaded, steps["images"].files(file), file)
    if "table" in steps:
        inputs, notes = loaded.inputs(file)
        return Rows(range(len(inputs)), inputs, notes)
    arrays = _arrays(file)
    inputs = arrays["inputs"]
    _check_inputs(inputs, tuple(loaded.config["data"]["input_shape"]))
    ids = arrays.get("indices")
    names = ids.tolist() if ids is not None and ids.shape == (len(inputs),) else range(len(inputs))
    return Rows(names, loaded.inputs(inputs)[0], ())


class ImageRows:
    """Images of these files, decoded when a batch asks for them."""

    def __init__(self, loaded: Loaded | LoadedTable, files: Sequence[Path]) -> None:
        self._loaded = loaded
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, key: Any) -> np.ndarray:
        wanted, place = np.unique(np.arange(len(self._files))[key], return_inverse=True)
        return np.asarray(self._loaded.inputs([self._files[row] for row in wanted])[0])[place]


def _image_rows(loaded: Loaded | LoadedTable, files: Sequence[Path], source: Path) -> Rows:
    names = [file.relative_to(source).as_posix() if source.is_dir() else file.name for file in files]
    return Rows(names, ImageRows(loaded, files), ())


def _arrays(file: Path) -> dict[str, np.ndarray]:
    """`inputs`, and `indices` if it is there, of an NPZ file; pickled objects are refused."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("one bare array")
            names = archive.files
            arrays = {name: archive[name] for name in ("inputs", "indices") if name in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{file} cannot be read as arrays",
            expected="an NPZ file with the array 'inputs', as numpy.savez(file, inputs=...) writes it",
            got=str(error)[:120],
            fix="save the inputs in that form; objects are refused, for reading them can run code",
        ) from error
    if "inputs" not in arrays:
        raise DataError(
            f"{file} holds no array 'inputs'",
            expected="inputs with one row an example",
            got=", ".join(names[:8]) or "no arrays",
            fix="numpy.savez(file, inputs=...)",
        )
    return arrays


def _check_inputs(inputs: np.ndarray, shape: tuple[int, ...]) -> None:
    if inputs.ndim != len(shape) + 1 or inputs.shape[1:] != shape or not len(inputs) or inputs.dtype.kind not in "iuf":
        raise DataError(
            "the inputs are not like those the run was trained on",
            expected=f"numbers of shape (n, {', '.join(map(str, shape))}), n >= 1",
            got=f"{inputs.dtype} of shape {inputs.shape}",
            fix="prepare them as the training inputs were",
        )
    if not np.isfinite(inputs).all():
        place = np.argwhere(~np.isfinite(inputs))[0].tolist()
        raise DataError(
            f"inputs are not finite in row {place[0]}",
            expected="finite numbers",
            got=f"{inputs[tuple(place)]} at {tuple(place[1:])}",
            fix="drop or impute these values first",
        )


def _uncertainty_notes(loaded: Loaded | LoadedTable, found: Prediction) -> Iterator[str]:
    if loaded.calibration is None:
        yield "the run has no calibration rows, so there are no sets or intervals"
    elif found.level is not None and not all(map(math.isfinite, loaded.calibration.bound(found.level).quantile)):
        yield (
            f"{loaded.calibration.n} calibration rows are too few for the level {found.level:g}, which needs "
            f"{fewest_rows(found.level)}: every interval is infinite and every set holds all classes"
        )


def write_rows(stream: Any, names: Sequence[str | int], found: Prediction) -> None:
    """The header and one line a row, in chunks."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header(found))
    for start in range(0, len(names), ROWS_PER_CHUNK):
        chunk = slice(start, start + ROWS_PER_CHUNK)
        cells = _class_cells(found, chunk) if found.values is None else _value_cells(found, chunk)
        writer.writerows([name, *row] for name, row in zip(names[chunk], cells, strict=True))


def header(found: Prediction) -> list[str]:
    """Names of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> header(Prediction("classification", ("no", "yes"), probabilities=np.array([[0.25, 0.75]])))
    ['row', 'predicted', 'probability_no', 'probability_yes']
    """
    level = f"{found.level:g}" if found.level is not None else ""
    if found.values is None:
        sets = [f"set_{level}"] if found.sets is not None else []
        return ["row", "predicted", *(f"probability_{name}" for name in found.class_names or ()), *sets]
    outputs = found.values.shape[1]
    suffixes = [""] if outputs == 1 else [f"_{number}" for number in range(outputs)]
    limits = [] if found.lower is None else [f"lower_{level}", f"upper_{level}"]
    return ["row", *(f"{part}{suffix}" for suffix in suffixes for part in ("predicted", *limits))]


def _class_cells(found: Prediction, chunk: slice) -> Iterator[list[str]]:
    assert found.probabilities is not None and found.classes is not None
    labels = list(found.class_names or ())
    sets = None if found.sets is None else found.sets[chunk]
    for row, (best, chances) in enumerate(zip(found.classes[chunk], found.probabilities[chunk], strict=True)):
        members = [] if sets is None else [SEPARATOR.join(labels[k] for k in np.flatnonzero(sets[row]))]
        yield [labels[best], *(f"{chance:.6g}" for chance in chances), *members]


def _value_cells(found: Prediction, chunk: slice) -> Iterator[list[str]]:
    assert found.values is not None
    parts = [found.values] + ([] if found.lower is None or found.upper is None else [found.lower, found.upper])
    stacked = np.stack([part[chunk] for part in parts], axis=2)
    for row in stacked:
        yield [f"{number:.9g}" for number in row.reshape(-1)]


def _check_place(out: Path | None) -> None:
    """Refuse a place that cannot be written before anything is computed."""
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise RunFolderError(
            f"{out} cannot be written",
            expected="the path of a file in a folder that exists",
            got="a folder" if out.is_dir() else f"no folder {out.parent}",
            fix="name a file, or make the folder first",
        )


@contextmanager
def _whole_file(out: Path | None) -> Iterator[Any]:
    """The file `out`, which appears whole or not at all, or standard output."""
    if out is None:
        yield sys.stdout
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
