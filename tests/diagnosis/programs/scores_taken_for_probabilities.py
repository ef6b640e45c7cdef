"""A last layer without activation, and a loss that takes what it gives for probabilities."""

import keras
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

x, y = load_wine(return_X_y=True)
x = StandardScaler().fit_transform(x).astype("float32")


def train(from_logits):
    keras.utils.set_random_seed(7)
    inputs = keras.Input((13,))
    hidden = keras.layers.Dense(16, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(hidden))
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits),
        metrics=["accuracy"],
    )
    return model.fit(x, y, epochs=20, batch_size=16, verbose=0)


def broken():
    train(False)


def repaired():
    train(True)
