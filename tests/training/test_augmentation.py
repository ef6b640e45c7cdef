"""Every augmentation of a recipe does something to images, keeps them images, and does the same again by its seed."""

from typing import Any

import keras
import numpy as np
import pytest

from tuner.recipe import names
from tuner.training.augmentation import augmented, build_augmentation, label_keeping
from tuner.training.trainee import rekey, seed_states

LEAST_CHANGE = 0.5  # of 255: a rounding changes no more
SMALLEST = {
    "AutoAugment": {"policy": "cifar10"},
    "RandomBrightness": {"factor": 0.5},
    "RandomColorDegeneration": {"factor": 0.9},
    "RandomColorJitter": {"brightness_factor": 0.5, "hue_factor": 0.3},
    "RandomContrast": {"factor": 0.8},
    "RandomCrop": {"padding": 4},
    "RandomElasticTransform": {"factor": 1.0, "scale": 1.0},
    "RandomGaussianBlur": {"factor": 1.0, "sigma": 1.0},
    "RandomGrayscale": {"factor": 0.5},
    "RandomHue": {"factor": 0.5},
    "RandomPerspective": {"factor": 1.0, "scale": 0.5},
    "RandomPosterization": {"factor": 3},
    "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": 0.8},
    "RandomSharpness": {"factor": 1.0},
    "RandomShear": {"x_factor": 0.5},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomZoom": {"height_factor": 0.4},
    "RandomErasing": {"factor": 1.0},
    "RandomInvert": {"factor": 0.5},
    "Solarization": {"threshold_factor": 0.5},
}
"""Arguments with which a layer is sure to do something; none where its defaults do."""


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Six smooth pictures (6, 16, 16, 3) of full contrast, float32 in whole numbers."""
    y, x = np.mgrid[:16, :16] / 15.0
    waves = [np.stack([np.sin(3 * x + n), np.cos(2 * y + n), np.sin(2 * x * y + 2 * n)], axis=-1) for n in range(6)]
    return np.rint(np.clip(127.5 + 100 * np.array(waves), 20, 240)).astype("float32")


def layers_of(name: str) -> list[Any]:
    return build_augmentation(((name, tuple(SMALLEST.get(name, {}).items())),))


@pytest.mark.parametrize("name", names.AUGMENTATIONS)
def test_a_layer_changes_images_keeps_them_images_and_repeats_itself(name: str, images: np.ndarray) -> None:
    layers = layers_of(name)
    states = [state for layer in layers for state in seed_states(layer)]
    found = []
    for epoch in (3, 4, 3):
        rekey(states, 7, epoch)
        after, _ = augmented(layers, keras.ops.convert_to_tensor(images))
        found.append(keras.ops.convert_to_numpy(after))
    assert found[0].shape == images.shape
    assert found[0].dtype == np.float32
    assert -0.01 <= found[0].min() <= found[0].max() <= 255.01
    assert np.abs(found[0] - images).max() > LEAST_CHANGE
    np.testing.assert_array_equal(found[0], found[2])
    if states:
        assert np.abs(found[0] - found[1]).max() > 0


def test_what_mixes_labels_is_told_apart() -> None:
    flip, mix = ("RandomFlip", (("mode", "horizontal"),)), ("MixUp", (("alpha", 0.2),))
    assert label_keeping((flip, mix)) == (flip,)
