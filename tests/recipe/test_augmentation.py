"""The laws of a layer's arguments are those of the installed Keras, and no layer that fits the images is refused."""

from typing import Any

import keras
import numpy as np
import pytest
from pydantic_core import PydanticCustomError

from tuner.recipe import names
from tuner.recipe.augmentation import layer
from tuner.recipe.augmentation_checks import COLORED, FAILS, IDLE, one_channel
from tuner.recipe.augmentation_laws import ACTS_BY, LAWS
from tuner.recipe.schema import Recipe
from tuner.training.augmentation import augmented, build_augmentation

NEEDED: dict[str, dict[str, Any]] = {
    "AutoAugment": {"policy": "svhn"},
    "RandomCrop": {"padding": 1},
    "RandomPosterization": {"factor": 4},
    "RandomShear": {"x_factor": 0.1},
    "Solarization": {"threshold_factor": 0.5},
    "RandomColorJitter": {"brightness_factor": 0.1},
}
"""The least arguments of a layer, where they are not 0.1 for each that it needs."""
RANGES = {
    **dict.fromkeys(["RandomBrightness", "RandomColorDegeneration", "RandomRotation", "RandomSaturation"], (-1, 1)),
    **dict.fromkeys(["RandomContrast", "RandomErasing", "RandomHue", "RandomInvert", "RandomSharpness"], (0, 1)),
    **dict.fromkeys(["RandomElasticTransform", "RandomGaussianBlur", "RandomGrayscale", "RandomPerspective"], (0, 1)),
    "RandAugment": (0, 1),
    "RandomPosterization": (1, 8),
}
"""Layer -> the range of `factor`."""
CASES = [
    *((name, "factor", *ends) for name, ends in RANGES.items()),
    *((name, "scale", 0, 1) for name in ("RandomElasticTransform", "RandomErasing", "RandomPerspective")),
    ("RandomGaussianBlur", "sigma", 0, 1),
    ("RandomColorJitter", "brightness_factor", -1, 1),
    ("RandomColorJitter", "contrast_factor", 0, 1),
    ("RandomColorJitter", "saturation_factor", -1, 1),
    ("RandomColorJitter", "hue_factor", 0, 1),
    ("RandomShear", "x_factor", 0, 1),
    ("RandomShear", "y_factor", 0, 1),
    ("RandomTranslation", "height_factor", -1, 1),
    ("RandomTranslation", "width_factor", -1, 1),
    ("RandomZoom", "height_factor", -0.99, 1),
    ("RandomZoom", "width_factor", -0.99, 1),
    ("Solarization", "addition_factor", 0, 1),
    ("Solarization", "threshold_factor", 0, 1),
]
BEYOND = 0.01  # by so much a value is outside
NO_COLORS = "3 channels|equal division"  # TensorFlow's words and those of JAX, both in the middle of a step


def least(name: str) -> dict[str, Any]:
    return NEEDED.get(name, dict.fromkeys(names.AUGMENTATIONS[name][0], 0.1))


def build(name: str, arguments: dict[str, Any]) -> Any:
    return build_augmentation(((name, tuple(arguments.items())),))


@pytest.mark.parametrize(("name", "argument", "low", "high"), CASES)
def test_the_range_of_a_factor_is_that_of_keras(name: str, argument: str, low: float, high: float) -> None:
    for value in (low, high):
        build(name, {**least(name), argument: value})
        assert LAWS[name, argument].holds(value)
    for value in (low - BEYOND, high + BEYOND):
        assert not LAWS[name, argument].holds(value)
        with pytest.raises(ValueError, match=r"."):
            build(name, {**least(name), argument: value})


@pytest.mark.parametrize("name", names.AUGMENTATIONS)
def test_every_argument_has_a_law_that_its_default_keeps(name: str) -> None:
    needed, optional = names.AUGMENTATIONS[name]
    assert {argument for layer_, argument in LAWS if layer_ == name} == {*needed, *optional}
    built = build(name, least(name))[0]
    for argument in optional:
        default = getattr(built, argument, None)
        if isinstance(default, int | float | str) and not isinstance(default, bool):
            assert LAWS[name, argument].holds(default), argument


@pytest.mark.parametrize(("name", "argument"), [key for key, law in LAWS.items() if law.names])
def test_a_misspelt_name_is_refused(name: str, argument: str) -> None:
    for value in LAWS[name, argument].names:
        build(name, {**least(name), argument: value})
    with pytest.raises(PydanticCustomError, match=f"{argument} of {name} should be"):
        layer({name: {**least(name), argument: LAWS[name, argument].names[0] + "s"}})


@pytest.mark.parametrize("value", [True, "0.1", None, [0.1], [0.1, 0.2, 0.3], [0.1, "a"], float("nan"), {}, 1e9])
def test_what_is_no_factor_is_refused(value: Any) -> None:
    with pytest.raises(PydanticCustomError, match="factor of RandomRotation should be"):
        layer({"RandomRotation": {"factor": value}})
    assert layer({"RandomRotation": {"factor": [-0.1, 0.2]}})


@pytest.mark.parametrize("name", ACTS_BY)
def test_a_layer_that_does_nothing_of_its_own_needs_an_argument(name: str) -> None:
    for value in (0, 0.0, [0, 0]):
        with pytest.raises(PydanticCustomError, match=f"{name} needs"):
            layer({name: dict.fromkeys(ACTS_BY[name][0], value)})
    with pytest.raises(PydanticCustomError, match=f"{name} needs"):
        layer({name: None})
    for argument in ACTS_BY[name][0]:
        assert layer({name: {argument: 0.3}})


def complaints(name: str, arguments: dict[str, Any], color_mode: str = "grayscale") -> list[str]:
    data = {"source": "digits", "color_mode": color_mode}
    base = {"version": 1, "name": "any", "data": data, "model": {"backbone": "LeNet5", "weights": "none"}}
    recipe = Recipe.model_validate(base | {"augmentation": [{name: arguments}]})
    return [complaint.path for complaint in one_channel(recipe)]


@pytest.mark.parametrize("name", names.AUGMENTATIONS)
def test_a_layer_is_refused_for_gray_images_if_it_fails_or_idles(name: str) -> None:
    gray = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 1)).astype("float32")
    layers = build(name, least(name))
    assert complaints(name, least(name), "rgb") == []
    refused = complaints(name, least(name))
    assert bool(refused) == (name in FAILS + IDLE)
    if name in FAILS:
        with pytest.raises(Exception, match=NO_COLORS):
            augmented(layers, keras.ops.convert_to_tensor(gray))
    else:
        after, _ = augmented(layers, keras.ops.convert_to_tensor(gray))
        assert after.shape == gray.shape
        assert name not in IDLE or np.abs(np.asarray(after) - gray).max() < 1e-3


@pytest.mark.parametrize("argument", COLORED["RandomColorJitter"])
def test_color_arguments_are_refused_for_gray_images(argument: str) -> None:
    path = f"augmentation.0.RandomColorJitter.{argument}"
    assert complaints("RandomColorJitter", {"contrast_factor": 0.2, argument: 0.2}) == [path]
    with pytest.raises(Exception, match=NO_COLORS):
        augmented(build("RandomColorJitter", {argument: 0.2}), keras.ops.zeros((2, 8, 8, 1)))


def test_a_fill_of_three_numbers_is_for_three_channels() -> None:
    assert complaints("RandomErasing", {"fill_value": [1, 2, 3]}) == ["augmentation.0.RandomErasing.fill_value"]
    assert complaints("RandomErasing", {"fill_value": 3}) == []
