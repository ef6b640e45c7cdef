"""A row of targets against a column of answers, in a training step of the model's own."""

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes import Subject, broadcast
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)).astype("float32")
Y = X.sum(1).astype("float32")


class Careless(keras.Model):
    """Its step is never run here: its text and the answers are what is looked at."""

    def train_step(self, data):
        x, y = data
        return {"loss": keras.ops.mean((y - self(x)) ** 2)}


class Careful(keras.Model):
    def train_step(self, data):
        x, y = data
        return {"loss": keras.ops.mean((y - keras.ops.squeeze(self(x), -1)) ** 2)}


def net(kind: type[keras.Model], kernel: float) -> keras.Model:
    entry = keras.Input((3,))
    model = kind(entry, L.Dense(1)(entry))
    model.set_weights([np.full((3, 1), kernel), np.zeros(1)])
    return model


@pytest.mark.parametrize(
    ("kind", "kernel", "y", "names"),
    [
        (Careless, 0.01, Y, ["head_loss_mismatch"]),
        (Careless, 1.0, Y, []),  # it learned all the same
        (Careless, 0.01, Y[:, None], []),
        (Careful, 0.01, Y, []),
        (keras.Model, 0.01, Y, []),
    ],
    ids=["careless", "learned", "column", "careful", "keras"],
)
def test_only_a_careless_step_that_answers_all_alike_is_told(kind, kernel, y, names) -> None:
    evidence = broadcast.measure(Subject(net(kind, kernel), X, y, trained=True))
    assert [v.name for v in (broadcast.judge(evidence, Context()) if evidence else ())] == names


def test_untrained_or_without_data_nothing_is_said() -> None:
    assert broadcast.measure(Subject(net(Careless, 0.01), X, Y, trained=False)) is None
    assert broadcast.measure(Subject(net(Careless, 0.01), trained=True)) is None
    assert broadcast.measure(Subject(net(Careless, 0.01), X, np.ones(200), trained=True)) is None
