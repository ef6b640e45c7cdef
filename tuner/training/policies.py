"""Which operations do AutoAugment and RandAugment apply, and to which images? Each image draws its own.

A policy of AutoAugment is a table that was searched for on one data set: 25 pairs of operations, each with a
probability and a magnitude from 0 to 9. Every image of a batch draws its own pair, its own coins and, where an
operation has two directions, the direction. RandAugment has no table: each image draws one of 13 operations or none, as
often as it is told, all at one magnitude. Brightness and its like have two directions there, down to 0.1 and up to 1.9,
so that a larger magnitude is a larger change; by AutoAugment's range, the middle one would leave the image as it is.

Source: Cubuk et al. 2018, "AutoAugment", arXiv 1805.09501: tables 7 to 9 (policies) and 6 (ranges; a shift of 150
pixels is one of images of 331). Posterize and Solarize grow stronger with the magnitude.
Cubuk et al. 2019, "RandAugment", arXiv 1909.13719, section 3 (14 operations, one magnitude, uniform draws).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from tuner.training import pixel_operations as pixels

HIGHEST = 9  # magnitude
SHEAR, SHIFT, TURN = 0.3, 150 / 331, 30.0  # at the highest: pixels a pixel, share of the side, degrees
BITS_MOST, BITS_LEAST = 8, 4
ENHANCE_LEAST, ENHANCE_MOST = 0.1, 1.9  # 1 is the image as it is
MOVES = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")

POLICIES: Mapping[str, str] = {
    "cifar10": """
        Invert .1 7 Contrast .2 6 | Rotate .7 2 TranslateX .3 9 | Sharpness .8 1 Sharpness .9 3
        ShearY .5 8 TranslateY .7 9 | AutoContrast .5 8 Equalize .9 2 | ShearY .2 7 Posterize .3 7
        Color .4 3 Brightness .6 7 | Sharpness .3 9 Brightness .7 9 | Equalize .6 5 Equalize .5 1
        Contrast .6 7 Sharpness .6 5 | Color .7 7 TranslateX .5 8 | Equalize .3 7 AutoContrast .4 8
        TranslateY .4 3 Sharpness .2 6 | Brightness .9 6 Color .2 8 | Solarize .5 2 Invert .0 3
        Equalize .2 0 AutoContrast .6 0 | Equalize .2 8 Equalize .6 4 | Color .9 9 Equalize .6 6
        AutoContrast .8 4 Solarize .2 8 | Brightness .1 3 Color .7 0 | Solarize .4 5 AutoContrast .9 3
        TranslateY .9 9 TranslateY .7 9 | AutoContrast .9 2 Solarize .8 3 | Equalize .8 8 Invert .1 3
        TranslateY .7 9 AutoContrast .9 1""",
    "svhn": """
        ShearX .9 4 Invert .2 3 | ShearY .9 8 Invert .7 5 | Equalize .6 5 Solarize .6 6
        Invert .9 3 Equalize .6 3 | Equalize .6 1 Rotate .9 3 | ShearX .9 4 AutoContrast .8 3
        ShearY .9 8 Invert .4 5 | ShearY .9 5 Solarize .2 6 | Invert .9 6 AutoContrast .8 1
        Equalize .6 3 Rotate .9 3 | ShearX .9 4 Solarize .3 3 | ShearY .8 8 Invert .7 4
        Equalize .9 5 TranslateY .6 6 | Invert .9 4 Equalize .6 7 | Contrast .3 3 Rotate .8 4
        Invert .8 5 TranslateY .0 2 | ShearY .7 6 Solarize .4 8 | Invert .6 4 Rotate .8 4
        ShearY .3 7 TranslateX .9 3 | ShearX .1 6 Invert .6 5 | Solarize .7 2 TranslateY .6 7
        ShearY .8 4 Invert .8 8 | ShearX .7 9 TranslateY .8 3 | ShearY .8 5 AutoContrast .7 3
        ShearX .7 2 Invert .1 5""",
    "imagenet": """
        Posterize .4 8 Rotate .6 9 | Solarize .6 5 AutoContrast .6 5 | Equalize .8 8 Equalize .6 3
        Posterize .6 7 Posterize .6 6 | Equalize .4 7 Solarize .2 4 | Equalize .4 4 Rotate .8 8
        Solarize .6 3 Equalize .6 7 | Posterize .8 5 Equalize 1 2 | Rotate .2 3 Solarize .6 8
        Equalize .6 8 Posterize .4 6 | Rotate .8 8 Color .4 0 | Rotate .4 9 Equalize .6 2
        Equalize .0 7 Equalize .8 8 | Invert .6 4 Equalize 1 8 | Color .6 4 Contrast 1 8
        Rotate .8 8 Color 1 2 | Color .8 8 Solarize .8 7 | Sharpness .4 7 Invert .6 8
        ShearX .6 5 Equalize 1 9 | Color .4 0 Equalize .6 3 | Equalize .4 7 Solarize .2 4
        Solarize .6 5 AutoContrast .6 5 | Invert .6 4 Equalize 1 8 | Color .6 4 Contrast 1 8
        Equalize .8 8 Equalize .6 3""",
}
"""Name -> its pairs: operation, probability, magnitude, twice. Some operations have no magnitude and ignore theirs."""

OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "Invert": lambda images, share: pixels.inverted(images),
    "Solarize": lambda images, share: pixels.solarized(images, pixels.LEVELS * (1 - share)),
    "Posterize": lambda images, share: pixels.posterized(images, BITS_MOST + (BITS_LEAST - BITS_MOST) * share),
    "AutoContrast": lambda images, share: pixels.auto_contrasted(images),
    "Equalize": lambda images, share: pixels.equalized(images),
    "Brightness": lambda images, share: pixels.brightened(images, _enhanced(share)),
    "Contrast": lambda images, share: pixels.contrasted(images, _enhanced(share)),
    "Color": lambda images, share: pixels.colored(images, _enhanced(share)),
    "Sharpness": lambda images, share: pixels.sharpened(images, _enhanced(share)),
}
"""Operation -> what it makes of images (B, H, W, C) at a share (B,) of its highest magnitude; MOVES are apart."""

NAMES = (*MOVES, *OPERATIONS)
NOTHING = -1  # number of no operation
ENHANCING = ("Brightness", "Contrast", "Color", "Sharpness")
DRAWN = tuple(name for name in NAMES if name != "Invert")
"""What RandAugment draws from, besides NOTHING."""
Pair = tuple[tuple[str, float, int], tuple[str, float, int]]  # (operation, probability, magnitude), twice


def pairs_of(policy: str) -> tuple[Pair, ...]:
    """The 25 pairs of a policy. Raises `ValueError` for a name that is none."""
    if policy not in POLICIES:
        raise ValueError(f"AutoAugment: policy should be one of {', '.join(POLICIES)}, not {policy}")
    words = POLICIES[policy].replace("|", " ").split()
    one = [(words[n], float(words[n + 1]), int(words[n + 2])) for n in range(0, len(words), 3)]
    return tuple((one[n], one[n + 1]) for n in range(0, len(one), 2))


def apply_operation(name: str, images: Any, share: Any, sign: Any) -> Any:
    """Images (B, H, W, C) after one operation, at a share (B,) of its highest magnitude, in a direction (B,), +1 or -1.

    The direction counts for MOVES alone.
    """
    if name not in MOVES:
        return OPERATIONS[name](images, share)
    return _moved(images, {name: ops.ones_like(share)}, share, sign)


class _EachImage(keras.layers.Layer):  # type: ignore[misc]
    """Changes each image on its own, in training only; `changed` says how."""

    def __init__(self, seed: int) -> None:
        super().__init__(dtype="float32")
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_jit = keras.backend.backend() != "tensorflow"  # it cannot compile the moves
        self.built = True

    def call(self, images: Any, training: bool = True) -> Any:
        """The images, changed in training only."""
        return self.changed(images, ops.shape(images)[0]) if training else images

    def changed(self, images: Any, count: Any) -> Any:
        """The images, `count` of them, each after its own draws."""
        raise NotImplementedError


class AutoAugment(_EachImage):
    """Float images (B, H, W, C) in 0..255, each after two operations of a policy; the random numbers are its own."""

    def __init__(self, policy: str, seed: int) -> None:
        super().__init__(seed)
        pairs = pairs_of(policy)
        self.policy = policy
        self._kinds = np.array([[NAMES.index(name) for name, _, _ in pair] for pair in pairs], np.int32)
        self._chances = np.array([[chance for _, chance, _ in pair] for pair in pairs], np.float32)
        self._shares = np.array([[magnitude / HIGHEST for _, _, magnitude in pair] for pair in pairs], np.float32)

    def changed(self, images: Any, count: Any) -> Any:
        """After the two operations of a pair that is drawn."""
        pair = keras.random.randint((count,), 0, len(self._kinds), seed=self.generator)
        coins = keras.random.uniform((2, 2, count), seed=self.generator)
        for place in range(2):
            kinds, chances, shares = (
                ops.take(ops.convert_to_tensor(np.ascontiguousarray(table[:, place])), pair, axis=0)
                for table in (self._kinds, self._chances, self._shares)
            )
            kinds = ops.where(coins[place, 0] < chances, kinds, NOTHING)
            sign = ops.where(coins[place, 1] < 0.5, -1.0, 1.0)
            possible = [NAMES[kind] for kind in sorted(set(self._kinds[:, place].tolist()))]
            images = _applied(images, kinds, shares, sign, possible)
        return images


class RandAugment(_EachImage):
    """Float images (B, H, W, C) in 0..255, each after `num_ops` operations of its own, all at one strength.

    Keras's layer of that name draws its operations for the whole batch, and posterizes less the higher the factor.
    """

    def __init__(self, seed: int, num_ops: int = 2, factor: float = 0.5) -> None:
        """`num_ops` from 1 on; `factor` in [0, 1], a tenth of the paper's magnitude: 1 is the end of every range."""
        super().__init__(seed)
        if num_ops < 1 or not 0 <= factor <= 1:
            raise ValueError(f"RandAugment: num_ops from 1 on and factor from 0 to 1, not {num_ops} and {factor}")
        self.num_ops = num_ops
        self.factor = factor

    def changed(self, images: Any, count: Any) -> Any:
        """After as many operations as asked, each drawn."""
        draws = keras.random.randint((self.num_ops, count), 0, len(DRAWN) + 1, seed=self.generator)
        coins = keras.random.uniform((self.num_ops, count), seed=self.generator)
        numbers = ops.convert_to_tensor(np.array([*(NAMES.index(name) for name in DRAWN), NOTHING], np.int32))
        is_enhanced = ops.convert_to_tensor(np.array([*(name in ENHANCING for name in DRAWN), False]))
        for place in range(self.num_ops):
            sign = ops.where(coins[place] < 0.5, -1.0, 1.0)
            enhanced = ops.take(is_enhanced, draws[place])
            shares = ops.where(enhanced, (1 + sign * self.factor) / 2, self.factor)  # at a half, nothing is enhanced
            images = _applied(images, ops.take(numbers, draws[place]), shares, sign, DRAWN)
        return images


