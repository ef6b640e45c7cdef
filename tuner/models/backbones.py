"""Which networks can a recipe name? `BACKBONES`: every `keras.applications` constructor, and our own.

This file is light: Keras is imported when a backbone is built, not when it is looked up.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuner.models.errors import ModelError
from tuner.models.pixels import CENTERED_BGR, STANDARDIZED, SYMMETRIC, ImageShape, Pixels


@dataclass(frozen=True)
class Backbone:
    """A network without its classifier.

    `build(image_shape, weights)` gives a functional `keras.Model` from images `(B, H, W, C)`, float32 in 0..255, to a
    feature map `(B, h, w, D)` or features `(B, D)`. Its layers are flat (no model inside a model), so that a stage may
    begin at any of them. `weights` is `imagenet`, `none`, or the path of a file. Raises `WeightsError`.
    """

    name: str
    build: Callable[[ImageShape, str], Any]
    default_size: int  # pixels; the size of its ImageNet training
    min_size: int  # pixels; smaller images leave nothing of the last feature map
    weights: str = "keras"  # where its ImageNet weights come from: keras (a download) | package (pip) | none


def _application(name: str, default_size: int, min_size: int, pixels: Pixels | None) -> Backbone:
    """A row of the table: `pixels` is None where the constructor preprocesses inside."""

    def build(image_shape: ImageShape, weights: str) -> Any:
        from tuner.models.applications import build_application

        return build_application(name, pixels, image_shape, weights)

    return Backbone(name, build, default_size, min_size)


def _efficientnet_lite0(image_shape: ImageShape, weights: str) -> Any:
    from tuner.models.efficientnet_lite import build_efficientnet_lite0

    return build_efficientnet_lite0(image_shape, weights)


def _lenet5(image_shape: ImageShape, weights: str) -> Any:
    from tuner.models.lenet import build_lenet5

    return build_lenet5(image_shape, weights)


_ALL = (
    _application("ConvNeXtTiny", 224, 32, None),
    _application("ConvNeXtSmall", 224, 32, None),
    _application("ConvNeXtBase", 224, 32, None),
    _application("ConvNeXtLarge", 224, 32, None),
    _application("ConvNeXtXLarge", 224, 32, None),
    _application("DenseNet121", 224, 32, STANDARDIZED),
    _application("DenseNet169", 224, 32, STANDARDIZED),
    _application("DenseNet201", 224, 32, STANDARDIZED),
    _application("EfficientNetB0", 224, 32, None),
    _application("EfficientNetB1", 240, 32, None),
    _application("EfficientNetB2", 260, 32, None),
    _application("EfficientNetB3", 300, 32, None),
    _application("EfficientNetB4", 380, 32, None),
    _application("EfficientNetB5", 456, 32, None),
    _application("EfficientNetB6", 528, 32, None),
    _application("EfficientNetB7", 600, 32, None),
    _application("EfficientNetV2B0", 224, 32, None),
    _application("EfficientNetV2B1", 240, 32, None),
    _application("EfficientNetV2B2", 260, 32, None),
    _application("EfficientNetV2B3", 300, 32, None),
    _application("EfficientNetV2S", 384, 32, None),
    _application("EfficientNetV2M", 480, 32, None),
    _application("EfficientNetV2L", 480, 32, None),
    _application("InceptionResNetV2", 299, 75, SYMMETRIC),
    _application("InceptionV3", 299, 75, SYMMETRIC),
    _application("MobileNet", 224, 32, SYMMETRIC),
    _application("MobileNetV2", 224, 32, SYMMETRIC),
    _application("MobileNetV3Large", 224, 32, None),
    _application("MobileNetV3Small", 224, 32, None),
    _application("NASNetLarge", 331, 32, SYMMETRIC),
    _application("NASNetMobile", 224, 32, SYMMETRIC),
    _application("ResNet50", 224, 32, CENTERED_BGR),
    _application("ResNet101", 224, 32, CENTERED_BGR),
    _application("ResNet152", 224, 32, CENTERED_BGR),
    _application("ResNet50V2", 224, 32, SYMMETRIC),
    _application("ResNet101V2", 224, 32, SYMMETRIC),
    _application("ResNet152V2", 224, 32, SYMMETRIC),
    _application("VGG16", 224, 32, CENTERED_BGR),
    _application("VGG19", 224, 32, CENTERED_BGR),
    _application("Xception", 299, 71, SYMMETRIC),
    Backbone("EfficientNetLite0", _efficientnet_lite0, 224, 32, weights="package"),
    Backbone("LeNet5", _lenet5, 32, 28, weights="none"),
)

BACKBONES: dict[str, Backbone] = {backbone.name: backbone for backbone in _ALL}


def find_backbone(name: str) -> Backbone:
    """The backbone of that name. Raises `ModelError` that gives the nearest names."""
    if name in BACKBONES:
        return BACKBONES[name]
    by_lower_case = {known.lower(): known for known in BACKBONES}
    near = [by_lower_case[k] for k in difflib.get_close_matches(name.lower(), by_lower_case, n=3)]
    hint = f" Nearest: {', '.join(near)}." if near else ""
    raise ModelError(f"model.backbone: no backbone '{name}'.{hint} Your own: python:module:function.")


def check_size(backbone: Backbone, image_shape: ImageShape) -> None:
    """Raises `ModelError` if the images are too small for the backbone, or neither grey nor RGB."""
    height, width, channels = image_shape
    if min(height, width) < backbone.min_size:
        raise ModelError(
            f"{backbone.name} takes images of at least {backbone.min_size} x {backbone.min_size} pixels, "
            f"these are {height} x {width}. Set data.image_size: [{backbone.min_size}, {backbone.min_size}] or more."
        )
    if channels not in (1, 3):
        raise ModelError(f"{backbone.name} takes grey (1 channel) or RGB (3) images, these have {channels} channels.")
