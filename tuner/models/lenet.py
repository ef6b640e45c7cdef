"""What did a convolutional network look like in 1998? LeNet-5, for small images, trained from scratch in minutes.

Two convolutions of 5 x 5, each followed by averaging over 2 x 2, and two dense layers; tanh throughout. With grey
digits of 28 x 28 and 10 classes it has the 61,706 parameters of the books.

Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition".
"""

import keras
from keras import layers

from tuner.models.errors import WeightsError
from tuner.models.pixels import SYMMETRIC, ImageShape, enter
from tuner.models.weights import load_weights


def build_lenet5(image_shape: ImageShape, weights: str) -> keras.Model:
    """LeNet-5 from images `(B, H, W, C)`, float32 in 0..255, grey or RGB, at least 28 x 28, to features `(B, 84)`.

    Raises `WeightsError` for `weights: imagenet`, which do not exist.
    """
    if weights == "imagenet":
        raise WeightsError("LeNet5 was never trained on ImageNet. Set model.weights: none.")
    images, x = enter(image_shape, SYMMETRIC, rgb=False)
    x = layers.Conv2D(6, 5, padding="same", activation="tanh", name="conv1")(x)
    x = layers.AveragePooling2D(2, name="pool1")(x)
    x = layers.Conv2D(16, 5, activation="tanh", name="conv2")(x)
    x = layers.AveragePooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="tanh", name="dense1")(x)
    x = layers.Dense(84, activation="tanh", name="dense2")(x)
    model = keras.Model(images, x, name="lenet5")
    if weights != "none":
        load_weights(model, weights)
    return model
