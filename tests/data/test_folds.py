"""Laws of folds: every image validates once, the test images never; classes alike; units whole; nothing copied."""

import dataclasses
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from tuner import recipe as recipes
from tuner.data import Problem, check_dataset, open_dataset
from tuner.data.dataset import Dataset, Split
from tuner.data.folds import FEW, fold_numbers, folded, picked, plan_of, planned
from tuner.progress import Silent

many = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=6, max_size=80)


@given(many, st.integers(2, 6))
def test_every_image_is_in_one_fold_and_no_unit_in_two(pairs: list[tuple[int, int]], count: int) -> None:
    labels, units = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    if len(set(units)) < count:
        with pytest.raises(ValueError, match="cannot be divided"):
            fold_numbers(labels, units, count)
        return
    numbers = fold_numbers(labels, units, count)
    assert set(numbers) == set(range(count))
    assert all(len(set(numbers[units == unit])) == 1 for unit in units)


@given(st.lists(st.integers(0, 3), min_size=6, max_size=100), st.integers(2, 6))
def test_folds_of_single_images_differ_by_one_image_of_a_class_and_in_all(labels: list[int], count: int) -> None:
    found = np.array(labels, np.int64)
    numbers = fold_numbers(found, np.arange(len(found)), count)
    sizes = np.array([np.bincount(found[numbers == fold], minlength=4) for fold in range(count)])
    assert np.ptp(sizes, axis=0).max() <= 1
    assert np.ptp(sizes.sum(axis=1)) <= 4


def worst(labels: np.ndarray, numbers: np.ndarray) -> float:
    """By how much the folds miss a fifth of a class at worst."""
    held = np.array([np.bincount(labels[numbers == fold], minlength=3) for fold in range(5)])
    return float(np.abs(held / np.bincount(labels) - 0.2).max())


