"""Nets that tell blobs by their color, wherever they lie: where they have to look is known."""

import keras
import numpy as np
from keras import layers

from tuner.models import Classifier

SIZE, BLOB = 24, 6  # pixels
COLORS = 3  # classes: a red, a green, a blue blob


def blobs(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images with one colored blob, its color the class, and the blob's middle as shares of height and width (N, 2)."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 40, (count, SIZE, SIZE, COLORS)).astype(np.uint8)
    labels = rng.integers(0, COLORS, count)
    corners = rng.integers(0, SIZE - BLOB, (count, 2))
    for image, label, (top, left) in zip(images, labels, corners, strict=True):
        image[top : top + BLOB, left : left + BLOB, label] = 255
    return images, labels, (corners + BLOB / 2) / SIZE


def classifier(hidden: int = 0, flat: bool = False, seed: int = 0) -> Classifier:
    """Two convolutions, pooled by averaging or laid flat, and a head with or without a hidden layer; untrained."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((SIZE, SIZE, COLORS))
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Conv2D(8, 5, strides=2, padding="same", activation="relu", name="conv0")(x)
    x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu", name="conv1")(x)
    x = layers.Flatten()(x) if flat else layers.GlobalAveragePooling2D(name="avg_pooling")(x)
    backbone = keras.Model(images, x)
    features = y = keras.Input((x.shape[-1],))
    y = layers.Dense(hidden, activation="relu")(y) if hidden else y
    return Classifier(backbone, keras.Model(features, layers.Dense(COLORS, name="logits")(y)), True)


def trained(made: Classifier, epochs: int = 8) -> Classifier:
    """The same classifier, once it has seen 192 blobs some times."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.model.compile(keras.optimizers.Adam(0.02), loss)
    images, labels, _ = blobs(1, 192)
    made.model.fit(images.astype("float32"), labels, batch_size=32, epochs=epochs, verbose=0)
    return made


def accuracy(made: Classifier, seed: int = 2) -> float:
    """On blobs that it has not seen."""
    images, labels, _ = blobs(seed, 128)
    said = keras.ops.convert_to_numpy(made.model(images.astype("float32"), training=False)).argmax(axis=1)
    return float((said == labels).mean())
