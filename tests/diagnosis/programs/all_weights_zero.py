"""Every kernel begins at zero: all units of a layer stay alike for ever."""

import keras
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = (x / 8 - 1).astype("float32")


def build(start):
    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(64, activation="relu", kernel_initializer=start),
            keras.layers.Dense(64, activation="relu", kernel_initializer=start),
            keras.layers.Dense(10, activation="softmax", kernel_initializer=start),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return {"model": model, "x": x[:1400], "y": y[:1400], "validation_data": (x[1400:], y[1400:])}


def broken():
    return build("zeros")


def repaired():
    return build("he_normal")
