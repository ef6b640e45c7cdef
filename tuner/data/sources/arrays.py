"""What do arrays have to look like to be images and labels? Shared by the sources that hold arrays.

Images: (N, H, W), (N, H, W, 1), (N, H, W, 3) or (N, H, W, 4), in 0..255, or floats in 0..1. Labels: whole numbers
from 0 without a gap, one-hot rows, or names.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dataset import DataError
from tuner.data.frame import BadImage, eight_bit, scale
from tuner.data.listing import Listing, Row

if TYPE_CHECKING:
    from tuner.recipe import Recipe

Arrays = Mapping[str, NDArray[Any]]  # one for each part
Pairs = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]  # part -> (images, labels)


def listing(recipe: "Recipe", pairs: Pairs, words: Mapping[str, str]) -> Listing:
    """A listing of arrays in memory; `words[part]` is what messages call a part's labels, such as `y_train`."""
    for part, (x, y) in pairs.items():
        _check_shape(part, x)
        if len(x) != len(y):
            raise DataError(f"there are {len(x)} images but {len(y)} labels in {words[part]}.")
    images = _eight_bit({part: x for part, (x, _) in pairs.items()})
    names, labels = _encoded(recipe, {part: _flat(y, words[part]) for part, (_, y) in pairs.items()}, words)

    def everything() -> Iterator[Row]:
        for part, x in images.items():
            yield from rows(part, x, labels[part], part)

    return Listing(names, sum(map(len, images.values())), everything)


def rows(name: str, images: NDArray[np.uint8], labels: NDArray[np.int64], part: str) -> Iterator[Row]:
    """One row for each uint8 image, named by its index."""
    from tuner.data.decode import from_array

    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield Row(f"{name}[{i}]", int(label), part, partial(from_array, image))


def class_names(recipe: "Recipe", found: tuple[str, ...]) -> tuple[str, ...]:
    """The names that the recipe declares, in its order, or those that the data have. They must be as many."""
    declared = tuple(recipe.data.class_names or ())
    if declared and len(declared) != len(found):
        theirs = ", ".join(found[:20]) + (", ..." if len(found) > 20 else "")
        raise DataError(f"data.class_names names {len(declared)} classes, but the data have {len(found)}: {theirs}.")
    return declared or found


def _check_shape(part: str, x: NDArray[Any]) -> None:
    if x.dtype.kind not in "buif":
        raise DataError(f"the {part} images have dtype {x.dtype}: save them as uint8.")
    if (x.ndim == 4 and x.shape[-1] in (1, 3, 4)) or x.ndim == 3:
        if 0 in x.shape[1:]:
            raise DataError(f"the {part} images have shape {x.shape}: there is no pixel in them.")
        return
    hint = ""
    if x.ndim == 4 and x.shape[1] in (1, 3, 4):
        hint = " The channels seem to come first: np.transpose(x, (0, 2, 3, 1))."
    elif x.ndim == 2:
        side = round(x.shape[1] ** 0.5)
        hint = f" Flat rows? x.reshape(-1, {side}, {side})." if side * side == x.shape[1] else ""
    law = "(N, H, W), (N, H, W, 1), (N, H, W, 3) or (N, H, W, 4) is needed"
    raise DataError(f"the {part} images have shape {x.shape}; {law}.{hint}")


def _eight_bit(images: Arrays) -> dict[str, NDArray[np.uint8]]:
    """All parts as uint8, on one scale, which the largest value anywhere decides."""
    numbers = [x for x in images.values() if x.size and x.dtype != np.uint8]
    if not numbers:
        return {part: x.astype(np.uint8, copy=False) for part, x in images.items()}
    kinds = np.result_type(*(x.dtype for x in numbers))
    low, high = min(float(np.min(x)) for x in numbers), max(float(np.max(x)) for x in numbers)
    try:
        factor = scale(kinds, low, high)
    except BadImage as error:
        raise DataError(f"{error}. {_offender(images)}Scale the pixels before saving them.") from error
    result = {}
    for part, x in images.items():
        result[part] = np.empty(x.shape, np.uint8)
        for i, image in enumerate(x):  # one at a time: no second copy of everything in floating point
            result[part][i] = eight_bit(image, factor)
    return result


