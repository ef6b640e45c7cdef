"""What is a classifier made of, and what makes two of them the same graph?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Structure:
    """What changes the graph: two points of the search space with the same structure share one trace."""

    head_units: tuple[int, ...] = ()
    head_initializer: str = "glorot_uniform"
    trainable: str = "none"  # none | half | all | last:N | from:LAYER
    freeze_batch_norm: bool = True


@dataclass(frozen=True)
class Classifier:
    """A model and its parts, which share its layers."""

    model: keras.Model  # float32 images (B, H, W, C) in 0..255 -> scores (B, num_classes); preprocessing inside
    backbone: keras.Model | None  # images -> pooled features (B, D); None for a user's whole classifier
    head: keras.Model | None  # features (B, D) -> scores; None likewise
    from_logits: bool  # False when the scores are probabilities


def structure_of(hyperparameters: Hyperparameters) -> Structure:
    """The part of a point that changes the graph."""
    return Structure(
        hyperparameters.head_units,
        hyperparameters.head_initializer,
        hyperparameters.trainable,
        hyperparameters.freeze_batch_norm,
    )
