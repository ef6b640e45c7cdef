"""No probe on signals says anything about a healthy model, before or after training."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import signal_models as signals
from keras import layers

X, Y = signals.digits()
IMAGES, _ = signals.digits(images=True)
TEXT = np.random.default_rng(0).integers(1, 100, (640, 12))
TOPIC = (np.isin(TEXT, np.arange(1, 20)).sum(1) > 2).astype("int64")
TARGET = (X[:, 20:30] @ np.random.default_rng(1).normal(size=(10, 1)).astype("float32")).astype("float32")
TARGET = (TARGET - TARGET.mean()) / TARGET.std()


class Own(keras.Model):
    """A subclassed classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.last = layers.Dense(32, "relu"), layers.Dropout(0.2), layers.Dense(10, "softmax")

    def call(self, x: object, training: bool = False) -> object:
        return self.last(self.drop(self.first(x), training=training))


def convolution() -> keras.Model:
    return keras.Sequential(
        [
            *(keras.Input((8, 8, 1)), layers.Conv2D(16, 3, use_bias=False), layers.BatchNormalization(momentum=0.9)),
            *(layers.ReLU(), layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(10, "softmax")),
        ]
    )


def residual() -> keras.Model:
    inputs = keras.Input((64,))
    x = layers.Dense(32)(inputs)
    for _ in range(4):
        x = layers.Add()([x, layers.Dense(32, kernel_initializer="zeros")(layers.Dense(32, "relu")(x))])
    return keras.Model(inputs, layers.Dense(10, "softmax")(x))


def text() -> keras.Model:
    head = layers.Dense(1, "sigmoid")
    body = (layers.Embedding(100, 8), layers.LSTM(8), head)
    return keras.Sequential([keras.Input((12,), dtype="int32"), *body])


def zero_head() -> keras.Model:
    last = layers.Dense(10, "softmax", kernel_initializer="zeros")
    return keras.Sequential([keras.Input((64,)), layers.Dense(32, "relu"), last])


def regression() -> keras.Model:
    return keras.Sequential([keras.Input((64,)), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(1)])


def autoencoder() -> keras.Model:
    sizes = [layers.Dense(n, "relu") for n in (32, 16, 32)]
    return keras.Sequential([keras.Input((64,)), *sizes, layers.Dense(64, "sigmoid")])


Case = tuple[Callable[[], keras.Model], Callable[[], object], object, object, str, int]
HEALTHY: dict[str, Case] = {
    "dense, Adam": (signals.dense, lambda: "adam", X, Y, signals.SPARSE, 8),
    "dense, SGD": (signals.dense, lambda: keras.optimizers.SGD(0.1), X, Y, signals.SPARSE, 12),
    "dense, momentum": (signals.dense, lambda: keras.optimizers.SGD(0.05, 0.9), X, Y, signals.SPARSE, 6),
    "dense, RMSprop": (signals.dense, lambda: "rmsprop", X, Y, signals.SPARSE, 8),
    "six layers": (lambda: signals.dense(6), lambda: "adam", X, Y, signals.SPARSE, 10),
    "tanh": (lambda: signals.dense(2, "tanh"), lambda: "adam", X, Y, signals.SPARSE, 8),
    "one sigmoid": (lambda: signals.dense(1, "sigmoid"), lambda: keras.optimizers.Adam(5e-3), X, Y, signals.SPARSE, 8),
    "convolution": (convolution, lambda: keras.optimizers.Adam(1e-2), IMAGES, Y, signals.SPARSE, 10),
    "residual, zero branches": (residual, lambda: "adam", X, Y, signals.SPARSE, 6),
    "text": (text, lambda: keras.optimizers.Adam(1e-2), TEXT, TOPIC, "binary_crossentropy", 12),
    "zero head": (zero_head, lambda: "adam", X, Y, signals.SPARSE, 8),
    "regression": (regression, lambda: "adam", X, TARGET, "mse", 8),
    "autoencoder": (autoencoder, lambda: "adam", X, X, "mse", 8),
    "subclassed": (Own, lambda: "adam", X, Y, signals.SPARSE, 8),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_a_healthy_model_raises_no_alarm(case: str) -> None:
    make, optimizer, x, y, loss, epochs = HEALTHY[case]
    keras.utils.set_random_seed(0)
    model = make()
    subject = signals.trained(model, optimizer(), x, y, loss, epochs)
    assert signals.said(subject) == []
    model.set_weights(subject.initial)
    model.compile(optimizer(), loss)
    quick = [module for module in signals.SIGNALS if not module.PROBE.trains]
    assert signals.said(signals.Subject(model, x, y, trained=False), *quick) == []


def test_a_frozen_backbone_under_a_head_that_learns_is_no_fault() -> None:
    model = signals.dense(2, width=128)
    model.layers[0].trainable = False
    subject = signals.trained(model, "adam", X, Y)
    assert signals.said(subject) == []


def test_looking_changes_no_weight() -> None:
    model = convolution()
    subject = signals.trained(model, "adam", IMAGES, Y, epochs=1)
    before, slots = signals.weights_of(model), [np.array(v) for v in model.optimizer.variables]
    signals.said(subject)
    assert all(np.array_equal(a, b) for a, b in zip(before, signals.weights_of(model), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(slots, model.optimizer.variables, strict=True))
    assert all("call" not in layer.__dict__ for layer in model.layers)
