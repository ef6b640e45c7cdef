"""Ten hidden layers of sigmoids: the gradient is gone before it reaches the first."""

import keras
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = (x / 8 - 1).astype("float32")


def train(activation, layers):
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            *(keras.layers.Dense(32, activation=activation) for _ in range(layers)),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=15, batch_size=32, validation_split=0.2, verbose=0)


def broken():
    train("sigmoid", 10)


def repaired():
    train("relu", 2)
