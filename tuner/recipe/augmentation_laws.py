"""Which values may the arguments of an augmentation have? What Keras refuses when a run builds the layer, and more.

A layer is built in the middle of a run, so its laws are told before: those that Keras checks, and those that it leaves
unchecked, such as a misspelt `mode`, which turns flipping off without a word. `tests/recipe/test_augmentation.py`
holds the ranges against the installed layers.

Source: keras 3.15.1, layers/preprocessing/image_preprocessing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.recipe.names import POLICIES

MOST_ALPHA = 100  # of a beta distribution; there 95 of 100 shares lie between 0.43 and 0.57, and more is hardly a draw
MOST_PADDING = 1024  # pixels
MOST_OPERATIONS = 14  # RandAugment's operations; each is computed for all images as often as it may be drawn
FLIPS = ("horizontal", "vertical", "horizontal_and_vertical")
CROP_FILLS = ("constant", "reflect")
FILLS = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


@dataclass(frozen=True)
class Law:
    """What a value should be: the judge, the law in words, and the names that are legal, if it is about names."""

    holds: Callable[[Any], bool]
    words: str
    names: tuple[str, ...] = ()


def is_number(value: Any) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def one_of(*names: str) -> Law:
    """One of several names."""
    return Law(lambda value: value in names, ", ".join(names[:-1]) + f" or {names[-1]}", names)


def single(low: float, high: float, of: str = "") -> Law:
    """One number from `low` to `high`."""
    return Law(lambda value: is_number(value) and low <= value <= high, f"a number from {low:g} to {high:g}{of}")


def factor(low: float, high: float, of: str = "") -> Law:
    """A number from `low` to `high`, or a list of two, between which each image draws."""
    return Law(
        lambda value: _all(value, lambda number: is_number(number) and low <= number <= high),
        f"a number from {low:g} to {high:g}{of}, or a list of two",
    )


def _all(value: Any, holds: Callable[[Any], bool]) -> bool:
    """Whether a value, or each of a list of two, is as it should be."""
    numbers = value if isinstance(value, list | tuple) else (value, value)
    return len(numbers) == 2 and all(map(holds, numbers))


def _color(value: Any) -> bool:
    several = value if isinstance(value, list | tuple) else (value,) * 3
    return value is None or (len(several) == 3 and all(map(is_number, several)))


def _fills(layer: str, *arguments: str) -> dict[tuple[str, str], Law]:
    """The laws of what comes in from beyond the border, for a layer that moves images."""
    laws = {
        "fill_mode": one_of(*FILLS, "mirror") if layer == "RandomElasticTransform" else one_of(*FILLS),
        "interpolation": one_of(*INTERPOLATIONS),
        "fill_value": Law(is_number, "a number, such as 0 for black"),
    }
    return {(layer, argument): laws[argument] for argument in arguments or laws}


TURN = " (of a full turn: 0.1 is 36 degrees)"
CLAHE = "ContrastLimitedAdaptiveHistogramEqualization"
ALPHA = "above 0 and at most 100, such as {}"

LAWS: Mapping[tuple[str, str], Law] = {
    ("AutoAugment", "policy"): one_of(*POLICIES),
    (CLAHE, "clip_limit"): Law(is_number, "a number, such as 4"),
    (CLAHE, "tile_grid_size"): Law(
        lambda value: isinstance(value, list | tuple) and _all(value, lambda tiles: _whole(tiles) and tiles > 0),
        "a list of two numbers of tiles, such as [8, 8]",
    ),
    ("MixUp", "alpha"): Law(lambda value: is_number(value) and 0 < value <= MOST_ALPHA, ALPHA.format("0.2")),
    ("CutMix", "alpha"): Law(lambda value: is_number(value) and 0 < value <= MOST_ALPHA, ALPHA.format("1")),
    ("RandAugment", "num_ops"): Law(
        lambda value: _whole(value) and 0 < value <= MOST_OPERATIONS, f"a whole number from 1 to {MOST_OPERATIONS}"
    ),
    ("RandAugment", "factor"): single(0, 1, " (a tenth of the paper's magnitude)"),
    ("RandomBrightness", "factor"): factor(-1, 1),
    ("RandomColorDegeneration", "factor"): factor(-1, 1),
    ("RandomColorJitter", "brightness_factor"): factor(-1, 1),
    ("RandomColorJitter", "contrast_factor"): factor(0, 1),
    ("RandomColorJitter", "saturation_factor"): factor(-1, 1),
    ("RandomColorJitter", "hue_factor"): factor(0, 1),
    ("RandomContrast", "factor"): factor(0, 1),
    ("RandomCrop", "padding"): Law(
        lambda value: _whole(value) and 0 < value <= MOST_PADDING, "a number of pixels, such as 4"
    ),
    ("RandomCrop", "fill_mode"): one_of(*CROP_FILLS),
    ("RandomElasticTransform", "factor"): factor(0, 1),
    ("RandomElasticTransform", "scale"): factor(0, 1),
    **_fills("RandomElasticTransform"),
    ("RandomErasing", "factor"): factor(0, 1),
    ("RandomErasing", "scale"): factor(0, 1),
    ("RandomErasing", "fill_value"): Law(_color, "a number, a list of three for the channels, or none for noise"),
    ("RandomFlip", "mode"): one_of(*FLIPS),
    ("RandomGaussianBlur", "factor"): factor(0, 1),
    ("RandomGaussianBlur", "kernel_size"): Law(
        lambda value: _all(value, lambda pixels: _whole(pixels) and pixels > 0 and pixels % 2 == 1),
        "an odd number of pixels, such as 3, or a list of two",
    ),
    ("RandomGaussianBlur", "sigma"): factor(0, 1),
    ("RandomGrayscale", "factor"): single(0, 1),
    ("RandomHue", "factor"): factor(0, 1),
    ("RandomInvert", "factor"): factor(0, 1),
    ("RandomPerspective", "factor"): factor(0, 1),
    ("RandomPerspective", "scale"): single(0, 1),
    **_fills("RandomPerspective", "interpolation", "fill_value"),
    ("RandomPosterization", "factor"): Law(
        lambda value: _all(value, lambda bits: _whole(bits) and 1 <= bits <= 8),
        "a whole number of bits from 1 to 8, or a list of two",
    ),
    ("RandomRotation", "factor"): factor(-1, 1, TURN),
    **_fills("RandomRotation"),
    ("RandomSaturation", "factor"): factor(-1, 1),
    ("RandomSharpness", "factor"): factor(0, 1),
    ("RandomShear", "x_factor"): factor(0, 1),
    ("RandomShear", "y_factor"): factor(0, 1),
    **_fills("RandomShear"),
    ("RandomTranslation", "height_factor"): factor(-1, 1),
    ("RandomTranslation", "width_factor"): factor(-1, 1),
    **_fills("RandomTranslation"),
    ("RandomZoom", "height_factor"): factor(-0.99, 1),
    ("RandomZoom", "width_factor"): Law(
        lambda value: value is None or factor(-0.99, 1).holds(value), f"{factor(-0.99, 1).words}, or none for the other"
    ),
    **_fills("RandomZoom"),
    ("Solarization", "addition_factor"): factor(0, 1),
    ("Solarization", "threshold_factor"): factor(0, 1),
}
"""(layer, argument) -> the law of its value."""

ACTS_BY: Mapping[str, tuple[tuple[str, ...], str]] = {
    "RandomColorJitter": (
        ("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor"),
        "brightness_factor, contrast_factor, saturation_factor or hue_factor: without any it changes nothing",
    ),
    "RandomShear": (("x_factor", "y_factor"), "x_factor or y_factor above 0: without either it changes nothing"),
    "Solarization": (("threshold_factor",), "threshold_factor above 0: without it, every pixel is inverted"),
}
"""Layer whose arguments are all optional -> those that make it act, and what it needs in words."""


def acts(layer: str, arguments: Mapping[str, Any]) -> bool:
    """Whether one of the arguments that make the layer act is given and not 0."""
    given = [arguments.get(name) for name in ACTS_BY[layer][0]]
    return any(any(map(bool, value)) if isinstance(value, list | tuple) else bool(value) for value in given)
