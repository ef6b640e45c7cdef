"""How does a `keras.applications` constructor become a backbone with its preprocessing inside?

The constructor gets our input tensor (grey repeated, pixels mapped), so that the result is one flat graph.

Source: https://keras.io/api/applications/
"""

import contextlib
import socket
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tuner.models.errors import WeightsError
from tuner.models.pixels import IMAGENET_STD, ImageShape, Pixels, enter
from tuner.models.weights import load_weights

NETWORK_TIMEOUT = 10.0  # seconds without a byte before a download is given up; Keras itself would wait for ever


def build_application(name: str, pixels: Pixels | None, image_shape: ImageShape, weights: str) -> Any:
    """The application `name` without its top, as `Backbone.build` describes it. Raises `WeightsError`."""
    _, x = enter(image_shape, pixels)
    constructor = getattr(keras.applications, name)
    if weights != "imagenet":
        model = constructor(include_top=False, weights=None, input_tensor=x, input_shape=(*image_shape[:2], 3))
        if weights != "none":
            load_weights(model, weights)
            _second_division(name, model)
        return model
    with _download(name):
        return constructor(include_top=False, weights="imagenet", input_tensor=x, input_shape=(*image_shape[:2], 3))


@contextlib.contextmanager
def _download(name: str) -> Iterator[None]:
    """Keras may download here: give up soon, keep stdout for results, and say what else can be done."""
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            # The weights do not depend on the image size; Keras warns that some sizes have none of their own.
            warnings.filterwarnings("ignore", message=".*Weights for input shape.*")
            yield
    except Exception as error:  # Keras raises a bare Exception when a URL fails
        if not (isinstance(error, OSError) or "URL fetch failure" in str(error) or "file hash" in str(error)):
            raise
        raise WeightsError(
            f"the ImageNet weights of {name} could not be downloaded ({error}). Without a network: "
            f"model.weights: none (train from scratch), model.weights: FILE.weights.h5 (a copy you have), or "
            f"model.backbone: EfficientNetLite0, whose weights come with a pip package."
        ) from error
    finally:
        socket.setdefaulttimeout(patience)


def _second_division(name: str, model: Any) -> None:
    """EfficientNetB0..B7 only: divide by the square root of the deviation once more, as their training did.

    Keras adds that division as a layer, and only for `weights="imagenet"`; the same weights from a file would see
    pixels of half the size. A larger variance in the normalization layer is the same map without another layer.
    Weights with other variances than ImageNet's are somebody's own, and stay as they are.
    """
    if not name.startswith("EfficientNetB"):
        return
    normalization = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    variance = keras.ops.convert_to_numpy(normalization.adapt_variance)
    if np.allclose(variance, np.square(IMAGENET_STD), rtol=0.01):
        normalization.adapt_variance.assign(variance * IMAGENET_STD)
        normalization.finalize_state()
