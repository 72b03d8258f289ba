"""`pullback predict`: the numbers of the model in the file, every kind of input, and errors without a trace."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pullback import data, models, train
from pullback.cli.main import main
from pullback.data import Dataset
from pullback.data.table_csv import EXACT_NUMBERS
from pullback.train import Experiment

COLORS = ("red", "green", "blue")


def frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    age, color = random.uniform(20, 80, rows), random.choice(COLORS, rows)
    dose = np.where(random.uniform(size=rows) < 0.1, np.nan, random.normal(5, 2, rows))
    cost = 100 + 3 * age + 50 * (color == "red") + random.normal(0, 20, rows)
    group = np.array(["low", "mid, so to speak", "high"])[np.digitize(cost, [220, 300])]
    return pd.DataFrame({"age": age, "color": color, "dose": dose, "cost": cost, "group": group})


def table_run(folder: Path, target: str, drop: str) -> Path:
    whole = data.table(frame().drop(columns=drop), target)
    parts = [whole.take(rows) for rows in np.split(np.random.default_rng(1).permutation(400), [200, 299, 400])[:3]]
    preprocessing = data.TablePreprocessing.fit(parts[0])
    training, calibration, test = map(preprocessing, parts)
    outputs = 1 if whole.task == "regression" else whole.num_classes
    arguments = {"in_shape": [preprocessing.num_numeric], "out_features": outputs, "hidden": [16]}
    experiment = Experiment(
        model=models.build("multilayer_perceptron", arguments, jax.random.key(0)), train_data=training,
        calibration_data=calibration, test_data=test, preprocessing=(preprocessing,), epochs=20, learning_rate=0.01,
        loss="squared_error" if whole.task == "regression" else "categorical_cross_entropy",
    )  # fmt: skip
    train.run(experiment, run_dir=folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs copied to another place without the data they were trained on."""
    root, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    table_run(root / "cost", "cost", "group")
    table_run(root / "group", "group", "cost")
    digits = data.load("digits").take(range(300))
    arguments = {"in_shape": [8, 8, 1], "num_classes": 10, "channels": [4], "batch_norm": True}
    train.fit(
        models.build("convolutional_network", arguments, jax.random.key(0)), digits.take(range(200)), epochs=3,
        calibration_data=digits.take(range(200, 300)), loss="categorical_cross_entropy", run_dir=root / "digits",
        learning_rate=0.01, progress=False,
    )  # fmt: skip
    for name in ("cost", "group", "digits"):
        shutil.copytree(root / name, there / name, ignore=shutil.ignore_patterns("data", "predictions.npz", "*.jsonl"))
    shutil.rmtree(root)
    return {path.name: path for path in there.iterdir()}


@pytest.fixture(scope="module")
def new_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("new") / "rows.csv"
    frame(rows=50, seed=7).drop(columns=["cost", "group"]).to_csv(file, index=False)
    return file


