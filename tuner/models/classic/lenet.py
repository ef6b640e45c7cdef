"""What did a convolutional network look like in 1998? LeNet-5, for small images, trained from scratch in minutes.

Two convolutions of 5 x 5, each followed by averaging over 2 x 2, and two dense layers; tanh throughout. With grey
digits and 10 classes it has the 61,706 parameters of the books. The paper counts 60,000: its second convolution sees
only some of the maps (1,516 parameters for 2,416), its averages have a scale and a shift for each map (44 more), and
its ten outputs are distances to fixed codes (850 fewer). Those three nobody kept, and neither do we.

Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.
"""

import keras
from keras import layers

from tuner.models.classic.parts import NONE, chosen, convolved, entrance, finished
from tuner.models.pixels import ImageShape

PAPER_SIZE = 32  # pixels; MNIST's 28 were padded to it, which "same" does for smaller images
START = "glorot_uniform"  # for tanh


def build_lenet5(image_shape: ImageShape, weights: str, normalization: str) -> keras.Model:
    """LeNet-5 from images `(B, H, W, C)`, float32 in 0..255, grey or RGB, at least 28 x 28, to features `(B, 84)`.

    `normalization` stands after each convolution; its own is none. Raises `WeightsError` for `weights: imagenet`.
    """
    images, x = entrance("LeNet5", image_shape, weights)
    norm = chosen(normalization, NONE)
    padding = "same" if min(image_shape[:2]) < PAPER_SIZE else "valid"
    x = convolved(x, 6, 5, "conv1", 1, norm, padding, "tanh", START)
    x = layers.AveragePooling2D(2, name="pool1")(x)
    x = convolved(x, 16, 5, "conv2", 1, norm, "valid", "tanh", START)
    x = layers.AveragePooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="tanh", name="dense1")(x)
    x = layers.Dense(84, activation="tanh", name="dense2")(x)
    return finished(images, x, "lenet5", weights)
