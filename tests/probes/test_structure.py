from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, structure
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context


def all_of(model: keras.Model) -> list[Verdict]:
    evidence = structure.measure(Subject(model))
    return list(structure.judge(evidence, Context())) if evidence is not None else []


def alarms(model: keras.Model) -> list[str]:
    return [v.name for v in all_of(model) if v.outcome is not Outcome.PASS]


def stack(*layers: keras.layers.Layer, shape: tuple[int, ...] = (16,)) -> keras.Model:
    return keras.Sequential([L.Input(shape), *layers])


def residual() -> keras.Model:
    inputs = keras.Input((8,))
    wide = L.Dense(8)(inputs)
    deeper = L.Dense(8)(L.ReLU()(wide))
    return keras.Model(inputs, L.Dense(3)(L.Add()([wide, deeper])))


def towers() -> keras.Model:
    left, right = keras.Input((8,)), keras.Input((8,))
    both = L.Concatenate()([L.Dense(16)(left), L.Dense(16)(right)])
    return keras.Model([left, right], L.Dense(1)(L.Dense(8, "relu")(both)))


def attention() -> keras.Model:
    inputs = keras.Input((6, 16))
    seen = L.Attention()([L.Dense(16)(inputs), L.Dense(16)(inputs)])
    return keras.Model(inputs, L.Dense(2, "softmax")(L.LayerNormalization()(seen)[:, 0]))


def picture(*layers: keras.layers.Layer) -> keras.Model:
    return stack(*layers, L.GlobalAveragePooling2D(), L.Dense(3, "softmax"), shape=(16, 16, 3))


HEALTHY: dict[str, Callable[[], keras.Model]] = {
    "linear": lambda: stack(L.Dense(1)),
    "mlp": lambda: stack(L.Dense(8, "relu"), L.Dropout(0.5), L.Dense(8, "tanh"), L.Dense(1)),
    "activation as a layer": lambda: stack(L.Dense(32), L.LeakyReLU(), L.Dense(3), L.Softmax()),
    "batch norm between": lambda: stack(L.Dense(32), L.BatchNormalization(), L.Dense(3)),
    "bottleneck": lambda: stack(L.Dense(2), L.Dense(16, "sigmoid")),
    "separable": lambda: picture(L.DepthwiseConv2D(3), L.Conv2D(8, 1, activation="relu")),
    "factorised": lambda: picture(L.Conv2D(8, (1, 5)), L.Conv2D(8, (5, 1), activation="relu")),
    "patches": lambda: picture(L.Conv2D(8, 4, strides=4), L.Conv2D(8, 3, activation="relu")),
    "recurrent": lambda: stack(L.Embedding(9, 8), L.LSTM(8), L.Dense(1)),
    "bag of words": lambda: stack(L.Embedding(9, 8), L.GlobalAveragePooling1D(), L.Dense(1)),
    "residual": residual,
    "towers": towers,
    "attention": attention,
    "an activation of one's own": lambda: stack(L.Dense(32, activation=lambda x: x**2), L.Dense(1)),
    "mobile net": lambda: keras.applications.MobileNetV2(input_shape=(32, 32, 3), weights=None, classes=3),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_done_on_purpose_is_quiet(name: str) -> None:
    assert alarms(HEALTHY[name]()) == []


def test_two_layers_without_a_bend_are_one() -> None:
    found = all_of(stack(L.Dense(32, name="first"), L.Dropout(0.2), L.Dense(3, "softmax")))
    assert [v.name for v in found] == ["missing_or_linear_activation"]
    assert [(c.path, c.value) for c in found[0].changes] == [("layers.first.activation", "relu")]
    assert "Nothing in the model bends" in found[0].sentence


def test_a_linear_layer_among_bent_ones_is_found() -> None:
    found = all_of(stack(L.Dense(32, "relu"), L.Dense(32, name="flat"), L.Dense(8, "relu"), L.Dense(3, "softmax")))
    assert [c.path for c in found[0].changes] == ["layers.flat.activation"]


def test_convolutions_that_only_pooling_bends() -> None:
    model = picture(L.Conv2D(8, 3), L.MaxPooling2D(), L.Conv2D(8, 3), L.MaxPooling2D(), L.Conv2D(8, 1, activation=None))
    assert alarms(model) == ["missing_or_linear_activation"]


def test_a_hidden_softmax_is_no_layer() -> None:
    assert alarms(stack(L.Dense(32, "softmax"), L.Dense(32, "relu"), L.Dense(1))) == ["missing_or_linear_activation"]


def test_heavy_dropout_overwhelms() -> None:
    assert alarms(stack(L.Dense(32, "relu"), L.Dropout(0.9), L.Dense(1))) == ["reg_overwhelming"]


def test_dropout_before_batch_norm_is_a_note() -> None:
    found = all_of(stack(L.Dense(32, "relu"), L.Dropout(0.3), L.BatchNormalization(), L.Dense(1)))
    assert [(v.name, v.outcome) for v in found] == [("layer_order", Outcome.PASS)]


def test_a_subclassed_model_is_not_judged() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = L.Dense(32), L.Dense(3)

        def call(self, x: object) -> object:
            return self.two(keras.ops.relu(self.one(x)))

    model = Own()
    model(np.zeros((2, 4), "float32"))
    assert structure.measure(Subject(model)) is None
