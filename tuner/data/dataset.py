"""What does the rest of the program see of the data? Three splits of uint8 images, and what is known about them.

A `Split` is two arrays; a `Dataset` is three splits with a fingerprint and a manifest; a `Problem` is what a step gets.
Rows of every split stand in an order drawn from the seed and the pixels, so that any prefix is a random sample and
the same images give the same arrays wherever they came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from tuner.recipe import Recipe

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

PARTS = ("train", "validation", "test")


class DataError(Exception):
    """The data cannot be used as they are; the message names the file, the label or the class, and the remedy."""

    exit_code = 2  # of the command that it ends: nothing was run


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels, row by row."""

    images: Images  # uint8 (N, H, W, C) in 0..255, usually memory-mapped and read-only; C is 3 or 1
    labels: Labels  # int64 (N,), in [0, num_classes)
    units: Labels | None = None  # int64 (N,): rows of one number, in any split, stay together; None: each stands alone

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything decoded, split and ready to be read in batches."""

    name: str
    fingerprint: str  # hexadecimal; changes with any pixel, label, class name, size or row of any split
    train: Split
    validation: Split
    class_names: tuple[str, ...]
    manifest: Mapping[str, Any]  # JSON data: what was found, skipped, removed; see tuner/data/manifest.py
    sealed_test: Split  # only the last step may read it, once
    fold: "Fold | None" = None  # set if its train and validation are one fold of another data set's

    @property
    def num_classes(self) -> int:
        """How many classes there are, whether or not each has training examples."""
        return len(self.class_names)

    @property
    def whole(self) -> "Dataset":
        """The data set that was divided into folds; itself if it is none of them."""
        return self if self.fold is None else self.fold.whole

    @property
    def class_frequencies(self) -> NDArray[np.float64]:
        """Share of each class in the training split: float64 (num_classes,), sums to 1."""
        counts = np.bincount(self.train.labels, minlength=self.num_classes)
        return np.divide(counts, max(1, counts.sum()), dtype=np.float64)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every image."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels


@dataclass(frozen=True, eq=False)
class Fold:
    """Which fold of which data set a data set is; see `tuner.data.folds`."""

    number: int  # 1 to `count`
    count: int
    whole: Dataset
    rows: Mapping[str, NDArray[np.int64]]  # of `train` and `validation`, in `whole.train` followed by `.validation`


@dataclass(frozen=True, eq=False)
class Problem:
    """The task as a step sees it: what is asked, and on which data."""

    recipe: "Recipe"
    dataset: Dataset
    cache: Path  # folder for what can be computed again, such as features

    @property
    def start(self) -> Hyperparameters:
        """The point of the search space that the recipe describes."""
        return self.recipe.start()

    @property
    def whole(self) -> "Problem":
        """The problem on the whole data set; itself if it is not one on a fold."""
        return self if self.dataset.fold is None else replace(self, dataset=self.dataset.whole)
