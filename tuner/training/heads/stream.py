"""What do the heads see of a batch? Cached features; one of two cached views; or one augmented pass for all of them.

Without augmentation, features are read from the cache. A horizontal flip has two outcomes only, so both are cached and
one is drawn for each image and epoch. Any other augmentation changes the images each time: a batch is augmented and
goes through the frozen backbone once, whatever the number of heads. All three are exact: every head sees what it would
have seen alone.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.models import structure_of
from tuner.records import TrialSpec
from tuner.store import Store
from tuner.training.asked import first_seed, mean_image, split_of
from tuner.training.batches import Batch
from tuner.training.heads.bank import Array
from tuner.training.heads.driver import Show
from tuner.training.views import split_features

if TYPE_CHECKING:
    from tuner.training.heads.augmented import Augmented

FLIP = 2  # stream of a seed and an epoch, from which flips are drawn
HORIZONTAL_FLIP = (("RandomFlip", (("mode", "horizontal"),)),)
MOST_COMPILED = 2  # augmented passes kept compiled

_compiled: "OrderedDict[Any, Augmented]" = OrderedDict()  # cache: the most recently used last


def features_of(problem: Problem, run: Store, spec: TrialSpec, split: str, view: str = "plain") -> Array:
    """Features (N, D) of the split `train` or `validation`, as images or as their mirror images (view `flipped`)."""
    return split_features(problem, run, first_seed(run, spec), structure_of(spec.hyperparameters), split, view)


def inputs_of(problem: Problem, run: Store, spec: TrialSpec, split: str) -> Array:
    """What a batch is gathered from: features, or the images themselves where they are augmented."""
    if spec.blank_images:
        return blank_features(problem, run, spec, len(split_of(problem, split)))
    if split == "train" and is_augmented(spec.hyperparameters):
        return split_of(problem, split).images
    return features_of(problem, run, spec, split)


def width_of(problem: Problem, run: Store, spec: TrialSpec, inputs: Array) -> int:
    """D, how many features the heads see of an image, whose `inputs_of` are given; none are computed to know it."""
    if inputs.ndim == 2:
        return int(inputs.shape[1])
    from tuner.training.families import trunk_of

    trunk = trunk_of(problem, structure_of(spec.hyperparameters), first_seed(run, spec))
    assert trunk is not None  # or another engine would serve
    return trunk.width


def is_augmented(point: Hyperparameters) -> bool:
    """Whether images change beyond what two cached views hold."""
    return point.augmentation not in ((), HORIZONTAL_FLIP)


def blank_features(problem: Problem, run: Store, spec: TrialSpec, count: int) -> Array:
    """The features of the mean training image, `count` times."""
    from tuner.training.families import trunk_of

    trunk = trunk_of(problem, structure_of(spec.hyperparameters), first_seed(run, spec))
    assert trunk is not None  # or another engine would serve
    found = trunk.features(mean_image(problem.dataset.train.images)[None])
    return np.broadcast_to(found, (count, found.shape[1]))


def show_of(problem: Problem, run: Store, spec: TrialSpec) -> Show:
    """How the heads of a spec's group see a batch."""
    point = spec.hyperparameters
    if not point.augmentation or spec.blank_images:
        return plain
    if is_augmented(point):
        return augmented(problem, run, spec)
    mirrored = features_of(problem, run, spec, "train", "flipped")
    return flips(mirrored, spec.seed)


def plain(batch: Batch, epoch: int) -> Array:
    """The features as they are."""
    return batch.inputs


def flips(mirrored: Array, seed: int) -> Show:
    """Each image or its mirror image, by a coin that the seed, the epoch and the image decide."""

    coins, at = np.zeros(len(mirrored), bool), -1

    def show(batch: Batch, epoch: int) -> Array:
        nonlocal coins, at
        if epoch != at:
            coins = np.random.default_rng(np.random.SeedSequence([seed, epoch, FLIP])).random(len(mirrored)) < 0.5
            at = epoch
        return np.where(coins[batch.rows][:, None], mirrored[batch.rows], batch.inputs)

    return show


def augmented(problem: Problem, run: Store, spec: TrialSpec) -> Show:
    """Batches augmented by Keras's layers and passed through the frozen backbone, both in one compiled call."""
    from tuner.training.augmentation import build_augmentation
    from tuner.training.families import trunk_of
    from tuner.training.heads.augmented import Augmented

    point, seed = spec.hyperparameters, first_seed(run, spec)
    trunk = trunk_of(problem, structure_of(point), seed)
    assert trunk is not None  # or another engine would serve
    key = (trunk.digest, point.augmentation, problem.dataset.image_shape)
    if key not in _compiled:
        while len(_compiled) >= MOST_COMPILED:
            _compiled.popitem(last=False)
        _compiled[key] = Augmented(build_augmentation(point.augmentation), trunk)
    _compiled.move_to_end(key)
    stream, at = _compiled[key], -1

    def show(batch: Batch, epoch: int) -> Array:
        nonlocal at
        if epoch != at:
            stream.rekey(spec.seed, epoch)
            at = epoch
        return stream.features(batch.inputs)

    return show
