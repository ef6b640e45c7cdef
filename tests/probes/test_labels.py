import dataclasses
import math

import keras
import numpy as np
import pytest
from keras import layers as L
from sklearn.datasets import load_digits, make_circles, make_classification

from tuner.probes import Subject, labels
from tuner.records import Outcome
from tuner.symptoms import Context

DIGITS, TRUE = load_digits(return_X_y=True)
DIGITS = (DIGITS / 16).astype("float32")
RNG = np.random.default_rng(0)


def model_of(units: int, features: int) -> keras.Model:
    model = keras.Sequential([L.Input((features,)), L.Dense(units, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def measured(x: np.ndarray, y: np.ndarray) -> labels.Labels:
    evidence = labels.measure(Subject(model_of(int(y.max()) + 1, x.shape[1]), x, y, trained=False))
    assert evidence is not None
    return evidence


def names(evidence: labels.Labels) -> list[str]:
    return [v.name for v in labels.judge(evidence, Context()) if v.outcome is not Outcome.PASS]


def knowing(evidence: labels.Labels, train: float, val: float) -> labels.Labels:
    return dataclasses.replace(evidence, train_accuracy=train, val_accuracy=val, val_count=100)


def test_true_labels_are_quiet() -> None:
    evidence = measured(DIGITS, TRUE)
    assert evidence.sure_error < 0.05
    assert names(evidence) == names(knowing(evidence, 1.0, 0.1)) == []


def test_shuffled_labels_are_named_once_the_network_knows_them() -> None:
    evidence = measured(DIGITS, RNG.permutation(TRUE))
    assert evidence.learners < 0.17
    assert names(evidence) == []  # nothing is known of the network
    assert names(knowing(evidence, 0.9, 0.5)) == []  # it does what the simple learners cannot
    assert names(knowing(evidence, 0.9, 0.11)) == ["shuffled_labels"]


def test_a_third_of_the_labels_wrong() -> None:
    wrong = np.where(RNG.random(len(TRUE)) < 0.3, RNG.integers(0, 10, len(TRUE)), TRUE)
    evidence = measured(DIGITS, wrong)
    assert names(evidence) == ["label_noise"]
    assert 0.15 < evidence.sure_error < 0.4


def test_wrong_labels_are_wrong_for_everybody() -> None:
    wrong = np.where(RNG.random(len(TRUE)) < 0.3, RNG.integers(0, 10, len(TRUE)), TRUE)
    evidence = measured(DIGITS, wrong)
    assert evidence.strong_error > 0.2
    assert names(dataclasses.replace(evidence, strong_error=0.05)) == []  # it was a hard task
    assert names(dataclasses.replace(evidence, val_accuracy=0.97, val_count=200)) == []  # the network solves it
    assert names(dataclasses.replace(evidence, count=200)) == ["label_noise"]
    assert names(dataclasses.replace(evidence, count=199)) == []  # of ten classes: a hard task looks so, too


def test_a_hard_task_of_many_clusters_is_not_noise() -> None:
    x, y = make_classification(2000, 20, n_informative=12, n_classes=5, random_state=5)
    assert names(measured(x.astype("float32"), y)) == []


def test_a_network_that_only_begins_to_know_shuffled_labels() -> None:
    evidence = dataclasses.replace(measured(DIGITS, RNG.permutation(TRUE)), val_accuracy=0.09, val_count=300)
    error = math.sqrt(evidence.majority * (1 - evidence.majority) / evidence.count)
    found = [
        next(labels.judge(dataclasses.replace(evidence, train_accuracy=evidence.majority + n * error), Context()))
        for n in (7, 4, 0)
    ]
    assert [v.name for v in found] == ["shuffled_labels"] * 3
    assert [v.confidence for v in found] == [0.75, 0.55, 0.55]  # one that learned nothing has many causes


def test_classes_that_overlap_with_their_neighbours_are_no_noise() -> None:
    x = RNG.normal(size=(500, 3)).astype("float32")
    grade = np.digitize(x[:, 0] + RNG.normal(size=500), [-1, 0, 1])
    assert names(measured(x, grade)) == []


def test_a_task_that_bends_is_quiet() -> None:
    x, y = make_circles(400, noise=0.1, factor=0.5, random_state=0)
    assert names(knowing(measured(x.astype("float32"), y), 0.95, 0.5)) == []


def test_parity_is_hard_and_healthy() -> None:
    x = RNG.integers(0, 2, (400, 10)).astype("float32")
    assert names(knowing(measured(x, x.sum(1).astype(int) % 2), 1.0, 1.0)) == []


@pytest.mark.parametrize("y", [RNG.normal(size=200), np.zeros(200)], ids=["numbers", "one class"])
def test_what_has_no_classes_is_not_asked(y: np.ndarray) -> None:
    subject = Subject(model_of(2, 64), DIGITS[:200], y, trained=False)
    assert labels.measure(subject) is None


def test_accuracies_of_the_network_are_measured() -> None:
    model = model_of(10, 64)
    evidence = labels.measure(Subject(model, DIGITS[:300], TRUE[:300], DIGITS[300:340], TRUE[300:340], trained=True))
    assert evidence is not None
    assert evidence.val_count == 40
    assert not math.isnan(evidence.train_accuracy + evidence.val_accuracy)


def test_few_or_uneven_examples_only_raise_a_doubt() -> None:
    found = knowing(measured(DIGITS, RNG.permutation(TRUE)), 1.0, 0.11)
    (sure,) = labels.judge(found, Context())
    (few,) = labels.judge(dataclasses.replace(found, majority=0.5, learners=0.5, count=60, val_accuracy=0.5), Context())
    (uneven,) = labels.judge(dataclasses.replace(found, majority=0.9, learners=0.9, val_accuracy=0.9), Context())
    assert sure.confidence is not None
    assert sure.confidence >= 0.7
    assert (few.confidence, uneven.confidence) == (0.55, 0.55)
