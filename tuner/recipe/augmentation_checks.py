"""Does the augmentation fit the images? Layers that change colors have nothing to change in images of one channel.

Found by running every layer of `names.AUGMENTATIONS` on images (N, H, W, 1): some fail in the middle of a run, others
give back what they were given.

Source: keras 3.15.1, layers/preprocessing/image_preprocessing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from tuner.recipe.checks import Complaint
from tuner.recipe.schema import Recipe
from tuner.recipe.space import AUGMENTATION, layers, point_value

FAILS = ("RandomHue", "RandomSaturation")
IDLE = ("RandomColorDegeneration", "RandomGrayscale")
"""Layers that change nothing in gray images."""
COLORED = {"RandomColorJitter": ("saturation_factor", "hue_factor")}
"""Layer -> the arguments with which it fails."""


def one_channel(recipe: Recipe) -> Iterator[Complaint]:
    """No layer, set or searched, is for colors where images have one channel."""
    if recipe.data.color_mode != "grayscale":
        return
    for at, entries in _all(recipe):
        for index, (name, arguments) in enumerate(entries):
            argument, message = _complaint(name, dict(arguments))
            if message:
                path = f"{at}.{index}.{name}" + (f".{argument}" if argument else "")
                hint = f"leave it out{', or RandomContrast' * (not argument)}, or data.color_mode: rgb"
                yield Complaint(path, message, hint, ("data.color_mode",), at_key=True)


def _all(recipe: Recipe) -> Iterator[tuple[str, tuple[tuple[str, Any], ...]]]:
    """Every augmentation of the recipe with its path; those of the space that are none are not judged here."""
    yield AUGMENTATION, layers(recipe.augmentation)
    axis = recipe.search.space.get(AUGMENTATION)
    for index, value in enumerate((axis.values or ()) if axis else ()):
        try:
            yield f"search.space.{AUGMENTATION}.values.{index}", point_value(AUGMENTATION, value)
        except ValidationError:
            continue  # tuner/recipe/axes.py says it


def _complaint(name: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """The argument that is wrong, or none if it is the layer, and what is; both empty if nothing is."""
    colored = next((argument for argument in COLORED.get(name, ()) if argument in arguments), "")
    if colored:
        return colored, f"{colored} of {name} is for images of three channels, and in grayscale they have one"
    if name in FAILS:
        return "", f"{name} is for images of three channels, and in grayscale they have one"
    if name in IDLE:
        return "", f"{name} changes nothing in images of one channel"
    if name == "RandomErasing" and isinstance(arguments.get("fill_value"), list | tuple):
        return "fill_value", "fill_value of RandomErasing should be one number for images of one channel"
    return "", ""
