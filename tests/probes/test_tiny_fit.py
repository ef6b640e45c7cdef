from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, tiny_fit
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 12)).astype("float32")
Y = (X @ RNG.normal(size=(12, 3))).argmax(1)


def network(optimizer: str | keras.optimizers.Optimizer = "adam", initializer: str = "glorot_uniform") -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            L.Input((12,)),
            L.Dense(64, "relu", kernel_initializer=initializer, kernel_regularizer="l2"),
            L.Dropout(0.5),
            L.Dense(3, "softmax", kernel_initializer=initializer),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def found(model: keras.Model, y: np.ndarray = Y, x: np.ndarray = X) -> list[Verdict]:
    before = model.get_weights()
    evidence = tiny_fit.measure(Subject(model, x, y, trained=False))
    assert evidence is not None
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return [v for v in tiny_fit.judge(evidence, Context()) if v.outcome is not Outcome.PASS]


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_a_sound_model_is_quiet(optimizer: str) -> None:
    assert found(network(optimizer)) == []


def test_a_rate_that_throws_everything_out() -> None:
    verdicts = found(network(keras.optimizers.SGD(300.0)))
    assert [(v.name, v.changes[0].value) for v in verdicts] == [("lr_too_high", 30.0)]


def test_a_rate_that_does_not_move() -> None:
    verdicts = found(network(keras.optimizers.SGD(1e-6)))
    assert [(v.name, v.changes[0].value) for v in verdicts] == [("lr_too_low", 1e-5)]


def test_zeros_let_nothing_through() -> None:
    assert [v.name for v in found(network(initializer="zeros"))] == ["ignores_input"]


def test_a_line_through_noise_is_not_accused() -> None:
    model = keras.Sequential([L.Input((12,)), L.Dense(1)])
    model.compile("sgd", "mse")
    assert found(model, RNG.normal(size=100).astype("float32")) == []


def test_equal_inputs_with_different_labels_are_not_asked() -> None:
    assert tiny_fit.measure(Subject(network(), np.zeros_like(X), Y, trained=False)) is None


@pytest.mark.parametrize(
    ("curve", "shape"),
    [
        (lambda n: np.linspace(1, 0.01, n), "fits"),
        (lambda n: np.full(n, 0.97), "plateau"),
        (lambda n: np.linspace(1, 0.5, n), "falling"),
        (lambda n: np.linspace(1, 3, n), "up"),
        (lambda n: np.geomspace(1, 1e6, n), "explode"),
        (lambda n: 1 + 0.5 * (-1.0) ** np.arange(n), "oscillate"),
        (lambda n: np.append(np.ones(n - 1), np.nan), "explode"),
    ],
)
def test_shapes(curve: Callable[[int], np.ndarray], shape: str) -> None:
    assert tiny_fit.shape_of(curve(300).tolist(), 1.0) == shape


def test_the_rate_at_the_end_of_a_schedule_is_not_the_rate_of_the_run() -> None:
    model = network(keras.optimizers.Adam(1e-7))
    evidence = tiny_fit.measure(Subject(model, X, Y, trained=False))
    assert evidence is not None
    assert [v.name for v in tiny_fit.judge(evidence, Context(learning_rate=1e-7))] == ["lr_too_low"]
    for context in (Context(learning_rate=1e-2), Context(rate_is_scheduled=True)):
        (note,) = tiny_fit.judge(evidence, context)
        assert note.outcome is Outcome.PASS
