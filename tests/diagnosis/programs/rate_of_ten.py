"""Adam with a learning rate of 10."""

import keras
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = (x / 8 - 1).astype("float32")


def train(rate):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, model.fit(x, y, epochs=10, batch_size=64, validation_split=0.2, verbose=0)


def broken():
    return train(10.0)


def repaired():
    return train(1e-3)
