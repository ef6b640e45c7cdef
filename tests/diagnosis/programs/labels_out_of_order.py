"""Inputs are shuffled and labels are not."""

import keras
import numpy as np
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
order = np.random.default_rng(9).permutation(len(x))
x = (x / 8 - 1).astype("float32")[order]


def train(labels):
    keras.utils.set_random_seed(9)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, labels, epochs=30, batch_size=32, validation_split=0.2, verbose=0)


def broken():
    train(y)


def repaired():
    train(y[order])
