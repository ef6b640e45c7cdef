"""One hidden unit is named where the model is no good, and nowhere else."""

from dataclasses import replace

import keras
import numpy as np
from keras import layers as L

from tuner.probes import Subject, width
from tuner.probes.fitness import Fitness
from tuner.symptoms import Context

X = np.random.default_rng(0).normal(size=(300, 5)).astype("float32")
Y = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0).astype(int)
SPARSE = "sparse_categorical_crossentropy"


def measured(model: keras.Model, y: np.ndarray = Y, loss: str = SPARSE) -> width.Width | None:
    model.compile("adam", loss)
    return width.measure(Subject(model, X, y, trained=True))


def stack(*units: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([L.Input((5,)), *(L.Dense(n, "relu") for n in units), L.Dense(4, "softmax")])


def test_a_hidden_layer_of_one_unit_is_named() -> None:
    evidence = measured(stack(32, 1, 8))
    assert evidence is not None
    assert [units for _, units in evidence.narrow] == [1]
    (verdict,) = width.judge(evidence, Context())
    assert (verdict.name, verdict.changes[0].path) == ("underfit", "model.units")
    assert not list(width.judge(replace(evidence, fitness=Fitness(True, 0.9, 0.9)), Context()))


def test_a_wide_layer_a_head_of_one_and_a_way_around_are_quiet() -> None:
    inputs = keras.Input((5,))
    hidden = L.Dense(16, "relu")(inputs)
    gate = L.Dense(1, "sigmoid")(hidden)
    gated = keras.Model(inputs, L.Dense(4, "softmax")(L.Multiply()([hidden, gate])))
    one = keras.Sequential([L.Input((5,)), L.Dense(8, "relu"), L.Dense(1)])
    for evidence in (measured(stack(3)), measured(gated), measured(one, X[:, 0], "mse")):
        assert evidence is not None
        assert evidence.narrow == ()


def test_the_code_of_an_autoencoder_is_not_judged() -> None:
    code = keras.Sequential([L.Input((5,)), L.Dense(2), L.Dense(5)])
    assert measured(code, X, "mse") is None
