"""How do the recipe's augmentation layers become Keras layers? By name, ours or those of `keras.layers`.

They run inside the training step, on float32 images in 0..255, and draw from generators that are re-keyed every epoch.
Whatever the precision of the run, they compute in float32: under a mixed policy Keras would give them images, and
shares of labels, of 16 bits.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from tuner.hyperparameters import thawed
from tuner.training.framing import Equalization, RandomCrop
from tuner.training.mixing import CutMix, Mixing, MixUp
from tuner.training.policies import AutoAugment, RandAugment

VALUE_RANGE = (0, 255)  # of every pixel that a model sees
SATURATION = (0, 1)  # what RandomSaturation clips is no pixel but a saturation, though it calls the two by one name

OURS: Mapping[str, type[keras.layers.Layer]] = {
    "AutoAugment": AutoAugment,
    "CutMix": CutMix,
    "Equalization": Equalization,
    "MixUp": MixUp,
    "RandAugment": RandAugment,
    "RandomCrop": RandomCrop,
}
"""Layers that Keras does not have, or not as their papers describe them."""

Recipe = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]  # ((layer, ((argument, value), ...)), ...)


def build_augmentation(recipe: Recipe) -> list[keras.layers.Layer]:
    """One layer for each entry, in order. Raises `ValueError` for a name or an argument that Keras does not have."""
    with _float32():
        return [_layer(name, dict(arguments), place) for place, (name, arguments) in enumerate(recipe)]


def augmented(layers: Sequence[keras.layers.Layer], images: Any) -> tuple[Any, Any]:
    """Images (B, H, W, C) after all layers, and what each is made of: shares (B, B), or None if nothing mixes."""
    shares = ops.eye(ops.shape(images)[0]) if any(isinstance(layer, Mixing) for layer in layers) else None
    for layer in layers:
        if isinstance(layer, Mixing):
            images, shares = layer(images, shares, training=True)
        else:
            images = layer(images, training=True)
    return images, shares


def label_keeping(recipe: Recipe) -> Recipe:
    """The entries that leave an image its one label."""
    return tuple(entry for entry in recipe if not issubclass(OURS.get(entry[0], keras.layers.Layer), Mixing))


@contextmanager
def _float32() -> Iterator[None]:
    """Layers made inside compute in float32; `dtype` would not do, RandomColorJitter does not pass it to its parts."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _layer(name: str, arguments: dict[str, Any], place: int) -> keras.layers.Layer:
    kind = OURS.get(name) or getattr(keras.layers, name, None)
    if kind is None:
        raise ValueError(f"augmentation: keras.layers has no {name}")
    known = inspect.signature(kind).parameters
    given = {key: thawed(value) for key, value in arguments.items()}
    # Some layers count their colors in [0, 1] unless told; all of them would draw an unrepeatable seed.
    ours = {"value_range": SATURATION if name == "RandomSaturation" else VALUE_RANGE, "seed": place}
    layer = kind(**{key: value for key, value in ours.items() if key in known} | given)
    if keras.backend.backend() == "jax":
        layer.supports_jit = True  # Keras says no to some for TensorFlow's sake, and would run all steps uncompiled
    return layer
