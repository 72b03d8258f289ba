"""Preprocessing of tables: closed forms, round trips, new rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from pullback import data
from pullback.core.errors import ConfigurationError, DataError
from pullback.data.table_encoding import DateEncoding, NumberEncoding
from pullback.testing.peers import peer

CITIES = [f"city {i}" for i in range(20)]


def frame(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": np.where(random.random(rows) < 0.1, np.nan, random.normal(40, 10, rows)),
            "income": random.lognormal(10, 1, rows),
            "color": random.choice(["red", "green", "blue"], rows).astype(object),
            "city": np.array(CITIES, object)[np.arange(rows) % 20],
            "member": random.random(rows) < 0.3,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, rows), unit="D"),
            "y": random.normal(5, 3, rows),
        }
    )


def fitted(**options) -> tuple[data.Table, data.TablePreprocessing]:
    rows = data.table(frame(), "y")
    return rows, data.TablePreprocessing.fit(rows, **options)


def test_numbers_agree_with_scikit_learn():
    rows, preprocessing = fitted()
    values = frame()[["age", "income"]].to_numpy()
    imputed = SimpleImputer(strategy="median", add_indicator=True).fit_transform(values)
    expected = StandardScaler().fit_transform(imputed)
    inputs = preprocessing(rows).inputs
    np.testing.assert_allclose(inputs[:, [0, 2]], expected[:, :2], atol=1e-5)
    np.testing.assert_array_equal(inputs[:, 1], np.isnan(values[:, 0]))


def test_names_order_and_sizes():
    rows, preprocessing = fitted()
    assert preprocessing.feature_names == (
        "age", "age missing", "income", "color=blue", "color=green", "color=red", "member",
        "since days", "since month cos", "since month sin", "since weekday cos", "since weekday sin", "city",
    )  # fmt: skip
    assert preprocessing.num_numeric == 12 and preprocessing.cardinalities == (21,)
    dataset = preprocessing(rows)
    assert dataset.inputs.dtype == np.float32 and dataset.feature_names == preprocessing.feature_names
    order = {name: code for code, name in enumerate(sorted(CITIES), 1)}
    assert dataset.inputs[:20, 12].tolist() == [order[city] for city in CITIES]
    np.testing.assert_array_equal(dataset.inputs[:, 3:6], pd.get_dummies(frame()["color"]).to_numpy())


def test_target_is_standardized_and_goes_back():
    rows, preprocessing = fitted()
    targets = preprocessing(rows).targets
    assert abs(targets.mean()) < 1e-6 and abs(targets.std() - 1) < 1e-6
    np.testing.assert_allclose(preprocessing.in_units(targets), frame()["y"], rtol=1e-5)


def test_dates_on_the_circle():
    moments = pd.to_datetime(["2024-01-01", "2024-04-06", "2024-07-07"])
    column = data.table({"d": moments.to_numpy(), "y": [0.1, 0.2, 0.3]}, "y").column("d")
    out = np.zeros((3, 5))
    DateEncoding.fit(column).write(column, out)
    for row, moment in enumerate(moments):
        month, weekday = 2 * np.pi * (moment.month - 1) / 12, 2 * np.pi * moment.weekday() / 7
        np.testing.assert_allclose(
            out[row, 1:], [np.cos(month), np.sin(month), np.cos(weekday), np.sin(weekday)], atol=1e-12
        )


def test_json_is_lossless():
    rows, preprocessing = fitted()
    again = data.preprocessing_from_json(json.loads(json.dumps([preprocessing.to_json()])))[0]
    assert again == preprocessing
    assert again(rows).inputs.tobytes() == preprocessing(rows).inputs.tobytes()


def test_only_the_training_rows_matter():
    changed = frame()
    changed.loc[100:, "income"] = 1e9
    changed.loc[100:, "color"] = "violet"
    parts = [data.table(source, "y").take(np.arange(100)) for source in (frame(), changed)]
    first, second = (data.TablePreprocessing.fit(part) for part in parts)
    assert first == second


def test_new_rows_in_any_order_with_more_columns_and_no_target():
    rows, preprocessing = fitted()
    new = frame().drop(columns="y")[["since", "member", "city", "color", "income", "age"]].assign(more=1)
    inputs, notes = preprocessing.inputs_and_notes(new)
    assert inputs.tobytes() == preprocessing(rows).inputs.tobytes()
    assert notes == ("columns that training did not use are left aside: 'more'",)
    assert preprocessing.inputs(frame().iloc[:0:-1]).tobytes() == preprocessing(rows).inputs[:0:-1].tobytes()


def test_csv_written_and_read_again(tmp_path):
    rows, preprocessing = fitted()
    frame().to_csv(tmp_path / "new.csv", index=False)
    np.testing.assert_array_equal(preprocessing.inputs(tmp_path / "new.csv"), preprocessing(rows).inputs)


def test_text_that_looks_like_another_kind_in_new_rows(tmp_path):
    source = {"code": ["01", "02", "A1", "A2"] * 10, "when": ["31.01.2024", "01.02.2024"] * 20, "y": np.arange(40.0)}
    preprocessing = data.TablePreprocessing.fit(data.table(source, "y"))
    (tmp_path / "new.csv").write_text("code,when\n01,01.02.2024\n02,01.02.2024\n")
    assert preprocessing.inputs(tmp_path / "new.csv")[:, :4].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_missing_column_is_named_with_the_nearest():
    _, preprocessing = fitted()
    with pytest.raises(DataError, match="column 'income' is missing") as caught:
        preprocessing.inputs(frame().rename(columns={"income": "incomes"}))
    assert "'incomes'" in str(caught.value.fix)


def test_arrays_are_taken_by_position():
    random = np.random.default_rng(3)
    x = random.normal(size=(50, 3))
    preprocessing = data.TablePreprocessing.fit(data.table(pd.DataFrame(x, columns=list("abc")).assign(y=x[:, 0]), "y"))
    assert preprocessing.inputs(x).tobytes() == preprocessing.inputs(pd.DataFrame(x, columns=list("abc"))).tobytes()
    with pytest.raises(DataError, match="another number of columns"):
        preprocessing.inputs(x[:, :2])


def test_unseen_levels_by_policy():
    new = frame().assign(color="violet", city="nowhere")
    _, preprocessing = fitted()
    inputs, notes = preprocessing.inputs_and_notes(new)
    assert not inputs[:, 3:6].any() and not inputs[:, 12].any()
    assert "column 'color': 200 rows of unseen levels taken as other: 'violet'" in notes
    _, strict = fitted(unseen="error")
    with pytest.raises(DataError, match="levels that training never saw"):
        strict.inputs(new)
    with pytest.raises(ConfigurationError, match="policy for unseen levels"):
        fitted(unseen="ignore")


def test_rare_levels_are_pooled():
    source = {"c": ["a"] * 10 + ["b"] * 10 + ["rare", "rarer"], "y": np.arange(22.0)}
    preprocessing = data.TablePreprocessing.fit(data.table(source, "y"))
    assert preprocessing.feature_names == ("c=a", "c=b", "c=other")
    inputs, notes = preprocessing.inputs_and_notes({"c": ["rare", "a", "new"]})
    assert inputs.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert notes == ("column 'c': 1 rows of unseen levels taken as other: 'new'",)


def test_gaps_in_categories():
    source = {"c": ["a", None] * 10 + ["b", "b", "b", None], "y": np.arange(24.0)}
    preprocessing = data.TablePreprocessing.fit(data.table(source, "y"))
    assert preprocessing.inputs({"c": [None, "a"]}).tolist() == [[0, 0, 1], [1, 0, 0]]
    many = {"c": [*CITIES, None] * 5, "y": np.arange(105.0)}
    embedded = data.TablePreprocessing.fit(data.table(many, "y"))
    assert embedded.cardinalities == (22,)
    assert embedded.inputs({"c": [None, CITIES[0], "?"]})[:, 0].tolist() == [21, 1, 0]


def test_gaps_in_new_rows():
    _, preprocessing = fitted()
    inputs, notes = preprocessing.inputs_and_notes(frame().assign(income=np.nan))
    assert "column 'income' had no gaps in training and has 200 here: imputed" in notes
    assert np.ptp(inputs[:, 2]) == 0
    strict = data.TablePreprocessing.fit(data.table(frame().dropna(), "y", missing="error"))
    with pytest.raises(DataError, match="column 'income' has no value in row 0"):
        strict.inputs(frame().dropna().assign(income=np.nan))


def test_values_of_another_kind_are_refused():
    _, preprocessing = fitted()
    with pytest.raises(DataError, match="column 'income' cannot be read as a number") as caught:
        preprocessing.inputs(frame().assign(income=["1", "many"] * 100))
    assert "row 1 is 'many'" in str(caught.value)
    with pytest.raises(DataError, match="column 'income' is infinite in row 0"):
        preprocessing.inputs(frame().assign(income=np.inf))
    with pytest.raises(DataError, match="column 'member' cannot be read as a boolean"):
        preprocessing.inputs(frame().assign(member=2.0))


@pytest.mark.parametrize(
    "damage", [{"kind": "tables"}, {"columns": [{"kind": "number"}]}, {"target_scale": 0}, {"target_mean": None}]
)
def test_damaged_records(damage):
    _, preprocessing = fitted()
    record = preprocessing.to_json() | damage
    with pytest.raises((DataError, ConfigurationError), match="no record of the preprocessing|unknown kind"):
        data.preprocessing_from_json([record])
    with pytest.raises(DataError, match="no list of preprocessing"):
        data.preprocessing_from_json({"kind": "table"})


@pytest.mark.parametrize("make", ["csv", "pandas", "polars", "pyarrow", "mapping", "npz"])
def test_inputs_are_the_same_on_every_road(tmp_path, make):
    """Columns of all kinds, also one whose offset needs double precision; a row has the same inputs on its own."""
    rows = data.table(wide_frame(), "y")
    inputs = data.TablePreprocessing.fit(rows)(rows).inputs
    preprocessing = data.TablePreprocessing.from_json(data.TablePreprocessing.fit(rows).to_json())
    precision = {e.name: e.single for e in preprocessing.encodings if isinstance(e, NumberEncoding)}
    assert precision == {"age": True, "income": True, "count": True, "height": True, "offset": False}
    source = made(make, wide_frame().drop(columns="y"), tmp_path)
    np.testing.assert_array_equal(preprocessing.inputs(source), inputs)
    alone = made(make, wide_frame().drop(columns="y").iloc[3:4], tmp_path)
    np.testing.assert_array_equal(preprocessing.inputs(alone), inputs[3:4])


def wide_frame() -> pd.DataFrame:
    random = np.random.default_rng(1)
    more = {
        "count": random.integers(0, 2000, 200),
        "height": random.normal(170, 10, 200).astype(np.float32),
        "offset": 1e9 + random.random(200),
    }
    return frame().assign(**more)


def made(make: str, rows: pd.DataFrame, folder):
    """The rows as a file or a frame of another make."""
    if make == "csv":
        rows.to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    if make == "polars":
        columns = {name: None if values.isna().all() else values.to_list() for name, values in rows.items()}
        return peer("polars").DataFrame(columns, nan_to_null=True)
    if make == "pyarrow":
        return peer("pyarrow").Table.from_pandas(rows)
    arrays = {name: rows[name].to_numpy() for name in rows}
    if make == "npz":
        texts = {name: arrays[name].astype("U") for name in ("color", "city")}
        np.savez(folder / "rows.npz", **arrays | texts)
        return folder / "rows.npz"
    return arrays if make == "mapping" else rows
