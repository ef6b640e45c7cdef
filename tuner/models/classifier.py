"""How does a recipe become a model from raw images to scores? Backbone, pooling, head; or the user's whole classifier.

Source: https://keras.io/guides/transfer_learning/
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from tuner.models.backbones import check_size, find_backbone
from tuner.models.drawing import HEAD
from tuner.models.errors import ModelError, WeightsError
from tuner.models.fresh import Array, Blueprint, blueprint, draw, leaves, start
from tuner.models.head import build_head, pool
from tuner.models.pixels import ImageShape
from tuner.models.seeds import seeded
from tuner.models.structure import Classifier, Structure
from tuner.models.transfer import apply_trainable
from tuner.models.user_models import build_user_model, ends_in_probabilities, is_user_model
from tuner.models.weights import load_weights
from tuner.recipe.candidates import backbone_of

if TYPE_CHECKING:
    from tuner.recipe import Recipe

BACKBONE = 0  # part of a classifier, as `HEAD` is: they draw from different streams of one seed

_BLUEPRINTS: dict[tuple[Any, ...], Blueprint] = {}
"""Cache: the blueprint of every backbone and head that this process built, pretrained weights included."""


def build_classifier(
    recipe: Recipe, num_classes: int, image_shape: ImageShape, structure: Structure, seed: int
) -> Classifier:
    """The classifier that a recipe describes, with its first weights for `seed`.

    Args:
        recipe: its `model` and `loss.from_logits` are read.
        num_classes: at least 2.
        image_shape: (height, width, channels) of the images; 1 or 3 channels.
        structure: the head's layers, and what trains. What a user's whole classifier brings frozen stays frozen.
        seed: the same seed gives the same weights and random states, bit for bit on one backend.

    Raises `ModelError` for a model that cannot be built, `WeightsError` for weights that cannot be had.
    """
    if num_classes < 2:
        raise ModelError(f"a classifier tells at least 2 classes apart, not {num_classes}")
    backbone = _backbone(recipe, num_classes, image_shape, seed)
    frozen: list[Any] = []
    if is_user_model(backbone_of(recipe)) and backbone.output_shape[1:] == (num_classes,):
        frozen = [layer for layer in leaves(backbone) if layer.weights and not layer.trainable]
        classifier = Classifier(None, None, _from_logits(recipe, not ends_in_probabilities(backbone)), backbone)
    else:
        backbone = _pooled(backbone, recipe)
        head = _head(recipe, num_classes, backbone.output_shape[-1], structure)
        classifier = Classifier(backbone, head, _from_logits(recipe, True))
        _start(classifier, recipe, image_shape, structure, seed)
    apply_trainable(classifier, structure.trainable, structure.freeze_batch_norm)
    for layer in frozen:  # by the author of a whole classifier: no stage of ours may wake it
        layer.trainable = False
    return classifier


def initial_weights(
    recipe: Recipe, num_classes: int, image_shape: ImageShape, structure: Structure, seed: int
) -> list[Array]:
    """The values of `build_classifier(...).model.variables` for the same arguments, in their order.

    What the process has built once is not built again: pretrained weights are remembered (read-only arrays) and only
    the head is drawn. A user's own model has to be built anew, because nobody else knows how its weights start.
    """
    parts = _keys(recipe, num_classes, image_shape, structure)
    if is_user_model(backbone_of(recipe)) or any(key not in _BLUEPRINTS for key in parts):
        model = build_classifier(recipe, num_classes, image_shape, structure, seed).model
        return [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]
    return [value for part, key in enumerate(parts) for value in draw(_BLUEPRINTS[key], seed, part)]


def _backbone(recipe: Recipe, num_classes: int, image_shape: ImageShape, seed: int) -> keras.Model:
    """The backbone without pooling, or whatever the user's function returned."""
    name, weights = backbone_of(recipe), _weights(recipe)
    if not is_user_model(name):
        known = find_backbone(name)
        check_size(known, image_shape)
        return known.build(image_shape, weights, recipe.model.normalization)
    with seeded(seed):
        model = build_user_model(name, recipe.path.parent, image_shape, num_classes)
    if weights == "imagenet":
        raise WeightsError(f"{name} brings its own weights. Set model.weights: none, or the path of a file.")
    if weights != "none":
        load_weights(model, weights)
    return model


def _weights(recipe: Recipe) -> str:
    """`imagenet`, `none`, or a path; relative paths start at the recipe's folder."""
    weights = recipe.model.weights
    if weights in (None, "none", "imagenet"):
        return weights or "none"
    return str(recipe.path.parent / Path(weights).expanduser())


def _pooled(backbone: keras.Model, recipe: Recipe) -> keras.Model:
    """The backbone down to features `(B, D)`, its layers still flat."""
    rank = len(backbone.output_shape)
    if rank not in (2, 4):
        raise ModelError(
            f"model.backbone: {backbone_of(recipe)} ends in {backbone.output_shape}; a backbone ends in a "
            "feature map (batch, height, width, channels) or in features (batch, channels)."
        )
    if isinstance(backbone, keras.Sequential) or hasattr(backbone, "inputs"):
        return keras.Model(backbone.inputs[0], pool(backbone.outputs[0], recipe.model.pooling), name="backbone")
    raise ModelError(f"model.backbone: {backbone_of(recipe)} has to be a functional or sequential model.")


def _head(recipe: Recipe, num_classes: int, features: int, structure: Structure) -> keras.Model:
    return build_head(
        features, num_classes, structure.head_units, structure.head_initializer, float(recipe.model.dropout)
    )


def _from_logits(recipe: Recipe, detected: bool) -> bool:
    """What the recipe declares wins over what the last layer looks like: step 1 measures whether it is true."""
    declared = recipe.loss.from_logits
    return detected if declared == "auto" else bool(declared)


def _keys(
    recipe: Recipe, num_classes: int, image_shape: ImageShape, structure: Structure
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What tells the blueprints of two backbones, and of two heads, apart."""
    policy = keras.config.dtype_policy().name
    described = (backbone_of(recipe), _weights(recipe), recipe.model.normalization, recipe.model.pooling)
    backbone = (*described, image_shape, policy)
    head = (structure.head_units, structure.head_initializer, float(recipe.model.dropout), num_classes)
    return backbone, backbone + head


def _start(classifier: Classifier, recipe: Recipe, image_shape: ImageShape, structure: Structure, seed: int) -> None:
    """Puts a new classifier to its first weights for `seed`, and remembers where they come from."""
    assert classifier.backbone is not None
    assert classifier.head is not None
    keys = _keys(recipe, classifier.head.output_shape[-1], image_shape, structure)
    head = _BLUEPRINTS[keys[HEAD]] = blueprint(classifier.head, pretrained=False)
    start(classifier.head, head, seed, HEAD)
    if not is_user_model(backbone_of(recipe)):
        pretrained = recipe.model.weights is not None
        backbone = _BLUEPRINTS[keys[BACKBONE]] = blueprint(classifier.backbone, pretrained)
        start(classifier.backbone, backbone, seed, BACKBONE)
