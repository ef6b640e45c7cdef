"""Two classes, one output unit with a softmax: the network always says 1."""

import keras
import numpy as np

random = np.random.default_rng(0)
x = random.normal(size=(400, 8)).astype("float32")
y = (x[:, 0] + x[:, 1] > 0).astype("int32")


def network(head: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, activation=head),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def broken():
    model = network("softmax")
    model.fit(x, y, epochs=12, validation_split=0.25, verbose=0)


def repaired():
    model = network("sigmoid")
    model.fit(x, y, epochs=12, validation_split=0.25, verbose=0)


if __name__ == "__main__":
    broken()
    print("the program speaks")
