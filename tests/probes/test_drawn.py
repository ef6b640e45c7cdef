"""A fresh kernel is told from one that was trained, also a small one."""

import keras
import numpy as np
import pytest
from keras import layers as L

from tuner.probes.drawn import as_drawn


def dense(initializer: str) -> keras.Model:
    keras.utils.set_random_seed(3)
    return keras.Sequential([L.Input((8,)), L.Dense(24, "relu", kernel_initializer=initializer), L.Dense(1)])


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_uniform", "random_uniform"])
def test_a_small_uniform_kernel_is_as_it_was_drawn_until_it_is_trained(initializer: str) -> None:
    model, rng = dense(initializer), np.random.default_rng(0)
    path = model.layers[0].kernel.path
    assert as_drawn(model, path)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = rng.normal(size=(200, 8)).astype("float32")
    model.fit(x, x[:, :1] * x[:, 1:2], epochs=3, verbose=0)
    assert not as_drawn(model, path)


def test_what_has_no_edge_is_never_said_to_be_drawn() -> None:
    for initializer in ("random_normal", "zeros", "he_normal"):  # the last has one, and too few values to see it
        model = dense(initializer)
        assert not as_drawn(model, model.layers[0].kernel.path)


def test_a_large_truncated_kernel_is_recognized() -> None:
    model = keras.Sequential([L.Input((64,)), L.Dense(64, kernel_initializer="he_normal")])
    assert as_drawn(model, model.layers[0].kernel.path)
    model.layers[0].kernel.assign(model.layers[0].kernel * 1.01)
    assert not as_drawn(model, model.layers[0].kernel.path)