def _offender(images: Arrays) -> str:
    """Where the first value stands that no scale understands."""
    for part, x in images.items():
        for i, image in enumerate(x):
            if not (np.min(image) >= 0 and np.max(image) <= 255):
                return f"The first is number {i} of the {part} images. "
    return ""


def _flat(y: NDArray[Any], word: str) -> NDArray[Any]:
    """Labels as a vector of whole numbers or of names; one-hot rows and whole floats are understood."""
    if y.shape[1:] == (1,):
        y = y.reshape(-1)
    if _one_hot(y):
        y = np.argmax(y, axis=1)
    if y.ndim != 1:
        raise DataError(f"{word} has shape {y.shape}; labels are (N,), (N, 1) or one-hot (N, classes).")
    if y.dtype.kind in "US":
        return y.astype(np.str_)
    if y.dtype.kind not in "buif":
        raise DataError(f"{word} has dtype {y.dtype}; labels are whole numbers from 0, or names.")
    exact = y.astype(np.float64)
    broken = np.flatnonzero(~np.isfinite(exact) | (exact != np.floor(exact)))
    if len(broken):
        raise DataError(f"{word}[{broken[0]}] is {y[broken[0]]:g}; a label is a whole number from 0.")
    return y.astype(np.int64)


def _one_hot(y: NDArray[Any]) -> bool:
    """Rows with a single one, all else zero."""
    if y.dtype.kind not in "buif" or not len(y):
        return False
    return y.ndim == 2 and bool(np.all((y == 0) | (y == 1)) and np.all(np.count_nonzero(y, axis=1) == 1))


def _encoded(
    recipe: "Recipe", labels: Arrays, words: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """Class names, and the labels of each part as indices into them."""
    declared = tuple(recipe.data.class_names or ())
    kinds = {y.dtype.kind for y in labels.values() if len(y)}
    if kinds == {"i", "U"}:
        raise DataError(f"some labels are numbers and some are names: compare {' and '.join(words.values())}.")
    values = np.unique(np.concatenate([y for y in labels.values() if len(y)])) if kinds else np.array([], np.int64)
    if "U" in kinds:
        names = declared or tuple(map(str, values))
        return names, {part: _indices(y, names, words[part]) for part, y in labels.items()}
    _check_range(labels, words, values, declared)
    return declared or tuple(map(str, values)), {part: y.astype(np.int64) for part, y in labels.items()}


def _indices(y: NDArray[Any], names: tuple[str, ...], word: str) -> NDArray[np.int64]:
    index = {name: i for i, name in enumerate(names)}
    alien = next((i for i, value in enumerate(y) if str(value) not in index), None)
    if alien is not None:
        raise DataError(f"{word}[{alien}] is '{y[alien]}', which is not in data.class_names. Add or correct it.")
    return np.array([index[str(value)] for value in y], np.int64)


def _check_range(labels: Arrays, words: Mapping[str, str], values: NDArray[Any], declared: tuple[str, ...]) -> None:
    """Labels are 0..C-1; where no names are declared, every one of them has to occur."""
    count = len(declared) or len(values)
    wrong = values[(values < 0) | (values >= count)]
    if not len(wrong):
        return
    value = int(wrong[0])
    part, index = next((part, int(np.flatnonzero(y == value)[0])) for part, y in labels.items() if value in y)
    classes = f"{count} {'declared classes' if declared else 'different labels'}"
    remedy = "Correct the label, or list every class in data.class_names."
    if not declared and int(values[0]) == 1 and int(values[-1]) == count:
        remedy = "They seem to start at 1: subtract 1."
    raise DataError(f"{words[part]}[{index}] is {value}, but {classes} make the labels 0..{count - 1}. {remedy}")
