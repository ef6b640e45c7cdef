"""How is heat shown on an image? The image beside itself under a veil of color, as one small JPEG.

Colors run from dark violet over red to yellow, so that brightness alone tells hot from cold, for every eye.
"""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.data import data_uri

Array = NDArray[Any]

SIDE = 112  # pixels of the longer side of each half
QUALITY = 80  # JPEG
VEIL = 0.65  # of the color where the heat is 1, and a third of it where it is 0
COLORS = np.array([[20, 11, 53], [101, 21, 110], [187, 55, 84], [249, 142, 9], [252, 255, 164]], np.float64)
"""Five points of the map "inferno" (Smith and van der Walt, matplotlib), evenly apart, RGB."""


def pair(image: Array, heat: Array) -> str:
    """A data URI: the image (H, W, 1 | 3) in 0..255 at the left, and at the right with heat (h, w) in [0, 1] on it."""
    plain = _enlarged(np.asarray(image, np.uint8))
    warm = Image.fromarray((255 * np.clip(heat, 0, 1)).astype(np.uint8)).resize(plain.size, Image.Resampling.BICUBIC)
    share = np.asarray(warm, np.float64) / 255
    pixels = np.asarray(plain, np.float64)
    veil = (VEIL * (1 + 2 * share) / 3)[..., None]
    mixed = Image.fromarray(np.rint((1 - veil) * pixels + veil * colored(share)).astype(np.uint8))
    both = Image.new("RGB", (2 * plain.width, plain.height))
    both.paste(plain, (0, 0))
    both.paste(mixed, (plain.width, 0))
    file = BytesIO()
    both.save(file, "JPEG", quality=QUALITY, optimize=True)
    return data_uri(file.getvalue())


def colored(share: Array) -> Array:
    """RGB (..., 3) in 0..255 of shares in [0, 1]."""
    places = np.linspace(0, 1, len(COLORS))
    return np.stack([np.interp(share, places, COLORS[:, channel]) for channel in range(3)], axis=-1)


def _enlarged(image: Array) -> Image.Image:
    """RGB, the longer side of `SIDE` pixels or so; small images by a whole factor, each pixel a square."""
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")
    longer = max(picture.size)
    factor = SIDE // longer
    if factor > 1:
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    picture.thumbnail((SIDE, SIDE))
    return picture