def test_groups_are_spread_over_folds_at_least_as_evenly_as_by_scikit_learn() -> None:
    ours, theirs = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(50), rng.integers(2, 10, 50))
        kinds = rng.dirichlet([1, 0.5, 0.2], 50)
        labels = np.array([rng.choice(3, p=kinds[unit]) for unit in units])
        other = np.zeros(len(units), int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for fold, (_, rows) in enumerate(StratifiedGroupKFold(5).split(labels, labels, units)):
                other[rows] = fold
        ours.append(worst(labels, fold_numbers(labels, units, 5)))
        theirs.append(worst(labels, other))
    assert np.mean(ours) <= np.mean(theirs)
    assert np.mean(ours) < 0.06


Make = Callable[..., Problem]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """30 training, 12 validation and 9 test images, each a color of its own."""

    def problem(units: bool = False, **data: object) -> Problem:
        text = {"version": 1, "name": "folds", "data": {"source": "digits", **data}, "model": {"backbone": "LeNet5"}}
        (tmp_path / "folds.yaml").write_text(json.dumps(text))
        images = np.tile(np.arange(51, dtype=np.uint8)[:, None, None, None], (1, 8, 8, 1))
        labels = np.arange(51, dtype=np.int64) % 3
        rows = slice(0, 30), slice(30, 42), slice(42, 51)
        groups = np.arange(51) // 3
        parts = [Split(images[each], labels[each], groups[each] if units else None) for each in rows]
        dataset = Dataset("made", "made", parts[0], parts[1], ("a", "b", "c"), {}, parts[2])
        return Problem(recipes.load(tmp_path / "folds.yaml"), dataset, tmp_path)

    return problem


@pytest.mark.parametrize("units", [False, True])
def test_folds_validate_each_image_of_train_and_validation_once_and_the_test_images_never(
    make: Make, units: bool
) -> None:
    problem, validated = make(units), []
    for number in range(1, 5):
        data = folded(problem, (number, 4)).dataset
        shown = [np.asarray(split.images)[:, 0, 0, 0].tolist() for split in (data.train, data.validation)]
        assert sorted(shown[0] + shown[1]) == list(range(42))
        for split, colors in zip((data.train, data.validation), shown, strict=True):
            assert split.labels.tolist() == [color % 3 for color in colors]
        assert not units or not {color // 3 for color in shown[0]} & {color // 3 for color in shown[1]}
        assert data.sealed_test is problem.dataset.sealed_test
        validated += shown[1]
    assert sorted(validated) == list(range(42))


def test_a_fold_is_another_data_set_that_knows_the_whole_one(make: Make) -> None:
    problem = make()
    one, two = folded(problem, (1, 3)), folded(problem, (2, 3))
    assert len({problem.dataset.fingerprint, one.dataset.fingerprint, two.dataset.fingerprint}) == 3
    assert one.whole.dataset is problem.dataset is problem.whole.dataset
    assert folded(one, (2, 3)).dataset.fingerprint == two.dataset.fingerprint
    assert folded(one, None).dataset is problem.dataset
    with pytest.raises(ValueError, match="numbered 1 to 3, not 4"):
        folded(problem, (4, 3))


def test_picked_rows_are_those_of_the_joined_arrays() -> None:
    first, second = np.arange(12).reshape(4, 3), np.arange(100, 109).reshape(3, 3)
    rows = np.array([5, 0, 3, 4])
    both, lazy = np.concatenate([first, second])[rows], picked([first, second], rows)
    assert (lazy.shape, lazy.ndim, lazy.dtype, len(lazy)) == (both.shape, 2, both.dtype, 4)
    for key in (slice(1, 3), np.array([3, 0]), slice(None)):
        np.testing.assert_array_equal(lazy[key], both[key])
    np.testing.assert_array_equal(lazy[2], both[2])
    np.testing.assert_array_equal(np.asarray(lazy), both)


@pytest.mark.parametrize(
    ("asked", "validation", "rarest", "given_part", "count"),
    [
        (None, 20, 50, False, 0),
        (7, 5000, 50, True, 7),
        ("auto", FEW - 1, 50, False, 5),
        ("auto", FEW, 50, False, 0),
        ("auto", 20, 3, False, 3),
        ("auto", 20, 1, False, 2),
        ("auto", 20, 50, True, 0),
    ],
)
def test_auto_takes_folds_where_validation_images_are_few(
    asked: int | str | None, validation: int, rarest: int, given_part: bool, count: int
) -> None:
    plan = planned(asked, validation, rarest, given_part)
    assert plan.count == count
    assert bool(plan.because) == (asked is not None)


def test_few_is_where_an_accuracy_may_be_two_points_off() -> None:
    error = 0.5 / FEW**0.5
    assert error == pytest.approx(0.02)


def test_auto_counts_groups_where_images_stand_together(make: Make) -> None:
    assert plan_of(make(folds="auto").recipe, make().dataset).count == 5
    problem = make(folds="auto")
    single = dataclasses.replace(problem.dataset.train, units=np.zeros(30, np.int64))
    other = dataclasses.replace(problem.dataset.validation, units=np.ones(12, np.int64))
    dataset = dataclasses.replace(problem.dataset, train=single, validation=other)
    assert plan_of(problem.recipe, dataset).count == 2


def test_the_data_set_says_that_folds_are_taken_and_why(tmp_path: Path) -> None:
    data = {"source": "digits", "image_size": [8, 8], "limit": 200, "folds": "auto", "cache_dir": "cache"}
    text = {"version": 1, "name": "folds", "data": data, "model": {"backbone": "LeNet5"}}
    (tmp_path / "folds.yaml").write_text(json.dumps(text))
    dataset = open_dataset(recipes.load(tmp_path / "folds.yaml"), Silent())
    (verdict,) = [one for one in check_dataset(dataset) if one.name == "folds"]
    assert verdict.sentence.startswith("Finalists are compared on 5 folds: 30 validation images are fewer than 625")
    assert verdict.outcome == "pass"
