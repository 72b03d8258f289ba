"""A trained model from its run folder, on any machine and without the data it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from pullback.core.errors import ConfigurationError
from pullback.data import TablePreprocessing, preprocessing_from_json
from pullback.models import build
from pullback.nn.state import init_state
from pullback.train.calibration import Calibration
from pullback.train.checkpoint import Checkpoint, read_checkpoint
from pullback.train.evaluate import predict
from pullback.train.folder import read_json, read_run_config
from pullback.train.prediction import Prediction, interpret, resolved_level
from pullback.train.state import from_named_arrays, to_device


@dataclass(frozen=True)
class Loaded:
    """A trained model with what is needed to use it.

    Parameters
    ----------
    model : with the weights of the best epoch, or of the last where nothing chose one.
    state : memory of its layers, `{}` if it has none.
    preprocessing : steps of `preprocessing.json`, in the order in which they are applied.
    config : `config.json`.
    calibration : bounds of conformal intervals and sets, or None if the run has none.
    notes : which checkpoints were damaged and passed over.
    """

    model: Any
    state: dict[str, Any]
    preprocessing: tuple[Any, ...]
    config: dict[str, Any]
    calibration: Calibration | None
    notes: tuple[str, ...] = ()

    def inputs(self, source: Any) -> tuple[Any, tuple[str, ...]]:
        """What the model takes for the rows of a source, prepared as in training, and remarks on how.

        Parameters
        ----------
        source : for a table a file or frame with the columns of the training table, in any order; for images paths;
            otherwise an array with one row an example, before the steps of the preprocessing.
        """
        return prepared_inputs(source, self.preprocessing)

    def predict(self, source: Any, level: float | None = None, batch_size: int = 256) -> Prediction:
        """Predictions with their uncertainty for the rows of a source.

        Parameters
        ----------
        source : see `inputs`.
        level : of the conformal sets or intervals; by default 0.9 if the run was calibrated. They are infinite, or
            hold all classes, where the calibration rows are too few for the level.

        Raises
        ------
        DataError, ShapeError
            if the rows do not fit the preprocessing or the model.
        ConfigurationError
            for a level that is not between 0 and 1, or of a run that was not calibrated.
        """
        return self.interpret(self.inputs(source)[0], level, batch_size)

    def interpret(self, inputs: Any, level: float | None = None, batch_size: int = 256) -> Prediction:
        """`predict` for inputs that are prepared already; anything that slices to arrays row by row."""
        level = resolved_level(self.calibration, level)
        outputs = predict(self.model, inputs, self.state, batch_size)
        return interpret(outputs, self.config["data"], self.preprocessing, self.calibration, level)


def prepared_inputs(source: Any, preprocessing: tuple[Any, ...]) -> tuple[Any, tuple[str, ...]]:
    """A source after each step of the preprocessing, and remarks on how."""
    notes: tuple[str, ...] = ()
    for step in preprocessing:
        if isinstance(step, TablePreprocessing):
            source, notes = step.inputs_and_notes(source)
        else:
            source = step.inputs(source)
    return source, notes


def load(folder: str | Path, model: Any = None) -> Loaded:
    """The trained model of a run folder; nothing in the folder can make code run.

    The checkpoint is verified by its SHA-256; a damaged one is passed over for the one before. The folder is only
    read, so it may be a copy without the training data, or that of a run still going.

    Parameters
    ----------
    folder : the run folder.
    model : needed if the architecture is not one of the library's; its weights do not matter.

    Raises
    ------
    RunFolderError
        if the folder is no run folder, of another format, or a file of it is damaged.
    CheckpointError
        if no checkpoint is whole, or the model is not that of the run.
    ConfigurationError
        if the folder cannot rebuild the model and none is passed.

    Examples
    --------
    >>> import tempfile
    >>> from pullback import data, models, train
    >>> iris = data.load("iris")
    >>> model = models.build("multilayer_perceptron", {"in_shape": [4], "out_features": 3}, jax.random.key(0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = train.fit(model, iris, loss="categorical_cross_entropy", epochs=2, run_dir=folder, progress=False)
    ...     loaded = load(folder)
    >>> bool((train.predict(loaded.model, iris.inputs) == train.predict(run.model, iris.inputs)).all())
    True
    """
    path = Path(folder)
    config = read_run_config(path)
    template = rebuild_model(path, model)
    checkpoint, notes = read_checkpoint(path / "checkpoints")
    trained, memory = _weights(template, checkpoint, config["settings"]["ema_decay"] is not None)
    prepared = path / "preprocessing.json"
    calibration = path / "calibration.json"
    return Loaded(
        model=trained,
        state=memory,
        preprocessing=preprocessing_from_json(read_json(prepared)) if prepared.is_file() else (),
        config=config,
        calibration=Calibration.from_json(read_json(calibration)) if calibration.is_file() else None,
        notes=tuple(notes),
    )


def rebuild_model(folder: Path, model: Any = None) -> Any:
    """`model`, or an untrained one of the architecture that the folder records."""
    if model is not None:
        return model
    record = read_json(folder / "model.json")
    if record["architecture"] is None:
        raise ConfigurationError(
            "the folder cannot rebuild the model, which was passed in by the caller",
            expected="model=...",
            got="no model",
            fix="pass a model of the same structure; its weights do not matter",
        )
    return build(record["architecture"], record["arguments"], jax.random.key(0))


def _weights(model: Any, checkpoint: Checkpoint, averaged: bool) -> tuple[Any, dict[str, Any]]:
    """The model with the weights that training would hand back: the best, else the average, else the last."""
    params, rest = eqx.partition(model, eqx.is_inexact_array)
    template = {"params": params, "memory": init_state(model)}
    arrays, source = checkpoint.arrays, "best"
    if not any(name.startswith("best/") for name in arrays):
        wanted = "average" if averaged else "params"
        arrays, source = _renamed(arrays, {wanted: "params", "memory": "memory"}), "chosen"
    found = to_device(template, from_named_arrays(template, arrays, source, "the checkpoint"))
    return eqx.combine(found["params"], rest), found["memory"]


def _renamed(arrays: dict[str, Any], parts: dict[str, str]) -> dict[str, Any]:
    """The arrays `state/<part>...` of these parts as `chosen/<new name>...`."""
    return {
        f"chosen/{new}{name.removeprefix(f'state/{part}')}": array
        for name, array in arrays.items()
        for part, new in parts.items()
        if name.removeprefix(f"state/{part}")[:1] in (".", "[") and name.startswith(f"state/{part}")
    }
