import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, targets
from tuner.probes.targets_kind import describe
from tuner.records import Outcome
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)).astype("float32")
Y = (X.sum(1) + RNG.normal(size=300)).astype("float32")


def found(y: np.ndarray, activation: str | None = None, loss: str = "mse", trained: bool = False, units: int = 1):
    model = keras.Sequential([L.Input((3,)), L.Dense(4, "relu"), L.Dense(units, activation)])
    model.compile("sgd", loss)
    evidence = targets.measure(Subject(model, X, y, trained=trained))
    assert evidence is not None
    return [(v.name, v.outcome) for v in targets.judge(evidence, Context())]


@pytest.mark.parametrize("y", [Y, Y * 5 + 20, np.abs(Y), Y * 0.05], ids=["unit", "miles a gallon", "sides", "small"])
def test_targets_within_reach_are_quiet(y: np.ndarray) -> None:
    assert found(y) == []


@pytest.mark.parametrize("y", [Y * 80 + 150, Y * 1e5, Y + 300, Y * 1e-5], ids=["sugar", "prices", "offset", "tiny"])
def test_targets_out_of_reach_are_named(y: np.ndarray) -> None:
    assert found(y) == [("target_scale", Outcome.WARN)]


def test_targets_are_described_where_the_inputs_are_several_arrays() -> None:
    model = keras.Sequential([L.Input((3,)), L.Dense(1)])
    model.compile("sgd", "mse")
    evidence = targets.measure(Subject(model, None, Y * 1e5, trained=True))
    assert evidence is not None
    assert [v.name for v in targets.judge(evidence, Context())] == ["target_scale"]


def test_a_model_that_is_there_already_is_left_alone() -> None:
    model = keras.Sequential([L.Input((3,)), L.Dense(1)])
    model.set_weights([np.full((3, 1), 100.0), np.full(1, 500.0)])
    model.compile("sgd", "mse")
    evidence = targets.measure(Subject(model, X, X.sum(1) * 100 + 500, trained=True))
    assert evidence is not None
    assert list(targets.judge(evidence, Context())) == []


def test_missing_targets_are_named() -> None:
    y = Y.copy()
    y[3] = np.nan
    assert found(y)[0] == ("nan_input", Outcome.FAIL)


def test_one_class_cannot_be_told_from_others() -> None:
    assert found(np.ones(300), "sigmoid", "binary_crossentropy") == [("class_imbalance", Outcome.FAIL)]


def test_rare_classes_are_a_note_until_they_are_forgotten() -> None:
    rare = (np.arange(300) % 30 == 0).astype(int)
    assert found(rare, "sigmoid", "binary_crossentropy") == [("class_imbalance", Outcome.PASS)]
    model = keras.Sequential([L.Input((3,)), L.Dense(1, "sigmoid")])
    model.set_weights([np.zeros((3, 1)), np.full(1, -4.0)])
    model.compile("sgd", "binary_crossentropy")
    evidence = targets.measure(Subject(model, X, rare, trained=True))
    assert evidence is not None
    verdict = next(targets.judge(evidence, Context()))
    assert (verdict.outcome, verdict.changes[0].path) == (Outcome.WARN, "data.class_weight")


def test_balanced_classes_are_quiet() -> None:
    assert found(np.arange(300) % 3, "softmax", "sparse_categorical_crossentropy", units=3) == []


@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        (np.arange(90) % 3, "classes", 3),
        ((np.arange(90) % 2)[:, None].astype("float32"), "binary", 2),
        (np.eye(4)[np.arange(90) % 4], "one_hot", 4),
        (np.full((90, 4), 0.25), "distribution", 4),
        (np.tile([[1, 1, 0], [0, 0, 1]], (45, 1)), "multi_label", 3),
        (np.arange(90) % 2 * 2 - 1, "signs", 0),
        (np.arange(90), "numbers", 0),
        (np.arange(90) % 3 / 2, "numbers", 0),
        (np.ones(90), "constant", 0),
        (np.array(["a"] * 90), "other", 0),
    ],
)
def test_kinds_of_targets(y: np.ndarray, kind: str, classes: int) -> None:
    seen = describe(y)
    assert seen is not None
    assert (seen.kind, seen.classes) == (kind, classes)
