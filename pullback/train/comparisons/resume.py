"""A comparison continued from its folder, and read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pullback.core.errors import ConfigurationError, RunFolderError
from pullback.train.comparisons.factors import OF as SETTINGS
from pullback.train.comparisons.factors import FactorComparison, FactorDesign, read_factors
from pullback.train.comparisons.optimizers import OptimizerComparison, OptimizerDesign, named_sources, read_optimizers
from pullback.train.comparisons.trainings import KIND, go_on
from pullback.train.folder import read_config
from pullback.train.sweeps.members import Source


def resume_comparison(
    source: Source | Mapping[str, Source],
    run_dir: str | Path,
    *,
    factors: Mapping[str, Iterable[Any]] | None = None,
    progress: bool = False,
) -> OptimizerComparison | FactorComparison:
    """Go on with a comparison from its folder, from the source it was started with.

    Sweeps that have ended are read, the one that was interrupted goes on from its checkpoint, the others are trained.
    With a route other than "auto" the result is that of a comparison that was never stopped, to the last bit.

    Parameters
    ----------
    source : what `compare` or `compare_optimizers` was given.
    factors : needed only where they hold what JSON cannot say, such as functions.

    Raises
    ------
    RunFolderError
        if the folder is no comparison, or is still in use.
    ConfigurationError
        if the source does not make the experiments of the comparison.

    Examples
    --------
    >>> import tempfile
    >>> import jax
    >>> from pullback import data, nn, train
    >>> def softmax(seed):
    ...     model = nn.Linear(4, 3, key=jax.random.key(seed))
    ...     return train.Experiment(model, data.load("iris"), "categorical_cross_entropy", epochs=2, seed=seed)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = train.compare(softmax, {"batch_size": [16, 64]}, seeds=2, tune=False, run_dir=f"{folder}/a")
    ...     again = resume_comparison(softmax, f"{folder}/a")
    >>> bool((abs(found.scores - again.scores) < 1e-5).all())
    True
    """
    path = Path(run_dir)
    design = dict(_comparison(path)["design"])
    of = design.pop("of")
    if of == SETTINGS:
        if isinstance(source, Mapping):
            raise ConfigurationError(
                "several problems are no source of this comparison",
                expected="an experiment, or a function that returns one",
                got=", ".join(source),
                fix="pass what `compare` was given",
            )
        if factors is not None:
            design["factors"] = {name: list(levels) for name, levels in factors.items()}
        with go_on(path, progress=progress) as trainings:
            return FactorDesign(**design).train(source, trainings)
    with go_on(path, progress=progress) as trainings:
        return OptimizerDesign(**design).train(named_sources(source), trainings)


def read_comparison(record: dict[str, Any]) -> OptimizerComparison | FactorComparison:
    """The comparison whose result was written as this JSON object."""
    return read_factors(record) if record["of"] == SETTINGS else read_optimizers(record)


def _comparison(path: Path) -> dict[str, Any]:
    about = read_config(path)
    if about.get("kind") != KIND:
        kind = about.get("kind", "run")
        raise RunFolderError(
            f"{path} is the folder of a {kind}",
            expected="a comparison",
            got=f"a {kind}",
            fix="use train.resume for a run, train.resume_sweep for a sweep",
        )
    return about
