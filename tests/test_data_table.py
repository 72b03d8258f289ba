"""Tables from files, frames and arrays: kinds, task, gaps, and every bad input told apart."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback import data
from pullback.core.errors import ConfigurationError, DataError, MissingExtraError
from pullback.data.table_column import MOST_SPANS_OF_A_PART, compact, guess_date_format
from pullback.data.table_csv import detect_encoding
from pullback.testing.peers import peer

ROWS = 24


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": np.where(np.arange(ROWS) % 7 == 3, np.nan, random.normal(40, 10, ROWS)),
            "rooms": random.integers(1, 6, ROWS),
            "city": pd.Series(["Bern", "Zürich", None, "Ulm"] * (ROWS // 4), dtype=object),
            "smoker": np.arange(ROWS) % 3 == 0,
            "seen": pd.date_range("2024-01-30", periods=ROWS, freq="D"),
            "ill": ["no", "yes"] * (ROWS // 2),
        }
    )


def written(tmp_path, text: str, encoding: str = "utf-8"):
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode(encoding))
    return path


def same_columns(a: data.Table, b: data.Table) -> None:
    assert a.kinds == b.kinds and a.class_names == b.class_names and a.task == b.task
    np.testing.assert_array_equal(a.targets, b.targets)
    for name in a.kinds:
        mine, other = a.column(name), b.column(name)
        assert mine.values.dtype == other.values.dtype
        np.testing.assert_array_equal(mine.values, other.values)
        assert mine.levels == other.levels


def test_kinds_task_and_announcements():
    rows = data.table(frame(), "ill")
    assert rows.kinds == {
        "age": "number", "rooms": "number", "city": "category", "smoker": "boolean", "seen": "date",
    }  # fmt: skip
    assert rows.task == "classification" and rows.class_names == ("no", "yes")
    assert rows.column("city").levels == ("Bern", "Ulm", "Zürich")
    assert rows.column("seen").values[1] - rows.column("seen").values[0] == 1
    assert rows.column("seen").values[0] == pd.Timestamp("2024-01-30").timestamp() / 86400
    said = "\n".join(rows.notes)
    assert "task: classification, 2 classes of 'ill': no, yes" in said
    assert "few distinct integers, kept as numbers: 'rooms'" in said and "imputed" in said


def test_csv_gives_what_the_frame_gives(tmp_path):
    path = tmp_path / "rows.csv"
    frame().to_csv(path, index=False)
    same_columns(data.table(path, "ill"), data.table(frame(), "ill"))
    assert data.table(path, "ill").name == "rows"


numbers = st.floats(-1e12, 1e12, width=64) | st.integers(-(10**12), 10**12).map(float) | st.just(np.nan)


@given(st.lists(st.lists(numbers, min_size=1, max_size=6), min_size=1, max_size=4), st.sampled_from([0.0, 1e6, 1e9]))
def test_parts_are_narrowed_only_where_the_whole_column_is(parts, offset):
    """What a CSV keeps of its chunks, joined and narrowed, is the whole column narrowed; a millionth of it at most."""
    columns = [np.array(part) / 10.0 ** (len(part) % 7) + offset for part in parts]
    whole = compact(np.concatenate(columns))
    joined = compact(np.concatenate([compact(part, MOST_SPANS_OF_A_PART) for part in columns]))
    assert joined.dtype == whole.dtype
    np.testing.assert_array_equal(joined, whole)
    exact = np.concatenate(columns)
    if not np.isnan(exact).all():
        span = np.nanmax(exact) - np.nanmin(exact)
        np.testing.assert_allclose(whole.astype(float), exact, rtol=0, atol=1e-6 * span)


@pytest.mark.parametrize("make", ["polars", "pyarrow"])
def test_frames_of_every_make_give_the_same(make):
    library = peer(make)
    if make == "polars":
        other = library.DataFrame({name: values.to_list() for name, values in frame().items()})
    else:
        other = library.Table.from_pylist(
            [{key: None if pd.isna(row[key]) else row[key] for key in row} for row in frame().to_dict("records")]
        )
    mine, theirs = data.table(frame(), "ill"), data.table(other, "ill")
    same_columns(mine, theirs)
    preprocessing = data.TablePreprocessing.fit(mine)
    assert preprocessing.inputs(frame()).tobytes() == preprocessing.inputs(other).tobytes()


def test_parquet(tmp_path):
    peer("pyarrow")
    frame().to_parquet(tmp_path / "rows.parquet")
    same_columns(data.table(tmp_path / "rows.parquet", "ill"), data.table(frame(), "ill"))
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "rows.parquet").read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        data.table(tmp_path / "cut.parquet", "ill")


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pullback\[parquet\]"):
        data.table(tmp_path / "rows.parquet", "ill")


def test_npz_columns_and_matrices(tmp_path):
    random = np.random.default_rng(1)
    x, y = random.normal(size=(40, 3)), random.normal(size=40)
    np.savez(tmp_path / "a.npz", X=x, y=y)
    rows = data.table(tmp_path / "a.npz", "y")
    assert list(rows.kinds) == ["X0", "X1", "X2"] and rows.task == "regression"
    np.savez(tmp_path / "b.npz", a=x[:, 0], color=np.array(["red", "", "blue", "red"] * 10), y=y)
    rows = data.table(tmp_path / "b.npz", "y")
    assert rows.kinds == {"a": "number", "color": "category"} and rows.column("color").missing.sum() == 10
    array = data.table(np.column_stack([x, y]), "x3")
    assert list(array.kinds) == ["x0", "x1", "x2"]
    np.testing.assert_array_equal(data.table(x, y).targets, y)


def test_npz_that_holds_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", y=np.array([{}, 1], dtype=object))
    with pytest.raises(DataError, match="holds Python objects"):
        data.table(tmp_path / "a.npz", "y")
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(DataError, match="no NPZ archive"):
        data.table(tmp_path / "b.npz", "y")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None), ("utf-8-sig", "UTF-8 with a byte order mark"), ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("cp1252", "Windows-1252"),
    ],
)  # fmt: skip
def test_encoding_is_detected_and_said(tmp_path, encoding, said):
    text = "größe,y\n" + "\n".join(f"{'Zürich' if i % 2 else 'Köln'},{i + 0.5}" for i in range(40))
    rows = data.table(written(tmp_path, text, encoding), "y")
    assert rows.column("größe").levels == ("Köln", "Zürich")
    assert ("encoding detected: " + said in rows.notes) if said else not any("encoding" in note for note in rows.notes)


def test_bytes_without_a_character_are_latin_1(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"name,y\n\x81\xe9,1.5\n")
    assert detect_encoding(path) == "latin-1"


def test_separator_is_detected_and_said(tmp_path):
    rows = data.table(written(tmp_path, "a;b;y\n1;2;0.5\n3;4;1.5\n"), "y")
    assert list(rows.kinds) == ["a", "b"] and "separator detected: ';'" in rows.notes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b,y\n1,2,0.5\n3,4\n5,6,0.1\n", 3), ("a,b,y\n1,2,0.5\n3,4,5,6\n", 3), ("a,b,y\n1,2,3,4\n1,2,3,4\n", 2),
        ('a,b,y\n"two\nlines",2,0.5\n3,4\n', 4),
    ],
)  # fmt: skip
def test_ragged_csv_names_the_line(tmp_path, text, line):
    with pytest.raises(DataError, match=f"line {line} of .* has"):
        data.table(written(tmp_path, text), "y")


def test_short_last_fields_may_be_empty(tmp_path):
    rows = data.table(written(tmp_path, "y,b\n0.5,1\n1.5,\n2.5,3\n"), "y")
    assert rows.column("b").missing.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,y\n", "has no rows"),
        ("a,b,a,y\n1,2,3,p\n", "are called 'a'"),
        ("a;y;y\n1;2;3\n", "are called 'y'"),
        ("a,y\n1,\0\n", "is not text"),
        ("a,y\n1,1\n2,1\n", "the target 'y' has one class"),
        ("a,y\n,0.1\n,0.2\n", "column 'a' has no value in any row"),
        ("a,y\n1,0.1\n-inf,0.2\n", "column 'a' is infinite in row 1"),
        ("a,y\n1,0.1\n2,0.2\nx,0.3\n", "column 'a' holds numbers and text: row 2 is 'x'"),
        ("a,y\n1,\n2,\n", "the target 'y' has no value"),
        ("a,y\n1,p\n2,q\n3,r\n", "has 3 classes in 3 rows"),
        ("y\n1\n2\n", "no column but its target"),
        ("a,y\n1,2.5\n2,2.5\n", "'y' is constant"),
    ],
)
def test_bad_content(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        data.table(written(tmp_path, text), "y")


def test_faulty_columns_can_be_dropped_or_read_otherwise(tmp_path):
    path = written(tmp_path, "a,b,y\n1,1,0.1\n2,inf,0.2\nx,3,0.3\n")
    rows = data.table(path, "y", kinds={"a": "category"}, drop=("b",))
    assert rows.column("a").levels == ("1", "2", "x")


def test_missing_file_and_wrong_names(tmp_path):
    written(tmp_path, "age,y\n1,0.5\n2,0.7\n")
    with pytest.raises(DataError, match="did you mean .*rows.csv"):
        data.table(tmp_path / "row.csv", "y")
    with pytest.raises(DataError, match="is a folder"):
        data.table(tmp_path, "y")
    with pytest.raises(DataError, match="of a kind that is not read"):
        (tmp_path / "a.docx").write_text("x")
        data.table(tmp_path / "a.docx", "y")
    with pytest.raises(ConfigurationError, match="did you mean 'age'"):
        data.table(tmp_path / "rows.csv", "aeg")
    with pytest.raises(ConfigurationError, match="did you mean 'age'"):
        data.table(tmp_path / "rows.csv", "y", drop=("agee",))
    with pytest.raises(ConfigurationError, match="unknown kind of column 'numbr'"):
        data.table(tmp_path / "rows.csv", "y", kinds={"age": "numbr"})
    with pytest.raises(DataError, match="this is no table"):
        data.table(3, "y")


def test_columns_of_unequal_length_and_odd_types():
    with pytest.raises(DataError, match="differ in length"):
        data.table({"a": [1.0, 2.0], "y": [1.0]}, "y")
    with pytest.raises(DataError, match="holds a list in row 1"):
        data.table({"a": np.array(["x", [1], "y"], dtype=object), "y": [0.1, 0.2, 0.3]}, "y")
    with pytest.raises(DataError, match="of a type that is not read"):
        data.table({"a": np.array([1j, 2j]), "y": [0.1, 0.2]}, "y")


def test_policies_for_missing_values():
    source = {"a": [1.0, np.nan, 3.0, 4.0], "y": [0.1, 0.2, np.nan, 0.4]}
    assert data.table(source, "y").indices.tolist() == [0, 1, 3]
    assert data.table(source, "y", missing="drop").indices.tolist() == [0, 3]
    assert "1 rows without a target are left out" in data.table(source, "y").notes
    with pytest.raises(DataError, match="1 row has a missing value"):
        data.table(source, "y", missing="error")
    with pytest.raises(ConfigurationError, match="policy for missing values"):
        data.table(source, "y", missing="mean")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (np.arange(60) % 3, "classification"), (np.arange(60) % 20, "classification"),
        (np.arange(60) % 21, "regression"),
        (np.arange(60) / 7, "regression"), (["a", "b"] * 30, "classification"), ([True, False] * 30, "classification"),
        (np.arange(60.0) % 2, "classification"),
    ],
)  # fmt: skip
def test_task_is_inferred(values, task):
    assert data.table({"x": np.arange(60.0), "y": values}, "y").task == task


def test_task_as_asked():
    source = {"x": np.arange(60.0), "y": np.arange(60) % 3, "z": ["a", "b"] * 30}
    assert data.table(source, "y", task="regression").targets.dtype == np.float64
    assert data.table(source, "z", task="binary").task == "binary"
    with pytest.raises(ConfigurationError, match="binary and the target 'y' has 3 classes"):
        data.table(source, "y", task="binary")
    with pytest.raises(ConfigurationError, match="cannot be regressed on"):
        data.table(source, "z", task="regression")
    with pytest.raises(ConfigurationError, match="unknown task"):
        data.table(source, "y", task="regresion")


def test_dates_are_read_by_one_format():
    assert guess_date_format(["2024-01-31 12:00", "2024-02-01 13:30"])[0] == "ISO8601"
    assert guess_date_format(["31.01.2024"])[0] == "%d.%m.%Y"
    form, note = guess_date_format(["01/02/2024", "03/04/2024"])
    assert form == "%m/%d/%Y" and note is not None and "%d/%m/%Y" in note
    assert guess_date_format(["1-2"]) == guess_date_format(["12.5 m"]) == (None, None)
    source = {"when": ["01/02/2024", "03/04/2024"], "y": [0.1, 0.2]}
    american, other = data.table(source, "y"), data.table(source, "y", kinds={"when": "date:%d/%m/%Y"})
    assert american.column("when").values[0] == pd.Timestamp("2024-01-02").timestamp() / 86400
    assert other.column("when").values[0] == pd.Timestamp("2024-02-01").timestamp() / 86400
    with pytest.raises(DataError, match="column 'when' is no date in row 1"):
        data.table({"when": ["01/02/2024", "03/31/2024"], "y": [0.1, 0.2]}, "y", kinds={"when": "date:%d/%m/%Y"})


def test_a_column_may_change_from_numbers_to_text_between_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("pullback.data.table_csv.CELLS_PER_CHUNK", 1)
    lines = [f"{i % 5},{i + 0.5}" for i in range(100)] + [f"{'abc'[i % 3]},{i + 0.5}" for i in range(150)]
    rows = data.table(written(tmp_path, "code,y\n" + "\n".join(lines)), "y")
    assert rows.column("code").levels == ("0", "1", "2", "3", "4", "a", "b", "c")
    assert np.bincount(rows.column("code").values).tolist() == [20] * 5 + [50] * 3
    lines = [f"0{i % 5},{i + 0.5}" for i in range(100)] + [f"{'abc'[i % 3]},{i + 0.5}" for i in range(150)]
    rows = data.table(written(tmp_path, "code,y\n" + "\n".join(lines)), "y")
    assert rows.column("code").levels == ("00", "01", "02", "03", "04", "a", "b", "c")


def test_progress_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("pullback.data.table_csv.CELLS_PER_CHUNK", 1)
    path = written(tmp_path, "a,y\n" + "\n".join(f"{i},{i + 0.5}" for i in range(1000)))
    seen: list[tuple[int, int]] = []
    data.table(path, "y", progress=lambda done, size: seen.append((done, size)))
    assert len(seen) == 10 and seen[-1] == (path.stat().st_size,) * 2


def test_parts_share_the_columns():
    rows = data.table(frame(), "ill")
    train, test = data.split(rows, {"train": 0.75, "test": 0.25}, seed=0)
    assert train.columns is rows.columns and sorted([*train.indices, *test.indices]) == list(range(ROWS))
    np.testing.assert_array_equal(test.column("rooms").values, frame()["rooms"].to_numpy()[test.indices])


@pytest.mark.slow
def test_ten_thousand_columns(tmp_path):
    values = np.random.default_rng(0).normal(size=(30, 10_000)).round(3)
    text = io.StringIO()
    wide = pd.DataFrame(values, columns=[f"c{i}" for i in range(10_000)])
    wide["y"] = np.arange(30) % 2
    wide.to_csv(text, index=False)
    rows = data.table(written(tmp_path, text.getvalue()), "y")
    inputs = data.TablePreprocessing.fit(rows)(rows).inputs
    assert inputs.shape == (30, 10_000)
    np.testing.assert_allclose(inputs, (values - values.mean(0)) / values.std(0), rtol=1e-3, atol=1e-4)
    with pytest.raises(ConfigurationError, match="one of 10001 columns; nearest: c") as caught:
        data.table(wide, "c1000x")
    assert len(str(caught.value)) < 300
