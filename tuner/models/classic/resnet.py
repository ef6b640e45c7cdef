"""What made networks deep in 2015? ResNet: a sum around every two convolutions, so that a layer need only correct.

Two kinds: for photographs (18 and 34 layers; a shortcut that changes its shape is a 1 x 1 convolution), and for images
of about 32 pixels (6n + 2 layers, 16, 32 and 64 filters; such a shortcut takes every second pixel and adds channels of
zeros, so it has no parameters). Without the sums the latter are the plain networks, which train worse the deeper they
are.

Parameters that learn: 11,689,512 and 21,797,672 with 1000 classes; 0.27 and 0.85 million with 10.

Source: He, Zhang, Ren, Sun 2015, arXiv 1512.03385, table 1 and section 4.2 (shortcuts: options B and A).
"""

from typing import Any

import keras
from keras import layers, ops

from tuner.models.classic.parts import chosen, convolved, entrance, finished
from tuner.models.pixels import ImageShape

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # layers -> blocks of two convolutions in each stage
FILTERS = (64, 128, 256, 512)  # of each stage
SMALL_FILTERS = (16, 32, 64)


def build_resnet(depth: int, image_shape: ImageShape, weights: str, normalization: str) -> keras.Model:
    """ResNet of 18 or 34 layers from images `(B, H, W, C)`, float32 in 0..255, to a feature map `(B, h, w, 512)`.

    `normalization` stands after each convolution; its own is batch. Raises `WeightsError` for `weights: imagenet`.
    """
    images, x = entrance(f"ResNet{depth}", image_shape, weights)
    norm = chosen(normalization, "batch")
    x = convolved(x, FILTERS[0], 7, "conv1", 2, norm)
    x = layers.MaxPooling2D(3, 2, "same", name="maxpool1")(x)
    for stage, (blocks, filters) in enumerate(zip(BLOCKS[depth], FILTERS, strict=True), start=2):
        for block in range(1, blocks + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            x = _block(x, filters, stride, f"stage{stage}_block{block}", norm, projects=True, skips=True)
    return finished(images, x, f"resnet{depth}", weights)


def build_small_resnet(
    depth: int, skips: bool, image_shape: ImageShape, weights: str, normalization: str
) -> keras.Model:
    """A network of `depth` = 6n + 2 layers for small images, to a feature map `(B, h, w, 64)`; plain without `skips`.

    Images are `(B, H, W, C)`, float32 in 0..255, grey or RGB. `normalization` stands after each convolution; its own is
    batch. Raises `WeightsError` for `weights: imagenet`.
    """
    assert depth % 6 == 2, "a layer at either end, and three stages of n blocks of two layers"
    name = f"{'ResNet' if skips else 'PlainNet'}{depth}"
    images, x = entrance(name, image_shape, weights)
    norm = chosen(normalization, "batch")
    x = convolved(x, SMALL_FILTERS[0], 3, "conv1", 1, norm)
    for stage, filters in enumerate(SMALL_FILTERS, start=1):
        for block in range(1, (depth - 2) // 6 + 1):
            stride = 2 if block == 1 and stage > 1 else 1
            x = _block(x, filters, stride, f"stage{stage}_block{block}", norm, projects=False, skips=skips)
    return finished(images, x, name.lower(), weights)


def _block(x: Any, filters: int, stride: int, name: str, norm: str, projects: bool, skips: bool) -> Any:
    """Two convolutions, and what came in added to what comes out: maps `(B, H, W, C)` to `(B, h, w, filters)`."""
    y = convolved(x, filters, 3, f"{name}_a", stride, norm)
    y = convolved(y, filters, 3, f"{name}_b", 1, norm, activation=None)
    if skips:
        y = layers.Add(name=f"{name}_add")([_shortcut(x, filters, stride, name, norm, projects), y])
    return layers.Activation("relu", name=f"{name}_relu")(y)


def _shortcut(x: Any, filters: int, stride: int, name: str, norm: str, projects: bool) -> Any:
    """What came in, in the shape of what comes out."""
    if stride == 1 and x.shape[-1] == filters:
        return x
    if projects:
        return convolved(x, filters, 1, f"{name}_shortcut", stride, norm, activation=None)
    x = layers.MaxPooling2D(1, stride, "same", name=f"{name}_subsample")(x)
    return ops.pad(x, [[0, 0], [0, 0], [0, 0], [0, filters - x.shape[-1]]])
