"""Pictures with values from 0 to 255 and plain SGD: the first steps throw the weights out of all bounds."""

import keras
import numpy as np

random = np.random.default_rng(1)
labels = random.integers(0, 4, 600)
pictures = random.integers(0, 60, (600, 12, 12, 1)).astype("float32")
for place, label in enumerate(labels):  # a bright quarter tells the class
    row, column = divmod(int(label), 2)
    pictures[place, 6 * row : 6 * row + 6, 6 * column : 6 * column + 6] += random.integers(60, 190)


def train(x):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(x[:450], labels[:450], epochs=12, validation_data=(x[450:], labels[450:]), verbose=0)


def broken():
    return train(pictures)


def repaired():
    return train(pictures / 127.5 - 1)
