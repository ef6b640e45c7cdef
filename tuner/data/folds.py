"""How do K folds validate every image once? Training and validation images together, divided anew K times.

With few validation images an accuracy says little: over n images its standard error is up to 0.5 / sqrt(n). K-fold
cross-validation trains K times, each time without another K-th of the images, and validates on those: together on all.
The test images are in no fold. Folds are stratified, and what stands together stays together (see `groups.py`).

A fold is a `Problem` like any other, whose images and features are read from where those of the whole problem are.

Source: L4; M. Stone (JRSS B 36, 1974); T. Hastie et al., The Elements of Statistical Learning, 7.10, on K = 5 or 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import Dataset, Fold, Images, Labels, Problem, Split
from tuner.data.groups import numbered
from tuner.data.spreading import contents_of, spread

if TYPE_CHECKING:
    from tuner.recipe import Recipe

MOST_NOISE = 0.02  # standard error of an accuracy of one half beyond which `auto` takes folds: two points
FEW = round(0.25 / MOST_NOISE**2)  # validation images, 625: with fewer it is larger
AUTO = 5  # folds that `auto` takes, unless a class has fewer images (units) than that
FEWEST = 2

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How many folds finalists are scored by, and why; 0: none."""

    count: int
    because: str = ""


def planned(asked: int | str | None, validation: int, rarest: int, given: bool) -> Plan:
    """The folds that `data.folds` means.

    Args:
        asked: none, `auto`, or the number of folds.
        validation: validation images of the single split.
        rarest: images (units, where they stand together) of the rarest class in training and validation.
        given: the source named the validation images itself: they are how it wants to be judged, so `auto` lets them.
    """
    if asked is None:
        return Plan(0)
    if asked != "auto":
        return Plan(int(asked), "as the recipe says")
    if given:
        return Plan(0, "the source has a validation part of its own, and that is what the run steers by")
    if validation >= FEW:
        return Plan(0, f"{validation} validation images are {FEW} or more: a standard error of two points at most")
    error = 0.5 / max(1, validation) ** 0.5
    few = (
        f"{validation} validation images are fewer than {FEW}: their accuracy has a standard error of up to {error:.3f}"
    )
    count = max(FEWEST, min(AUTO, rarest))
    return Plan(count, few + (f"; the rarest class has {rarest} to divide" if count < AUTO else ""))


def plan_of(recipe: "Recipe", dataset: Dataset) -> Plan:
    """The folds that a recipe asks for on a data set."""
    data, asked = dataset.whole, recipe.data.folds
    if asked is None:
        return Plan(0)
    labels, units = _pool(data)
    rarest = min((len(np.unique(units[labels == label])) for label in np.unique(labels)), default=0)
    return planned(asked, len(data.validation), rarest, "validation" in data.manifest.get("given", ()))


def fold_numbers(labels: Labels, units: Labels, count: int) -> Indices:
    """The fold (N,), 0 to `count` - 1, that validates each image: rows of one unit in one fold, classes alike in all.

    Depends on nothing but the arguments. Raises `ValueError` for fewer than two folds, or more than units.
    """
    found = numbered(units.tolist())
    if not FEWEST <= count <= found.max(initial=-1) + 1:
        raise ValueError(f"{found.max(initial=-1) + 1} images (units) cannot be divided into {count} folds")
    classes = int(labels.max()) + 1
    shares = [1 / count] * count
    numbers = np.full(len(labels), -1, np.int64)
    several = np.bincount(found)[found] > 1
    if several.any():
        inner = numbered(found[several].tolist())
        numbers[several] = spread(contents_of(inner, labels[several]), shares, classes)[inner]
    _deal(numbers, labels, count, classes)
    for empty in set(range(count)) - set(numbers.tolist()):
        sizes = np.bincount(found)
        spare = [unit for unit in range(len(sizes)) if len(set(found[numbers == numbers[found == unit][0]])) > 1]
        numbers[found == min(spare, key=lambda unit: int(sizes[unit]))] = empty
    return numbers


