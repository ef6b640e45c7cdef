"""What does Keras do to a whole batch that should be done to each image? Random crops, and equalized histograms.

Keras's RandomCrop cuts all images of a batch at the same place, and makes them smaller; its Equalization counts one
histogram over the whole batch, so that an image depends on its neighbors.

Source: He et al. 2015, arXiv 1512.03385, section 4.2 (4 pixels are padded on each side, and 32 x 32 are cut out again);
keras 3.15.1, layers/preprocessing/image_preprocessing/{random_crop,equalization}.py.
"""

from typing import Any

import keras
from keras import ops

from tuner.training.pixel_operations import equalized

FILLS = ("constant", "reflect")  # black, or the image in the mirror of its border


class RandomCrop(keras.layers.Layer):  # type: ignore[misc]
    """Images (B, H, W, C), padded on all sides and cut out again in the old size, each at a place of its own."""

    def __init__(self, padding: int, seed: int, fill_mode: str = "constant") -> None:
        """`padding` in pixels, at least 1; with `reflect`, less than the shorter side."""
        super().__init__(dtype="float32")
        if padding < 1 or fill_mode not in FILLS:
            raise ValueError(f"RandomCrop: padding from 1 on, and {' or '.join(FILLS)}, not {padding} and {fill_mode}")
        self.padding = padding
        self.fill_mode = fill_mode
        self.generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images: Any, training: bool = True) -> Any:
        """The images, moved in training only."""
        if not training:
            return images
        count, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]
        if self.fill_mode == "reflect" and self.padding >= min(height, width):
            raise ValueError(f"RandomCrop: padding {self.padding} needs images larger than {height} x {width}")
        border = (self.padding, self.padding)
        padded = ops.pad(images, ((0, 0), border, border, (0, 0)), mode=self.fill_mode)
        top, left = (
            keras.random.randint((count,), 0, 2 * self.padding + 1, seed=self.generator, dtype="int32")
            for _ in range(2)
        )
        tall, wide = padded.shape[1:3]
        rows = ops.arange(count, dtype="int32")[:, None] * tall + top[:, None] + ops.arange(height, dtype="int32")
        places = rows[:, :, None] * wide + (left[:, None] + ops.arange(width, dtype="int32"))[:, None, :]
        return ops.take(ops.reshape(padded, (-1, images.shape[-1])), places, axis=0)  # of all pixels in a row


class Equalization(keras.layers.Layer):  # type: ignore[misc]
    """Images (B, H, W, C) in 0..255, each channel of each with a histogram as even as can be."""

    def __init__(self) -> None:
        super().__init__(dtype="float32")
        self.built = True

    def call(self, images: Any, training: bool = True) -> Any:
        """The images, changed in training only."""
        return equalized(images) if training else images