def _applied(images: Any, kinds: Any, shares: Any, sign: Any, possible: Iterable[str]) -> Any:
    """Each image after the operation of its number in `kinds` (B,), which is that of one of `possible`, or NOTHING."""
    chosen = {name: kinds == NAMES.index(name) for name in possible}
    found = images
    for name, here in chosen.items():
        if name in OPERATIONS:
            found = ops.where(here[:, None, None, None], OPERATIONS[name](images, shares), found)
    moves = {name: ops.cast(here, "float32") for name, here in chosen.items() if name in MOVES}
    if not moves:
        return found
    is_moved = sum(moves.values()) > 0
    return ops.where(is_moved[:, None, None, None], _moved(images, moves, shares, sign), found)


def _moved(images: Any, moves: Mapping[str, Any], shares: Any, sign: Any) -> Any:
    """Images after the moves that are 1 for them in `moves`: name -> (B,)."""
    height, width = images.shape[1:3]
    most = {"ShearX": SHEAR, "ShearY": SHEAR, "TranslateX": SHIFT * width, "TranslateY": SHIFT * height, "Rotate": TURN}
    none = ops.zeros_like(shares)
    x, y, right, down, turn = (moves[name] * sign * shares * most[name] if name in moves else none for name in MOVES)
    return pixels.moved(images, (x, y), (right, down), turn)


def _enhanced(share: Any) -> Any:
    """A factor of brightness, contrast, color or sharpness."""
    return ENHANCE_LEAST + (ENHANCE_MOST - ENHANCE_LEAST) * share
