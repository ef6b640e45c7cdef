"""What do the first convolution's filters look like?

Learned filters are smooth: neighbouring weights resemble each other. Filters that still look like noise after training
have not learned, or learn too fast, or are not held by anything. The figure compares neighbouring weights with the same
weights in a shuffled order: 1 is as rough as chance, 0 is smooth.

Source: CS231n, neural-networks-3, "first-layer visualizations".
"""

import base64
import io
import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.inspection import Filters
from tuner.probes.recording import leaves
from tuner.probes.subject import Subject

LEAST_SIDE = 5  # of a kernel: in 3 x 3 nearly all weights are edges, smooth and rough look alike
MOST = 32  # pictures
ZOOM = 6  # pixels a weight
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D")


def filters(subject: Subject) -> Filters | None:
    """Pictures of the first convolution's kernels, each stretched to its own range; None without a convolution."""
    first = next((layer for layer in leaves(subject.model) if type(layer).__name__ in CONVOLUTIONS), None)
    if first is None or not first.built:
        return None
    kernel = np.asarray(keras.ops.convert_to_numpy(first.kernel)).astype("float64")
    if type(first).__name__ == "DepthwiseConv2D":
        kernel = np.moveaxis(kernel, 2, 3)
    return pictured(first.name, kernel)


def pictured(layer: str, kernel: NDArray[Any], most: int = MOST) -> Filters:
    """A kernel (height, width, in, out) as pictures of its first filters, with its roughness."""
    pictures = tuple(_picture(kernel[..., i]) for i in range(min(most, kernel.shape[-1])))
    return Filters(layer, noise(kernel), pictures)


def noise(kernel: NDArray[Any]) -> float:
    """Roughness of kernels (height, width, in, out), in [0, 1]; NaN below 5 x 5 or where all weights are equal.

    Mean square difference of neighbours over that of any two weights of the same filter.
    """
    if min(kernel.shape[:2]) < LEAST_SIDE:
        return math.nan
    centred = kernel - kernel.mean((0, 1), keepdims=True)
    places = kernel.shape[0] * kernel.shape[1]
    any_two = 2 * float(np.mean(centred**2)) * places / (places - 1)
    if any_two == 0:
        return math.nan
    steps = np.concatenate([np.diff(centred, axis=axis).ravel() for axis in (0, 1)])
    return float(np.clip(np.mean(steps**2) / any_two, 0.0, 1.0))


def _picture(values: NDArray[Any]) -> str:
    """One filter (height, width, in) as a data URI: colours where it reads three channels, else their mean in grey."""
    shown = values if values.shape[-1] == 3 else values.mean(-1, keepdims=True)
    low, high = float(shown.min()), float(shown.max())
    scaled = (255 * (shown - low) / (high - low) if high > low else np.full_like(shown, 127)).astype("uint8")
    image = Image.fromarray(scaled if scaled.shape[-1] == 3 else scaled[..., 0])
    image = image.resize((ZOOM * image.width, ZOOM * image.height), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
