"""How do the recipe's augmentation layers become Keras layers? As `keras.layers` by name, told the range of our pixels.

They run inside the training step, on float32 images in 0..255, and draw from generators that are re-keyed every epoch.
"""

import inspect
from typing import Any

import keras

from tuner.hyperparameters import thawed

VALUE_RANGE = (0, 255)  # of every pixel that a model sees

Recipe = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]  # ((layer, ((argument, value), ...)), ...)


def build_augmentation(recipe: Recipe) -> list[keras.layers.Layer]:
    """One layer for each entry, in order. Raises `ValueError` for a name or an argument that Keras does not have."""
    return [_layer(name, dict(arguments), place) for place, (name, arguments) in enumerate(recipe)]


def _layer(name: str, arguments: dict[str, Any], place: int) -> keras.layers.Layer:
    kind = getattr(keras.layers, name, None)
    if kind is None:
        raise ValueError(f"augmentation: keras.layers has no {name}")
    known = inspect.signature(kind).parameters
    given = {key: thawed(value) for key, value in arguments.items()}
    # Some layers count their colors in [0, 1] unless told; all of them would draw an unrepeatable seed.
    ours = {"value_range": VALUE_RANGE, "seed": place}
    layer = kind(**{key: value for key, value in ours.items() if key in known} | given)
    if keras.backend.backend() == "jax":
        layer.supports_jit = True  # Keras says no to some for TensorFlow's sake, and would run all steps uncompiled
    return layer
