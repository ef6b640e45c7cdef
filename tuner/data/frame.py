"""To what shape and scale is every image brought, and which files are tried? What is known of it without Pillow.

Pillow takes 40 ms to import, and a data set that is decoded already needs none of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A file's content decides how it is read, its extension only whether that is tried.
EXTENSIONS = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".dib",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".avif",
    )
)


class BadImage(Exception):
    """This image cannot be used; the message is the reason, in a few words."""


@dataclass(frozen=True)
class Frame:
    """The shape that every image is brought to."""

    height: int  # pixels
    width: int  # pixels
    channels: int  # 3 or 1
    fit: str = "stretch"  # stretch, pad (black borders) or crop (the largest centered part)


def eight_bit(pixels: NDArray[Any], factor: float | None = None) -> NDArray[np.uint8]:
    """Any numeric pixels as 0..255, multiplied by `factor`; by default by the `scale` of their own range."""
    if pixels.dtype == np.uint8:
        return pixels
    if factor is None:
        factor = scale(pixels.dtype, float(np.min(pixels)), float(np.max(pixels)))
    return np.rint(pixels.astype(np.float64) * factor).astype(np.uint8)


def scale(dtype: np.dtype[Any], low: float, high: float) -> float:
    """What pixels of that range have to be multiplied by to lie in 0..255. Raises `BadImage` for ranges not understood.

    Whole numbers up to 255 stay, larger ones are 16 bits; floats up to 1 are shares of 255, others up to 255 stay.
    """
    if dtype.kind == "b":
        return 255.0
    most = 255 if dtype.kind == "f" else 65535
    if not (low >= 0 and high <= most):  # NaN fails too
        raise BadImage(f"pixel values from {low:g} to {high:g}; 0..1, 0..255 or 16-bit whole numbers are understood")
    if dtype.kind == "f":
        return 255.0 if high <= 1 else 1.0
    return 1 / 257 if high > 255 else 1.0
