"""Which networks are there, and how does a recipe become one? The table, the stages, and what builds and saves.

Looking up `BACKBONES`, `Structure` or `stages` does not import Keras; the names that need it are imported when they are
first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tuner.models.backbones import BACKBONES, Backbone, find_backbone
from tuner.models.errors import ModelError, WeightsError
from tuner.models.pixels import ImageShape
from tuner.models.stage import Stage, stages
from tuner.models.structure import Classifier, Structure, structure_of

if TYPE_CHECKING:
    from tuner.models.auxiliary import AUXILIARY, build_auxiliary, tapped
    from tuner.models.classifier import build_classifier, initial_weights
    from tuner.models.head import RateDropout, head_kernels, set_dropout
    from tuner.models.inference import inference_model, save_for_inference
    from tuner.models.table import LayerRow, layer_table
    from tuner.models.transfer import apply_trainable, below_head, cut_layer, depths, moves, same_in_training, split_at

__all__ = [
    "AUXILIARY",
    "BACKBONES",
    "Backbone",
    "Classifier",
    "ImageShape",
    "LayerRow",
    "ModelError",
    "RateDropout",
    "Stage",
    "Structure",
    "WeightsError",
    "apply_trainable",
    "below_head",
    "build_auxiliary",
    "build_classifier",
    "cut_layer",
    "depths",
    "find_backbone",
    "head_kernels",
    "inference_model",
    "initial_weights",
    "layer_table",
    "moves",
    "same_in_training",
    "save_for_inference",
    "set_dropout",
    "split_at",
    "stages",
    "structure_of",
    "tapped",
]

_WITH_KERAS = {
    "AUXILIARY": "auxiliary",
    "LayerRow": "table",
    "RateDropout": "head",
    "apply_trainable": "transfer",
    "below_head": "transfer",
    "build_auxiliary": "auxiliary",
    "build_classifier": "classifier",
    "cut_layer": "transfer",
    "depths": "transfer",
    "head_kernels": "head",
    "inference_model": "inference",
    "initial_weights": "classifier",
    "layer_table": "table",
    "moves": "transfer",
    "same_in_training": "transfer",
    "save_for_inference": "inference",
    "set_dropout": "head",
    "split_at": "transfer",
    "tapped": "auxiliary",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_KERAS:
        raise AttributeError(f"module 'tuner.models' has no attribute '{name}'")
    return getattr(importlib.import_module(f"tuner.models.{_WITH_KERAS[name]}"), name)
