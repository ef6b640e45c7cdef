"""Which networks can a recipe name? `BACKBONES`: every `keras.applications` constructor, and our own.

This file is light: Keras is imported when a backbone is built, not when it is looked up.
"""

import difflib
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from tuner.models.errors import ModelError
from tuner.models.pixels import CENTERED_BGR, STANDARDIZED, SYMMETRIC, ImageShape, Pixels
from tuner.recipe import names


class Builder(Protocol):
    """What makes a backbone: see `Backbone`."""

    def __call__(self, image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
        """The network."""
        ...


@dataclass(frozen=True)
class Backbone:
    """A network without its classifier.

    `build(image_shape, weights)` gives a functional `keras.Model` from images `(B, H, W, C)`, float32 in 0..255, to a
    feature map `(B, h, w, D)` or features `(B, D)`. Its layers are flat (no model inside a model), so that a stage may
    begin at any of them. `weights` is `imagenet`, `none`, or the path of a file; `normalization` is one of
    `names.NORMALIZATIONS`, only `own` for what is not one of `names.CLASSICS`. Raises `WeightsError`, `ModelError`.
    """

    name: str
    build: Builder
    default_size: int  # pixels; the size of its ImageNet training
    min_size: int  # pixels; smaller images leave nothing of the last feature map
    weights: str = "keras"  # where its ImageNet weights come from: keras (a download) | package (pip) | none


def _application(name: str, default_size: int, min_size: int, pixels: Pixels | None) -> Backbone:
    """A row of the table: `pixels` is None where the constructor preprocesses inside."""

    def build(image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
        from tuner.models.applications import build_application

        check_normalization(name, normalization)
        return build_application(name, pixels, image_shape, weights)

    return Backbone(name, build, default_size, min_size)


def _efficientnet_lite0(image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
    from tuner.models.efficientnet_lite import build_efficientnet_lite0

    check_normalization("EfficientNetLite0", normalization)
    return build_efficientnet_lite0(image_shape, weights)


def _lenet5(image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
    from tuner.models.classic.lenet import build_lenet5

    return build_lenet5(image_shape, weights, normalization)


def _alexnet(image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
    from tuner.models.classic.alexnet import build_alexnet

    return build_alexnet(image_shape, weights, normalization)


def _googlenet(image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
    from tuner.models.classic.googlenet import build_googlenet

    return build_googlenet(image_shape, weights, normalization)


def _resnet(depth: int, image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
    from tuner.models.classic.resnet import build_resnet

    return build_resnet(depth, image_shape, weights, normalization)


def _small(depth: int, skips: bool, image_shape: ImageShape, weights: str, normalization: str = "own") -> Any:
    from tuner.models.classic.resnet import build_small_resnet

    return build_small_resnet(depth, skips, image_shape, weights, normalization)


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
    Backbone("AlexNet", _alexnet, 227, 67, weights="none"),
    Backbone("GoogLeNet", _googlenet, 224, 28, weights="none"),
    Backbone("ResNet18", partial(_resnet, 18), 224, 28, weights="none"),
    Backbone("ResNet34", partial(_resnet, 34), 224, 28, weights="none"),
    Backbone("ResNet20", partial(_small, 20, True), 32, 8, weights="none"),
    Backbone("ResNet56", partial(_small, 56, True), 32, 8, weights="none"),
    Backbone("PlainNet20", partial(_small, 20, False), 32, 8, weights="none"),
    Backbone("PlainNet56", partial(_small, 56, False), 32, 8, weights="none"),
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


def check_normalization(name: str, normalization: str) -> None:
    """Raises `ModelError` where another normalization than its own is asked of a network that has no choice."""
    if normalization != "own" and name not in names.CLASSICS:
        raise ModelError(
            f"model.normalization: {normalization} is not for {name}, which keeps its own. Set normalization: own, or "
            f"take one of {', '.join(names.CLASSICS)}."
        )


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
