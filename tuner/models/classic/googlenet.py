"""What won ImageNet in 2014? GoogLeNet: nine inception modules, each four ways side by side, 7 million parameters.

A module looks with 1 x 1, 3 x 3 and 5 x 5 kernels and a maximum at the same map, and puts the results on top of each
other; 1 x 1 convolutions before the larger kernels keep it cheap. 6,998,552 parameters with 1000 classes. Local
response normalization is left out, as in AlexNet; the 40 % dropout before the classifier is the recipe's
`model.dropout`, and the auxiliary classifiers of training are its `model.auxiliary_head`.

Source: Szegedy et al. 2014, arXiv 1409.4842, table 1. Its counts are in 1024s without biases; that of its first row
(2.7K) cannot be right for 7 x 7 x 3 x 64 = 9,408 weights, and that of 4c (463K) not for the filters in the same row.
"""

from typing import Any

import keras
from keras import layers

from tuner.models.classic.parts import NONE, chosen, convolved, entrance, finished
from tuner.models.pixels import ImageShape

# name: filters of 1 x 1; of 3 x 3 and before it; of 5 x 5 and before it; after the pooling
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLED_AFTER = ("3b", "4e")


def build_googlenet(image_shape: ImageShape, weights: str, normalization: str) -> keras.Model:
    """GoogLeNet from images `(B, H, W, C)`, float32 in 0..255, grey or RGB, to a feature map `(B, h, w, 1024)`.

    `normalization` stands after each convolution; its own is none. Raises `WeightsError` for `weights: imagenet`.
    """
    images, x = entrance("GoogLeNet", image_shape, weights)
    norm = chosen(normalization, NONE)
    x = convolved(x, 64, 7, "conv1", 2, norm)
    x = layers.MaxPooling2D(3, 2, "same", name="maxpool1")(x)
    x = convolved(x, 64, 1, "conv2_reduce", 1, norm)
    x = convolved(x, 192, 3, "conv2", 1, norm)
    x = layers.MaxPooling2D(3, 2, "same", name="maxpool2")(x)
    for name, filters in MODULES.items():
        x = _inception(x, filters, f"inception_{name}", norm)
        if name in POOLED_AFTER:
            x = layers.MaxPooling2D(3, 2, "same", name=f"maxpool_{name}")(x)
    return finished(images, x, "googlenet", weights)


def _inception(x: Any, filters: tuple[int, ...], name: str, norm: str) -> Any:
    """Four ways side by side: maps `(B, H, W, C)` to `(B, H, W, D)`."""
    one, before_three, three, before_five, five, pooled = filters
    first = convolved(x, one, 1, f"{name}_1x1", 1, norm)
    second = convolved(x, before_three, 1, f"{name}_3x3_reduce", 1, norm)
    second = convolved(second, three, 3, f"{name}_3x3", 1, norm)
    third = convolved(x, before_five, 1, f"{name}_5x5_reduce", 1, norm)
    third = convolved(third, five, 5, f"{name}_5x5", 1, norm)
    fourth = layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x)
    fourth = convolved(fourth, pooled, 1, f"{name}_pool_proj", 1, norm)
    return layers.Concatenate(name=f"{name}_concat")([first, second, third, fourth])
