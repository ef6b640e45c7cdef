"""Laws of the split: disjoint, complete, stratified, seeded, and blind to the order of the source."""

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.data.dataset import PARTS
from tuner.data.split import Division, divide, sample

FRACTIONS = {"validation": 0.15, "test": 0.15}


def hashes_of(contents: list[int]) -> list[bytes]:
    return [blake2b(str(content).encode(), digest_size=16).digest() for content in contents]


def divided(contents: list[int], labels: list[int], parts: list[str] | None = None, seed: int = 0) -> Division:
    given_parts = parts or ["train"] * len(labels)
    return divide(hashes_of(contents), np.array(labels, np.int64), given_parts, FRACTIONS, True, seed)


rows = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=80)


@given(rows, st.integers(0, 5))
def test_every_row_is_in_one_part_and_no_image_is_in_two(pairs: list[tuple[int, int]], seed: int) -> None:
    contents, labels = map(list, zip(*pairs, strict=True))
    division = divided(contents, labels, seed=seed)
    everything = np.concatenate([division.rows[part] for part in PARTS])
    assert sorted(everything) == list(range(len(pairs)))
    shown = [{contents[i] for i in division.rows[part]} for part in PARTS]
    assert not shown[0] & shown[1]
    assert not shown[0] & shown[2]
    assert not shown[1] & shown[2]


@given(st.permutations(range(40)), st.integers(0, 5))
def test_the_order_of_the_source_changes_nothing(order: list[int], seed: int) -> None:
    contents, labels = list(range(40)), [i % 3 for i in range(40)]
    straight = divided(contents, labels, seed=seed)
    mixed = divided([contents[i] for i in order], [labels[i] for i in order], seed=seed)
    for part in PARTS:
        assert straight.rows[part].tolist() == [order[i] for i in mixed.rows[part]]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_each_class_keeps_its_share_and_small_classes_their_place(sizes: list[int]) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    division = divided(list(range(len(labels))), labels)
    for label, size in enumerate(sizes):
        train, validation, test = (sum(labels[i] == label for i in division.rows[part]) for part in PARTS)
        assert train >= 1
        assert validation >= (size >= 2)
        assert test >= (size >= 3)
        assert abs(validation - 0.15 * size) <= 1
        assert abs(test - 0.15 * size) <= 1


def test_another_seed_is_another_split() -> None:
    contents, labels = list(range(100)), [i % 2 for i in range(100)]
    first, second = divided(contents, labels, seed=1), divided(contents, labels, seed=2)
    assert set(first.rows["test"]) != set(second.rows["test"])


def test_any_prefix_of_a_part_is_a_fair_sample_of_the_classes() -> None:
    labels = [i % 4 for i in range(4000)]
    train = divided(list(range(4000)), labels).rows["train"]
    counts = np.bincount([labels[i] for i in train[:400]], minlength=4)
    assert np.all(np.abs(counts - 100) < 40)  # 4.6 standard deviations


def test_adding_one_image_moves_at_most_one_other_of_each_part() -> None:
    labels = [0] * 100 + [1] * 100
    before = divided(list(range(200)), labels)
    after = divided(list(range(201)), [*labels, 1])
    for part in ("validation", "test"):
        assert len(set(before.rows[part]) - set(after.rows[part])) <= 1 + (part == "test")


def test_given_parts_are_kept_and_only_missing_ones_are_cut_from_train() -> None:
    parts = ["train"] * 40 + ["test"] * 10
    division = divided(list(range(50)), [i % 2 for i in range(50)], parts)
    assert sorted(division.rows["test"]) == list(range(40, 50))
    assert len(division.rows["validation"]) == 6


def test_a_copy_in_two_given_parts_stays_where_it_is_judged_and_is_listed() -> None:
    contents = [0, 1, 2, 3, 3, 1, 2, 2]
    parts = ["train", "train", "train", "train", "validation", "test", "validation", "test"]
    division = divided(contents, [0, 1] * 4, parts)
    assert sorted(division.rows["train"]) == [0]
    assert sorted(division.rows["validation"]) == [4]
    assert sorted(division.rows["test"]) == [5, 7]
    assert set(division.across) == {
        (5, 1, "test/train"),
        (7, 2, "test/train"),
        (7, 6, "test/validation"),
        (4, 3, "validation/train"),
    }


def test_copies_with_different_labels_are_listed() -> None:
    division = divided([5, 6, 5, 7], [0, 1, 1, 0])
    assert division.conflicts == ((0, 2),)
    assert division.copies == 1


def test_one_image_with_many_copies_does_not_flood_a_part() -> None:
    contents = [0] * 90 + list(range(1, 11))
    division = divided(contents, [0] * 100)
    assert len(division.rows["validation"]) <= 15
    assert len(division.rows["test"]) <= 15
    assert len(division.rows["validation"]) >= 1


def test_without_stratification_the_whole_is_cut_by_its_share() -> None:
    division = divide(hashes_of(list(range(100))), np.arange(100) % 50, ["train"] * 100, FRACTIONS, False, 0)
    assert [len(division.rows[part]) for part in PARTS] == [70, 15, 15]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 60), st.integers(0, 3))
@settings(max_examples=200)
def test_a_sample_has_the_size_asked_for_and_every_class_that_fits(strata: list[int], limit: int, seed: int) -> None:
    chosen = sample(strata, limit, seed)
    assert len(chosen) == len(set(chosen.tolist())) == min(limit, len(strata))
    assert chosen.tolist() == sorted(chosen)
    if limit >= len(set(strata)):
        assert {strata[i] for i in chosen} == set(strata)
    assert sample(strata, limit, seed).tolist() == chosen.tolist()


@pytest.mark.parametrize("limit", [10, 50, 99])
def test_a_sample_keeps_the_shares(limit: int) -> None:
    strata = [0] * 80 + [1] * 20
    counts = np.bincount(np.array(strata)[sample(strata, limit, 0)])
    assert abs(counts[0] - 0.8 * limit) <= 1
