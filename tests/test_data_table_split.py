"""Splits by group and by time, and warnings about tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback import data
from pullback.core.errors import DataError

THREE = {"train": 0.7, "validation": 0.1, "test": 0.2}


def rows_of(**columns) -> data.Table:
    n = len(next(iter(columns.values())))
    random = np.random.default_rng(0)
    return data.table({"x": random.normal(size=n), **columns, "y": np.arange(n) % 2}, "y")


@given(st.lists(st.integers(0, 12), min_size=20, max_size=120), st.integers(0, 5))
def test_groups_stay_whole(groups, seed):
    rows = rows_of(g=np.array(groups, float))
    if len(set(groups)) < 3:
        with pytest.raises(DataError, match="groups for 3 parts"):
            data.split_by_group(rows, np.array(groups), THREE, seed=seed)
        return
    parts = data.split_by_group(rows, np.array(groups), THREE, seed=seed)
    assert sorted(np.concatenate([part.indices for part in parts])) == list(range(len(groups)))
    held = [set(np.array(groups)[part.indices]) for part in parts]
    assert all(held) and not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])


def test_small_groups_meet_the_fractions():
    parts = data.split_by_group(rows_of(g=np.arange(1000.0)), np.arange(1000) // 4, THREE, seed=1)
    assert [len(part) for part in parts] == [700, 100, 200]
    again = data.split_by_group(rows_of(g=np.arange(1000.0)), np.arange(1000) // 4, THREE, seed=2)
    assert parts[0].indices.tolist() != again[0].indices.tolist()


@given(st.lists(st.integers(0, 40), min_size=30, max_size=120))
def test_parts_follow_in_time(moments):
    time = np.array(moments, float)
    rows = rows_of(t=time)
    try:
        parts = data.split_by_time(rows, time, THREE)
    except DataError:
        return
    assert sum(map(len, parts)) == len(time)
    assert time[parts[0].indices].max() < time[parts[1].indices].min()
    assert time[parts[1].indices].max() < time[parts[2].indices].min()


def test_distinct_moments_meet_the_fractions():
    time = np.random.default_rng(0).permutation(100).astype(float)
    assert [len(part) for part in data.split_by_time(rows_of(t=time), time, THREE)] == [70, 10, 20]


def test_bad_groups_and_times():
    rows = rows_of(g=np.arange(10.0))
    with pytest.raises(DataError, match="row 3 of 'table' has no group"):
        data.split_by_group(rows, np.where(np.arange(10) == 3, np.nan, np.arange(10)), THREE, seed=0)
    with pytest.raises(DataError, match="not one value a row"):
        data.split_by_group(rows, np.arange(9), THREE, seed=0)
    with pytest.raises(DataError, match="not one number a row"):
        data.split_by_time(rows, np.full(10, np.nan), THREE)
    with pytest.raises(DataError, match="would be empty"):
        data.split_by_time(rows, np.zeros(10), THREE)


def warned(**columns) -> str:
    return "\n".join(data.table_warnings(rows_of(**columns)))


N = 200


def test_ordinary_columns_give_no_warning():
    random = np.random.default_rng(1)
    assert warned(a=random.normal(size=N), b=random.integers(0, 9, N), c=random.choice(["u", "v"], N)) == ""


@pytest.mark.parametrize(
    "copy",
    [np.arange(N) % 2, -3.5 * (np.arange(N) % 2) + 1, np.array(["no", "yes"])[np.arange(N) % 2],
     (np.arange(N) % 2) + np.linspace(0, 0.4, N)],
)  # fmt: skip
def test_a_copy_of_the_target_is_found(copy):
    assert "column 'copy' alone gives the target" in warned(copy=copy)


def test_a_copy_of_a_real_target_is_found():
    random = np.random.default_rng(2)
    y = random.normal(size=N)
    rows = data.table({"fahrenheit": 1.8 * y + 32, "other": random.normal(size=N) + y, "y": y}, "y")
    assert [warning.split("'")[1] for warning in data.table_warnings(rows)] == ["fahrenheit"]


def test_a_copy_of_many_classes_is_found():
    y = np.arange(N) % 5
    rows = data.table({"x": np.random.default_rng(0).normal(size=N), "copy": 10 - y, "y": y}, "y")
    assert "column 'copy' alone gives the target" in "\n".join(data.table_warnings(rows))


def test_identifiers_and_constants():
    said = warned(row=np.arange(N), name=[f"n{i}" for i in range(N)], one=[3.0] * N, amount=np.arange(N) * 1.5 + 0.1)
    assert "'row' looks like an identifier" in said and "'name' looks like an identifier" in said
    assert "column 'one' is constant" in said and "amount" not in said
    shuffled = np.random.default_rng(0).permutation(10**6)[:N]
    assert "identifier" in warned(customer_id=shuffled) and warned(customer_score=shuffled) == ""


def test_tiny_classes():
    rows = data.table({"x": np.random.default_rng(0).normal(size=100), "y": ["a"] * 50 + ["b"] * 47 + ["c"] * 3}, "y")
    assert data.table_warnings(rows) == (
        "class 'c' has 3 rows: too few to learn it or to judge how well it is predicted",
    )


def test_duplicates_across_the_split():
    random = np.random.default_rng(0)
    x, c = random.normal(size=N), random.choice(["u", None], N)
    x[N // 2 : N // 2 + 7], c[N // 2 : N // 2 + 7] = x[:7], c[:7]
    rows = data.table({"x": x, "c": c, "y": np.arange(N) % 2}, "y")
    parts = {"train": rows.take(np.arange(N // 2)), "test": rows.take(np.arange(N // 2, N))}
    assert [w for w in data.table_warnings(rows, parts) if "part" in w] == [
        "7 of 100 rows of the part 'test' have the same features as a row of 'train': its score flatters"
    ]


@pytest.mark.slow
def test_many_columns_are_examined_in_bounded_time():
    values = np.random.default_rng(0).normal(size=(100, 10_000)).astype(np.float32)
    rows = data.table(values, np.arange(100) % 2)
    parts = {"train": rows.take(np.arange(50)), "test": rows.take(np.arange(50, 100))}
    assert data.table_warnings(rows, parts) == ()
