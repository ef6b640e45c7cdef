"""What does each operation of an augmentation policy do to a batch of images? Each image by its own number.

Images (B, H, W, C) of float32 in 0..255, one or three channels, and numbers (B,); out come images of the same kind,
equal to those of Pillow's ImageOps and ImageEnhance within rounding. Everything is one graph without a loop over
images, so it can be compiled, on TensorFlow except for `moved`.

Source: Pillow 12, ImageOps and ImageEnhance; Cubuk et al. 2018, arXiv 1805.09501, table 6 for the list.
"""

import math
from typing import Any

import numpy as np
from keras import ops

LEVELS = 256  # of a pixel
WHITE = 255.0
FILL = 128.0  # what comes in from beyond the border: gray, as in the policies' paper
LUMA = (19595 / 65536, 38470 / 65536, 7471 / 65536)  # red, green and blue in the brightness (ITU-R 601), as Pillow
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13  # Pillow's filter of that name


def inverted(images: Any) -> Any:
    """Black for white."""
    return WHITE - images


def solarized(images: Any, threshold: Any) -> Any:
    """What is at least as bright as the threshold, in 0..256, inverted."""
    return ops.where(images < _each(threshold), images, WHITE - images)


def posterized(images: Any, bits: Any) -> Any:
    """The upper `bits`, 0 to 8, of each value."""
    step = ops.power(2.0, 8 - ops.round(_each(bits)))
    return ops.floor(images / step) * step


def auto_contrasted(images: Any) -> Any:
    """Each channel stretched to 0..255; one of a single value stays."""
    low, high = ops.min(images, axis=(1, 2), keepdims=True), ops.max(images, axis=(1, 2), keepdims=True)
    scale = WHITE / ops.maximum(high - low, 1e-3)
    return ops.where(high > low, ops.clip((images - low) * scale, 0, WHITE), images)


def equalized(images: Any) -> Any:
    """Each channel of each image with a histogram as even as can be; one that leaves no room for it stays."""
    batch, height, width, channels = ops.shape(images)
    values = ops.cast(ops.round(ops.clip(images, 0, WHITE)), "int32")
    first = ops.arange(batch * channels, dtype="int32") * LEVELS  # of each channel's histogram among all of them
    places = values + ops.reshape(first, (batch, 1, 1, channels))
    ones = ops.ones((batch * height * width * channels,), "float32")
    counts = ops.segment_sum(ones, ops.reshape(places, (-1,)), num_segments=batch * channels * LEVELS)
    of_highest = ops.take(counts, ops.max(places, axis=(1, 2)))
    step = ops.floor((height * width - ops.reshape(of_highest, (-1, 1))) / WHITE)
    counts = ops.reshape(counts, (batch * channels, LEVELS))
    table = ops.floor((ops.floor(step / 2) + ops.cumsum(counts, axis=1) - counts) / ops.maximum(step, 1))
    table = ops.where(step > 0, ops.clip(table, 0, WHITE), ops.arange(LEVELS, dtype="float32"))
    return ops.take(ops.reshape(table, (-1,)), places)


def brightened(images: Any, factor: Any) -> Any:
    """Between black (0) and the image (1), or beyond it."""
    return _between(ops.zeros_like(images), images, factor)


def contrasted(images: Any, factor: Any) -> Any:
    """Between an even gray of the image's mean brightness (0) and the image (1), or beyond it."""
    mean = ops.floor(ops.mean(gray(images), axis=(1, 2), keepdims=True) + 0.5)
    return _between(ops.broadcast_to(mean, ops.shape(images)), images, factor)


def colored(images: Any, factor: Any) -> Any:
    """Between the gray image (0) and the image (1), or beyond it."""
    return _between(ops.broadcast_to(gray(images), ops.shape(images)), images, factor)


def sharpened(images: Any, factor: Any) -> Any:
    """Between the smoothed image (0), whose border is the image's, and the image (1), or beyond it."""
    height, width, channels = images.shape[1:]
    kernel = ops.convert_to_tensor(np.repeat(SMOOTH[:, :, None, None], channels, axis=2))
    smooth = ops.clip(ops.floor(ops.depthwise_conv(images, kernel, padding="same") + 0.5), 0, WHITE)
    inside = np.zeros((1, height, width, 1), bool)
    inside[:, 1:-1, 1:-1] = True
    return _between(ops.where(ops.convert_to_tensor(inside), smooth, images), images, factor)


def gray(images: Any) -> Any:
    """Brightness (B, H, W, 1), in whole numbers."""
    if images.shape[-1] == 1:
        return images
    return ops.floor(ops.sum(images * ops.convert_to_tensor(np.array(LUMA, np.float32)), axis=-1, keepdims=True) + 0.5)


def moved(images: Any, shear: tuple[Any, Any], shift: tuple[Any, Any], turn: Any) -> Any:
    """Images sheared, shifted and turned around their middle; gray comes in from beyond the border.

    Args:
        images: (B, H, W, C).
        shear: along x and along y, (B,) each: pixels for each pixel of distance from the middle.
        shift: along x and along y, (B,) each, in pixels.
        turn: (B,), degrees, counterclockwise.
    """
    middle_y, middle_x = (images.shape[1] - 1) / 2, (images.shape[2] - 1) / 2
    angle = turn * (math.pi / 180)
    cos, sin = ops.cos(angle), ops.sin(angle)
    (shear_x, shear_y), (shift_x, shift_y) = shear, shift
    # From a place in the result to the one in the image: turned, then sheared, then shifted.
    a, b = cos + shear_x * sin, -sin + shear_x * cos
    c, d = shear_y * cos + sin, -shear_y * sin + cos
    from_x = middle_x - a * middle_x - b * middle_y + shift_x
    from_y = middle_y - c * middle_x - d * middle_y + shift_y
    none = ops.zeros_like(a)
    matrix = ops.stack([a, b, from_x, c, d, from_y, none, none], axis=1)
    return ops.image.affine_transform(
        images, matrix, interpolation="bilinear", fill_mode="constant", fill_value=FILL, data_format="channels_last"
    )


def _between(end: Any, images: Any, factor: Any) -> Any:
    return ops.clip(end + _each(factor) * (images - end), 0, WHITE)


def _each(numbers: Any) -> Any:
    """Numbers (B,) in a shape that multiplies images."""
    return ops.cast(numbers, "float32")[:, None, None, None]
