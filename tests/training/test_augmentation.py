"""Every augmentation of a recipe does something to images, keeps them images, and does the same again by its seed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import pytest

from tuner.recipe import names
from tuner.training.augmentation import augmented, build_augmentation, label_keeping
from tuner.training.trainee import Trainee, rekey, seed_states

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


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Layers made inside have it, as those of a run."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def of_a_step(name: str, images: np.ndarray, policy: str) -> tuple[np.ndarray, np.ndarray | None]:
    """What a training step shows to the network, and the shares of a mix, in a run of this precision."""
    with precision(policy):
        trainee = Trainee([keras.layers.Identity(dtype="float32")], layers_of(name))
        rekey(seed_states(trainee), 7, 3)
        said = trainee(images.astype("uint8"), training=True)
    shown, shares = (said["said"], said["shares"]) if isinstance(said, dict) else (said, None)
    return np.asarray(shown), None if shares is None else np.asarray(shares)


@pytest.mark.parametrize("name", names.AUGMENTATIONS)
def test_a_mixed_precision_run_shows_its_network_the_same_images(name: str, images: np.ndarray) -> None:
    wanted, wanted_shares = of_a_step(name, images, "float32")
    assert np.abs(wanted - images).max() > LEAST_CHANGE
    for policy in ("mixed_bfloat16", "mixed_float16"):
        found, shares = of_a_step(name, images, policy)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, wanted)
        if wanted_shares is not None:
            assert shares is not None
            assert shares.dtype == np.float32
            np.testing.assert_array_equal(shares, wanted_shares)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_compiled_step_of_mixed_precision_takes_the_layers_that_draw_for_each_image(
    policy: str, images: np.ndarray
) -> None:
    recipe = (("AutoAugment", (("policy", "svhn"),)), ("RandAugment", ()), ("CutMix", ()))
    with precision(policy):
        net = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
        trainee = Trainee([net], build_augmentation(recipe))
    trainee.compile(keras.optimizers.SGD(0.0))
    labels, weights = np.arange(6, dtype=np.int32) % 3, np.ones(6, np.float32)
    said = trainee.train_on_batch(images.astype("uint8"), labels, weights, return_dict=True)
    assert np.isfinite(float(said["loss"]))


def test_what_mixes_labels_is_told_apart() -> None:
    flip, mix = ("RandomFlip", (("mode", "horizontal"),)), ("MixUp", (("alpha", 0.2),))
    assert label_keeping((flip, mix)) == (flip,)