def folded(problem: Problem, fold: tuple[int, int] | None) -> Problem:
    """The problem with the images of a fold, (number from 1, count), for validation and all others for training.

    None gives the problem back. Raises `ValueError` for a fold that there is not.
    """
    whole = problem.whole
    if fold is None:
        return whole
    number, count = fold
    if not 1 <= number <= count:
        raise ValueError(f"folds are numbered 1 to {count}, not {number}")
    labels, units = _pool(whole.dataset)
    here = fold_numbers(labels, units, count) == number - 1
    rows = {"train": np.flatnonzero(~here), "validation": np.flatnonzero(here)}
    images = (whole.dataset.train.images, whole.dataset.validation.images)
    train, validation = (Split(picked(images, rows[part]), labels[rows[part]], units[rows[part]]) for part in rows)
    return replace(whole, dataset=_of_fold(whole.dataset, Fold(number, count, whole.dataset, rows), train, validation))


def _of_fold(whole: Dataset, fold: Fold, train: Split, validation: Split) -> Dataset:
    fingerprint = f"{whole.fingerprint}-fold-{fold.number}-of-{fold.count}"
    return replace(whole, fingerprint=fingerprint, train=train, validation=validation, fold=fold)


class Picked:
    """Rows of two arrays that are thought of as one after the other, read when they are asked for.

    As much of an array as the training needs: shape, length, and indexing by a slice or by row numbers.
    """

    def __init__(self, arrays: Sequence[NDArray[Any]], rows: Indices) -> None:
        self.arrays = arrays
        self.rows = rows
        self.shape = (len(rows), *arrays[0].shape[1:])
        self.dtype = arrays[0].dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """The rows of a slice, or of an array of row numbers; one row of a single number."""
        rows, first = self.rows[key], len(self.arrays[0])
        if np.ndim(rows) == 0:
            return cast(NDArray[Any], self.arrays[0][rows] if rows < first else self.arrays[1][rows - first])
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        early = rows < first
        found[early], found[~early] = self.arrays[0][rows[early]], self.arrays[1][rows[~early] - first]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it, in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)


def picked(arrays: Sequence[NDArray[Any]], rows: Indices) -> Images:
    """`Picked`, in the place of an array."""
    return cast(Images, Picked(arrays, rows))


def _pool(data: Dataset) -> tuple[Labels, Labels]:
    """Labels and units of the training images followed by the validation images."""
    labels = np.concatenate([data.train.labels, data.validation.labels])
    if data.train.units is None or data.validation.units is None:
        return labels, np.arange(len(labels))
    return labels, np.concatenate([data.train.units, data.validation.units])


def _deal(numbers: Indices, labels: Labels, count: int, classes: int) -> None:
    """Give the rows without a fold, -1, one, class by class, to where the class, then everything, is least."""
    have = np.zeros((count, classes), np.int64)
    placed = numbers >= 0
    np.add.at(have, (numbers[placed], labels[placed]), 1)
    for label in range(classes):
        rows = np.flatnonzero((labels == label) & ~placed)
        if len(rows):
            given = _filled(have[:, label], have.sum(axis=1), len(rows))
            numbers[rows] = np.repeat(np.arange(count), given)
            have[:, label] += given


def _filled(have: Indices, everything: Indices, more: int) -> Indices:
    """How many of `more` images each fold gets, so that what they have of the class comes out as level as can be."""
    given = np.zeros_like(have)
    level = np.sort(have)
    for height in range(1, len(have) + 1):  # so many of the emptiest folds are filled up to one level
        top = level[height] if height < len(have) else None
        if top is None or (top - level[:height]).sum() >= more:
            low = np.argsort(have, kind="stable")[:height]
            whole, rest = divmod(int(level[:height].sum()) + more, height)
            given[low] = whole - have[low]
            first = low[np.lexsort((low, everything[low] + given[low]))][:rest]
            given[first] += 1
            break
    return given
