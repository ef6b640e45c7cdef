"""How are two images and their labels mixed? MixUp blends them, CutMix pastes a piece of one into the other.

Labels are class numbers here, and a mixed image has two. So what mixes does not touch labels: it says how much of each
image of the batch is in which, and the loss reads the labels in these shares. One layer may follow another: the shares
are multiplied.

Source: Zhang et al. 2017, arXiv 1710.09412 (MixUp: a share drawn from Beta(alpha, alpha)); Yun et al. 2019, arXiv
1905.04899, section 3.1 (CutMix: a box of the area 1 - share around a random place, cut at the border).
"""

from typing import Any

import keras
import numpy as np
from keras import ops

KNOTS = 2048  # of the table from which shares are drawn
TINY = 1e-12  # below any weight that counts


class Mixing(keras.layers.Layer):  # type: ignore[misc]
    """Images (B, H, W, C) and shares (B, B) -> both, mixed: row i of the shares says what image i is made of.

    Partners are other images of the batch, one for each image, in an order that is drawn anew.
    """

    def __init__(self, alpha: float, seed: int) -> None:
        """`alpha` above 0: of Beta(alpha, alpha); small ones hardly mix, at 1 every share is as likely as another."""
        super().__init__(dtype="float32")  # in 16 bits, shares of labels would no longer add up to 1
        if not alpha > 0:
            raise ValueError(f"{type(self).__name__}: alpha should be above 0, not {alpha}")
        self.alpha = alpha
        self.generator = keras.random.SeedGenerator(seed)
        self._quantiles = beta_quantiles(alpha)
        self.built = True

    def call(self, images: Any, shares: Any, training: bool = True) -> tuple[Any, Any]:
        """As the class says, with random partners and shares."""
        count = ops.shape(images)[0]
        own = self._shares(keras.random.uniform((count,), seed=self.generator))
        partners = ops.argsort(keras.random.uniform((count,), seed=self.generator))
        images, own = self.mixed(images, partners, own)
        own = ops.cast(own, shares.dtype)[:, None]
        return images, own * shares + (1 - own) * ops.take(shares, partners, axis=0)

    def _shares(self, uniform: Any) -> Any:
        """Beta-distributed shares (B,) from uniform numbers (B,) in [0, 1)."""
        place = uniform * (len(self._quantiles) - 1)
        below = ops.floor(place)
        table, index = ops.convert_to_tensor(self._quantiles), ops.cast(below, "int32")
        low, high = ops.take(table, index), ops.take(table, index + 1)
        return low + (high - low) * (place - below)

    def mixed(self, images: Any, partners: Any, own: Any) -> tuple[Any, Any]:
        """Images with their partners' (B,) part in them, and the share (B,) that is still their own."""
        raise NotImplementedError


class MixUp(Mixing):
    """share * image + (1 - share) * partner."""

    def __init__(self, seed: int, alpha: float = 0.2) -> None:
        """See `Mixing`; the paper's alpha for ImageNet is 0.1 to 0.4."""
        super().__init__(alpha, seed)

    def mixed(self, images: Any, partners: Any, own: Any) -> tuple[Any, Any]:
        """See `Mixing.mixed`."""
        share = ops.cast(own, images.dtype)[:, None, None, None]
        return share * images + (1 - share) * ops.take(images, partners, axis=0), own


class CutMix(Mixing):
    """The image with a box of the partner in it; what is left of the image, in pixels, is its share."""

    def __init__(self, seed: int, alpha: float = 1.0) -> None:
        """See `Mixing`; the paper's alpha is 1."""
        super().__init__(alpha, seed)

    def mixed(self, images: Any, partners: Any, own: Any) -> tuple[Any, Any]:
        """See `Mixing.mixed`."""
        height, width = images.shape[1:3]
        side = ops.sqrt(1 - own)
        down, across = (self._inside(length, side) for length in (height, width))
        box = down[:, :, None] & across[:, None, :]
        pasted = ops.where(box[..., None], ops.take(images, partners, axis=0), images)
        return pasted, 1 - ops.mean(ops.cast(box, "float32"), axis=(1, 2))

    def _inside(self, length: int, side: Any) -> Any:
        """Which of `length` pixels (B, length) lie in a box of `side` (B,) of them, around a random place."""
        middle = keras.random.uniform(ops.shape(side), seed=self.generator)[:, None] * length
        half = side[:, None] * length / 2
        first, last = ops.clip(ops.round(middle - half), 0, length), ops.clip(ops.round(middle + half), 0, length)
        pixel = ops.arange(length, dtype="float32")[None]
        return (pixel >= first) & (pixel < last)


def beta_quantiles(alpha: float) -> np.ndarray:
    """Quantiles of Beta(alpha, alpha) at `KNOTS` + 1 even places from 0 to 1, float32; its ends are inside.

    Keras's own sampler rejects and draws again, a loop that takes JAX 5 s to compile. Up to the middle, the density is
    integrated; the other half mirrors it. For a small alpha it is infinite at 0, but over s = x^alpha, where it is
    (1 - x)^(alpha - 1), it is smooth. For a large one nearly all of that grid would lie beside the middle, and an even
    grid in x does.
    """
    even = alpha > 1
    grid = np.linspace(0, 0.5 if even else 0.5**alpha, 16 * KNOTS)
    x = grid if even else grid ** (1 / alpha)
    density = (4 * x * (1 - x)) ** (alpha - 1) if even else (1 - x) ** (alpha - 1)
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    half = np.interp(np.linspace(0, 0.5, KNOTS // 2 + 1), 0.5 * mass / mass[-1], grid)
    half = half if even else half ** (1 / alpha)
    # Between the ends, shares are drawn along straight lines. One from 0 to the first quantile would be a thick tail
    # where that of x^alpha is thin; from here on, it has the same mean.
    half[0] = half[1] * max(0.0, (alpha - 1) / (alpha + 1))
    return np.concatenate([half, 1 - half[-2::-1]]).astype(np.float32)


def mixed_truth(truth: Any, weights: Any, shares: Any) -> tuple[Any, Any]:
    """Labels (B, C) and weights (B,) of mixed images, from those of the images and the shares (B, B).

    Each label counts with the weight of its own image, so class weights stay what they are. What only fills the batch
    up (weight 0) stays out; as a partner it has no weight of its own and takes that of the image that it is mixed into.
    """
    own = ops.where(weights[None, :] > 0, weights[None, :], weights[:, None])
    parts = shares * own * ops.cast(weights > 0, shares.dtype)[:, None]
    total = ops.sum(parts, axis=1)
    return ops.matmul(parts, truth) / ops.maximum(total, TINY)[:, None], total
