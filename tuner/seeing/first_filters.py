"""What did training make of the first filters? Pictures before and after, how rough they are, how far they moved.

Source: the lecture's "monitoring" (noisy: the rate is too low, or it trained too little; smooth: healthy); the figure
is that of `tuner diagnose` (tuner/probes/filters.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.inspection import Filters
from tuner.models import Classifier
from tuner.probes.filters import CONVOLUTIONS, pictured
from tuner.probes.recording import leaves
from tuner.training.variables import value_of

Array = NDArray[Any]

FILE = "filters.json"  # the artifact of a run
MOST = 16  # filters that are shown, before and after
UNMOVED = 1e-6  # of a kernel's length: float32 rounding


@dataclass(frozen=True)
class BeforeAfter:
    """The first convolution before training and after it."""

    before: Filters
    after: Filters
    moved: float  # length of the difference over the length before
    size: tuple[int, int]  # of a filter: height, width
    grey: bool  # the images have no color, so the filters are shown, and measured, as the sum of their channels


def before_after(classifier: Classifier, train: Callable[[], None], grey: bool = False) -> BeforeAfter | None:
    """The first filters of a classifier with its first weights, and once `train` has put the trained ones into it.

    `grey` says that all channels of an image are the same: then only the sum of a filter's channels counts, and what
    they differ in is never trained. None where there is no convolution, or training did not move it.
    """
    layer = next((each for each in leaves(classifier.model) if type(each).__name__ in CONVOLUTIONS), None)
    if layer is None or not layer.built:
        return None
    start = _kernel(layer, grey)
    train()
    end = _kernel(layer, grey)
    length = float(np.linalg.norm(start))
    moved = float(np.linalg.norm(end - start)) / length if length > 0 else 0.0
    if moved <= UNMOVED:
        return None
    first, last = (pictured(layer.name, kernel, MOST) for kernel in (start, end))
    return BeforeAfter(first, last, moved, (int(start.shape[0]), int(start.shape[1])), grey)


def colorless(images: Array) -> bool:
    """Whether all channels of uint8 images (N, H, W, C) are the same."""
    return bool((images == images[..., :1]).all())


def _kernel(layer: Any, grey: bool) -> Array:
    """(height, width, in, out); a depthwise kernel has one channel in."""
    kernel = value_of(layer.kernel).astype(np.float64)
    if type(layer).__name__ == "DepthwiseConv2D":
        kernel = np.moveaxis(kernel, 2, 3)
    return kernel.sum(axis=2, keepdims=True) if grey else kernel
