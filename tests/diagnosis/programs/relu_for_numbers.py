"""A regression whose last layer is a ReLU: half of the targets lie below zero, where it cannot go."""

import keras
from sklearn.datasets import make_friedman1

x, y = make_friedman1(800, noise=0.5, random_state=6)
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
y = ((y - y.mean()) / y.std()).astype("float32")


def train(head):
    keras.utils.set_random_seed(6)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, activation=head),
        ]
    )
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model.fit(x, y, epochs=25, validation_split=0.2, verbose=0)


def broken():
    train("relu")


def repaired():
    train(None)
