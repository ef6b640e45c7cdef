"""What are the classic networks made of? Convolution, normalization, activation; and which normalization is a choice.

`batch` takes mean and variance of each channel over the batch and the map, `layer` over all channels of one image,
`group` over some of them, `instance` over one. Only the first needs several images, and only it differs between
training and inference. Each has a scale and a shift for every channel, so a convolution before it needs no bias.

Source: Ioffe and Szegedy 2015, arXiv 1502.03167; Wu and He 2018, arXiv 1803.08494 (figure 2: the four).
"""

from typing import Any

import keras
from keras import layers

from tuner.models.errors import ModelError, WeightsError
from tuner.models.pixels import SYMMETRIC, ImageShape, enter
from tuner.models.weights import load_weights

NONE, OWN = "none", "own"
MOST_GROUPS = 32  # Wu and He 2018, table 3: the best number
LEAST_GROUP = 4  # channels; of fewer, group normalization would be instance normalization in a narrow network
EPSILON = 1e-5  # below a variance
MOMENTUM = 0.9  # of the moving averages, as the ResNets were trained; Keras's 0.99 takes 500 steps to arrive
HE = "he_normal"  # for ReLU: He et al. 2015, arXiv 1502.01852


def chosen(normalization: str, own: str) -> str:
    """The normalization that a network gets: what it came with (`own`), unless another one is asked for."""
    return own if normalization == OWN else normalization


def convolved(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    stride: int = 1,
    normalization: str = NONE,
    padding: str = "same",
    activation: str | None = "relu",
    initializer: str = HE,
) -> Any:
    """Convolution, normalization if there is one, activation if there is one: maps `(B, H, W, C)` to `(B, h, w, F)`."""
    if normalization == NONE:
        return layers.Conv2D(
            filters, kernel, stride, padding, activation=activation, kernel_initializer=initializer, name=name
        )(x)
    x = layers.Conv2D(filters, kernel, stride, padding, use_bias=False, kernel_initializer=initializer, name=name)(x)
    x = normalized(x, normalization, f"{name}_norm")
    return x if activation is None else layers.Activation(activation, name=f"{name}_{activation}")(x)


def normalized(x: Any, normalization: str, name: str) -> Any:
    """The map normalized: by `batch`, `layer`, `group`, `instance`, or `none` at all.

    Raises `ModelError` for `instance` on a map of one pixel, of which nothing but the shift would be left.
    """
    if normalization == NONE:
        return x
    if normalization == "batch":
        return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=name)(x)
    height, width, channels = x.shape[1:]
    if normalization == "instance" and height * width == 1:
        raise ModelError(
            "model.normalization: instance normalizes each channel over its map, and the last maps here are one pixel: "
            "nothing would be left of them. Set a larger data.image_size, or normalization: group or layer."
        )
    groups = {"layer": 1, "group": groups_of(channels), "instance": -1}[normalization]
    return layers.GroupNormalization(groups, epsilon=EPSILON, name=name)(x)


def groups_of(channels: int) -> int:
    """How many groups so many channels fall into: as many as divide them, `MOST_GROUPS` at most."""
    most = max(1, min(MOST_GROUPS, channels // LEAST_GROUP))
    return next(count for count in range(most, 0, -1) if channels % count == 0)


def entrance(name: str, image_shape: ImageShape, weights: str) -> tuple[Any, Any]:
    """The input of an untrained network and what its first convolution sees: pixels in [-1, 1], grey or RGB.

    Raises `WeightsError` for `weights: imagenet`, which nobody has for these networks here.
    """
    if weights == "imagenet":
        raise WeightsError(f"there are no ImageNet weights for {name}. Set model.weights: none, or a file of yours.")
    return enter(image_shape, SYMMETRIC, rgb=False)


def finished(images: Any, x: Any, name: str, weights: str) -> keras.Model:
    """The network from `images` to `x`, with the weights of a file if one is named."""
    model = keras.Model(images, x, name=name)
    if weights != "none":
        load_weights(model, weights)
    return model
