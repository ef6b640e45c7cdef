"""Source `digits`: 1,797 handwritten digits, 8x8 pixels, that come with scikit-learn. No network, no path.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998; sklearn.datasets.load_digits.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tuner.data.listing import Listing, Origin, Row, digest
from tuner.data.sources import arrays
from tuner.environment import version
from tuner.progress import Progress

if TYPE_CHECKING:
    from tuner.recipe import Recipe

COUNT = 1797
INK = 16  # the darkest pixel


def origin(recipe: "Recipe", progress: Progress) -> Origin:
    """The ten digits; scikit-learn is imported only when they have to be decoded."""

    def read() -> Listing:
        return Listing(arrays.class_names(recipe, tuple("0123456789")), COUNT, _rows)

    return Origin("digits", digest("digits", version("scikit-learn")), read)


def _rows() -> Iterator[Row]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / INK)).astype(np.uint8)
    return arrays.rows("digits", images, digits.target.astype(np.int64), "train")
