"""Splits: exact sizes, true proportions, nothing lost, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from pullback.core.errors import ConfigurationError, DataError
from pullback.data import BUNDLED, Dataset, load, rare_class_notes, split
from pullback.data.split import largest_remainder

THREE = {"train": 0.7, "validation": 0.1, "test": 0.2}


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("stratify", [True, False])
def test_parts_are_disjoint_exhaustive_and_repeatable(name: str, stratify: bool) -> None:
    data = load(name)
    parts = split(data, THREE, seed=3, stratify=stratify)
    ids = np.concatenate([part.indices for part in parts])
    assert sorted(ids.tolist()) == list(range(len(data)))
    for part, again in zip(parts, split(data, THREE, seed=3, stratify=stratify), strict=True):
        np.testing.assert_array_equal(part.indices, again.indices)
        np.testing.assert_array_equal(part.inputs, data.inputs[part.indices])
        np.testing.assert_array_equal(part.targets, data.targets[part.indices])
    other = split(data, THREE, seed=4, stratify=stratify)
    assert parts[0].indices.tolist() != other[0].indices.tolist()


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer"])
@pytest.mark.parametrize("test_size", [0.1, 0.2, 0.33, 0.5])
def test_sizes_and_class_counts_are_those_of_scikit_learn_up_to_rounding(name: str, test_size: float) -> None:
    data = load(name)
    ours = split(data, {"train": 1 - test_size, "test": test_size}, seed=0)
    theirs = train_test_split(data.targets, test_size=test_size, stratify=data.targets, random_state=0)
    assert abs(len(ours[1]) - len(theirs[1])) <= 1
    counts = [np.bincount(labels, minlength=data.num_classes or 0) for labels in (ours[1].targets, theirs[1])]
    assert np.abs(counts[0] - counts[1]).max() <= 1


@given(
    st.lists(st.integers(3, 40), min_size=1, max_size=8),
    st.floats(0.2, 0.6),
    st.integers(0, 2**31 - 1),
)
def test_two_parts_round_every_class_up_or_down_and_have_exact_sizes(
    counts: list[int], share: float, seed: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    data = Dataset(np.zeros((len(labels), 1)), labels, "classification")
    first, second = split(data, {"first": share, "second": 1 - share}, seed=seed)
    found = np.bincount(first.targets, minlength=len(counts))
    quotas = np.array(counts) * len(first) / len(data)
    assert np.abs(found - quotas).max() < 1
    assert abs(len(first) - share * len(data)) <= 0.5 + 1e-9
    assert len(first) + len(second) == len(data)


@given(st.lists(st.integers(3, 40), min_size=1, max_size=8), st.integers(0, 1000))
def test_three_parts_stay_within_two_rows_of_every_quota(counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    data = Dataset(np.zeros((len(labels), 1)), labels, "classification")
    fractions = {"train": 0.5, "validation": 0.25, "test": 0.25}
    for part, fraction in zip(split(data, fractions, seed=seed), fractions.values(), strict=True):
        found = np.bincount(part.targets, minlength=len(counts))
        assert np.abs(found - np.array(counts) * fraction).max() < 2


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_largest_remainder_sums_and_stays_next_to_the_quota(shares: list[float]) -> None:
    total = round(sum(shares))
    quotas = np.array(shares) * (total / sum(shares)) if sum(shares) else np.zeros(len(shares))
    seats = largest_remainder(quotas, total)
    assert seats.sum() == total
    assert np.abs(seats - quotas).max() < 1 + 1e-9


def test_largest_remainder_on_a_published_apportionment() -> None:
    """The example of the Alabama paradox as commonly printed: 6, 6, 2 votes share 10 and then 11 seats."""
    votes = np.array([6, 6, 2])
    assert largest_remainder(votes * 10 / 14, 10).tolist() == [4, 4, 2]
    assert largest_remainder(votes * 11 / 14, 11).tolist() == [5, 5, 1]


def test_every_row_has_its_chance() -> None:
    """Over many seeds each row falls into the test part as often as its fraction says (chi-square over rows)."""
    data = load("iris").take(np.arange(0, 150, 5))
    hits = np.zeros(len(data))
    for seed in range(400):
        hits[split(data, {"train": 0.8, "test": 0.2}, seed=seed)[1].indices // 5] += 1
    # Each count is binomial(400, 0.2) with standard deviation 8; five of them is far out for 30 rows.
    assert np.abs(hits - 80).max() < 40


def with_rare_classes() -> Dataset:
    """Twenty cats, twenty dogs, two emus, one yak; fish never occur."""
    labels = np.repeat([0, 1, 2, 4], [20, 20, 2, 1])
    names = ("cat", "dog", "emu", "fish", "yak")
    return Dataset(np.zeros((43, 1)), labels, "classification", class_names=names)


def test_rare_classes_go_to_training_and_are_named() -> None:
    rows = with_rare_classes()
    fractions = {"test": 0.2, "train": 0.7, "validation": 0.1}
    with pytest.warns(UserWarning, match="class '(emu|yak)' has .* for 3 parts: 'train' has it whole") as said:
        test, train, validation = split(rows, fractions, seed=0)
    assert len(said) == 2
    assert (len(test), len(train), len(validation)) == (9, 30, 4)
    assert np.bincount(train.targets, minlength=5).tolist()[2:] == [2, 0, 1]
    assert max(test.targets.max(), validation.targets.max()) == 1
    assert sorted(np.concatenate([part.indices for part in (test, train, validation)])) == list(range(43))
    again = split(rows, fractions, seed=0, rare="train")[1]
    assert again.indices.tolist() == train.indices.tolist()
    assert np.bincount(test.targets).tolist() in ([4, 5], [5, 4])


def test_rare_classes_may_be_refused() -> None:
    rows = with_rare_classes()
    with pytest.raises(DataError, match="'emu'.*too small for 3 parts"):
        split(rows, seed=0, rare="error")
    with pytest.raises(ConfigurationError, match="policy for rare classes"):
        split(rows, seed=0, rare="drop")
    singles = Dataset(np.zeros((9, 1)), np.arange(9), "classification")
    with pytest.raises(DataError, match="do not fit into one of them"):
        split(singles, seed=0, rare="train")
    assert len(split(singles, seed=0, stratify=False)[0]) == 6
    assert rare_class_notes(rows, {"train": 0.5, "test": 0.5})[0].startswith("class 'yak' has 1 row for 2 parts")


def test_fractions_are_checked() -> None:
    iris = load("iris")
    with pytest.raises(ConfigurationError, match="sum to one"):
        split(iris, {"train": 0.7, "test": 0.2}, seed=0)
    with pytest.raises(ConfigurationError, match="fraction of 'test'"):
        split(iris, {"train": 1.2, "test": -0.2}, seed=0)
    with pytest.raises(DataError, match="would be empty"):
        split(iris, {"train": 0.999, "test": 0.001}, seed=0)
