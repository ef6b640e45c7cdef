"""What does a network look like as it was published, from the pixels to its classes? To be looked at, not trained."""

from typing import Any

import keras
from keras import layers

from tuner.models.backbones import BACKBONES, check_normalization, check_size, find_backbone
from tuner.models.classic.parts import OWN
from tuner.models.errors import ModelError
from tuner.models.figures import FIGURES
from tuner.models.head import pool
from tuner.models.pixels import ImageShape
from tuner.recipe import names

GREY = ("LeNet5",)  # published for images of one channel


def published_shape(name: str, size: int | None = None) -> ImageShape:
    """(height, width, channels) of the images of a backbone as it was published, or of `size` pixels each way."""
    pixels = BACKBONES[name].default_size if size is None else size
    return pixels, pixels, 1 if name in GREY else 3


def published(
    name: str, size: int | None = None, classes: int | None = None, normalization: str = OWN, top: bool = True
) -> keras.Model:
    """The network with its published classifier, or without it (`top=False`), its weights random.

    Under `weightless()` it takes no memory. `size` is in pixels; what is None is as it was published. Raises
    `ModelError` for an unknown name, images that are too small, and a normalization that the network cannot have.
    """
    backbone = find_backbone(name)
    shape = published_shape(name, size)
    check_size(backbone, shape)
    check_normalization(name, normalization)
    count = FIGURES[name].classes if classes is None else classes
    if count < 2:
        raise ModelError(f"a classifier tells at least 2 classes apart, not {count}")
    if name in names.APPLICATIONS:
        constructor = getattr(keras.applications, name)
        return constructor(include_top=top, weights=None, input_shape=shape, **({"classes": count} if top else {}))
    model = backbone.build(shape, "none", normalization)
    return _with_classifier(model, count) if top else model


def _with_classifier(backbone: keras.Model, classes: int) -> Any:
    """Pooled, if it ends in a map, and one dense layer to the scores: what every one of our own was published with."""
    x = pool(backbone.outputs[0], "avg")
    return keras.Model(backbone.inputs[0], layers.Dense(classes, name="classifier")(x), name=backbone.name)
