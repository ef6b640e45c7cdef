"""Laws of the first verdicts: silence on healthy data, a name and a number for each fault, the test split unread."""

from typing import Any

import numpy as np
import pytest

from tuner.data import Dataset, Split, check_dataset
from tuner.records import Outcome, Verdict, to_json

RNG = np.random.default_rng(0)


def split(counts: list[int], images: np.ndarray | None = None) -> Split:
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = RNG.integers(0, 256, (len(labels), 4, 4, 3), np.uint8) if images is None else images
    return Split(pixels, labels)


def dataset(train: Split, validation: Split, **manifest: Any) -> Dataset:
    unread = Split(np.empty((0, 4, 4, 3), np.uint8), np.empty(0, np.int64))
    names = tuple(f"class{i}" for i in range(int(train.labels.max()) + 1))
    return Dataset("made", "0", train, validation, names, manifest, unread)


def named(verdicts: list[Verdict], name: str) -> Verdict:
    return next(verdict for verdict in verdicts if verdict.name == name)


def test_healthy_data_have_one_verdict() -> None:
    (verdict,) = check_dataset(dataset(split([50, 60]), split([60, 60])))
    assert (verdict.name, verdict.outcome) == ("healthy_data", Outcome.PASS)


def test_black_images_fail_and_come_first() -> None:
    black = split([30, 30], np.zeros((60, 4, 4, 3), np.uint8))
    verdicts = check_dataset(dataset(black, split([5, 5], np.zeros((10, 4, 4, 3), np.uint8))))
    assert named(verdicts, "constant_images").outcome is Outcome.FAIL
    outcomes = [verdict.outcome for verdict in verdicts]
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome is not Outcome.FAIL)


def test_a_few_constant_images_are_a_warning_that_names_one() -> None:
    verdicts = check_dataset(
        dataset(split([50, 50]), split([60, 60]), constant_images=["a/7.png"], value_range=[0, 255])
    )
    (verdict,) = verdicts
    assert verdict.outcome is Outcome.WARN
    assert "a/7.png" in verdict.sentence


@pytest.mark.parametrize(("high", "outcome"), [(1, Outcome.FAIL), (12, Outcome.WARN)])
def test_pixels_that_were_divided_before_are_seen(high: int, outcome: Outcome) -> None:
    images = RNG.integers(0, high + 1, (100, 4, 4, 3), np.uint8)
    verdicts = check_dataset(dataset(split([50, 50], images), split([60, 60], images[np.arange(120) % 100])))
    assert named(verdicts, "value_range").outcome is outcome


def test_a_class_without_training_images_fails_and_one_without_validation_images_warns() -> None:
    verdicts = check_dataset(dataset(split([50, 0, 50]), split([60, 60, 0])))
    missing = [verdict for verdict in verdicts if verdict.name == "class_missing"]
    assert [(v.outcome, v.evidence["classes"]) for v in missing] == [
        (Outcome.FAIL, ["class1"]),
        (Outcome.WARN, ["class2"]),
    ]


def test_a_class_missing_from_test_is_known_from_the_counts_alone() -> None:
    counts = {"train": [50, 50], "validation": [60, 60], "test": [9, 0]}
    (verdict,) = check_dataset(dataset(split([50, 50]), split([60, 60]), counts=counts))
    assert verdict.evidence["part"] == "test"


@pytest.mark.parametrize(("counts", "seen"), [([100, 26], False), ([100, 25], True)])
def test_imbalance_is_told_with_what_the_majority_alone_would_score(counts: list[int], seen: bool) -> None:
    verdicts = check_dataset(dataset(split(counts), split([60, 60])))
    assert ("class_imbalance" in [v.name for v in verdicts]) == seen
    if seen:
        assert "80% right" in named(verdicts, "class_imbalance").sentence


def test_too_few_images_are_told_with_the_noise_they_bring() -> None:
    sentences = [v.sentence for v in check_dataset(dataset(split([9, 9]), split([5, 5])))]
    assert sentences == [
        "Only 9 training images of class0.",
        "Only 10 validation images: accuracies differ by up to 0.31 by chance alone.",
    ]


def test_what_decoding_found_is_told() -> None:
    found = {
        "skipped": [["a/1.png", "empty file (0 bytes)"], ["a/2.png", "truncated"]],
        "ignored": {".heic": 3},
        "duplicates": [["test/1.png", "train/1.png", "test/train"]],
        "conflicts": [["a/3.png", "b/3.png"]],
    }
    verdicts = check_dataset(dataset(split([50, 50]), split([60, 60]), **found))
    assert [verdict.name for verdict in verdicts] == ["corrupt_files", "corrupt_files", "duplicates", "duplicates"]
    assert "2 of 222 images" in verdicts[0].sentence
    assert all(verdict.outcome is Outcome.WARN for verdict in verdicts)


def test_verdicts_are_json() -> None:
    import json

    verdicts = check_dataset(dataset(split([9, 90]), split([5, 0])))
    json.dumps([to_json(verdict) for verdict in verdicts], allow_nan=False)
