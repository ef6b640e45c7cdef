"""Small classifiers for the planted faults, one of them sound."""

import keras
from keras import layers


def features(input_shape):
    """A small network without its last layer, in front of the tuner's own head; all of it trains."""
    images = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return keras.Model(images, layers.Dense(64, activation="relu")(x))


def scores(input_shape, num_classes):
    """A whole classifier that ends in scores."""
    x = features(input_shape)
    return keras.Model(x.inputs[0], layers.Dense(num_classes)(x.outputs[0]))


def probabilities(input_shape, num_classes):
    """A whole classifier that ends in a softmax."""
    x = features(input_shape)
    return keras.Model(x.inputs[0], layers.Dense(num_classes, activation="softmax")(x.outputs[0]))


def immovable(input_shape, num_classes):
    """A whole classifier whose author froze every layer and forgot it."""
    model = scores(input_shape, num_classes)
    model.trainable = False
    return model
