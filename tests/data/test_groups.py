"""Laws of grouped splits: no group in two parts, whatever the labels, the copies and the order; shares within reach."""

import json
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tuner import recipe as recipes
from tuner.data import DataError, check_dataset, open_dataset
from tuner.data.dataset import PARTS, Dataset
from tuner.data.groups import units_of
from tuner.data.split import Division, divide
from tuner.data.spreading import completed, contents_of, spread
from tuner.progress import Silent

FRACTIONS = {"validation": 0.2, "test": 0.2}


def divided(named: list[str], labels: list[int], contents: list[int], stratify: bool = True, seed: int = 0) -> Division:
    hashes = [blake2b(str(content).encode(), digest_size=16).digest() for content in contents]
    return divide(hashes, np.array(labels, np.int64), ["train"] * len(labels), FRACTIONS, stratify, seed, named)


rows = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.integers(0, 60)), min_size=1, max_size=60)


@given(rows, st.booleans(), st.integers(0, 3))
def test_no_group_and_no_copy_is_in_two_parts(triples: list[tuple[int, int, int]], stratify: bool, seed: int) -> None:
    groups, labels, contents = map(list, zip(*triples, strict=True))
    named = [f"patient{group}" if group else "" for group in groups]
    division = divided(named, labels, contents, stratify, seed)
    assert sorted(np.concatenate([division.rows[part] for part in PARTS])) == list(range(len(triples)))
    for keys in (named, contents):
        seen = [{keys[i] for i in division.rows[part]} - {""} for part in PARTS]
        assert sum(map(len, seen)) == len(set.union(*seen))
    train = {labels[i] for i in division.rows["train"]}
    assert train == set(labels) or not stratify


@given(st.permutations(range(30)), st.integers(0, 3))
def test_the_order_of_the_source_changes_nothing(order: list[int], seed: int) -> None:
    named, labels = [f"p{i // 4}" for i in range(30)], [i % 3 for i in range(30)]
    straight = divided(named, labels, list(range(30)), seed=seed)
    mixed = divided([named[i] for i in order], [labels[i] for i in order], order, seed=seed)
    for part in PARTS:
        assert straight.rows[part].tolist() == [order[i] for i in mixed.rows[part]]


@given(st.lists(st.integers(1, 9), min_size=3, max_size=40))
def test_without_classes_a_share_is_missed_by_less_than_two_groups(sizes: list[int]) -> None:
    units = np.repeat(np.arange(len(sizes)), sizes)
    contents = contents_of(units, np.zeros(len(units), np.int64))
    parts = spread(contents, [0.6, 0.2, 0.2], 1)
    for part, share in enumerate((0.6, 0.2, 0.2)):
        held = sum(size for size, where in zip(sizes, parts, strict=True) if where == part)
        assert share * sum(sizes) - 2 * max(sizes) < held < share * sum(sizes) + max(sizes)


def test_forty_patients_of_five_images_keep_the_shares_of_all_classes() -> None:
    named = [f"p{i // 5}" for i in range(200)]
    labels = np.random.default_rng(0).choice(3, 200, p=(0.6, 0.3, 0.1)).tolist()
    division = divided(named, labels, list(range(200)))
    for part, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        counts = np.bincount([labels[i] for i in division.rows[part]], minlength=3)
        assert np.abs(counts - share * np.bincount(labels)).max() <= 3


def test_another_seed_is_another_division_of_groups() -> None:
    named = [f"p{i // 4}" for i in range(80)]
    first, second = (divided(named, [i % 2 for i in range(80)], list(range(80)), seed=seed) for seed in (1, 2))
    assert set(first.rows["test"]) != set(second.rows["test"])


def test_greed_is_mended_where_train_would_miss_a_class_or_a_part_would_be_empty() -> None:
    units, labels = np.array([0, 0, 1, 2]), np.array([0, 1, 0, 0])
    contents = contents_of(units, labels)
    assert completed(np.array([1, 0, 0]), contents, [0.5, 0.5]).tolist() == [0, 1, 0]