def predicted(capsys: pytest.CaptureFixture[str], *arguments: Any, code: int = 0) -> list[dict[str, str]]:
    assert main(["predict", *map(str, arguments)]) == code
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def test_values_with_intervals_in_the_units_of_the_target(
    runs: dict[str, Path], new_rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = predicted(capsys, runs["cost"], new_rows)
    loaded = train.load(runs["cost"])
    (step,) = loaded.preprocessing
    outputs = train.predict(loaded.model, step.inputs(new_rows))[:, 0]
    expected = outputs * step.target_scale + step.target_mean
    np.testing.assert_allclose(numbers(rows, "predicted"), expected, rtol=1e-6)
    assert loaded.calibration is not None
    half = loaded.calibration.bound(0.9).quantile[0] * step.target_scale
    np.testing.assert_allclose(numbers(rows, "lower_0.9"), expected - half, rtol=1e-5)
    np.testing.assert_allclose(numbers(rows, "upper_0.9"), expected + half, rtol=1e-5)
    assert [row["row"] for row in rows] == [str(number) for number in range(50)]
    # A fresh draw of the same law: the intervals cover as they promise.
    cost = frame(rows=50, seed=7)["cost"]
    assert np.mean((numbers(rows, "lower_0.9") <= cost) & (cost <= numbers(rows, "upper_0.9"))) > 0.75


def test_classes_with_probabilities_and_sets(
    runs: dict[str, Path], new_rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = predicted(capsys, runs["group"], new_rows, "--level", "0.95")
    names = ["high", "low", "mid, so to speak"]
    assert list(rows[0]) == ["row", "predicted", *(f"probability_{name}" for name in names), "set_0.95"]
    chance = np.stack([numbers(rows, f"probability_{name}") for name in names], axis=1)
    np.testing.assert_allclose(chance.sum(axis=1), 1, atol=1e-5)
    loaded = train.load(runs["group"])
    assert loaded.calibration is not None
    bound = loaded.calibration.bound(0.95).quantile[0]
    for row, chances in zip(rows, chance, strict=True):
        assert row["predicted"] == names[int(chances.argmax())]
        members = [name for name, p in zip(names, chances, strict=True) if 1 - p <= bound] or [row["predicted"]]
        assert row["set_0.95"].split("|") == members


def test_reordered_columns_and_other_files_give_the_same(
    runs: dict[str, Path], new_rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = predicted(capsys, runs["cost"], new_rows)
    rows = pd.read_csv(new_rows, **EXACT_NUMBERS)
    rows[["dose", "age", "color"]].assign(cost=1.0, other="x").to_csv(tmp_path / "reordered.csv", index=False)
    np.savez(
        tmp_path / "rows.npz", age=rows["age"], dose=rows["dose"], color=rows["color"].to_numpy("U8"),
    )  # fmt: skip
    assert predicted(capsys, runs["cost"], tmp_path / "reordered.csv") == expected
    assert predicted(capsys, runs["cost"], tmp_path / "rows.npz") == expected


def test_frames_of_every_make_give_the_same(runs: dict[str, Path], new_rows: Path) -> None:
    loaded = train.load(runs["cost"])
    rows = pd.read_csv(new_rows, **EXACT_NUMBERS)
    expected = loaded.predict(new_rows)
    assert expected.values is not None and expected.lower is not None
    for source in [rows, {name: rows[name].to_numpy() for name in rows}, *(maker(rows) for maker in other_frames())]:
        found = loaded.predict(source)
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.lower, expected.lower)


def other_frames() -> list[Any]:
    makers: list[Any] = []
    try:
        import polars

        makers.append(lambda rows: polars.DataFrame({name: rows[name].to_list() for name in rows}, nan_to_null=True))
    except ImportError:
        pass
    try:
        import pyarrow

        makers.append(pyarrow.Table.from_pandas)
    except ImportError:
        pass
    return makers


def test_bare_arrays(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits = data.load("digits").take(range(300, 320))
    np.savez(tmp_path / "new.npz", inputs=digits.inputs, indices=digits.indices)
    rows = predicted(capsys, runs["digits"], tmp_path / "new.npz")
    loaded = train.load(runs["digits"])
    logits = train.predict(loaded.model, digits.inputs, loaded.state)
    assert [row["predicted"] for row in rows] == [str(k) for k in logits.argmax(1)]
    assert [row["row"] for row in rows] == [str(number) for number in range(300, 320)]
    assert "set_0.9" in rows[0]


def test_out_is_written_whole(
    runs: dict[str, Path], new_rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(runs["group"]), str(new_rows), "--out", str(tmp_path / "out.csv")]) == 0
    printed = capsys.readouterr().out
    assert printed == f"50 rows: {tmp_path / 'out.csv'}\n"
    with (tmp_path / "out.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == predicted(capsys, runs["group"], new_rows)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


def test_a_run_without_calibration_says_so(
    new_rows: Path, runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(runs["cost"], tmp_path / "run")
    (tmp_path / "run" / "calibration.json").unlink()
    assert main(["predict", str(tmp_path / "run"), str(new_rows)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "row,predicted" and "no calibration rows" in printed.err
    assert main(["predict", str(tmp_path / "run"), str(new_rows), "--level", "0.9"]) == 2
    assert "not calibrated" in capsys.readouterr().err


def bad_files(folder: Path) -> dict[str, tuple[str, str]]:
    """File and run by what the message must say."""
    rows = frame(rows=5).drop(columns=["cost", "group"])
    rows.rename(columns={"dose": "dosis"}).to_csv(folder / "renamed.csv", index=False)
    (folder / "empty.csv").write_text("")
    (folder / "text.npz").write_text("no archive")
    np.savez(folder / "objects.npz", inputs=np.array([{}], dtype=object))
    np.savez(folder / "other.npz", pixels=np.zeros((2, 8, 8, 1)))
    np.savez(folder / "shape.npz", inputs=np.zeros((2, 9, 9, 1)))
    np.savez(folder / "nan.npz", inputs=np.full((2, 8, 8, 1), np.nan))
    np.savez(folder / "none.npz", inputs=np.zeros((0, 8, 8, 1)))
    return {
        "column 'dose' is missing": ("cost", "renamed.csv"),
        "did you mean to call 'dosis' so?": ("cost", "renamed.csv"),
        "is empty": ("cost", "empty.csv"),
        "there is no file": ("cost", "absent.csv"),
        "cannot be read as arrays": ("digits", "text.npz"),
        "objects are refused": ("digits", "objects.npz"),
        "holds no array 'inputs'": ("digits", "other.npz"),
        "got: float64 of shape (2, 9, 9, 1)": ("digits", "shape.npz"),
        "not finite in row 0": ("digits", "nan.npz"),
        "shape (0, 8, 8, 1)": ("digits", "none.npz"),
    }


def test_bad_input_ends_with_code_2_and_no_file(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for message, (run, file) in bad_files(tmp_path).items():
        out = tmp_path / "out.csv"
        assert main(["predict", str(runs[run]), str(tmp_path / file), "--out", str(out)]) == 2, message
        printed = capsys.readouterr()
        assert message in printed.err and printed.out == "" and "Traceback" not in printed.err
        assert not [entry for entry in tmp_path.iterdir() if "out.csv" in entry.name]


def test_places_and_levels_are_checked_first(
    runs: dict[str, Path], new_rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(runs["cost"])
    assert main(["predict", run, str(new_rows), "--out", str(tmp_path / "no" / "out.csv")]) == 2
    assert "no folder" in capsys.readouterr().err
    assert main(["predict", run, str(new_rows), "--level", "95"]) == 2
    assert "level must be" in capsys.readouterr().err
    assert main(["predict", run, str(new_rows), "--level", "0.999"]) == 0
    printed = capsys.readouterr()
    assert "too few for the level 0.999, which needs 999" in printed.err and "inf" in printed.out
    narrow, wide = (predicted(capsys, Path(run), new_rows, "--level", level) for level in ("0.5", "0.7"))
    assert (numbers(narrow, "upper_0.5") < numbers(wide, "upper_0.7")).all()
    assert main(["predict", str(tmp_path / "run"), str(new_rows)]) == 2
    assert "run" in capsys.readouterr().err


def test_images_by_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, its files at any depth; the batch decodes them, and a broken one is named."""
    step = data.ImagePreprocessing((8, 8), "gray", class_names=("dark", "light"))
    random = np.random.default_rng(0)
    pixels = {f"{k % 2}/{k}.png": random.integers(0, 120, (8, 8)) + 120 * (k % 2) for k in range(24)}
    for name, values in pixels.items():
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values.astype(np.uint8)).save(tmp_path / "new" / name)
    labels = np.array([int(file.parent.name) for file in step.files(tmp_path / "new")])
    rows = Dataset(step.inputs(tmp_path / "new"), labels, "classification", class_names=("dark", "light"))
    arguments = {"in_shape": [8, 8, 1], "out_features": 2, "hidden": [8]}
    experiment = Experiment(
        model=models.build("multilayer_perceptron", arguments, jax.random.key(0)), train_data=rows, epochs=30,
        loss="categorical_cross_entropy", preprocessing=(step,), batch_size=8, learning_rate=0.01,
    )  # fmt: skip
    train.run(experiment, run_dir=tmp_path / "run", progress=False)
    found = predicted(capsys, tmp_path / "run", tmp_path / "new")
    files = [str(file.relative_to(tmp_path / "new")) for file in step.files(tmp_path / "new")]
    assert [row["row"] for row in found] == files
    assert all(row["predicted"] == ("dark", "light")[int(row["row"][0])] for row in found)
    single = predicted(capsys, tmp_path / "run", tmp_path / "new" / "1" / "3.png")
    assert single[0]["row"] == "3.png" and single[0]["predicted"] == "light"
    broken = tmp_path / "new" / "0" / "2.png"
    broken.write_bytes(broken.read_bytes()[:40])
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "new")]) == 2
    assert "2.png" in capsys.readouterr().err
