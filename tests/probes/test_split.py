"""Validation that was cut off a sorted set, or not scaled, is told apart from a model that does not generalize."""

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, split
from tuner.records import Verdict
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(5, 3, (400, 6)).astype("float32")
Y = RNG.integers(0, 4, 400)
MODEL = keras.Sequential([L.Input((6,)), L.Dense(4)])


def found(x: np.ndarray, y: np.ndarray | None, val_x: np.ndarray, val_y: np.ndarray | None) -> list[Verdict]:
    evidence = split.measure(Subject(MODEL, x, y, val_x, val_y))
    return [] if evidence is None else list(split.judge(evidence, Context()))


def test_parts_of_one_set_are_quiet() -> None:
    assert found(X[:300], Y[:300], X[300:], Y[300:]) == []


@pytest.mark.parametrize("one_hot", [False, True])
def test_a_sorted_set_that_is_cut_has_classes_that_training_never_saw(one_hot: bool) -> None:
    order = np.argsort(Y)
    y = np.eye(4)[Y[order]] if one_hot else Y[order]
    for cut, unseen in ((int((Y < 3).sum()), 1.0), (320, 0.0)):
        (verdict,) = found(X[:cut], y[:cut], X[cut:], y[cut:])
        assert (verdict.name, verdict.changes[0].path) == ("split_mismatch", "data.split")
        assert verdict.evidence["unseen_classes"] == unseen
        assert verdict.evidence["classes_moved"] > 0.9 - (cut == 320) * 0.3


@pytest.mark.parametrize("prepare", [lambda x: (x - x.mean(0)) / x.std(0), lambda x: x / 255])
def test_one_side_that_is_scaled_alone(prepare) -> None:
    assert [v.name for v in found(prepare(X[:300]), Y[:300], X[300:], Y[300:])] == ["split_mismatch"]
    assert [v.name for v in found(X[:300], Y[:300], prepare(X[300:]), Y[300:])] == ["split_mismatch"]


def test_images_are_compared_by_channel() -> None:
    images = RNG.random((80, 8, 8, 3)).astype("float32")
    assert found(images[:50], Y[:50], images[50:], Y[50:80]) == []
    assert len(found(images[:50], Y[:50], images[50:] * 255, Y[50:80])) == 1


def test_targets_that_are_no_classes_have_none_to_miss() -> None:
    assert found(X[:300], X[:300, 0], X[300:], X[300:, 0]) == []


def test_few_or_foreign_data_are_not_judged() -> None:
    assert found(X[:300], None, X[300:310], None) == []
    assert found(X[:300], None, RNG.random((50, 3)), None) == []