def test_units_hang_together_through_any_key() -> None:
    assert units_of(["a", "b", "a", "c", "d"], ["", "x", "", "x", ""]).tolist() == [0, 1, 0, 1, 2]


Open = Callable[..., Dataset]


@pytest.fixture
def table(tmp_path: Path) -> Open:
    """Opens a table of 60 images of 12 patients, who know their class: cells of `patient` and `split` may differ."""

    def make(split: Callable[[int], str] = lambda i: "", **data: object) -> Dataset:
        rng = np.random.default_rng(0)
        lines = ["path,label,patient,split"]
        for i in range(60):
            Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / f"p{i // 5:02d}_{i}.png")
            lines.append(f"p{i // 5:02d}_{i}.png,{'ab'[i // 5 % 2]},patient {i // 5},{split(i)}")
        (tmp_path / "table.csv").write_text("\n".join(lines))
        settings = {"source": "csv", "path": "table.csv", "image_size": [8, 8], "cache_dir": "cache", **data}
        text = {"version": 1, "name": "grouped", "data": settings, "model": {"backbone": "LeNet5"}}
        (tmp_path / "grouped.yaml").write_text(json.dumps(text))
        return open_dataset(recipes.load(tmp_path / "grouped.yaml"), Silent())

    return make


PATTERN = {"group_pattern": "(p[0-9]+)_"}
COLUMN = {"group_column": "patient"}


@pytest.mark.parametrize("how", [PATTERN, COLUMN], ids=["pattern", "column"])
def test_a_recipe_names_its_groups_by_a_column_or_by_a_part_of_the_name(table: Open, how: dict[str, str]) -> None:
    found = table(**how).manifest["groups"]
    assert (found["count"], sum(found["parts"].values()), found["largest_images"]) == (12, 12, 5)
    assert min(found["parts"].values()) >= 1


def test_both_ways_divide_alike_and_units_are_kept_beside_the_images(table: Open) -> None:
    by_name, by_column, alone = table(**PATTERN), table(**COLUMN), table()
    assert by_name.fingerprint == by_column.fingerprint != alone.fingerprint
    units = [set(np.asarray(split.units)) for split in (by_name.train, by_name.validation, by_name.sealed_test)]
    assert sum(map(len, units)) == len(set.union(*units)) == 12
    assert len(set(np.asarray(alone.train.units))) == len(alone.train)


def test_groups_stay_whole_under_a_limit(table: Open) -> None:
    found = table(limit=30, **COLUMN)
    counts = found.manifest["counts"]
    assert sum(map(sum, counts.values())) == 30
    assert sum(found.manifest["groups"]["parts"].values()) == found.manifest["groups"]["count"]


def test_a_given_split_that_keeps_groups_apart_is_kept(table: Open) -> None:
    found = table(split=lambda i: "test" if i < 20 else "", **COLUMN)
    assert found.manifest["groups"]["parts"]["test"] == 4
    assert found.manifest["given"] == ["test"]


def test_a_given_split_that_divides_a_group_is_refused(table: Open) -> None:
    with pytest.raises(DataError, match=r"group 'patient 0' stands in two of the given parts: p00_0.png in test"):
        table(split=lambda i: "test" if i % 5 == 0 else "", **COLUMN)


def test_a_name_without_a_group_is_refused(table: Open) -> None:
    with pytest.raises(DataError, match=r"finds no group in 'p00_0.png'. Every image belongs to one"):
        table(group_pattern="(q[0-9]+)_")


def test_a_line_without_a_group_is_refused(table: Open) -> None:
    with pytest.raises(DataError, match=r"line 7 names no group"):
        table(split=lambda i: "" if i == 5 else f"g{i // 5}", group_column="split", split_column="none")


def test_the_report_is_told_how_few_groups_judge(table: Open) -> None:
    (verdict,) = [one for one in check_dataset(table(**COLUMN)) if one.name == "few_groups"]
    assert verdict.outcome == "warn"
    assert "12 groups by column patient, none in two splits" in verdict.sentence
