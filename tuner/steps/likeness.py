"""How similar are these data to those that the backbone was trained on? What its features add to the bare pixels.

A linear head is fitted to its optimum twice: on the frozen features, and on the images themselves, made small. Where
the features spare most of the errors that pixels make, they fit the data. Where they spare few, even a high accuracy is
no sign of similarity: the task is easy. LogME of both stands beside it, a judge that reads training images only.

Source: the lecture's table needs the similarity and leaves open how to get it; LogME: K. You et al., ICML 2021. The
share of a baseline's errors on photographs, digits and textures: docs/LOG.md.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.data import Problem
from tuner.heads import log_evidence
from tuner.heads.optimum import looked_at
from tuner.heads.remembered import remembered_optimum
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training.frozen import features_below_head

SIDE = 16  # pixels each way that the baseline sees; more only let it learn its training images by heart
ROWS_AT_ONCE = 1024  # images read at once
NAME = "transfer"


@dataclass(frozen=True)
class Likeness:
    """What a linear readout makes of features, of pixels and of nothing; accuracies are of validation images."""

    chance: float  # the share of the largest class
    pixels: float  # of a linear head on the images, made small
    features: float  # of a linear head on the frozen features, at its optimum; NaN without features
    logme_pixels: float  # log evidence for each training image, in nats
    logme_features: float
    similarity: float | None  # share of the errors of the better of chance and pixels that the features spare


def likeness(problem: Problem, run: Store, seed: int) -> Likeness:
    """Look at both. `seed` is that of the head's first weights, which matters to a backbone with random ones only."""
    data = problem.dataset
    classes = data.num_classes
    rows = looked_at(data.train.labels, width_of(data.image_shape), classes)
    small, labels = small_images(data.train.images, rows), data.train.labels[rows]
    of_validation = small_images(data.validation.images, np.arange(len(data.validation)))
    bare = remembered_optimum(problem.cache, small, labels, of_validation, data.validation.labels, classes)
    point = dataclasses.replace(problem.start, trainable="none", head_units=(), augmentation=())
    seen = features_below_head(problem, run, TrialSpec(point, epochs=1, seed=seed, step=NAME))
    chance, pixels = float(max(data.class_frequencies)), bare.best.val_accuracy
    if seen is None:
        return Likeness(chance, pixels, math.nan, log_evidence(small, labels, classes), math.nan, None)
    best = remembered_optimum(
        problem.cache, seen[0], data.train.labels, seen[1], data.validation.labels, classes
    ).best.val_accuracy
    some = looked_at(data.train.labels, seen[0].shape[1], classes)
    return Likeness(
        chance=chance,
        pixels=pixels,
        features=best,
        logme_pixels=log_evidence(small, labels, classes),
        logme_features=log_evidence(np.asarray(seen[0][some]), data.train.labels[some], classes),
        similarity=similarity(chance, pixels, best),
    )


def similarity(chance: float, pixels: float, features: float) -> float:
    """In [0, 1]: the share of the errors of the better of `chance` and `pixels` that `features` does not make.

    All three are accuracies in [0, 1]. Where the baseline makes no error there is nothing to spare, and it is 0.
    """
    left = 1 - max(chance, pixels)
    return min(1.0, max(0.0, 1 - (1 - features) / left)) if left > 0 else 0.0


def width_of(image_shape: tuple[int, int, int]) -> int:
    """How many numbers `small_images` makes of an image of (height, width, channels)."""
    height, width, channels = image_shape
    return min(SIDE, height) * min(SIDE, width) * channels


def small_images(images: NDArray[np.uint8], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """The images (N, H, W, C) of these rows as block means in 0..1, (R, h * w * C); h and w at most `SIDE`."""
    height, width = images.shape[1:3]
    tops, lefts = (np.arange(min(SIDE, size)) * size // min(SIDE, size) for size in (height, width))
    area = np.diff(np.append(tops, height))[:, None] * np.diff(np.append(lefts, width))
    found = []
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        read = np.asarray(images[rows[begin : begin + ROWS_AT_ONCE]], np.float32)
        sums = np.add.reduceat(np.add.reduceat(read, tops, axis=1), lefts, axis=2) / (255.0 * area[:, :, None])
        found.append(sums.reshape(len(sums), -1).astype(np.float32))
    return np.concatenate(found)
