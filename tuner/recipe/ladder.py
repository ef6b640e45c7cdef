"""Which augmentation should be tried next? A few, the cheapest first, each of them one step beyond what there is.

No rung changes what an image shows: a mirror image of a letter is another letter, so mirroring is left out where the
classes are letters or digits. Whether a rung helps is measured by whoever tries it.

Source: the crop and its 4 pixels of 32, He et al. 2015 (arXiv 1512.03385), section 4.2; the policies, Cubuk et al. 2018
(arXiv 1805.09501); mixing with alpha 0.2, Zhang et al. 2017 (arXiv 1710.09412), section 3.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.recipe.names import AUGMENTATIONS, MIXING_AUGMENTATIONS

Layers = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]  # as in `Hyperparameters.augmentation`

PAD_SHARE = 8  # a crop moves by at most one part in so many of the shorter side
SMALL_IMAGE = 64  # pixels: up to here the policy that was found on CIFAR-10 fits better than the one of ImageNet
TILT = 0.03  # of a full turn, both ways: 11 degrees
SHIFT = 0.1  # of the height and of the width
MIXING_ALPHA = 0.2  # of MixUp's beta distribution
MOVING = frozenset({"RandomCrop", "RandomTranslation", "RandomZoom", "RandomRotation", "RandomShear"})
POLICIES = frozenset({"AutoAugment", "RandAugment", "AugMix"})
MIXING = frozenset(MIXING_AUGMENTATIONS)
DIGIT_WORDS = frozenset({"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"})


@dataclass(frozen=True)
class Rung:
    """One augmentation to try."""

    value: tuple[tuple[str, Mapping[str, Any]], ...]  # what there is and one step more: the value of a `Change`
    because: str
    costs: str  # in words, for a step of training


def augmentation_ladder(
    current: Layers, image_size: Sequence[int], class_names: Sequence[str] = ()
) -> tuple[Rung, ...]:
    """What may be added to `current`, the cheapest first; empty where there is nothing left.

    Args:
        current: what training images go through now.
        image_size: height and width in pixels.
        class_names: of the data, if they are known.
    """
    present = {name for name, _ in current}
    symbols = shows_symbols(class_names)
    there = tuple((name, dict(arguments)) for name, arguments in current)
    steps = (
        (symbols or "RandomFlip" in present, _flip()),
        (bool(present & MOVING), _moved(image_size, symbols)),
        (bool(present & POLICIES), _policy(image_size, symbols)),
        (bool(present & MIXING), _mixed()),
    )
    return tuple(
        Rung(_in_order(there, rung.value), rung.because, rung.costs) for is_there, rung in steps if not is_there
    )


def shows_symbols(class_names: Sequence[str]) -> bool:
    """Whether all classes are digits or letters, which read otherwise in a mirror."""
    names = [str(name).strip().lower() for name in class_names]
    return bool(names) and all(len(name) == 1 or name.isdecimal() or name in DIGIT_WORDS for name in names)


def mixes(augmentation: Layers) -> bool:
    """Whether images, and with them their labels, are mixed."""
    return any(name in MIXING for name, _ in augmentation)


def as_written(value: Any) -> Any:
    """An augmentation of a point or a `Change`, in any form, as a recipe spells it; any other value as it is."""
    if not isinstance(value, list | tuple) or not all(map(_is_layer, value)):
        return value
    return [{name: dict(arguments)} for name, arguments in value]


def _is_layer(item: Any) -> bool:
    """Whether this is [name, {argument: value}] or [name, [[argument, value], ...]]."""
    if not isinstance(item, list | tuple) or len(item) != 2 or not isinstance(item[0], str):
        return False
    given = item[1]
    return item[0] in AUGMENTATIONS and (
        isinstance(given, Mapping)
        or (isinstance(given, list | tuple) and all(isinstance(one, list | tuple) and len(one) == 2 for one in given))
    )


def _in_order(
    there: tuple[tuple[str, Mapping[str, Any]], ...], more: tuple[tuple[str, Mapping[str, Any]], ...]
) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Layers that mix images come last: what follows one would act on both images at once."""
    every = (*there, *more)
    return (*(one for one in every if one[0] not in MIXING), *(one for one in every if one[0] in MIXING))


def _flip() -> Rung:
    return Rung(
        (("RandomFlip", {"mode": "horizontal"}),),
        "mirror images (if left and right mean nothing here) are new examples",
        "nothing on a frozen backbone, where both views are kept",
    )


def _moved(image_size: Sequence[int], symbols: bool) -> Rung:
    costs = "one pass through the backbone for each batch"
    if symbols:
        value = (
            ("RandomTranslation", {"height_factor": SHIFT, "width_factor": SHIFT, "fill_mode": "nearest"}),
            ("RandomRotation", {"factor": TILT, "fill_mode": "nearest"}),
        )
        return Rung(value, "a digit or a letter that is moved and tilted a little is a new example", costs)
    padding = max(1, round(min(image_size) / PAD_SHARE))
    return Rung((("RandomCrop", {"padding": padding}),), "a thing that is moved a little is a new example", costs)


def _policy(image_size: Sequence[int], symbols: bool) -> Rung:
    policy = "svhn" if symbols else "cifar10" if max(image_size) <= SMALL_IMAGE else "imagenet"
    because = "changed colors and shapes, drawn for each image from a policy that was searched for, are new examples"
    return Rung((("AutoAugment", {"policy": policy}),), because, "more than a crop: two operations on each image")


def _mixed() -> Rung:
    because = "mixed images with mixed labels keep the model from learning single images by heart"
    return Rung((("MixUp", {"alpha": MIXING_ALPHA}),), because, "as much as a crop, and more epochs until it pays")
