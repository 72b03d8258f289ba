"""Saved estimators: the same predictions after loading, and nothing in a file that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.numpy
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pullback.core.errors import ConfigurationError, DataError
from pullback.learn.linear_regression import LinearRegression
from pullback.learn.saving import KEY, load, save


def table() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=40), "group": random.choice(["a", "b"], size=40)})
    return frame, frame["x"].to_numpy() + (frame["group"] == "b")


def test_a_pipeline_predicts_the_same(tmp_path: Path) -> None:
    frame, y = table()
    frame.loc[3, "x"] = np.nan
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["x"]), (OneHotEncoder(drop="first"), ["group"])
    )
    pipeline = make_pipeline(columns, LinearRegression()).fit(frame, y)
    save(pipeline, tmp_path / "pipeline.safetensors")
    again = load(tmp_path / "pipeline.safetensors")
    np.testing.assert_array_equal(again.predict(frame), pipeline.predict(frame))
    assert str(again.get_params()) == str(pipeline.get_params())
    assert again[:-1].get_feature_names_out().tolist() == pipeline[:-1].get_feature_names_out().tolist()


def test_unfitted_estimators_and_odd_values(tmp_path: Path) -> None:
    save(SimpleImputer(missing_values=float("nan"), fill_value=np.float32(3)), tmp_path / "imputer")
    again = load(tmp_path / "imputer")
    assert np.isnan(again.missing_values)
    assert (again.fill_value, again.fill_value.dtype) == (3, np.float32)
    assert not hasattr(again, "statistics_")


def test_a_class_outside_the_table_is_refused_unless_passed(tmp_path: Path) -> None:
    frame, y = table()
    model = GaussianNB().fit(frame[["x"]], y > 0)
    with pytest.raises(ConfigurationError, match="GaussianNB cannot be saved"):
        save(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())
    save(model, tmp_path / "model", types=(GaussianNB,))
    with pytest.raises(DataError, match="'GaussianNB', which is not among those"):
        load(tmp_path / "model")
    again = load(tmp_path / "model", types=(GaussianNB,))
    np.testing.assert_array_equal(again.predict_proba(frame[["x"]]), model.predict_proba(frame[["x"]]))


def test_attributes_that_are_no_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Ridge\.alpha cannot be saved"):
        save(Ridge(alpha=np.sqrt), tmp_path / "model", types=(Ridge,))
    with pytest.raises(ConfigurationError, match=r"Pipeline\.steps\[0\]\[1\]\.random_state cannot be saved"):
        save(make_pipeline(Ridge(random_state=np.random.RandomState(0))), tmp_path / "model", types=(Ridge,))


def damaged(folder: Path, change: Any) -> Path:
    """A file whose description `change` has altered."""
    save(LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]), folder / "model")
    with safetensors.safe_open(folder / "model", framework="numpy") as file:
        description = json.loads(file.metadata()[KEY])
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    change(description)
    safetensors.numpy.save_file(arrays, folder / "model", metadata={KEY: json.dumps(description)})
    return folder / "model"


def deep(levels: int) -> Any:
    return {"list": [deep(levels - 1)]} if levels else None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format="9"), "format '9'"),
        (lambda d: d.update(estimator={"class": "os.system", "state": {}}), "which is not among those"),
        (lambda d: d["estimator"]["state"].update(coef_={"array": "99"}), "'99'"),
        (lambda d: d["estimator"]["state"].update(coef_={"pickle": "gASV"}), "is not understood"),
        (lambda d: d["estimator"]["state"].update(__class__=3), "attribute whose name is none"),
        (lambda d: d["estimator"]["state"].update(coef_={"dtype": "O8,i4"}), "the dtype"),
        (lambda d: d["estimator"]["state"].update(coef_=deep(60)), "nested deeper"),
        (lambda d: d.pop("estimator"), "no estimator"),
    ],
)
def test_damaged_descriptions(tmp_path: Path, change: Any, message: str) -> None:
    path = damaged(tmp_path, change)
    with pytest.raises(DataError, match=message):
        load(path)


def test_files_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("estimator")
    safetensors.numpy.save_file({"a": np.zeros(2)}, tmp_path / "plain")
    for name in ("text", "plain", "missing"):
        with pytest.raises(DataError, match="no estimator that this library saved"):
            load(tmp_path / name)


def test_calibrated_classifiers_are_saved(tmp_path: Path) -> None:
    from pullback.learn import LogisticRegression

    frame, y = table()
    noisy = (y + np.random.default_rng(1).normal(size=40) > 0).astype(int)
    model = CalibratedClassifierCV(LogisticRegression(), cv=2).fit(frame[["x"]], noisy)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(frame[["x"]]), model.predict_proba(frame[["x"]]))
