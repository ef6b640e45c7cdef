"""Two rings that a line cannot part, and hidden layers without an activation."""

import keras
import numpy as np
from sklearn.datasets import make_circles

x, y = make_circles(800, noise=0.05, factor=0.4, random_state=10)
x = (x / np.abs(x).max()).astype("float32")


def train(activation):
    keras.utils.set_random_seed(10)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(32, activation=activation),
            keras.layers.Dense(32, activation=activation),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, validation_split=0.2, verbose=0)


def broken():
    train(None)


def repaired():
    train("relu")
