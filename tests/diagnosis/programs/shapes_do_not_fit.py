"""One-hot targets of three classes against one output: fit ends with an error, and that is the finding."""

import keras
import numpy as np
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
y = np.eye(3)[y]


def train(units, activation, loss):
    keras.utils.set_random_seed(8)
    model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(units, activation)])
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    model.fit(x, y, epochs=15, verbose=0)


def broken():
    train(1, "sigmoid", "categorical_crossentropy")


def repaired():
    train(3, "softmax", "categorical_crossentropy")
