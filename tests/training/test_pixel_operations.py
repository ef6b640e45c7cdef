"""Each operation does what Pillow's of that name does, within rounding, to each image by its own number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from keras import ops
from PIL import Image, ImageEnhance, ImageOps

from tuner.training import pixel_operations as pixels

ROUNDING = 1.0  # of 255: Pillow cuts what is no whole number
FACTORS = (0.1, 0.7, 1.3, 1.9)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Four images (4, 20, 24, 3) uint8: walks of different contrast, and an even gray."""
    steps = np.random.default_rng(0).normal(0, 6, (4, 20, 24, 3))
    walks = np.clip(np.cumsum(steps, axis=1) * [[[[1]]], [[[2]]], [[[5]]], [[[0]]]] + 120, 0, 255)
    return walks.astype("uint8")


PLAIN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "invert": (pixels.inverted, ImageOps.invert),
    "autocontrast": (pixels.auto_contrasted, ImageOps.autocontrast),
    "equalize": (pixels.equalized, ImageOps.equalize),
}
NUMBERED: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any], tuple[float, ...]]] = {
    "solarize": (pixels.solarized, ImageOps.solarize, (0, 100, 200, 256)),
    "posterize": (pixels.posterized, ImageOps.posterize, (1, 4, 7, 8)),
    "brightness": (pixels.brightened, lambda image, f: ImageEnhance.Brightness(image).enhance(f), FACTORS),
    "contrast": (pixels.contrasted, lambda image, f: ImageEnhance.Contrast(image).enhance(f), FACTORS),
    "color": (pixels.colored, lambda image, f: ImageEnhance.Color(image).enhance(f), FACTORS),
    "sharpness": (pixels.sharpened, lambda image, f: ImageEnhance.Sharpness(image).enhance(f), FACTORS),
}


@pytest.mark.parametrize("name", PLAIN)
def test_an_operation_is_that_of_pillow(name: str, images: np.ndarray) -> None:
    ours, theirs = PLAIN[name]
    wanted = np.stack([np.asarray(theirs(Image.fromarray(image)), float) for image in images])
    np.testing.assert_allclose(np.asarray(ours(ops.convert_to_tensor(images.astype("float32")))), wanted, atol=ROUNDING)


@pytest.mark.parametrize("name", NUMBERED)
def test_each_image_has_its_own_number(name: str, images: np.ndarray) -> None:
    ours, theirs, numbers = NUMBERED[name]
    pairs = zip(images, numbers, strict=True)
    wanted = np.stack([np.asarray(theirs(Image.fromarray(image), number), float) for image, number in pairs])
    found = ours(ops.convert_to_tensor(images.astype("float32")), ops.convert_to_tensor(np.float32(numbers)))
    np.testing.assert_allclose(np.asarray(found), wanted, atol=ROUNDING)


def test_one_channel_is_equalized_and_sharpened_like_three(images: np.ndarray) -> None:
    one = ops.convert_to_tensor(images[..., :1].astype("float32"))
    wanted = [np.asarray(ImageOps.equalize(Image.fromarray(image[..., 0])), float)[..., None] for image in images]
    np.testing.assert_allclose(np.asarray(pixels.equalized(one)), wanted, atol=ROUNDING)
    assert np.asarray(pixels.sharpened(one, ops.ones(4) * 1.9)).shape == one.shape


def test_moves_are_around_the_middle_and_bring_gray_in(images: np.ndarray) -> None:
    square = ops.convert_to_tensor(images[:, :, :20].astype("float32"))
    none = ops.zeros(4)
    turned = np.asarray(pixels.moved(square, (none, none), (none, none), ops.ones(4) * 90))
    np.testing.assert_allclose(turned, np.rot90(images[:, :, :20], 1, (1, 2)), atol=0.01)
    shifted = np.asarray(pixels.moved(square, (none, none), (ops.ones(4) * 3, none), none))
    np.testing.assert_allclose(shifted[:, :, :-3], images[:, :, 3:20], atol=0.01)
    np.testing.assert_array_equal(shifted[:, :, -2:], pixels.FILL)
    sheared = np.asarray(pixels.moved(square, (ops.ones(4), none), (none, none), none))
    np.testing.assert_allclose(sheared[:, 9, 2:-2], (images[:, 9, 1:17] + images[:, 9, 2:18].astype(float)) / 2, atol=1)
