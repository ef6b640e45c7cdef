"""What is a classifier made of, and what makes two of them the same graph?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tuner.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Structure:
    """What changes the graph: two points of the search space with the same structure share one trace."""

    head_units: tuple[int, ...] = ()
    head_initializer: str = "glorot_uniform"
    trainable: str = "none"  # none | half | all | top:K/N | last:N | from:LAYER
    freeze_batch_norm: bool = True
    auxiliary_head: bool = False  # a second classifier in the middle of what trains


@dataclass(frozen=True)
class Classifier:
    """A backbone and a head, or a user's whole classifier."""

    backbone: keras.Model | None  # float32 images (B, H, W, C) in 0..255 -> pooled features (B, D)
    head: keras.Model | None  # features (B, D) -> scores (B, num_classes)
    from_logits: bool  # False when the scores are probabilities
    whole: keras.Model | None = None  # images -> scores, of a user's own, where there is neither backbone nor head

    @cached_property
    def model(self) -> keras.Model:
        """Images -> scores. It shares the layers of the parts; joined when it is asked for (0.1 s and more)."""
        if self.whole is not None:
            return self.whole
        assert self.backbone is not None
        assert self.head is not None
        import keras

        images = keras.Input(self.backbone.input_shape[1:], dtype="float32", name="images")
        return keras.Model(images, self.head(self.backbone(images)), name="classifier")


def structure_of(hyperparameters: Hyperparameters) -> Structure:
    """The part of a point that changes the graph."""
    return Structure(
        hyperparameters.head_units,
        hyperparameters.head_initializer,
        hyperparameters.trainable,
        hyperparameters.freeze_batch_norm,
        hyperparameters.auxiliary_head > 0 and hyperparameters.trainable != "none",  # it helps layers below it
    )
