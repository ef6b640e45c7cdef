"""How do augmented images become features? Keras's layers and the frozen backbone in one compiled call."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tuner.training.features import Trunk
from tuner.training.heads.bank import Array
from tuner.training.trainee import TRACES, rekey, seed_states

HEAD = 1  # random layers of a head: its dropout


class Augmented(keras.Model):  # type: ignore[misc]
    """uint8 images (B, H, W, C) -> features (B, D) of the augmented images, the backbone in inference mode."""

    def __init__(self, layers: Sequence[keras.layers.Layer], trunk: Trunk) -> None:
        super().__init__()
        self.augmentation = list(layers)
        self.network = trunk.network
        self.built = True
        self.compile(jit_compile=trunk.backbone.jit_compile)
        self._seeds = [state for layer in layers for state in seed_states(layer)]
        self._before = len(seed_states(trunk.backbone)) + HEAD  # the whole model counts those first

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Runs when it is traced; the augmentation is random in inference too, that is what this model is for."""
        TRACES["augment"] += 1
        x = keras.ops.cast(inputs, "float32")
        for layer in self.augmentation:
            x = layer(x, training=True)
        return self.network(x, training=False)

    def rekey(self, seed: int, epoch: int) -> None:
        """The random streams of one epoch, as the whole model would have them in training."""
        rekey(self._seeds, seed, epoch, self._before)

    def features(self, images: Array) -> Array:
        """Features (B, D) of images (B, H, W, C)."""
        return np.asarray(self.predict_on_batch(images), np.float32)
