from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, head_loss
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context

# Keras says this much itself, about one unit alone
pytestmark = pytest.mark.filterwarnings("ignore:[^$]*You are using a softmax over axis")
RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 6)).astype("float32")
CLASSES = np.arange(N) % 3
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
BINARY = (np.arange(N) % 2).astype("int32")
SEVERAL = RNG.integers(0, 2, (N, 5)).astype("float32")
NUMBERS = (X @ RNG.normal(size=6) * 20 + 40).astype("float32")
UNIT = (1 / (1 + np.exp(-X[:, :1]))).astype("float32")
PIXELS = RNG.random((N, 6)).astype("float32")
COUNTS = RNG.poisson(3, N).astype("float32")
SCORES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def model(*end: Any, hidden: str = "relu") -> keras.Model:
    return keras.Sequential([L.Input((6,)), L.Dense(8, hidden, name="hidden"), *end])


def alarms(network: keras.Model, loss: Any, y: Any, x: Any = X, **compiled: Any) -> list[Verdict]:
    network.compile("adam", loss, **compiled)
    evidence = head_loss.measure(Subject(network, x, y))
    if evidence is None:
        return []
    return [v for v in head_loss.judge(evidence, Context()) if v.outcome is not Outcome.PASS]


Case = tuple[Callable[[], list[Any]], Any, Any]
HEALTHY: dict[str, Case] = {
    "softmax, integers": (lambda: [L.Dense(3, "softmax")], "sparse_categorical_crossentropy", CLASSES),
    "softmax, a column of integers": (
        lambda: [L.Dense(3, "softmax")],
        "sparse_categorical_crossentropy",
        CLASSES[:, None],
    ),
    "softmax, one-hot": (lambda: [L.Dense(3, "softmax")], "categorical_crossentropy", ONE_HOT),
    "softmax as a layer": (lambda: [L.Dense(3), L.Activation("softmax")], "categorical_crossentropy", ONE_HOT),
    "softmax layer in float32": (lambda: [L.Dense(3), L.Softmax(dtype="float32")], "categorical_crossentropy", ONE_HOT),
    "scores": (lambda: [L.Dense(3)], SCORES, CLASSES),
    "more outputs than labels": (lambda: [L.Dense(5, "softmax")], "sparse_categorical_crossentropy", CLASSES),
    "two classes, softmax": (lambda: [L.Dense(2, "softmax")], "sparse_categorical_crossentropy", BINARY),
    "sigmoid": (lambda: [L.Dense(1, "sigmoid")], "binary_crossentropy", BINARY),
    "sigmoid, a function as loss": (lambda: [L.Dense(1, "sigmoid")], keras.losses.binary_crossentropy, BINARY),
    "scores of two": (lambda: [L.Dense(1)], keras.losses.BinaryCrossentropy(from_logits=True), BINARY),
    "several labels": (lambda: [L.Dense(5, "sigmoid")], "binary_crossentropy", SEVERAL),
    "sigmoid and one-hot": (lambda: [L.Dense(3, "sigmoid")], "binary_crossentropy", ONE_HOT),
    "softmax and binary": (lambda: [L.Dense(3, "softmax")], "binary_crossentropy", ONE_HOT),
    "smoothed rows": (lambda: [L.Dense(3, "softmax")], "categorical_crossentropy", ONE_HOT * 0.9 + 0.1 / 3),
    "focal": (lambda: [L.Dense(3, "softmax")], keras.losses.CategoricalFocalCrossentropy(), ONE_HOT),
    "numbers": (lambda: [L.Dense(1)], "mse", NUMBERS),
    "numbers, huber": (lambda: [L.Dense(1)], keras.losses.Huber(), NUMBERS),
    "shares by sigmoid": (lambda: [L.Dense(1, "sigmoid")], "mse", UNIT),
    "two sides by tanh": (lambda: [L.Dense(1, "tanh")], "mse", UNIT * 2 - 1),
    "prices by softplus": (lambda: [L.Dense(1, "softplus")], "mae", np.abs(NUMBERS)),
    "prices by relu": (lambda: [L.Dense(1, "relu")], "mse", np.abs(NUMBERS)),
    "scaled behind a sigmoid": (lambda: [L.Dense(1, "sigmoid"), L.Rescaling(400.0, -200.0)], "mse", NUMBERS),
    "grades as numbers": (lambda: [L.Dense(1)], "mse", CLASSES.astype("float32")),
    "margin": (lambda: [L.Dense(1, "tanh")], "hinge", BINARY * 2 - 1),
    "margin of scores": (lambda: [L.Dense(1)], "squared_hinge", BINARY),
    "margin of classes": (lambda: [L.Dense(3)], "categorical_hinge", ONE_HOT),
    "divergence": (lambda: [L.Dense(3, "softmax")], "kl_divergence", ONE_HOT * 0.9 + 0.1 / 3),
    "counts": (lambda: [L.Dense(1, "exponential")], "poisson", COUNTS),
    "pictures from a sigmoid": (lambda: [L.Dense(6, "sigmoid")], "binary_crossentropy", PIXELS),
    "pictures by distance": (lambda: [L.Dense(6, "sigmoid")], "mse", PIXELS),
    "reshaped": (lambda: [L.Dense(6, "sigmoid"), L.Reshape((2, 3))], "mse", PIXELS.reshape(N, 2, 3)),
    "sequences of classes": (
        lambda: [L.RepeatVector(4), L.LSTM(4, return_sequences=True), L.TimeDistributed(L.Dense(3, "softmax"))],
        "sparse_categorical_crossentropy",
        RNG.integers(0, 3, (N, 4)),
    ),
    "a loss of one's own": (lambda: [L.Dense(3, "relu")], lambda y, p: keras.ops.mean(p), CLASSES),
    "an activation of one's own": (
        lambda: [L.Dense(3, activation=lambda t: keras.ops.softmax(t))],
        "sparse_categorical_crossentropy",
        CLASSES,
    ),
}
FAULTS: dict[str, tuple[Callable[[], list[Any]], Any, Any, str, dict[str, Any]]] = {
    "softmax over one": (
        lambda: [L.Dense(1, "softmax")],
        "binary_crossentropy",
        BINARY,
        "head_loss_mismatch",
        {"head.activation": "sigmoid"},
    ),
    "softmax over one, three classes": (
        lambda: [L.Dense(1, "softmax")],
        "mse",
        CLASSES,
        "head_loss_mismatch",
        {"head.units": 3, "loss.name": "sparse_categorical_crossentropy"},
    ),
    "one sigmoid, categorical": (
        lambda: [L.Dense(1, "sigmoid")],
        "categorical_crossentropy",
        BINARY,
        "head_loss_mismatch",
        {"loss.name": "binary_crossentropy"},
    ),
    "integers, categorical": (
        lambda: [L.Dense(3, "softmax")],
        "categorical_crossentropy",
        CLASSES,
        "head_loss_mismatch",
        {"loss.name": "sparse_categorical_crossentropy"},
    ),
    "one-hot, sparse": (
        lambda: [L.Dense(3, "softmax")],
        "sparse_categorical_crossentropy",
        ONE_HOT,
        "head_loss_mismatch",
        {"loss.name": "categorical_crossentropy"},
    ),
    "scores as probabilities": (
        lambda: [L.Dense(3)],
        "sparse_categorical_crossentropy",
        CLASSES,
        "head_loss_mismatch",
        {"loss.from_logits": True},
    ),
    "probabilities as scores": (
        lambda: [L.Dense(3, "softmax")],
        SCORES,
        CLASSES,
        "head_loss_mismatch",
        {"loss.from_logits": False},
    ),
    "relu": (
        lambda: [L.Dense(3, "relu")],
        "categorical_crossentropy",
        ONE_HOT,
        "head_loss_mismatch",
        {"head.activation": "softmax"},
    ),
    "relu, two classes": (
        lambda: [L.Dense(1), L.ReLU()],
        "binary_crossentropy",
        BINARY,
        "head_loss_mismatch",
        {"head.activation": "sigmoid"},
    ),
    "sigmoid for exclusive classes": (
        lambda: [L.Dense(3, "sigmoid")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "head_loss_mismatch",
        {"head.activation": "softmax"},
    ),
    "too few outputs": (
        lambda: [L.Dense(2, "softmax")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "head_loss_mismatch",
        {"head.units": 3},
    ),
    "labels from one": (
        lambda: [L.Dense(3, "softmax")],
        "sparse_categorical_crossentropy",
        CLASSES + 1,
        "head_loss_mismatch",
        {"head.units": 4},
    ),
    "three classes, one sigmoid": (
        lambda: [L.Dense(1, "sigmoid")],
        "binary_crossentropy",
        CLASSES,
        "head_loss_mismatch",
        {"head.units": 3, "head.activation": "softmax"},
    ),
    "distance on one-hot": (
        lambda: [L.Dense(3, "softmax")],
        "mse",
        ONE_HOT,
        "head_loss_mismatch",
        {"loss.name": "categorical_crossentropy"},
    ),
    "distance of integers and softmax": (
        lambda: [L.Dense(3, "softmax")],
        "mae",
        CLASSES,
        "head_loss_mismatch",
        {"loss.name": "sparse_categorical_crossentropy"},
    ),
    "numbers as classes": (
        lambda: [L.Dense(1, "sigmoid")],
        "binary_crossentropy",
        NUMBERS,
        "head_loss_mismatch",
        {"loss.name": "mean_squared_error", "head.activation": "linear"},
    ),
    "numbers from a sigmoid": (
        lambda: [L.Dense(1, "sigmoid")],
        "mse",
        NUMBERS,
        "head_loss_mismatch",
        {"head.activation": "linear"},
    ),
    "numbers from a tanh": (
        lambda: [L.Dense(1), L.Activation("tanh")],
        "mae",
        NUMBERS,
        "head_loss_mismatch",
        {"head.activation": "linear"},
    ),
    "negative numbers from a relu": (
        lambda: [L.Dense(1, "relu")],
        "mse",
        NUMBERS - 40,
        "head_loss_mismatch",
        {"head.activation": "linear"},
    ),
    "one target, three outputs": (
        lambda: [L.Dense(3)],
        "mse",
        NUMBERS,
        "head_loss_mismatch",
        {"head.units": 1},
    ),
    "several labels, one winner": (
        lambda: [L.Dense(5, "softmax")],
        "categorical_crossentropy",
        SEVERAL,
        "head_loss_mismatch",
        {"loss.name": "binary_crossentropy", "head.activation": "sigmoid"},
    ),
    "signs as probabilities": (
        lambda: [L.Dense(1, "sigmoid")],
        "binary_crossentropy",
        BINARY * 2 - 1,
        "head_loss_mismatch",
        {"data.labels": "look"},
    ),
    "margin of probabilities": (
        lambda: [L.Dense(1, "sigmoid")],
        "hinge",
        BINARY * 2 - 1,
        "head_loss_mismatch",
        {"head.activation": "tanh"},
    ),
    "logarithm of scores": (
        lambda: [L.Dense(1)],
        "poisson",
        COUNTS,
        "head_loss_mismatch",
        {"head.activation": "softplus"},
    ),
    "two softmax": (
        lambda: [L.Dense(3, "softmax", name="last"), L.Softmax()],
        "sparse_categorical_crossentropy",
        CLASSES,
        "double_softmax",
        {"layers.last.activation": "linear"},
    ),
    "two layers of softmax": (
        lambda: [L.Dense(3, "softmax", name="first"), L.Dense(3, "softmax")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "double_softmax",
        {"layers.first.activation": "relu"},
    ),
    "relu below the softmax": (
        lambda: [L.Dense(3, "relu", name="last"), L.Activation("softmax")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "head_loss_mismatch",
        {"layers.last.activation": "linear"},
    ),
    "dropout behind the softmax": (
        lambda: [L.Dense(3, "softmax"), L.Dropout(0.5, name="drop")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "layer_order",
        {"layers.drop.rate": 0.0},
    ),
    "normalized behind the softmax": (
        lambda: [L.Dense(3, "softmax"), L.BatchNormalization(name="norm")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "layer_order",
        {"layers.norm": "remove"},
    ),
    "not flattened": (
        lambda: [L.Reshape((4, 2)), L.Dense(3, "softmax")],
        "sparse_categorical_crossentropy",
        CLASSES,
        "layer_order",
        {"layers.add_flatten": True},
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_fits_is_quiet(name: str) -> None:
    end, loss, y = HEALTHY[name]
    assert alarms(model(*end()), loss, y) == []


@pytest.mark.parametrize("name", FAULTS)
def test_what_does_not_fit_is_named_with_its_swap(name: str) -> None:
    end, loss, y, verdict, changes = FAULTS[name]
    found = alarms(model(*end()), loss, y)
    assert [v.name for v in found] == [verdict]
    assert {change.path: change.value for change in found[0].changes}.items() >= changes.items()


def test_a_softmax_over_another_axis_is_seen() -> None:
    network = keras.Sequential([L.Input((6,)), L.Dense(12), L.Reshape((4, 3)), L.Softmax(axis=1)])
    found = alarms(network, "sparse_categorical_crossentropy", RNG.integers(0, 3, (N, 4)))
    assert [(v.name, v.changes[0].path) for v in found] == [("head_loss_mismatch", "head.axis")]


def test_each_output_is_judged_by_itself() -> None:
    inputs = keras.Input((6,))
    body = L.Dense(8, "relu")(inputs)
    ends = {"kind": L.Dense(3, "softmax", name="kind")(body), "price": L.Dense(1, "sigmoid", name="price")(body)}
    loss = {"kind": "sparse_categorical_crossentropy", "price": "mse"}
    found = alarms(keras.Model(inputs, ends), loss, {"kind": CLASSES, "price": NUMBERS})
    assert [v.name for v in found] == ["head_loss_mismatch"]
    assert "price" in found[0].sentence


class Own(keras.Model):
    def __init__(self, units: int, activation: str | None) -> None:
        super().__init__()
        self.last = L.Dense(units, activation)  # made first, called last
        self.first = L.Dense(8, "relu")

    def call(self, x: Any) -> Any:
        return self.last(self.first(x))


@pytest.mark.parametrize(
    ("units", "activation", "loss", "y", "faults"),
    [
        (3, "softmax", "sparse_categorical_crossentropy", CLASSES, 0),
        (3, None, SCORES, CLASSES, 0),
        (1, None, "mse", NUMBERS, 0),
        (3, None, "sparse_categorical_crossentropy", CLASSES, 1),
        (1, "softmax", "binary_crossentropy", BINARY, 1),
        (1, "sigmoid", "mse", NUMBERS, 1),
    ],
)
def test_a_subclassed_model_is_read_while_it_runs(units: int, activation: str, loss: Any, y: Any, faults: int) -> None:
    network = Own(units, activation)
    network(X[:2])
    assert len(alarms(network, loss, y)) == faults


def test_a_model_inside_a_model_is_opened() -> None:
    inner = keras.Sequential([L.Input((6,)), L.Dense(8, "relu"), L.Dense(1, "softmax")])
    inputs = keras.Input((6,))
    assert len(alarms(keras.Model(inputs, inner(inputs)), "binary_crossentropy", BINARY)) == 1


def test_distance_on_two_classes_is_a_note_only() -> None:
    network = model(L.Dense(1, "sigmoid"))
    network.compile("adam", "mse")
    evidence = head_loss.measure(Subject(network, X, BINARY))
    assert evidence is not None
    assert [v.outcome for v in head_loss.judge(evidence, Context())] == [Outcome.PASS]


def test_a_model_that_was_not_compiled_is_not_asked() -> None:
    assert head_loss.measure(Subject(model(L.Dense(3)), X, CLASSES)) is None
